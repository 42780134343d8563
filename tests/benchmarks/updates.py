"""Time of an update beside Optax's: tracing, compiled, and eager, interleaved in one run.

    python tests/benchmarks/updates.py

Prints for each algorithm the median of our time, of Optax's, and of the ratio of neighbouring runs
(below 1: ours is faster). Timings depend on the machine; what must not depend on it is tested in
tests/optimizers/test_cost.py.
"""

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import optax

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.support.algorithms import ALGORITHMS  # noqa: E402

ROWS = ("sgd", "sgd/momentum", "adagrad/inside", "rmsprop/inside", "adam/outside", "adamw")


def tracing(tx: optax.GradientTransformation) -> Callable[[], Any]:
    """Trace and lower the update of a tree of 200 leaves."""
    params = {f"leaf{i}": jnp.ones((3, i % 4 + 1)) for i in range(200)}
    state = tx.init(params)
    return lambda: jax.jit(lambda *args: tx.update(*args)).lower(params, state, params)


def compiled(tx: optax.GradientTransformation) -> Callable[[], Any]:
    """Run the compiled update of 1e6 weights and its application."""
    params = jnp.ones(1_000_000)

    @jax.jit
    def step(grads: Any, state: Any, params: Any) -> Any:
        updates, state = tx.update(grads, state, params)
        return optax.apply_updates(params, updates), state

    state = tx.init(params)
    return lambda: jax.block_until_ready(step(params, state, params))


def eager(tx: optax.GradientTransformation) -> Callable[[], Any]:
    """Run the update of a small layer without jit."""
    params = {"kernel": jnp.ones((8, 8)), "bias": jnp.ones(8)}
    state = tx.init(params)
    return lambda: jax.block_until_ready(tx.update(params, state, params))


def milliseconds(call: Callable[[], Any]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    call()
    return 1e3 * (time.perf_counter() - start)


def main() -> None:
    """Print one line per algorithm and kind of time."""
    print(f"{'':12}{'':18}{'lectopt ms':>12}{'optax ms':>12}{'ratio':>8}")
    rows = [row for row in ALGORITHMS if row.id in ROWS and row.optax]
    for kind, runs in ((tracing, 7), (compiled, 51), (eager, 51)):
        for row in rows:
            assert row.optax is not None
            ours, theirs = kind(row.build()), kind(row.optax(0.1, **row.numbers))
            ours(), theirs()
            pairs = [(milliseconds(ours), milliseconds(theirs)) for _ in range(runs)]
            medians = [statistics.median(times) for times in zip(*pairs, strict=True)]
            ratio = statistics.median(a / b for a, b in pairs)
            print(f"{kind.__name__:12}{row.id:18}{medians[0]:12.2f}{medians[1]:12.2f}{ratio:8.2f}")


if __name__ == "__main__":
    main()
