"""Adafactor's second moment and rate as PyTorch and Keras have them."""

from typing import Any

import jax.numpy as jnp

from lectopt.dialects.spelling import formula, local
from lectopt.lifting import leafwise
from lectopt.numerics import abs_sq, sqrt
from lectopt.settings import LearningRate, NonNegative


def _row(param: Any) -> Any:
    return None if param.ndim < 2 else jnp.zeros_like(param, dtype=jnp.float32).sum(-1)


def _column(param: Any) -> Any:
    return None if param.ndim < 2 else jnp.zeros_like(param, dtype=jnp.float32).sum(-2)


def _whole(param: Any) -> Any:
    return jnp.zeros_like(param, dtype=jnp.float32) if param.ndim < 2 else None


@leafwise(
    row=_row,
    column=_column,
    nu=_whole,
    once=dict(decay=lambda t, *, decay_rate: 1 - t**-decay_rate),
)
@local("torch")
def scale_by_last_axes(
    g: Any,
    state: Any,
    decay: Any,
    *,
    decay_rate: NonNegative[Any] = 0.8,
    eps: NonNegative[Any] | None = None,
    floor: bool = True,
) -> Any:
    """Divide the gradient by a root mean square that is kept as the rows and columns of the last
    two axes, of everything that has two.

    Args:
      decay_rate: how fast the averages slow down: their decay is `1 - t^-decay_rate`.
      eps: zero or more; None is the spacing of the floats next to 1.
      floor: PyTorch's: the mean of the rows is at least `eps` and the mean square at least
        `eps^2`. Otherwise Keras' and the paper's: `eps` is added to the squared gradients.

    Source: `torch.optim.Adafactor`, `keras.optimizers.Adafactor`.
    """
    del decay_rate
    least: Any = jnp.finfo(g.dtype).eps if eps is None else eps
    square = abs_sq(g) + (0 if floor else least)
    if state.nu is not None:
        nu = decay * state.nu + (1 - decay) * square
        return g / _root(nu, least, floor), dict(row=None, column=None, nu=nu)
    row = decay * state.row + (1 - decay) * square.mean(-1)
    column = decay * state.column + (1 - decay) * square.mean(-2)
    mean = row.mean(-1, keepdims=True)
    mean = jnp.maximum(mean, least) if floor else jnp.where(mean == 0, 1, mean)
    nu = (row / mean)[..., None] * column[..., None, :]
    return g / _root(nu, least, floor), dict(row=row, column=column, nu=None)


def _root(nu: Any, eps: Any, floor: bool) -> Any:
    return sqrt(jnp.maximum(nu, eps**2)) if floor else sqrt(jnp.where(nu == 0, jnp.inf, nu))


@leafwise()
@local("keras")
def scale_by_shrunk_weights(
    u: Any,
    param: Any,
    *,
    learning_rate: LearningRate[Any],
    weight_decay: NonNegative[Any],
    least_rms: NonNegative[Any] | None = None,
) -> Any:
    """A step times the size of the weights that a decoupled decay has shrunk already.

    Args:
      learning_rate: zero or more, or a schedule.
      weight_decay: the weights are `param (1 - learning_rate weight_decay)`.
      least_rms: the least root mean square of the weights, of Adafactor; None is the norm of the
        weights over that of the step, of Lamb, and 1 where one of them is 0.

    Source: `keras.optimizers.Adafactor`, `keras.optimizers.Lamb`.
    """
    weights = param * (1 - learning_rate * weight_decay)
    if least_rms is not None:
        return u * jnp.maximum(least_rms, sqrt(jnp.mean(abs_sq(weights))))
    above, below = (sqrt(jnp.sum(abs_sq(x))) for x in (weights, u))
    either = (above == 0) | (below == 0)
    return u * jnp.where(either, 1, above / jnp.where(either, 1, below))


@formula("torch")
def relative_step(count: Any, *, lr: LearningRate[Any]) -> Any:
    """`min(lr, 1 / sqrt(t))`, `t = count + 1`.

    Args:
      lr: zero or more, or a schedule.
    """
    return jnp.minimum(lr, (count + 1.0) ** -0.5)
