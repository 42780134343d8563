"""What an update costs when the model has many leaves: lectopt, Optax, and an Adam by hand.

    python tests/benchmarks/many_leaves.py [--quick | --full] [--only NAME]

NAME is an algorithm, a tree, or one of build, update, step, count, trace, compile. The libraries
take turns within each repetition and go first in turn; times are medians, the ratio is the median
over repetitions of lectopt's time to Optax's, so that what the machine does meanwhile cancels.
Tracing, lowering and compiling are process time (all threads), steps and uncompiled updates wall
time. "first" is a trace with every cache of JAX and of lectopt emptied, "again" that of a newly
built, equal optimizer after it.
"""

import argparse
import functools as ft
import gc
import importlib.metadata
import os
import platform
import statistics
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import optax
from rows import RATE, ROWS, Maker, Row
from trees import TREES, leaves

import lectopt

COLUMNS = ("lectopt", "optax", "by hand")
CLOSE = 1.03  # compiled steps that agree to 3 % are called equal
TREE = ft.cache(lambda name: TREES[name]())


def fresh() -> None:
    """Empty the caches, so that the next trace is the first in the process."""
    jax.clear_caches()
    gc.collect()
    for thing in gc.get_objects():
        if type(thing) is ft._lru_cache_wrapper and str(thing.__module__).startswith("lectopt"):
            thing.cache_clear()


def problem(make: Maker, params: Any) -> tuple[Any, Any]:
    """An optimizer and the shapes of gradients, state and parameters."""
    tx = make(RATE)
    return tx, (params, jax.eval_shape(tx.init, params), params)


def lowering(make: Maker, tree: str) -> Iterator[tuple[str, float]]:
    """Trace and lower the update, first and again."""
    for when in ("first", "again"):
        tx, arguments = problem(make, TREE(tree))
        fresh() if when == "first" else gc.collect()
        start = time.process_time()
        traced = jax.jit(lambda *args: tx.update(*args)).trace(*arguments)  # noqa: B023
        middle = time.process_time()
        traced.lower()
        end = time.process_time()
        yield f"trace, {when}", 1e3 * (middle - start)
        yield f"trace + lower, {when}", 1e3 * (end - start)


def stepping(tx: Any) -> Any:
    """The update with its use, jitted with parameters and state given up."""

    def step(grads: Any, state: Any, params: Any) -> Any:
        updates, state = tx.update(grads, state, params)
        return optax.apply_updates(params, updates), state

    return jax.jit(step, donate_argnums=(1, 2))


def compiling(make: Maker, tree: str) -> Iterator[tuple[str, float]]:
    """Compile the step."""
    tx, arguments = problem(make, TREE(tree))
    lowered = stepping(tx).lower(*arguments)
    gc.collect()
    start = time.process_time()
    lowered.compile()
    yield "compile", 1e3 * (time.process_time() - start)


def ones(tree: Any) -> Any:
    """Arrays for shapes."""
    return jax.tree.map(lambda x: jnp.ones(x.shape, x.dtype), tree)


class Compiled:
    """A compiled step, run from where it stands."""

    name = "compiled step"

    def __init__(self, make: Maker, tree: str) -> None:
        tx = make(RATE)
        self.grads, self.params = ones(TREE(tree)), ones(TREE(tree))
        self.state, self.step = tx.init(self.params), stepping(tx)

    def run(self) -> None:
        """One step."""
        self.params, self.state = self.step(self.grads, self.state, self.params)
        jax.block_until_ready(self.params)


class Uncompiled:
    """The update of a few small leaves without jit."""

    name = "uncompiled update"

    def __init__(self, make: Maker, tree: str) -> None:
        self.tx, self.params = make(RATE), ones(leaves(int(tree.split()[0])))
        self.state = self.tx.init(self.params)

    def run(self) -> None:
        """One update, always the same."""
        jax.block_until_ready(self.tx.update(self.params, self.state, self.params))


@ft.lru_cache(maxsize=8)
def prepared(kind: type[Compiled | Uncompiled], make: Maker, tree: str) -> Compiled | Uncompiled:
    """What is run many times, made and warmed once."""
    ready = kind(make, tree)
    ready.run()
    return ready


def running(kind: type[Compiled | Uncompiled], make: Maker, tree: str) -> Iterator[Any]:
    """The fastest of a few runs in a row."""
    ready, times = prepared(kind, make, tree), []
    for _ in range(5):
        start = time.perf_counter()
        ready.run()
        times.append(1e3 * (time.perf_counter() - start))
    yield kind.name, min(times)


def building(make: Maker, tree: str) -> Iterator[tuple[str, float]]:
    """Build an optimizer."""
    start = time.process_time()
    for _ in range(50):
        make(RATE)
    yield "build", 1e3 * (time.process_time() - start) / 50


def counting(make: Maker, tree: str) -> Iterator[tuple[str, float]]:
    """What tracing and lowering leave, and how often the rules for one weight were run for it."""
    tx, arguments = problem(make, TREE(tree))
    fresh()
    rules = 0

    def seen(frame: Any, event: str, _: Any) -> None:
        nonlocal rules
        inside = f"{os.sep}lectopt{os.sep}primitives{os.sep}" in frame.f_code.co_filename
        rules += event == "call" and inside

    sys.setprofile(seen)
    traced = jax.jit(lambda *args: tx.update(*args)).trace(*arguments)
    sys.setprofile(None)
    text = traced.lower().as_text()
    yield "functions lowered", text.count("func.func")
    yield "operations lowered", text.count(" = ")
    yield "calls of rules", rules


def target(measure: str, row: Row) -> float | None:
    """What the ratio may be at most; None where nothing was promised."""
    targets = {"trace + lower": row.share, "compile": 0.9, "compiled step": 1.0}
    return (targets | {"uncompiled update": 0.5}).get(measure.split(",")[0])


def table(row: Row, tree: str, measured: Any, repeats: int) -> None:
    """Measure in turn and print a line per measure."""
    makers = row.makers()
    times: dict[str, dict[str, list[float]]] = {}
    for repeat in range(repeats):
        columns = list(makers)
        for column in columns[repeat % len(columns) :] + columns[: repeat % len(columns)]:
            for measure, value in measured(makers[column], tree):
                times.setdefault(measure, {c: [] for c in makers})[column].append(value)
    for measure, by_column in times.items():
        pairs = zip(by_column["lectopt"], by_column["optax"], strict=True)
        ratio = statistics.median(a / b if b else float("nan") for a, b in pairs)
        medians = {c: statistics.median(values) for c, values in by_column.items()}
        cells = "".join(f"{medians[c]:11.4g}" if c in medians else " " * 11 for c in COLUMNS)
        wanted, met = target(measure, row), ratio
        if measure == "build":
            end = f"0.1 ms {'met' if medians['lectopt'] <= 0.1 else 'NOT MET'}"
        elif wanted:
            slack = CLOSE if measure == "compiled step" else 1.0
            end = f"{wanted:6.2f} {'met' if met <= slack * wanted else 'NOT MET'}"
        else:
            end = ""
        print(f"{measure:22}{tree:14}{row.name:10}{cells}{ratio:8.2f}  {end}".rstrip(), flush=True)


def plan(size: str) -> Iterator[tuple[str, Any, str, int]]:
    """What is measured, on which trees, how often; the cheap things first."""
    quick, models = size == "quick", ("ResNet-50", "ViT-B/16")
    yield "build", building, "", 5
    for tree in ("2 leaves", "20 leaves"):
        yield "update", ft.partial(running, Uncompiled), tree, 9 if quick else 21
    for tree in ("small GPT",) if quick else ("200 leaves", "small GPT"):
        yield "step", ft.partial(running, Compiled), tree, 21
    yield "count", counting, "200 leaves", 1
    for tree in ("200 leaves", "GPT-2", *(() if quick else models)):
        yield "trace", lowering, tree, 2 if quick else 5
    yield "trace", lowering, "1,000 leaves", 1 if quick else 3
    yield "compile", compiling, "GPT-2", 1 if quick else 3
    for tree in () if quick else ("200 leaves", *models, "1,000 leaves"):
        yield "compile", compiling, tree, 3
    if size == "full":
        yield "trace", lowering, "4,000 leaves", 3
        yield "compile", compiling, "4,000 leaves", 1


def main() -> None:
    """Print a line per measure, tree and algorithm."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    sizes = parser.add_mutually_exclusive_group()
    sizes.add_argument("--quick", action="store_const", const="quick", dest="size", default="usual")
    sizes.add_argument("--full", action="store_const", const="full", dest="size")
    parser.add_argument("--only", metavar="NAME", help="one algorithm, tree or measure")
    options = parser.parse_args()
    versions = " ".join(f"{p} {importlib.metadata.version(p)}" for p in ("jax", "optax", "flax"))
    date = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    print(f"{date}, lectopt in {Path(lectopt.__file__).parent}, {versions}", end=", ")
    print(f"Python {platform.python_version()}, {jax.default_backend()}, {os.cpu_count()} cores")
    print(f"times in ms\n{'':46}" + "".join(f"{c:>11}" for c in COLUMNS) + "   ratio  target")
    names = ("adam", "momentum") if options.size == "quick" else [r.name for r in ROWS if r.lectopt]
    for label, measured, tree, repeats in plan(options.size):
        for algorithm in (r for r in ROWS if r.name in names):
            if options.only in (None, label, tree, algorithm.name):
                table(algorithm, tree, measured, repeats)


if __name__ == "__main__":
    main()
