"""How long a step takes, in four loops of one network: `fit`, a scan that is written by hand, the
`nnx.jit` loop of Flax's tutorials, and PyTorch's where it is installed.

    python tests/benchmarks/training_loops.py --widths 32 128 512 --steps 5000

Each is compiled before. The loops take turns, round after round, and the least time of each counts,
so that other processes on the machine disturb all of them alike. Times are of the processor, all
threads together; the last columns are ratios of them.
"""

import argparse
import functools as ft
import importlib.util
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

sys.path.insert(0, str(Path(__file__).parents[2]))

import lectopt  # noqa: E402
from lectopt.training import Problem, digits  # noqa: E402
from lectopt.training.fitting import _loop  # noqa: E402
from lectopt.training.history import History  # noqa: E402
from lectopt.training.loop import Loop, Plan  # noqa: E402
from lectopt.training.programs import copied  # noqa: E402
from lectopt.training.progress import Progress  # noqa: E402
from tests.benchmarks.claims import Claim, process  # noqa: E402

BATCH = 64


class MLP(nnx.Module):
    def __init__(self, width, rngs):
        self.hidden, self.out = nnx.Linear(64, width, rngs=rngs), nnx.Linear(width, 10, rngs=rngs)

    def __call__(self, x):
        return self.out(nnx.relu(self.hidden(x)))


def loss(model, batch):
    return optax.softmax_cross_entropy_with_integer_labels(model(batch[0]), batch[1])


def seconds(loops, rounds):
    """The least time of each, in turns."""
    least = dict.fromkeys(loops, float("inf"))
    for _ in range(rounds):
        for name, run in loops.items():
            begun = time.process_time()
            jax.block_until_ready(run())
            least[name] = min(least[name], time.process_time() - begun)
    return least


def with_fit(width, data, tx, steps):
    problem = Problem.from_nnx(lambda rngs: MLP(width, rngs), loss, {"train": data}, BATCH)
    plan = Plan(steps, 10**9, None, (), "stop")
    programs = (made := _loop(problem, tx, plan, 0, {})).programs

    def run():
        loop = Loop(problem, programs, plan, copied(made.training), 0, History())
        return loop.train(Progress(), lambda loop, stopped: None).params

    run()
    return run


def by_hand(width, data, tx, steps):
    graph, params = nnx.split(MLP(width, nnx.Rngs(0)))
    x, y = map(jnp.asarray, data)
    per_epoch = len(y) // BATCH

    @jax.jit
    def train(params, state, key):
        def step(carry, samples):
            params, state = carry

            def mean(params):
                return loss(nnx.merge(graph, params), (x[samples], y[samples])).mean()

            value, grads = jax.value_and_grad(mean)(params)
            updates, state = tx.update(grads, state, params)
            return (optax.apply_updates(params, updates), state), value

        def epoch(carry, i):
            order = jax.random.permutation(jax.random.fold_in(key, i), len(y))
            batches = order[: per_epoch * BATCH].reshape(per_epoch, BATCH)
            return jax.lax.scan(step, carry, batches)

        return jax.lax.scan(epoch, (params, state), jnp.arange(steps // per_epoch))

    arguments = params, tx.init(params), jax.random.key(0)
    jax.block_until_ready(train(*arguments))
    return lambda: train(*arguments)


def with_nnx_jit(width, data, tx, steps):
    model = MLP(width, nnx.Rngs(0))
    optimizer = nnx.Optimizer(model, tx, wrt=nnx.Param)
    order = np.random.default_rng(0)

    @nnx.jit
    def step(model, optimizer, x, y):
        value, grads = nnx.value_and_grad(lambda model: loss(model, (x, y)).mean())(model)
        optimizer.update(model, grads)
        return value

    def run():
        for _ in range(steps):
            samples = order.integers(0, len(data[1]), BATCH)
            value = step(model, optimizer, data[0][samples], data[1][samples])
        return value

    steps, whole = 3, steps
    run()
    steps = whole
    return run


def with_torch(width, data, tx, steps):
    import torch

    net = torch.nn.Sequential(
        torch.nn.Linear(64, width), torch.nn.ReLU(), torch.nn.Linear(width, 10)
    )
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    x, y = torch.from_numpy(data[0]), torch.from_numpy(data[1]).long()

    def run():
        for _ in range(steps):
            samples = torch.randint(0, len(y), (BATCH,))
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(net(x[samples]), y[samples]).backward()
            optimizer.step()

    return run


MAKERS = {"fit": with_fit, "scan": by_hand, "nnx.jit": with_nnx_jit, "torch": with_torch}
if importlib.util.find_spec("torch") is None:
    del MAKERS["torch"]
PEERS = {
    "scan": ("a scan by hand", 1.4, "fit records the norms of every step, too"),
    "nnx.jit": ("Flax's nnx.jit loop", 1 / 3, ""),
    "torch": ("PyTorch's loop", None, ""),
}


def claims(quick: bool) -> Iterator[Claim]:
    """A step of `fit` beside one of each other loop, of the processor, all threads together."""
    data, tx, steps = digits()["train"], lectopt.adam(1e-3), 1000 if quick else 3000
    turns = 3 if quick else 7

    @ft.lru_cache(maxsize=len(MAKERS))
    def prepared(name, width):
        return MAKERS[name](width, data, tx, steps)

    def per_step(name, width):
        """A measurement in microseconds."""
        whole = process(lambda: jax.block_until_ready(prepared(name, width)()))
        return lambda: prepared(name, width) and 1e3 * whole() / steps

    for width in (128,) if quick else (32, 128, 512):
        for name, (peer, at_most, note) in PEERS.items():
            if name in MAKERS:
                what, both = f"a step of training, width {width}", ("fit", name)
                times = (per_step(loop, width) for loop in both)
                yield Claim(what, *times, peer, "us", at_most, turns=turns, note=note)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--widths", type=int, nargs="+", default=[32, 128, 512])
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    data, tx = digits()["train"], lectopt.adam(1e-3)
    print("us a step of the processor, and how many times as long as a step of fit")
    for width in arguments.widths:
        loops = {name: make(width, data, tx, arguments.steps) for name, make in MAKERS.items()}
        found = seconds(loops, arguments.rounds)
        each = {name: f"{1e6 * t / arguments.steps:.1f}" for name, t in found.items()}
        ratios = {name: f"{t / found['fit']:.2f}" for name, t in found.items() if name != "fit"}
        print(f"width {width}: {each}   {ratios}   fit / scan = {found['fit'] / found['scan']:.2f}")


if __name__ == "__main__":
    main()
