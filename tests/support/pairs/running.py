"""Two optimizers beside each other in plain JAX: the judge of what is said of a pair.

Operations run one by one, not in a compiled program, where XLA may keep more digits than a cast to
a narrow type leaves. Only long histories are compiled, for their sake.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from lectopt.numerics import precision
from tests.support.pairs.known import Witness

LONG = 400  # updates, from where they are compiled
# How far two orders of the same few sums and products may be apart after some updates: in float32
# three digits may be lost on the way, in float64 six, and bfloat16 has not three. So float32 only
# finds what is grossly wrong, and float64 is the judge. What is `CLEAR` is more than one rounding.
ROUNDING = {"float64": 1e-9, "float32": 2e-4, "bfloat16": 0.1, "float16": 0.02}
CLEAR = {"float64": 1e-13, "float32": 1e-5, "bfloat16": 0.015, "float16": 0.002}


def updates_of(
    tx: Any, params: Any, gradients: Sequence[Any], follow: Any = None, extra: Any = None
) -> list[Any]:
    """The updates of an optimizer.

    Args:
      tx: the optimizer.
      params: the weights at the start.
      gradients: a tree for each update.
      follow: the updates by which the weights move, by default its own.
      extra: a dict of further arguments for each update.
    """
    update = optax.with_extra_args_support(tx).update
    state = tx.init(params)
    if len(gradients) > LONG:
        return _compiled(update, state, params, gradients)
    found = []
    for k, g in enumerate(gradients):
        moves, state = update(g, state, params, **(extra[k] if extra else {}))
        found.append(moves)
        params = optax.apply_updates(params, follow[k] if follow is not None else moves)
    return found


def _compiled(update: Any, state: Any, params: Any, gradients: Sequence[Any]) -> list[Any]:
    """The last updates; each optimizer moves its own weights."""

    def step(carry: Any, g: Any) -> Any:
        params, state = carry
        moves, state = update(g, state, params)
        return (optax.apply_updates(params, moves), state), moves

    stacked = jax.tree.map(lambda *xs: np.stack([np.asarray(x) for x in xs]), *gradients)
    _, moves = jax.jit(lambda c, g: jax.lax.scan(step, c, g))((params, state), stacked)
    moves = jax.tree.map(np.asarray, moves)
    return [jax.tree.map(lambda x, k=k: x[k], moves) for k in range(-5, 0)]


def both(first: Any, second: Any, given: Witness) -> tuple[list[Any], list[Any]]:
    """The updates of both on one path of weights, that of the first."""
    a = updates_of(first, given.params, given.gradients, extra=given.extra)
    return a, updates_of(second, given.params, given.gradients, a, given.extra)


def apart_by(
    a: Sequence[Any], b: Sequence[Any], limits: Mapping[str, float], least: float = 0.0
) -> float:
    """The largest difference of two rows of updates, in units of the limit of its type.

    It is relative to the larger of the two numbers for the limits `CLEAR`, else to the largest of
    their leaf up to then, or to `least`: where large numbers cancel, their rounding is what is
    left. NaN is NaN.
    """
    largest, sizes = 0.0, {}
    for one, other in zip(a, b, strict=True):
        leaves = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
        for k, (x, y) in enumerate(leaves):
            limit = max(limits[jnp.asarray(z).dtype.name] for z in (x, y))
            x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
            with np.errstate(all="ignore"):
                gap = np.where((x == y) | (np.isnan(x) & np.isnan(y)), 0, np.abs(x - y))
                size = np.fmax(np.abs(x), np.abs(y))
                if limits is not CLEAR:
                    finite = np.where(np.isfinite(size), size, 0)
                    sizes[k] = size = max(sizes.get(k, least), float(np.max(finite, initial=0)))
                ratio = np.where(gap == 0, 0, np.where(np.isfinite(gap), gap / size, np.inf))
            largest = max(largest, float(np.nan_to_num(ratio, nan=np.inf).max(initial=0)) / limit)
    return largest


def agree(a: Sequence[Any], b: Sequence[Any]) -> bool:
    """Whether two rows of updates are the same up to rounding."""
    return apart_by(a, b, ROUNDING) <= 1


def differ(a: Sequence[Any], b: Sequence[Any]) -> bool:
    """Whether they are clearly not, at some place."""
    return apart_by(a, b, CLEAR) > 1


def rerun(
    first: Any,
    second: Any,
    weights: Any,
    gradients: Sequence[Any],
    extra: Sequence[Mapping[str, Any]] | None = None,
) -> tuple[list[Any], list[Any]]:
    """Both on given inputs, in float64 if these are."""
    wide = any(np.asarray(x).dtype == np.float64 for x in jax.tree.leaves((weights, gradients)))
    with doubles(wide):
        given = jax.tree.map(jnp.asarray, (weights, list(gradients)))
        return both(first, second, Witness(*given, extra))


def doubles(on: bool = True) -> Any:
    """Double precision for a while."""
    return precision(on)
