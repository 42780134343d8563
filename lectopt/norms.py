"""Euclidean norms of numbers whose squares would overflow or underflow."""

import functools as ft
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from lectopt.numerics import abs_sq, sqrt
from lectopt.trees import dtype_of


@ft.partial(jax.jit, inline=True)  # without it, the branches are compiled at every uncompiled call
def scaled_norm(leaves: list[Any]) -> tuple[Any, Any]:
    """A scale, and the norm of `leaves / scale`: 1 if the scale is their norm.

    It is computed in float32 or wider, and of the leaves divided by their largest magnitude where
    squares would overflow or underflow there too. Only such a norm costs another two passes.
    """
    reals = [jnp.finfo(leaf.dtype).dtype for leaf in leaves]
    dtype = ft.reduce(np.promote_types, reals, np.dtype(np.float32))

    def norm_of(leaves: list[Any]) -> Any:
        squares = (jnp.sum(abs_sq(leaf)).astype(dtype) for leaf in leaves)
        return sqrt(sum(squares, jnp.zeros([], dtype)))

    def by_largest() -> tuple[Any, Any]:
        largest = ft.reduce(jnp.maximum, (_magnitude(leaf).astype(dtype) for leaf in leaves))
        # XLA divides by multiplying with the reciprocal, which underflows for the largest floats.
        finite = jnp.minimum(largest, float(jnp.finfo(dtype).max) / 8)
        scale = jnp.where(jnp.isinf(largest), largest, finite)
        units = [by_part(ft.partial(over, scale=scale), leaf) for leaf in leaves]
        # Some coordinate of a unit is at least 1; the maximum matters only where all are 0.
        return scale, jnp.maximum(norm_of(units), 1)

    norm = norm_of(leaves)
    ordinary = (norm > float(jnp.finfo(dtype).tiny) ** 0.25) & (norm < jnp.inf)
    return lax.cond(ordinary, lambda: (norm, jnp.ones_like(norm)), by_largest)


def _magnitude(leaf: Any) -> Any:
    """The largest magnitude of a real or imaginary part."""
    parts = [jnp.real(leaf), jnp.imag(leaf)] if jnp.iscomplexobj(leaf) else [leaf]
    return ft.reduce(jnp.maximum, [jnp.max(abs(part), initial=0) for part in parts])


def over(part: Any, scale: Any) -> Any:
    """`part / scale`; if that is infinite, the signs of the infinite coordinates."""
    finite = part / jnp.where(scale == 0, 1, scale)
    return jnp.where(jnp.isinf(scale), jnp.where(jnp.isinf(part), jnp.sign(part), 0), finite)


def by_part(rule: Callable[[Any], Any], leaf: Any) -> Any:
    """`rule` of a real leaf, and of the real and the imaginary part of a complex one."""
    if jnp.issubdtype(dtype_of(leaf), jnp.complexfloating):
        return lax.complex(rule(jnp.real(leaf)), rule(jnp.imag(leaf)))
    return rule(leaf)
