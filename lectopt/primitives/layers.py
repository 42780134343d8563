"""Rules that look at a whole leaf: its norm, its rows and columns."""

import functools as ft
from typing import Any, Literal

import jax.numpy as jnp

from lectopt.lifting import leafwise
from lectopt.numerics import abs_sq, computes, sqrt
from lectopt.settings import Decay, Fraction, NonNegative, PositiveBound, surely_positive


@leafwise(
    nu=lambda param: jnp.zeros_like(param, dtype=jnp.float32).sum(),
    known=dict(may_vanish=lambda eps: not surely_positive(eps)),
)
def scale_by_leaf_norm(
    g: Any,
    state: Any,
    t: Any,
    may_vanish: bool,
    *,
    decay: Decay[Any] = 0.25,
    eps: NonNegative[Any] = 1e-6,
    eps_inside: bool = False,
    eps_root: NonNegative[Any] = 0.0,
) -> Any:
    """Divide the gradient of a leaf by a moving average of its norm: `g / (sqrt(nu) + eps)`.

    `nu = decay nu + (1 - decay) |g|^2` is one number for every leaf, and `|g|^2` at the first
    update.

    Args:
      decay: in [0, 1).
      eps: epsilon, zero or more.
      eps_inside: `sqrt(nu + eps)` instead.
      eps_root: a second epsilon, added to `nu` inside the root.
      state_dtype: dtype of `nu`.

    Source: Ginsburg et al. 2019, NovoGrad.
    """
    square = jnp.sum(abs_sq(g))
    nu = jnp.where(t == 1, square, decay * state.nu + (1 - decay) * square)
    below = nu + eps_root
    below = jnp.where(below + eps == 0, jnp.inf, below) if may_vanish else below
    return g / (sqrt(below + eps) if eps_inside else sqrt(below) + eps), dict(nu=nu)


Axes = Literal["largest", "last"]


def _factored_axes(
    shape: tuple[int, ...], least: int, factored: bool, axes: Axes
) -> tuple[int, int] | None:
    """The two axes that rows and columns are of, if there are two and both are large enough: those
    of the second largest and of the largest size, or the last two."""
    if not factored or len(shape) < 2:
        return None
    by_size = (
        range(len(shape)) if axes == "last" else sorted(range(len(shape)), key=lambda i: shape[i])
    )
    *_, second, first = by_size
    return (second, first) if min(shape[second], shape[first]) >= least else None


def _without(param: Any, which: int, least: int, factored: bool, axes: Axes) -> Any:
    found = _factored_axes(param.shape, least, factored, axes)
    return None if found is None else jnp.zeros_like(param, dtype=jnp.float32).sum(found[which])


def _row(
    param: Any,
    *,
    min_dim_size_to_factor: int = 128,
    factored: bool = True,
    axes: Axes = "largest",
) -> Any:
    return _without(param, 1, min_dim_size_to_factor, factored, axes)


def _column(
    param: Any,
    *,
    min_dim_size_to_factor: int = 128,
    factored: bool = True,
    axes: Axes = "largest",
) -> Any:
    return _without(param, 0, min_dim_size_to_factor, factored, axes)


def _whole(
    param: Any,
    *,
    min_dim_size_to_factor: int = 128,
    factored: bool = True,
    axes: Axes = "largest",
) -> Any:
    found = _factored_axes(param.shape, min_dim_size_to_factor, factored, axes)
    return jnp.zeros_like(param, dtype=jnp.float32) if found is None else None


@leafwise(
    row=_row,
    column=_column,
    nu=_whole,
    once=dict(decay=lambda t, *, decay_rate, decay_offset: 1 - (t - decay_offset) ** -decay_rate),
)
def scale_by_factored_rms(
    g: Any,
    state: Any,
    decay: Any,
    *,
    decay_rate: Fraction[Any] = 0.8,
    decay_offset: NonNegative[Any] = 0.0,
    eps: NonNegative[Any] = 1e-30,
    eps_placement: Literal["square", "least"] = "square",
    axes: Axes = "largest",
) -> Any:
    """Divide the gradient of a matrix by a root mean square that is kept as rows and columns.

    With `q = |g|^2 + eps`, averages `row` of `q` over the columns and `column` over the rows have
    the decay `1 - (t - decay_offset)^-decay_rate`, and out comes `g / sqrt(row column /
    mean(row))`. What has no two axes of `min_dim_size_to_factor` keeps the average `nu` of `q`
    itself, and gets `g / sqrt(nu)`.

    Args:
      min_dim_size_to_factor: the least size of the two axes of a leaf that is factored.
      factored: False keeps `nu` for all leaves.
      axes: which two of a leaf with more: the `"largest"`, or the `"last"` (PyTorch, Keras).
      decay_rate: how fast the averages slow down, in [0, 1].
      decay_offset: updates made before, when a run goes on with a new state.
      eps: added to the squared gradients, zero or more.
      eps_placement: `"square"` as above; `"least"` (PyTorch): `q = |g|^2`, `mean(row)` is at least
        epsilon, and so is the root.
      state_dtype: dtype of the averages.

    Source: Shazeer and Stern 2018, Adafactor (Algorithm 4; sums there are means here, which gives
    the same).
    """
    del decay_rate, decay_offset  # they are in the decay
    at_least = eps_placement == "least"
    square = abs_sq(g) if at_least else abs_sq(g) + eps
    if state.nu is not None:
        nu = decay * state.nu + (1 - decay) * square
        below = jnp.maximum(_root(nu), eps) if at_least else _root(nu)
        return g / below, dict(row=None, column=None, nu=nu)
    found = _factored_axes(g.shape, 0, True, axes)
    assert found is not None
    second, first = found
    row = decay * state.row + (1 - decay) * square.mean(first)
    column = decay * state.column + (1 - decay) * square.mean(second)
    within_row = second - (second > first)  # where the second axis is once the first is gone
    mean = row.mean(within_row, keepdims=True)
    mean = jnp.maximum(mean, eps) if at_least else mean
    share = row / jnp.where(mean == 0, 1, mean)
    if at_least:
        estimate = jnp.expand_dims(share, first) * jnp.expand_dims(column, second)
        return g / jnp.maximum(_root(estimate), eps), dict(row=row, column=column, nu=None)
    scale = jnp.expand_dims(1 / _root(share), first) * jnp.expand_dims(1 / _root(column), second)
    return g * scale, dict(row=row, column=column, nu=None)


def _root(moment: Any) -> Any:
    """The root, infinite at 0: what has had no gradient does not move."""
    return sqrt(jnp.where(moment == 0, jnp.inf, moment))


def _slices(x: Any) -> dict[str, tuple[int, ...]]:
    """For each axis of a leaf the others, which a number for every slice along it is of."""
    axes = range(x.ndim)
    return {f"axis{axis}": tuple(i for i in axes if i != axis) for axis in range(max(1, x.ndim))}


def _cover(param: Any) -> Any:
    zeros = jnp.zeros_like(param, dtype=jnp.float32)
    return {name: jnp.sum(zeros, others, keepdims=True) for name, others in _slices(param).items()}


@leafwise(cover=_cover)
def scale_by_sm3(
    g: Any, state: Any, *, decay: Fraction[Any] = 1.0, eps: NonNegative[Any] = 1e-8
) -> Any:
    """AdaGrad of a matrix whose sums are kept for its rows and its columns only: `g / sqrt(nu +
    eps)`.

    `nu` is `|g|^2` plus the least of the numbers kept for the row, the column, ... of the weight;
    each of these then becomes the largest `nu` in it.

    Args:
      decay: of what is kept, in [0, 1]: 1 for sums, else `|g|^2` has the share `1 - decay`.
      eps: epsilon, zero or more; what has had no gradient does not move.
      state_dtype: dtype of what is kept.

    Source: Anil et al. 2019, SM3-II.
    """
    least = ft.reduce(jnp.minimum, state.cover.values())
    nu = jnp.where(decay == 1, 1, 1 - decay) * abs_sq(g) + decay * least
    cover = {
        name: jnp.max(nu, others, keepdims=True, initial=0) for name, others in _slices(g).items()
    }
    return g / sqrt(jnp.where(nu == 0, jnp.inf, nu + eps)), dict(cover=cover)


def _rms_in(g: Any, threshold: Any) -> Any:
    return sqrt(jnp.mean(abs_sq(g))) / threshold


@computes(_rms_in)
def _rms_in_units(g: Any, threshold: Any) -> Any:
    """The root mean square of a leaf over a threshold, from squares that overflow 2^40 times later.

    Those that underflow are of leaves far below the threshold, where no digit is asked for.
    """
    return sqrt(jnp.mean(abs_sq(g * (2.0**-40 / threshold)))) * 2.0**40


@leafwise()
def clip_by_block_rms(g: Any, *, threshold: PositiveBound[Any] = 1.0) -> Any:
    """A leaf scaled by `1 / max(1, rms / threshold)`, `rms` the root mean square of its numbers.

    Args:
      threshold: the largest root mean square that is let through, above zero.

    Source: Shazeer and Stern 2018, Adafactor (section 6).
    """
    return g / jnp.maximum(1, _rms_in_units(g, threshold))


@leafwise()
def scale_by_param_block_rms(u: Any, param: Any, *, min_scale: NonNegative[Any] = 1e-3) -> Any:
    """A leaf times the root mean square of its weights: `u max(min_scale, rms(param))`.

    It is infinite of weights above 1.8e19, whose squares are no numbers of float32.

    Args:
      min_scale: the least factor, zero or more.

    Source: Shazeer and Stern 2018, Adafactor (section 8).
    """
    return u * jnp.maximum(min_scale, sqrt(jnp.mean(abs_sq(param))))
