"""Averages of the weights beside the steps: of ASGD, and of Schedule-Free."""

from typing import Any

import jax.numpy as jnp

from lectopt.lifting import leafwise
from lectopt.settings import Count, Decay, LearningRate, NonNegative


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


def _largest(max_lr: Any, *, learning_rate: LearningRate[Any]) -> Any:
    return jnp.maximum(max_lr, learning_rate)


def _total(
    weight_sum: Any, max_lr: Any, *, learning_rate: LearningRate[Any], power: NonNegative[Any] = 2.0
) -> Any:
    return weight_sum + jnp.maximum(max_lr, learning_rate) ** power


def _weight_share(
    weight_sum: Any, max_lr: Any, *, learning_rate: LearningRate[Any], power: NonNegative[Any] = 2.0
) -> Any:
    weight = jnp.maximum(max_lr, learning_rate) ** power
    whole = weight_sum + weight
    return weight / jnp.where(whole == 0, 1, whole)


@leafwise(
    look_ahead=0.0,
    once=dict(max_lr=_largest, weight_sum=_total, share=_weight_share),
    numbers=dict(max_lr=0.0, weight_sum=0.0),
)
def average_ahead(u: Any, state: Any, share: Any, *, b1: Decay[Any] = 0.9) -> Any:
    """Steps of a sequence `z`, taken from a point `y` between `z` and its average `x`: the weights
    are `y`, and `evaluation_params` gives `x`.

    `z' = z + u`, `x' = (1 - c) x + c z'`, `y' = (1 - b1) z' + b1 x'`, where `c` is the share of
    this update in the sum of `max(learning_rate so far)^power`. Kept is `a = y - x`, of which `z -
    x = a / (1 - b1)`.

    Args:
      learning_rate: zero or more, or a schedule: that of the steps.
      power: of the rate in the weights, zero or more; 0 for the plain mean.
      b1: the share of the average, in [0, 1).
      state_dtype: dtype of `a`.

    Source: Defazio et al. 2024, Schedule-Free (equations 3 to 5, the weights of their code).
    """
    apart = state.look_ahead / (1 - b1) + u  # z' - x
    ahead = (1 - b1) * (1 - share) * apart
    return share * apart + ahead - state.look_ahead, dict(look_ahead=ahead)
