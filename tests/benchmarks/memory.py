"""What a donated update needs beside parameters, state and gradients."""

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import optax

import lectopt
from tests.benchmarks.claims import Claim, constant
from tests.benchmarks.programs import stepping

WEIGHTS = 5_000_000
ROWS: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
    "Adam": (lambda: lectopt.adam(1e-3), lambda: optax.adam(1e-3)),
    "momentum": (lambda: lectopt.sgd(0.1, momentum=0.9), lambda: optax.sgd(0.1, momentum=0.9)),
    "clipping, then AdamW": (
        lambda: lectopt.chain(lectopt.clip_by_global_norm(1.0), lectopt.adamw(1e-3)),
        lambda: optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(1e-3)),
    ),
}


def peak(tx: Any) -> tuple[float, float]:
    """Megabytes at the peak of a donated update, and those of its arguments."""
    params = jax.ShapeDtypeStruct((WEIGHTS,), jnp.float32)
    state = jax.eval_shape(tx.init, params)
    memory = stepping(tx).lower(params, state, params).compile().memory_analysis()
    arguments = memory.argument_size_in_bytes
    fresh = memory.output_size_in_bytes - memory.alias_size_in_bytes
    return (arguments + fresh + memory.temp_size_in_bytes) / 1e6, arguments / 1e6


def claims(quick: bool) -> Iterator[Claim]:
    """The rows."""
    del quick
    for name, (ours, theirs) in ROWS.items():
        (mine, least), (others, _) = peak(ours()), peak(theirs())
        words = f"peak of a donated update, {name}"
        fits = dict(unit="MB", turns=1)
        yield Claim(
            words,
            constant(mine),
            constant(least),
            peer="parameters, state and gradients",
            at_most=None if "clip" in name else 1.05,
            **fits,
        )
        yield Claim(words, constant(mine), constant(others), at_most=1.001, **fits)
