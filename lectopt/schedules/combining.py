"""Schedules made of schedules: warm-up, one after another, times a factor."""

import math
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import jax.numpy as jnp
import numpy as np

from lectopt.schedules.decays import constant
from lectopt.schedules.formula import Schedule, Value, between, order_of, quotient, schedule
from lectopt.settings import LearningRate, Numeric, Range, Scalar, Steps
from lectopt.signatures import checked
from lectopt.values import is_concrete, printed_in, value_at

Duration = Annotated[Numeric, Range(0, math.inf, False, "a number of updates, zero or more", 100)]


@schedule(order=lambda peak, steps, init: order_of(peak))
def warmup(count: Any, *, peak: Value[Any], steps: Duration[Any], init: Value[Any] = 0.0) -> Any:
    """A straight line from `init` at count 0 to `peak` at count `steps`, then `peak`.

    `peak` may be a schedule, which then runs from count 0 on: with `init=0` it is multiplied by
    `min(count / steps, 1)`, and a falling one has fallen before it is reached. `with_warmup` begins
    a schedule after the warm-up.

    Args:
      peak: value, or schedule, from count `steps` on.
      steps: updates until `peak` is reached; 0 for no warm-up.
      init: value at the first update; with 0 that update changes nothing.

    Source: Goyal et al. 2017, for the large batches of TTIC 31230 (S3-20).
    """
    return jnp.where(
        count < steps, between(init, peak, quotient(count, jnp.maximum(steps, 1))), peak
    )


@schedule(order=lambda schedule, steps, init: order_of(schedule), raw=("schedule",))
def with_warmup(
    count: Any, *, schedule: Value[Any], steps: Duration[Any], init: Value[Any] = 0.0
) -> Any:
    """A straight line from `init` at count 0 to the first value of a schedule at count `steps`,
    then that schedule, which counts from 0 there.

    `with_warmup(cosine_decay(0.1, 900), 100)` is a training of 1000 updates: at count 100 it is
    0.1, at 1000 it is 0. With a plateau in between it is "warm-up, stable, decay":
    `with_warmup(join((0.1, cosine_decay(0.1, 200)), (700,)), 100)`.

    Args:
      schedule: what follows, as a function of the count, or a number.
      steps: updates until it begins; 0 for no warm-up.
      init: value at the first update; with 0 that update changes nothing.

    Source: Goyal et al. 2017, for the large batches of TTIC 31230 (S3-20); with a cosine it is
    `optax.warmup_cosine_decay_schedule`, whose `decay_steps` count the warm-up in.
    """
    following = value_at(schedule, jnp.maximum(count - steps, 0))
    rising = between(init, following, quotient(count, jnp.maximum(steps, 1)))
    return jnp.where(count < steps, rising, following)


@schedule(
    order=lambda init, factor, steps_per_epoch: order_of(init) + order_of(factor),
    raw=("factor",),
)
def lambda_schedule(
    count: Any, *, init: Value[Any], factor: Value[Any], steps_per_epoch: Steps[Any] = 1
) -> Any:
    """`init factor(epoch)`, for any function of the epoch: PyTorch's `LambdaLR`.

    Args:
      init: what the factor multiplies.
      factor: function of the epoch, which counts from 0 (an int32 scalar), for example
        `lambda epoch: 0.95**epoch`. It is traced, so it branches with `jnp.where`.
      steps_per_epoch: updates in an epoch; the default makes every update an epoch.

    Source: STAT 479 (S4-14; its `epoch // 30` is 0 for the first 30 epochs).
    """
    return init * value_at(factor, count // steps_per_epoch)


@schedule(order=lambda schedule, factor: order_of(schedule) + order_of(factor))
@printed_in("schedules")
def scaled(count: Any, *, schedule: Value[Any], factor: Value[Any]) -> Any:
    """The product of two schedules, or of a schedule and a number.

    Args:
      schedule: zero or more, as a number or a function of the count.
      factor: the same.
    """
    return schedule * factor


@schedule(order=lambda schedule, by: order_of(schedule), raw=("schedule",))
@printed_in("schedules")
def shifted(count: Any, *, schedule: Any, by: int = 1) -> Any:
    """`schedule(max(count + by, 0))`: the same schedule, `by` updates further on.

    Args:
      schedule: function of the count.
      by: number of updates; a negative one is a delay.
    """
    return schedule(jnp.maximum(count + by, 0))


@schedule(order=lambda schedule: order_of(schedule), raw=("schedule",))
@printed_in("schedules")
def relative(count: Any, *, schedule: Any) -> Any:
    """`schedule(count) / schedule(0)`: the shape of a schedule without its size.

    Args:
      schedule: function of the count that is not 0 at 0.
    """
    return schedule(count) / schedule(0)


def join(schedules: Sequence[Any], boundaries: Sequence[Any]) -> Schedule:
    """One schedule after another, each counting from 0 where it takes over.

    The first runs at the counts below `boundaries[0]`; the next has its count 0 at
    `boundaries[0]`, and so on.

    Args:
      schedules: schedules or numbers, zero or more; `join((0.1, 0.01), (1000,))` is piecewise
        constant.
      boundaries: one fewer than `schedules`, in increasing order: the counts at which the next
        one takes over.

    Raises:
      ValueError: the wrong number of boundaries, or boundaries that fall.

    Source: STAT 479 (S4-08: no decay first, then one); piecewise constant rates, Liège (S1-25).
    """
    schedules = tuple(s if callable(s) else constant(s) for s in schedules)
    boundaries = tuple(np.asarray(b).item() if is_concrete(b) else b for b in boundaries)
    if len(boundaries) != len(schedules) - 1:
        raise ValueError(
            f"join: {len(schedules)} schedules need {max(len(schedules) - 1, 0)} boundaries, "
            f"got {len(boundaries)}. Write for example join((warmup(0.1, 100), 0.1), (100,))."
        )
    known = [0, *filter(is_concrete, boundaries)]
    if known != sorted(known):
        raise ValueError(
            f"join: the boundaries must be counts in increasing order, got {boundaries}. "
            f"Write for example {tuple(sorted(boundaries))}."
        )
    return _join(schedules, boundaries)


@schedule(
    order=lambda schedules, boundaries: order_of(schedules[-1]), raw=("schedules", "boundaries")
)
def _join(count: Any, *, schedules: Any, boundaries: Any) -> Any:
    value = schedules[0](count)
    for following, start in zip(schedules[1:], boundaries, strict=True):
        # A schedule is not asked about counts before its first: there it may be infinite.
        value = jnp.where(count < start, value, following(jnp.maximum(count - start, 0)))
    return value


@checked
def scale_learning_rate(
    base: LearningRate,
    batch_size: Steps[Scalar],
    base_batch_size: Steps[Scalar],
    rule: Literal["linear", "sqrt"] = "linear",
) -> Any:
    """The learning rate for another batch size.

    `"linear"`: `base B / B_0`: one update with a batch of `B = 2 B_0` moves the weights as far as
    two with `B_0`, if the gradient does not change in between. `"sqrt"`: `base sqrt(B / B_0)`
    keeps the variance of an update.

    Args:
      base: the rate, or the schedule, that suits `base_batch_size`.
      batch_size: B, the batch size to be used.
      base_batch_size: B_0.
      rule: how the rate grows with the batch.

    Returns:
      A number if `base` is one, else a schedule. The linear rule needs a `warmup` and fails at
      last, when the rate times the largest curvature passes 2.

    Source: TTIC 31230 (S3-20, S3-25); Goyal et al. 2017; Krizhevsky 2014 for the square root.
    """
    ratio = batch_size / base_batch_size
    factor = ratio if rule == "linear" else ratio**0.5
    return scaled(base, factor) if callable(base) else base * factor
