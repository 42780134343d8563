"""Gradient clipping: no coordinate, or no norm, above a bound.

Norms are those of `lectopt.norms`. An infinite coordinate is infinitely larger than every finite
one: the direction then is that of the infinite coordinates alone, and the finite ones become 0. NaN
is passed on.
"""

import functools as ft
from typing import Any

import jax
import jax.numpy as jnp

from lectopt.lifting import leafwise, treewise
from lectopt.norms import by_part, over, scaled_norm
from lectopt.settings import Bound


@leafwise()
def clip_by_value(g: Any, *, delta: Bound[Any]) -> Any:
    """Every coordinate brought into `[-delta, delta]`; real and imaginary part by themselves.

    Args:
      delta: largest magnitude that is let through, zero or more; `math.inf` for any.

    Source: ISI (S2-10).
    """
    return by_part(lambda x: jnp.clip(x, -delta, delta), g)


@leafwise()
def clip_by_norm(g: Any, *, max_norm: Bound[Any]) -> Any:
    """Every leaf `g` of the gradient scaled by `min(1, max_norm / |g|)`.

    Args:
      max_norm: largest Euclidean norm of a leaf that is let through, zero or more; `math.inf` for
        any.

    Source: ISI (S2-10); Pascanu et al. 2013.
    """
    return _clipped([g], max_norm)[0]


@treewise()
def clip_by_global_norm(updates: Any, *, max_norm: Bound[Any]) -> Any:
    """The whole gradient scaled by `min(1, max_norm / |g|)`, which keeps its direction.

    Args:
      max_norm: largest Euclidean norm of all leaves together that is let through, zero or more;
        `math.inf` for any.

    Source: ISI (S2-10); Pascanu et al. 2013.
    """
    leaves, treedef = jax.tree.flatten(updates)
    return treedef.unflatten(_clipped(leaves, max_norm))


@ft.partial(jax.jit, inline=True)  # without it, the branches are compiled at every uncompiled call
def _clipped(leaves: list[Any], max_norm: Any) -> list[Any]:
    """`leaves`, scaled together to the norm `max_norm` if theirs is larger or NaN."""
    if not leaves:
        return leaves
    scale, norm = scaled_norm(leaves)
    max_norm = jnp.asarray(max_norm, norm.dtype)
    short = scale * norm <= max_norm
    share = jnp.where(short, 1, max_norm / norm)  # an infinite one would make NaN of a 0

    def scaled(leaf: Any) -> Any:
        clipped = by_part(ft.partial(over, scale=scale), leaf) * share
        return jnp.where(short, leaf, clipped.astype(leaf.dtype))

    return [scaled(leaf) for leaf in leaves]
