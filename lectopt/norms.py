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

    Only a norm whose square overflows or underflows costs another two passes.
    """
    norm = plain_norm(leaves)
    return lax.cond(
        is_ordinary(norm),
        lambda leaves: (norm, jnp.ones_like(norm)),
        lambda leaves: norm_by_largest(leaves),
        leaves,
    )


def plain_norm(leaves: list[Any]) -> Any:
    """The root of the sum of squares, in float32 or wider."""
    dtype = _real_of(leaves)
    return sqrt(sum((jnp.sum(abs_sq(x)).astype(dtype) for x in leaves), jnp.zeros([], dtype)))


def is_ordinary(norm: Any) -> Any:
    """Whether a plain norm has lost nothing to overflow or underflow."""
    return (norm > float(jnp.finfo(norm.dtype).tiny) ** 0.25) & (norm < jnp.inf)


def norm_by_largest(leaves: list[Any]) -> tuple[Any, Any]:
    """The largest magnitude, and the norm of `leaves` divided by it, 1 or more."""
    dtype = _real_of(leaves)
    zero = jnp.zeros([], dtype)
    largest = ft.reduce(jnp.maximum, (_magnitude(leaf).astype(dtype) for leaf in leaves), zero)
    # XLA divides by multiplying with the reciprocal, which underflows for the largest floats.
    finite = jnp.minimum(largest, float(jnp.finfo(dtype).max) / 8)
    scale = jnp.where(jnp.isinf(largest), largest, finite)
    units = [by_part(ft.partial(over, scale=scale), leaf) for leaf in leaves]
    # Some coordinate of a unit is at least 1; the maximum matters only where all are 0.
    return scale, jnp.maximum(plain_norm(units), 1)


def _real_of(leaves: list[Any]) -> Any:
    reals = [jnp.finfo(leaf.dtype).dtype for leaf in leaves]
    return ft.reduce(np.promote_types, reals, np.dtype(np.float32))


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
