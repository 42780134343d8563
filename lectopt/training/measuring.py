"""Metrics of a split: means over its samples that no chunk distorts, or one number of all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp

from lectopt.training.losses import mean_of
from lectopt.trees import dtype_of, is_inexact, wide_dtype

CHUNK = 256  # samples at a time, at least: enough to keep a core busy

Metrics = Mapping[str, jax.Array]


def means(evaluate: Callable[[Any], Metrics], split: Any, chunk: int) -> dict[str, jax.Array]:
    """The metrics of a split, each one number.

    If `evaluate` gives one number a sample for every metric, it is called with `chunk` samples at a
    time, and every sample counts once. A metric that is one number is of the whole split.

    Args:
        evaluate: From a split to `{name: (n,) or ()}`.
        split: A pytree of arrays of shape `(n, ...)`.
        chunk: The number of samples of a chunk.

    Raises:
        ValueError: A metric has another shape, or is complex.
    """
    n = jax.tree.leaves(split)[0].shape[0]
    shapes = checked_metrics(jax.eval_shape(evaluate, split), n)
    if n <= chunk or any(shape.shape == () for shape in shapes.values()):
        return {name: mean_of(value, name, n) for name, value in evaluate(split).items()}

    def of_chunk(i: jax.Array) -> dict[str, jax.Array]:
        # The last chunk begins earlier, and does not count what those before it have counted.
        begin = jnp.minimum(i * chunk, n - chunk)
        part = jax.tree.map(lambda x: jax.lax.dynamic_slice_in_dim(x, begin, chunk), split)
        counts = begin + jnp.arange(chunk) >= i * chunk
        return {
            name: jnp.sum(jnp.where(counts, value, 0), dtype=_sum_dtype(value))
            for name, value in evaluate(part).items()
        }

    sums = jax.lax.map(of_chunk, jnp.arange(-(-n // chunk)))
    return {name: jnp.sum(sums[name]) / n for name in shapes}


def checked_metrics(found: Any, n: int) -> dict[str, Any]:
    """The metrics, if they have a form that `evaluate` may give.

    Raises:
        ValueError: They have not.
    """
    if not isinstance(found, Mapping) or not all(isinstance(key, str) for key in found):
        shape = getattr(found, "shape", None)
        got = type(found).__name__ if shape is None else f"an array of shape {shape}"
        raise ValueError(
            'evaluate must return {"name": numbers}, one number a sample or one of the whole '
            f'split; got {got}. Write for example {{"accuracy": model(x).argmax(-1) == y}}.'
        )
    for name, value in found.items():
        jax.eval_shape(lambda value, name=name: mean_of(value, f"the metric {name!r}", n), value)
    return dict(found)


def _sum_dtype(value: jax.Array) -> Any:
    dtype = dtype_of(value)
    return wide_dtype(dtype) if is_inexact(dtype) else jnp.int32
