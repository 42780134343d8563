"""What some slides print instead of what they mean: the parts that `literal=True` is made of.

They are here to show what a slip on a slide does to a training, and nowhere else of use.
"""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from lectopt.lifting import leafwise
from lectopt.numerics import abs_sq, one_minus_power
from lectopt.primitives.signs import agreement_of
from lectopt.settings import Decay, Fraction, NonNegative, Steps

__all__ = [
    "add_constant",
    "gains_that_shrink_at_zero",
    "mean_square_per_epoch",
    "stale_mean_square",
    "times_bias",
    "without_root",
]


def _here(rule: Callable[..., Any]) -> Callable[..., Any]:
    """Let the rule print with this module's name, so that it evaluates among those of `lectopt`."""
    rule.__name__ = f"lectures.misprints.{rule.__name__}"
    return rule


@leafwise(nu=0.0)
@_here
def mean_square_per_epoch(
    g: Any, state: Any, t: Any, *, decay: Decay[Any], steps_per_epoch: Steps[Any]
) -> Any:
    """`mean_square` that begins again from 0 at the start of every epoch.

    Args:
      decay: in [0, 1).
      steps_per_epoch: updates in an epoch.
      state_dtype: dtype of `nu`.

    Source: CMU (S0-39), where "Initialize" stands inside "Do".
    """
    first_of_epoch = jnp.mod(t - 1, steps_per_epoch) == 0
    nu = decay * jnp.where(first_of_epoch, 0, state.nu) + (1 - decay) * abs_sq(g)
    return nu, dict(nu=nu)


@leafwise()
@_here
def add_constant(g: Any, *, constant: NonNegative[Any]) -> Any:
    """`g + constant`, the same for every weight.

    Args:
      constant: zero or more.

    Source: ISI, weight decay (S2-07), where a W is lost.
    """
    return g + constant


@leafwise(nu=0.0)
@_here
def stale_mean_square(g: Any, state: Any, *, decay: Decay[Any]) -> Any:
    """`nu = decay nu + (1 - decay) |g|^2`, but out comes the `nu` from before `g`.

    Args:
      decay: in [0, 1).
      state_dtype: dtype of `nu`.

    Source: TTIC 31230, RMSProp (S3-13), which divides by `s^t` and not by `s^(t+1)`.
    """
    return state.nu, dict(nu=decay * state.nu + (1 - decay) * abs_sq(g))


@leafwise(gain=1.0, previous_gradient=0.0)
@_here
def gains_that_shrink_at_zero(g: Any, state: Any, t: Any, *, beta: Fraction[Any]) -> Any:
    """`scale_by_local_gains` without bounds, whose gain shrinks where the product of the gradients
    is 0 as well: `gain + beta` if it is above 0, else `gain (1 - beta)`.

    The first gradient has none before it, and the gain that it is given.

    Args:
      beta: in [0, 1].
      state_dtype: dtype of the gain and of the last gradient.

    Source: STAT 479, local gains (S4-23), whose "else" has no third case.
    """
    grown, shrunk = state.gain + beta, state.gain * (1 - beta)
    changed = jnp.where(agreement_of(g, state.previous_gradient) > 0, grown, shrunk)
    gain = jnp.where(t == 1, state.gain, changed)
    return gain * g, dict(gain=gain, previous_gradient=g)


@leafwise()
@_here
def times_bias(moment: Any, t: Any, *, decay: Decay[Any], from_zero: bool = True) -> Any:
    """`(1 - decay^t) moment`, the bias correction the wrong way round.

    Args:
      decay: that of the average.
      from_zero: whether `t` is 0 at the first update, which comes out as 0, or 1.

    Source: TTIC 31230, Adam (S3-17).
    """
    t = t - 1 if from_zero else t
    return jnp.where(t == 0, 0, one_minus_power(decay, jnp.maximum(t, 1))) * moment


@leafwise()
@_here
def without_root(v: Any, *, eps: NonNegative[Any] = 0.0) -> Any:
    """`v + eps` where `sqrt(v) + eps` belongs; infinite where that would be 0.

    Args:
      eps: epsilon, zero or more.

    Source: STAT 479, Adam (S4-25).
    """
    return jnp.where(v + eps == 0, jnp.inf, v + eps)
