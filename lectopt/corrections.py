"""The rules that combinators put between moments: a root, a correction, nothing at all."""

from typing import Any

import jax.numpy as jnp

from lectopt.lifting import leafwise
from lectopt.numerics import one_minus_power, sqrt
from lectopt.settings import Decay, NonNegative, surely_positive


@leafwise()
def identity(g: Any) -> Any:
    """The gradient itself."""
    return g


def _correction(
    t: Any, *, decay: Decay[Any], of_root: bool = False, ahead: NonNegative[Any] = 0.0
) -> Any:
    correction = one_minus_power(decay, t + ahead)
    return sqrt(correction) if of_root else correction


@leafwise(once=dict(correction=_correction))
def bias_correction(moment: Any, correction: Any) -> Any:
    """Undo the pull of the zero start on a moving average: `moment / (1 - decay^t)`, `t` from 1.

    `debiased(moment)` reads the decay off the average.

    Args:
      decay: that of the average; a schedule is read at the current update.
      of_root: divide by `sqrt(1 - decay^t)`, for the root of an average.
      ahead: how many updates later the correction is taken, zero or more.

    Source: CMU, Adam (S0-40, S0-41); Liège (S1-18); ISI (S2-17, where t counts from 0 and the
    power is t + 1).
    """
    return moment / correction


@leafwise(known=dict(may_vanish=lambda eps: not surely_positive(eps)))
def square_root(
    v: Any, may_vanish: bool, *, eps: NonNegative[Any] = 0.0, eps_inside: bool = False
) -> Any:
    """`sqrt(v) + eps`, or `sqrt(v + eps)` if `eps_inside`; infinite where that would be 0."""
    if may_vanish:
        # Where nothing was accumulated and eps is 0, an infinite root makes 0 of 0/0. The test is
        # on v and not on its root, which XLA would otherwise store instead of fusing it.
        v = jnp.where(v + eps == 0, jnp.inf, v)
    return sqrt(v + eps) if eps_inside else sqrt(v) + eps
