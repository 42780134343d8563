"""How fast a sweep is, beside what one would write by hand: `python -m tests.benchmarks.sweeps`.

The digits MLP of 32 or 256 hidden units, Adam, 64 or 256 learning rates, 300 steps, compiled
already, are rows of `run.py`: a sweep, `jit(vmap(scan))` of all rates at once, and one traced
`scan` a rate after the other, in turns. Here all of it is made from nothing, in a new process: a
sweep, one with halving, and a loop that compiles anew for each of a few rates (times the rates).
With `--torch PYTHON`, an interpreter that has PyTorch and Optuna, also the TPE of Optuna
that drives a PyTorch loop.
"""

import argparse
import functools as ft
import json
import os
import subprocess
import sys
import tempfile
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
from lectopt.testing.tracing import compilations
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


@ft.lru_cache(maxsize=1)
def trainings(width, count):
    """A sweep, all trainings at once, and one after the other, each run once already."""
    own, rates = problem(width), np.logspace(-5, 0, count)
    values = jnp.asarray(rates, jnp.float32)
    one, every = jax.jit(by_hand(own)), jax.jit(jax.vmap(by_hand(own)))
    calls = {
        "sweep": lambda: swept(own, rates),
        "vmap": lambda: jax.block_until_ready(every(values)),
        "scans": lambda: jax.block_until_ready([one(rate) for rate in values]),
        "first": first_record(own, rates),
    }
    for name in ("sweep", "vmap", "scans"):
        calls[name]()
    return calls


def timed(width, count, name):
    """The wall time of one of them."""
    return lambda: wall(trainings(width, count)[name])()


def compiled_again(width, count):
    """How many programs another sweep of the same makes."""
    calls, made = trainings(width, count), compilations()
    before = len(made)
    calls["sweep"]()
    return float(len(made) - before)


def claims(quick):
    """The rows: sweeps of what was swept before, beside trainings that are compiled already."""
    for width, counts in ((32, (64,)),) if quick else ((32, (64, 256)), (256, (64,))):
        for count in counts:
            what, at = f"sweep of {count} rates, width {width}", (width, count)
            ours, unit = timed(*at, "sweep"), dict(unit="ms wall", turns=3)
            vmapped, scans = timed(*at, "vmap"), timed(*at, "scans")
            yield Claim(what, ours, vmapped, peer="jit(vmap(scan))", at_most=1 / 1.4, **unit)
            bound = 1 / 2 if at == (32, 64) else None
            yield Claim(what, ours, scans, peer="scan after scan", at_most=bound, **unit)
            yield Claim(
                f"{what}: first record",
                lambda at=at: trainings(*at)["first"](),
                constant(300.0),
                peer="0.3 s",
                at_most=1.0,
                **unit,
            )
            yield Claim(
                f"{what}: programs compiled by another",
                lambda at=at: compiled_again(*at),
                constant(1.0),
                peer="none",
                unit="",
                at_most=0.0,
                turns=1,
            )
            yield Claim(
                f"{what}: records a second",
                lambda at=at, ours=ours: 1e3 * at[1] / ours(),
                lambda at=at, vmapped=vmapped: 1e3 * at[1] / vmapped(),
                peer="jit(vmap(scan))",
                unit="1/s",
                turns=1,
            )
    yield Claim(
        "first record in a new process, programs kept on disk",
        new_process,
        constant(1500.0),
        peer="1.5 s",
        unit="ms wall",
        at_most=1.0,
        turns=1 if quick else 3,
        note="after the imports; tracing and lowering are done anew",
    )


KEPT = tempfile.TemporaryDirectory()  # of the programs that the first process compiles
FIRST = """
import numpy as np
from tests.benchmarks.sweeps import first_record, problem
print(first_record(problem(32), np.logspace(-5, 0, 64))())
"""


@ft.cache
def warmed():
    """A first process, which compiles."""
    return first_record_of_a_process()


def first_record_of_a_process():
    """Milliseconds until the first record of a sweep in a process of its own."""
    env = os.environ | {
        "JAX_COMPILATION_CACHE_DIR": KEPT.name,
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    }
    command = [sys.executable, "-c", FIRST]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, env=env)
    return float(ran.stdout.splitlines()[-1])


def new_process():
    """The same in one that finds what another has compiled."""
    warmed()
    return first_record_of_a_process()


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
