"""Averaged stochastic gradient descent: a slowly falling rate, and the mean of the weights."""

from typing import Any

import jax.numpy as jnp

from lectopt.lifting import leafwise
from lectopt.settings import Count, LearningRate, NonNegative


def _falling(
    t: Any,
    *,
    learning_rate: LearningRate[Any],
    lambd: NonNegative[Any] = 1e-4,
    alpha: NonNegative[Any] = 0.75,
) -> Any:
    return learning_rate / (1 + lambd * learning_rate * (t - 1)) ** alpha


@leafwise(once=dict(rate=_falling))
def scale_by_decaying_rate(u: Any, rate: Any) -> Any:
    """Downhill at a falling rate: `-learning_rate u / (1 + lambd learning_rate (t - 1))^alpha`.

    Args:
      learning_rate: the first rate, zero or more.
      lambd: how fast it falls, zero or more.
      alpha: power of the fall, zero or more.

    Source: Xu 2011; PyTorch's ASGD.
    """
    return -rate * u


def _share(t: Any, *, t0: Count[Any] = 1e6) -> Any:
    averaged = t - 1 - t0
    return jnp.where(averaged < 1, 0, 1 / jnp.maximum(averaged, 1))


@leafwise(average=0.0, once=dict(share=_share), numbers=dict(share=0.0))
def average_tail(
    u: Any, state: Any, t: Any, param: Any, share: Any, *, t0: Count[Any] = 1e6
) -> Any:
    """Record the mean of the weights from update `t0 + 2` on; the update itself passes unchanged.

    `average = average + share (param + u - average)` with `share = 1 / (t - 1 - t0)`. Before, the
    average is the newest weight, and `share`, one number of the state, is 0: `evaluation_params`
    then gives the parameters.

    Args:
      t0: the number of updates without averaging, zero or more.
      state_dtype: dtype of the average.

    Raises:
      ValueError: `update` was not given the parameters.

    Source: Polyak and Juditsky 1992; PyTorch's ASGD.
    """
    new = param + u
    mean = state.average + share * (new - state.average)
    return u, dict(average=jnp.where(t <= t0 + 2, new, mean))
