"""Gradient clipping: no coordinate, or no norm, above a bound.

Norms are computed in float32 or wider; where squares would overflow or underflow there too, of the
gradient divided by its largest magnitude. An infinite coordinate is infinitely larger than every
finite one: the direction then is that of the infinite coordinates alone, and the finite ones
become 0. NaN is passed on.
"""

import functools as ft
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from lectopt.lifting import leafwise, treewise
from lectopt.numerics import abs_sq, sqrt
from lectopt.settings import NonNegative
from lectopt.trees import dtype_of


@leafwise()
def clip_by_value(g: Any, *, delta: NonNegative) -> Any:
    """Every coordinate brought into `[-delta, delta]`; real and imaginary part by themselves.

    Args:
      delta: largest magnitude that is let through, zero or more.

    Source: ISI (S2-10).
    """
    return _by_part(lambda x: jnp.clip(x, -delta, delta), g)


@leafwise()
def clip_by_norm(g: Any, *, max_norm: NonNegative) -> Any:
    """Every leaf `g` of the gradient scaled by `min(1, max_norm / |g|)`.

    Args:
      max_norm: largest Euclidean norm of a leaf that is let through, zero or more.

    Source: ISI (S2-10); Pascanu et al. 2013.
    """
    return _clipped([g], max_norm)[0]


@treewise()
def clip_by_global_norm(updates: Any, *, max_norm: NonNegative) -> Any:
    """The whole gradient scaled by `min(1, max_norm / |g|)`, which keeps its direction.

    Args:
      max_norm: largest Euclidean norm of all leaves together that is let through, zero or more.

    Source: ISI (S2-10); Pascanu et al. 2013.
    """
    leaves, treedef = jax.tree.flatten(updates)
    return treedef.unflatten(_clipped(leaves, max_norm))


@ft.partial(jax.jit, inline=True)  # without it, the branches are compiled at every uncompiled call
def _clipped(leaves: list[Any], max_norm: Any) -> list[Any]:
    """`leaves`, scaled together to the norm `max_norm` if theirs is larger or NaN."""
    if not leaves:
        return leaves
    dtype = ft.reduce(np.promote_types, [jnp.finfo(leaf.dtype).dtype for leaf in leaves])
    max_norm = jnp.asarray(max_norm, dtype)
    scale, norm = _scaled_norm(leaves, dtype)
    short = scale * norm <= max_norm

    def scaled(leaf: Any) -> Any:
        clipped = _by_part(ft.partial(_over, scale=scale), leaf) * (max_norm / norm)
        return jnp.where(short, leaf, clipped.astype(leaf.dtype))

    return [scaled(leaf) for leaf in leaves]


def _scaled_norm(leaves: list[Any], dtype: Any) -> tuple[Any, Any]:
    """A scale, and the norm of `leaves / scale`: 1 if the scale is their norm.

    Only a norm whose square overflows or underflows costs another two passes.
    """

    def norm_of(leaves: list[Any]) -> Any:
        return sqrt(sum(jnp.sum(abs_sq(leaf)).astype(dtype) for leaf in leaves))

    def by_largest() -> tuple[Any, Any]:
        largest = ft.reduce(jnp.maximum, [_magnitude(leaf).astype(dtype) for leaf in leaves])
        # XLA divides by multiplying with the reciprocal, which underflows for the largest floats.
        finite = jnp.minimum(largest, float(jnp.finfo(dtype).max) / 8)
        scale = jnp.where(jnp.isinf(largest), largest, finite)
        units = [_by_part(ft.partial(_over, scale=scale), leaf) for leaf in leaves]
        # Some coordinate of a unit is at least 1; the maximum matters only where all are 0.
        return scale, jnp.maximum(norm_of(units), 1)

    norm = norm_of(leaves)
    ordinary = (norm > float(jnp.finfo(dtype).tiny) ** 0.25) & (norm < jnp.inf)
    return lax.cond(ordinary, lambda: (norm, jnp.ones_like(norm)), by_largest)


def _magnitude(leaf: Any) -> Any:
    """The largest magnitude of a real or imaginary part."""
    parts = [jnp.real(leaf), jnp.imag(leaf)] if jnp.iscomplexobj(leaf) else [leaf]
    return ft.reduce(jnp.maximum, [jnp.max(abs(part), initial=0) for part in parts])


def _over(part: Any, scale: Any) -> Any:
    """`part / scale`; if that is infinite, the signs of the infinite coordinates."""
    finite = part / jnp.where(scale == 0, 1, scale)
    return jnp.where(jnp.isinf(scale), jnp.where(jnp.isinf(part), jnp.sign(part), 0), finite)


def _by_part(rule: Callable[[Any], Any], leaf: Any) -> Any:
    """`rule` of a real leaf, and of the real and the imaginary part of a complex one."""
    if jnp.issubdtype(dtype_of(leaf), jnp.complexfloating):
        return lax.complex(rule(jnp.real(leaf)), rule(jnp.imag(leaf)))
    return rule(leaf)
