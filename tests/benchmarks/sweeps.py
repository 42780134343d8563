"""How fast a sweep is, beside what one would write by hand: `python -m tests.benchmarks.sweeps`.

The digits MLP of 32 or 256 hidden units, Adam, 64 or 256 learning rates, 300 steps, compiled
already, are rows of `run.py`: a sweep, `jit(vmap(scan))` of all rates at once, and one traced
`scan` a rate after the other, in turns. Here all of it is made from nothing, in a new process: a
sweep, one with halving, and a loop that compiles anew for each of a few rates (times the rates).
With `--torch PYTHON`, an interpreter that has PyTorch and Optuna, also the TPE of Optuna
that drives a PyTorch loop.
"""

import argparse
import json
import subprocess
import sys
import time
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

import lectopt
from lectopt import Problem, sweep
from lectopt._sweep.store import Store
from lectopt.training import batch_indices, random_streams
from lectopt.training.data import digits
from tests.benchmarks.claims import Claim, constant, wall

STEPS, BATCH = 300, 64
DATA = digits()

TORCH = """
import sys, time, json, numpy as np
width, trials, path = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
started = time.perf_counter()
import optuna, torch
optuna.logging.set_verbosity(optuna.logging.WARNING)
data = np.load(path); x, y = torch.tensor(data["x"]), torch.tensor(data["y"]).long()
def objective(trial):
    torch.manual_seed(0)
    layers = torch.nn.Linear(64, width), torch.nn.ReLU(), torch.nn.Linear(width, 10)
    model = torch.nn.Sequential(*layers)
    tx = torch.optim.Adam(model.parameters(), lr=trial.suggest_float("lr", 1e-5, 1.0, log=True))
    for step in range(300):
        rows = torch.randint(len(x), (64,))
        tx.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(x[rows]), y[rows])
        loss.backward()
        tx.step()
    return loss.item()
optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0)).optimize(objective, n_trials=trials)
print(json.dumps(time.perf_counter() - started))
"""


def problem(width):
    class MLP(nnx.Module):
        def __init__(self, rngs):
            self.hidden = nnx.Linear(64, width, rngs=rngs)
            self.out = nnx.Linear(width, 10, rngs=rngs)

        def __call__(self, x):
            return self.out(nnx.relu(self.hidden(x)))

    def loss(model, batch):
        return optax.softmax_cross_entropy_with_integer_labels(model(batch[0]), batch[1]).mean()

    return Problem.from_nnx(MLP, loss, DATA, BATCH)


def by_hand(problem):
    """One training as a function of its rate."""
    train, n = jax.tree.map(jnp.asarray, problem.data["train"]), problem.size
    streams = random_streams(0)

    def run(rate):
        params, _ = problem.start(streams.init)
        tx = optax.adam(rate)

        def step(carry, t):
            params, opt_state = carry
            rows = batch_indices(streams.data, t, n, BATCH)
            batch = jax.tree.map(lambda x: x[rows], train)
            value, grads = jax.value_and_grad(
                lambda p: jnp.mean(problem.loss(p, batch, streams.noise))
            )(params)
            updates, opt_state = tx.update(grads, opt_state, params)
            return (optax.apply_updates(params, updates), opt_state), value

        return jax.lax.scan(step, (params, tx.init(params)), jnp.arange(STEPS))[1][-1]

    return run


def swept(problem, rates, **options):
    options = {"seeds": 1, "eval_every": STEPS, "progress": False, **options}
    return sweep(problem, {"adam": optax.adam}, {"learning_rate": rates}, STEPS, **options)


def first_record(problem, rates):
    """The time until the first tile is known, in milliseconds."""

    def measure():
        known, add = [], Store.add

        def noted(*arguments):
            add(*arguments)
            known.append(time.perf_counter())

        started = time.perf_counter()
        with mock.patch.object(Store, "add", noted):
            swept(problem, rates)
        return 1e3 * (known[0] - started)

    return measure


def claims(quick):
    """The rows: sweeps of what was swept before, beside trainings that are compiled already."""
    for width in (32, 256):
        own = problem(width)
        one, every = jax.jit(by_hand(own)), jax.jit(jax.vmap(by_hand(own)))
        for count in (64,) if quick else (64, 256):
            rates = np.logspace(-5, 0, count)
            values = jnp.asarray(rates, jnp.float32)
            ours = wall(lambda own=own, rates=rates: swept(own, rates), 1)
            vmapped = wall(lambda f=every, x=values: jax.block_until_ready(f(x)), 1)
            scans = wall(lambda f=one, x=values: jax.block_until_ready([f(r) for r in x]), 1)
            for call in (ours, vmapped, scans):
                call()
            what = f"sweep of {count} rates, width {width}"
            yield Claim(what, ours, vmapped, peer="jit(vmap(scan))", at_most=1 / 1.4)
            bound = 1 / 2 if (width, count) == (32, 64) else None
            yield Claim(what, ours, scans, peer="scan after scan", at_most=bound, turns=3)
            first = first_record(own, rates)
            nothing = dict(peer="0.3 s", at_most=1.0, turns=5)
            yield Claim(f"{what}: first record", first, constant(300.0), **nothing)


def fresh(kind, width, count):
    """In a process of its own, with nothing compiled."""
    own, rates = problem(width), np.logspace(-5, 0, count)
    started = time.perf_counter()
    if kind == "sweep":
        swept(own, rates)
    elif kind == "halving":
        swept(own, rates, halving=3, eval_every=10)
    else:
        for rate in rates[:: count // 4]:
            jax.block_until_ready(jax.jit(lambda rate=rate: by_hand(own)(float(rate)))())
    taken = time.perf_counter() - started
    print(json.dumps(taken * (count / 4 if kind == "recompiling" else 1)))


def from_nothing(torch):
    for width in (32, 256):
        best = {}
        for kind in ("sweep", "halving", "recompiling"):
            command = [sys.executable, "-m", "tests.benchmarks.sweeps", "--fresh", kind, str(width)]
            found = subprocess.run(command, capture_output=True, text=True, check=True)
            best[kind] = json.loads(found.stdout.splitlines()[-1])
        if torch:
            np.savez("/tmp/digits.npz", x=DATA["train"][0], y=DATA["train"][1])
            command = [torch, "-c", TORCH, str(width), "256", "/tmp/digits.npz"]
            found = subprocess.run(command, capture_output=True, text=True, check=True)
            best["Optuna + PyTorch"] = json.loads(found.stdout.splitlines()[-1])
        told = {k: f"{x:.1f} s, {x / best['sweep']:.1f}" for k, x in best.items()}
        print(f"width {width}, 256 rates, from nothing:", told, flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fresh", nargs=2)
    parser.add_argument("--torch")
    arguments = parser.parse_args()
    assert lectopt.__version__
    if arguments.fresh:
        fresh(arguments.fresh[0], int(arguments.fresh[1]), 256)
    else:
        from_nothing(arguments.torch)
