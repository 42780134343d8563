"""Polyak's step: a rate from how far the loss has to go."""

import functools as ft
from typing import Any, Literal

import jax
import jax.numpy as jnp

from lectopt.combinators import chain
from lectopt.lifting import treewise
from lectopt.norms import by_part, over, plain_norm, scaled_norm
from lectopt.numerics import computes
from lectopt.primitives import scale_by_learning_rate
from lectopt.settings import NonNegative, PositiveBound
from lectopt.signatures import checked
from lectopt.transformation import Transformation


@treewise()
def scale_by_polyak(
    updates: Any,
    value: Any,
    *,
    max_learning_rate: PositiveBound[Any] = 1.0,
    f_min: Any = 0.0,
    eps: NonNegative[Any] = 0.0,
    variant: Literal["sps", "sps+"] = "sps",
) -> Any:
    """Polyak's step: the updates times `min((value - f_min) / (|u|^2 + eps), max_learning_rate)`.

    `update` wants the loss: `tx.update(grads, state, params, value=loss)`. Where `|u|^2 + eps` is 0
    the factor is 0.

    Args:
      max_learning_rate: the largest factor, above zero; `math.inf` for none.
      f_min: the least value of the loss, or what it is taken for.
      eps: epsilon, zero or more.
      variant: `"sps+"`: never uphill, where the loss is below `f_min`.

    Raises:
      TypeError: `update` was not given `value`.

    Source: Loizou et al. 2021; Garrigos et al. 2023 for `"sps+"`.
    """
    leaves, treedef = jax.tree.flatten(updates)
    gap = jnp.asarray(value - f_min, jnp.result_type(float))
    gap = jnp.maximum(gap, 0) if variant == "sps+" else gap
    return treedef.unflatten(_steps(*leaves, gap, eps, max_learning_rate))


def _plain_steps(*given: Any) -> list[Any]:
    *leaves, gap, eps, largest = given
    below = plain_norm(leaves) ** 2 + eps
    rate = jnp.minimum(gap / jnp.where(below == 0, 1, below), largest)
    return [u * jnp.where(below == 0, 0, rate).astype(u.real.dtype) for u in leaves]


@computes(_plain_steps)
def _steps(*given: Any) -> list[Any]:
    """Through a vector of norm 1, as the squares of large and of small numbers are no floats."""
    *leaves, gap, eps, largest = given
    if not leaves:
        return leaves
    scale, norm = scaled_norm(leaves)
    length = scale * norm
    some = jnp.where(length == 0, 1, length)
    step = jnp.where(length == 0, 0, jnp.minimum(gap / (some + eps / some), largest * length))

    def stepped(u: Any) -> Any:
        unit = by_part(ft.partial(over, scale=scale), u) / jnp.where(norm == 0, 1, norm)
        return (unit * step).astype(u.dtype)

    return [stepped(u) for u in leaves]


@checked
def polyak_sgd(
    max_learning_rate: PositiveBound = 1.0,
    scaling: NonNegative = 1.0,
    f_min: Any = 0.0,
    eps: NonNegative = 0.0,
    variant: Literal["sps", "sps+"] = "sps",
) -> Transformation:
    """Gradient descent by Polyak's step, which takes the loss to `f_min` if it is linear: `param -
    min((value - f_min) / (|u|^2 + eps), max_learning_rate) u` with `u = scaling g`.

    Args:
      max_learning_rate: see `scale_by_polyak`.
      scaling: zero or more, or a schedule; the paper's `c`, which is 1/2 for convex losses.
      f_min: see `scale_by_polyak`.
      eps: see `scale_by_polyak`.
      variant: see `scale_by_polyak`.

    Raises:
      TypeError: `update` was not given `value`.

    Source: Loizou et al. 2021 (equation 3).
    """
    step = scale_by_polyak(max_learning_rate, f_min, eps, variant)
    return chain(scale_by_learning_rate(scaling), step)
