"""STAT 479, the first half of the lecture: learning rate decay, in its letters.

Rates are `eta`, `eta_0` the first. What the slides quote from PyTorch or show as code has the names
of the code. `lectopt.lectures.stat479` exports all of this.
"""

from collections.abc import Callable
from typing import Any

from lectopt import schedules as _schedules
from lectopt.schedules import Schedule
from lectopt.settings import Fraction, LearningRate, NonNegative, Scalar, Steps
from lectopt.signatures import checked


@checked
def exponential_decay(eta_0: LearningRate, k: NonNegative, steps_per_epoch: Steps = 1) -> Schedule:
    """1) Exponential Decay: `eta_t := eta_0 e^{-k t}`, "where k is the decay rate".

    The unit of `t` is not given; by default it is an update, and `t` is 0 at the first.

    Args:
      eta_0: the rate at the first update.
      k: zero or more.
      steps_per_epoch: with it, `t` is the time in epochs.

    Source: S4-09.
    """
    return _schedules.exponential_decay(eta_0, k, steps_per_epoch=steps_per_epoch)


@checked
def halving(
    eta_0: LearningRate,
    every: Steps[Scalar] = 1,
    steps_per_epoch: Steps[Scalar] = 1,
    *,
    literal: bool = False,
) -> Schedule:
    """2) Halving the learning rate: `eta_t := eta_{t-1} / 2`.

    Args:
      eta_0: the first rate.
      every: epochs between two halvings; not given.
      steps_per_epoch: updates in an epoch; the default makes every update an epoch.
      literal: `eta_{t=1} / 2` as printed: half of one and the same rate, so it falls only once.

    Source: S4-10.
    """
    if literal:
        return _schedules.join((eta_0, _schedules.scaled(eta_0, 0.5)), (every * steps_per_epoch,))
    return _schedules.halving(eta_0, every, steps_per_epoch)


@checked
def inverse_decay(eta_0: LearningRate, k: NonNegative, steps_per_epoch: Steps = 1) -> Schedule:
    """3) Inverse decay: `eta_t := eta_0 / (1 + k t)`.

    The unit of `t` is not given; by default it is an update, and `t` is 0 at the first.

    Args:
      eta_0: the rate at the first update.
      k: zero or more.
      steps_per_epoch: with it, `t` is the time in epochs.

    Source: S4-11.
    """
    return _schedules.inverse_time_decay(eta_0, k, steps_per_epoch)


@checked
def triangular(base_lr: LearningRate, max_lr: LearningRate, stepsize: Steps) -> Schedule:
    """Triangular learning rate policy: up from `base_lr` to `max_lr` in `stepsize` updates, down
    in as many, and so on.

    The slide is a figure of Smith 2017 and gives no number; "I found, didn't work well at all in
    practice, unfortunately -- at least in my case".

    Args:
      base_lr: the lower bound.
      max_lr: the upper bound.
      stepsize: "the number of iterations in half a cycle".

    Source: S4-12.
    """
    return _schedules.triangular(base_lr, max_lr, stepsize)


@checked
def adjust_learning_rate(
    initial_lr: LearningRate,
    decay_rate: NonNegative,
    steps_per_epoch: Steps[Scalar] = 1,
    *,
    literal: bool = False,
) -> Schedule:
    """Exponential decay every 10 epochs: `initial_lr exp(-decay_rate epoch)`, with the epoch
    rounded down to a multiple of 10.

    Args:
      initial_lr: the first rate.
      decay_rate: zero or more, per epoch.
      steps_per_epoch: updates in an epoch; the default makes every update an epoch.
      literal: as the slide calls it, "at the end of each epoch", so that each rate begins one epoch
        later. Its `torch.exp` of a number raises a TypeError, and is read as `math.exp`.

    Source: S4-13.
    """
    stairs = _schedules.exponential_decay(initial_lr, decay_rate, 10, steps_per_epoch)
    return _schedules.join((initial_lr, stairs), (steps_per_epoch,)) if literal else stairs


@checked
def LambdaLR(
    initial_lr: LearningRate, lr_lambda: Callable[[Any], Any], steps_per_epoch: Steps = 1
) -> Schedule:
    """The initial lr times a given function of the epoch: `initial_lr lr_lambda(epoch)`.

    Of the slide's two examples, `epoch // 30` is 0 for the first 30 epochs. Its list of functions,
    one for each group of parameters, is `optax.partition` here.

    Args:
      initial_lr: what is multiplied.
      lr_lambda: function of the epoch, from 0, that JAX can trace.
      steps_per_epoch: updates in an epoch; the default makes every update an epoch.

    Source: S4-14.
    """
    return _schedules.lambda_schedule(initial_lr, lr_lambda, steps_per_epoch)


@checked
def ExponentialLR(
    lr: LearningRate = 0.1, gamma: Fraction = 0.1, steps_per_epoch: Steps = 1
) -> Schedule:
    """The scheduler of the slides' example: `lr gamma^epoch`.

    Args:
      lr: "torch.optim.SGD(model.parameters(), lr=0.1)".
      gamma: "gamma=0.1", in [0, 1].
      steps_per_epoch: updates in an epoch; the default makes every update an epoch.

    Source: S4-15.
    """
    return _schedules.step_decay(lr, gamma, 1, steps_per_epoch)
