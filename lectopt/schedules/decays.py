"""Schedules that fall: in steps, exponentially, and like a power of the count."""

import math
from typing import Annotated, Any

import jax.numpy as jnp

from lectopt.schedules.formula import Value, order_of, quotient, schedule
from lectopt.settings import NonNegative, Numeric, Positive, Range, Steps

Factor = Annotated[Numeric, Range(0, 1, True, "what is left of the value after a step", 0.5)]
Rate = Annotated[Numeric, Range(0, math.inf, False, "how fast it falls, zero or more", 0.1)]


@schedule(order=lambda value: order_of(value))
def constant(count: Any, *, value: Value[Any]) -> Any:
    """The same `value` at every count.

    Source: every lecture's first gradient descent (S0-06, S1-02).
    """
    return value


@schedule(
    order=lambda init, factor, every, steps_per_epoch: (
        order_of(init) + (0 if factor == 1 else math.inf)
    )
)
def step_decay(
    count: Any,
    *,
    init: Value[Any],
    factor: Factor[Any] = 0.5,
    every: Steps[Any] = 10,
    steps_per_epoch: Steps[Any] = 1,
) -> Any:
    """Multiply by `factor` every so many epochs: `init factor^floor(epoch / every)`.

    Epochs count from 0: epoch `every` is the first with the smaller value. With `every=1` it is
    PyTorch's `ExponentialLR(gamma=factor)`.

    Args:
      init: value of the first epochs.
      factor: in [0, 1]; the default halves.
      every: number of epochs between two steps.
      steps_per_epoch: updates in an epoch; the default makes every update an epoch.

    Source: Liège (S1-22: by half every 10 epochs; S1-25: a tenth, for ResNets); STAT 479 (S4-15,
    `every=1`).
    """
    return init * factor ** (count // (every * steps_per_epoch))


@schedule(order=lambda init, every, steps_per_epoch: math.inf)
def halving(
    count: Any, *, init: Value[Any], every: Steps[Any] = 1, steps_per_epoch: Steps[Any] = 1
) -> Any:
    """Halve every so many epochs: `eta_t = eta_{t-1} / 2`, from `eta_0 = init`.

    Epochs count from 0, as in `step_decay`, of which this is the case `factor=0.5`.

    Args:
      init: value of the first epochs.
      every: number of epochs between two halvings.
      steps_per_epoch: updates in an epoch; the default makes every update an epoch.

    Source: STAT 479 (S4-10; the slide prints `eta_{t=1} / 2`).
    """
    return init * 0.5 ** (count // (every * steps_per_epoch))


@schedule(
    order=lambda init, k, staircase, steps_per_epoch: order_of(init) + (math.inf if k > 0 else 0)
)
def exponential_decay(
    count: Any,
    *,
    init: Value[Any],
    k: Rate[Any],
    staircase: Steps[Any] | None = None,
    steps_per_epoch: Steps[Any] = 1,
) -> Any:
    """`init exp(-k t)`, with `t` the time in epochs, from 0 at the first update.

    `init gamma^t` is `k=-log(gamma)`.

    Args:
      init: value at the first update.
      k: decay rate per epoch, zero or more.
      staircase: with it, `t` is rounded down to a multiple of so many epochs: the value is that of
        the curve at the start of each stair. STAT 479 has stairs of 10 epochs; its code, called at
        the end of an epoch, reaches each of them one epoch late.
      steps_per_epoch: updates in an epoch; the default makes every update an epoch.

    Source: Liège (S1-23); STAT 479 (S4-09, and S4-13 for the staircase).
    """
    t = quotient(count, steps_per_epoch)
    if staircase is not None:
        t = staircase * (1.0 * (count // (staircase * steps_per_epoch)))
    return init * jnp.exp(-k * t)


@schedule(order=lambda init, k, steps_per_epoch: order_of(init) + (1 if k > 0 else 0))
def inverse_time_decay(
    count: Any, *, init: Value[Any], k: Rate[Any], steps_per_epoch: Steps[Any] = 1
) -> Any:
    """`init / (1 + k t)`, with `t` the time in epochs, from 0 at the first update.

    Args:
      init: value at the first update.
      k: decay rate per epoch, zero or more.
      steps_per_epoch: updates in an epoch; the default makes every update an epoch.

    Source: Liège (S1-24); STAT 479 (S4-11).
    """
    return init / (1 + k * quotient(count, steps_per_epoch))


@schedule(order=lambda init, power: order_of(init) + power)
def power_decay(count: Any, *, init: Value[Any], power: NonNegative[Any] = 1.0) -> Any:
    """`init / k^power`, with `k` the number of the update, from 1: `k = count + 1`.

    Args:
      init: value at the first update.
      power: 1 for strongly convex objectives, 1/2 for convex ones.

    Source: CMU (S0-12: `1 / k`; S0-15: `1 / sqrt(k)`).
    """
    return init / (count + 1.0) ** power


@schedule(order=lambda init: max(order_of(init), 0.5))
def relative_step(count: Any, *, init: Value[Any] = 1e-2) -> Any:
    """`min(init, 1 / sqrt(k))`, with `k` the number of the update, from 1: `k = count + 1`.

    Args:
      init: the largest value.

    Source: Shazeer and Stern 2018, Adafactor (Algorithm 5), whose steps are relative to the size of
    the weights; PyTorch and Keras have it inside theirs.
    """
    return jnp.minimum(init, 1 / (count + 1.0) ** 0.5)


@schedule(order=lambda strong_convexity: 1.0)
def inverse_strong_convexity(count: Any, *, strong_convexity: Positive[Any]) -> Any:
    """`1 / (lambda t)`, with `t` the number of the update, from 1: `t = count + 1`.

    Args:
      strong_convexity: lambda, the least curvature of the objective, above 0.

    Source: CMU (S0-17; the slide prints `1 / lambda_t`); Shamir and Zhang 2013.
    """
    return 1 / (strong_convexity * (count + 1.0))
