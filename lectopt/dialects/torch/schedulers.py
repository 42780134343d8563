"""PyTorch's schedulers as schedules `count -> value`, with its arguments after the optimizer.

In the place of the optimizer stands `lr`, the rate that it was made with, or a schedule to multiply
where the scheduler multiplies. PyTorch counts calls of `scheduler.step()`, usually one per epoch:
`steps_per_epoch` is the number of updates between two of them. There is no `last_epoch`: the count
is in the optimizer's state, where a run that is resumed finds it; `lectopt.schedules.shifted(
schedule, n)` is a schedule that begins `n` updates further on.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import jax
import jax.numpy as jnp

from lectopt.dialects.spelling import formula
from lectopt.schedules.formula import between, quotient
from lectopt.settings import Count, Fraction, LearningRate, NonNegative, Numeric, Range, Steps

Start = Annotated[Numeric, Range(0, 1, True, "a share of the rate, above zero", 0.1, True)]


@formula("torch")
def StepLR(
    count: Any,
    *,
    lr: LearningRate[Any],
    step_size: Steps[Any],
    gamma: NonNegative[Any] = 0.1,
    steps_per_epoch: Steps[Any] = 1,
) -> Any:
    """`lr gamma^floor(epoch / step_size)`; see `lectopt.step_decay`.

    Args:
      lr: the rate of the first epochs, or a schedule to multiply.
      step_size: number of epochs between two steps.
      gamma: factor of a step, zero or more; a rate may rise.
      steps_per_epoch: updates between two calls of PyTorch's `scheduler.step()`.
    """
    return lr * gamma ** (count // (step_size * steps_per_epoch))


@formula("torch", raw=("milestones",))
def MultiStepLR(
    count: Any,
    *,
    lr: LearningRate[Any],
    milestones: Sequence[int],
    gamma: NonNegative[Any] = 0.1,
    steps_per_epoch: Steps[Any] = 1,
) -> Any:
    """`lr gamma^n`, with `n` the number of milestones at or before the epoch.

    Args:
      lr: see `StepLR`.
      milestones: epochs that are the first with a smaller rate; one that is listed twice counts
        twice. Keras' boundaries are one less.
      gamma: see `StepLR`.
      steps_per_epoch: see `StepLR`.
    """
    epoch = count // steps_per_epoch
    return lr * gamma ** sum(jnp.where(epoch >= milestone, 1, 0) for milestone in milestones)


@formula("torch")
def ExponentialLR(
    count: Any, *, lr: LearningRate[Any], gamma: NonNegative[Any], steps_per_epoch: Steps[Any] = 1
) -> Any:
    """`lr gamma^epoch`.

    Args:
      lr: see `StepLR`.
      gamma: see `StepLR`.
      steps_per_epoch: see `StepLR`.
    """
    return lr * gamma ** (count // steps_per_epoch)


@formula("torch")
def ConstantLR(
    count: Any,
    *,
    lr: LearningRate[Any],
    factor: Fraction[Any] = 1.0 / 3,
    total_iters: Count[Any] = 5,
    steps_per_epoch: Steps[Any] = 1,
) -> Any:
    """`lr factor` in the first `total_iters` epochs, then `lr`.

    Args:
      lr: see `StepLR`.
      factor: in [0, 1].
      total_iters: epochs with the smaller rate.
      steps_per_epoch: see `StepLR`.
    """
    return lr * jnp.where(count // steps_per_epoch < total_iters, factor, 1.0)


@formula("torch")
def LinearLR(
    count: Any,
    *,
    lr: LearningRate[Any],
    start_factor: Start[Any] = 1.0 / 3,
    end_factor: Fraction[Any] = 1.0,
    total_iters: Steps[Any] = 5,
    steps_per_epoch: Steps[Any] = 1,
) -> Any:
    """A straight line from `lr start_factor` to `lr end_factor` in `total_iters` epochs, then no
    further.

    Args:
      lr: see `StepLR`.
      start_factor: in (0, 1].
      end_factor: in [0, 1].
      total_iters: epochs until the end of the line.
      steps_per_epoch: see `StepLR`.
    """
    epoch = jnp.minimum(count // steps_per_epoch, total_iters)
    return lr * between(start_factor, end_factor, quotient(epoch, total_iters))


@formula("torch")
def PolynomialLR(
    count: Any,
    *,
    lr: LearningRate[Any],
    total_iters: Steps[Any] = 5,
    power: NonNegative[Any] = 1.0,
    steps_per_epoch: Steps[Any] = 1,
) -> Any:
    """`lr (1 - epoch / total_iters)^power`, then 0.

    Args:
      lr: see `StepLR`.
      total_iters: epochs until the rate is 0.
      power: zero or more.
      steps_per_epoch: see `StepLR`.
    """
    epoch = jnp.minimum(count // steps_per_epoch, total_iters)
    return lr * quotient(total_iters - epoch, total_iters) ** power  # 0 at its end, compiled too


@formula("torch")
def CosineAnnealingLR(
    count: Any,
    *,
    lr: LearningRate[Any],
    T_max: Steps[Any],
    eta_min: NonNegative[Any] = 0.0,
    steps_per_epoch: Steps[Any] = 1,
) -> Any:
    """`eta_min + (lr - eta_min) (1 + cos(pi epoch / T_max)) / 2`, which rises again after `T_max`.

    `lectopt.cosine_decay` and Keras' `CosineDecay` stay at the end.

    Args:
      lr: see `StepLR`.
      T_max: epochs from the largest rate to the smallest.
      eta_min: the smallest rate itself, not a fraction of the largest.
      steps_per_epoch: see `StepLR`.
    """
    return cosine(lr, eta_min, quotient(count // steps_per_epoch, T_max))


@formula("torch")
def CosineAnnealingWarmRestarts(
    count: Any,
    *,
    lr: LearningRate[Any],
    T_0: Steps[Any],
    T_mult: Steps[Any] = 1,
    eta_min: NonNegative[Any] = 0.0,
    steps_per_epoch: Steps[Any] = 1,
) -> Any:
    """Half a cosine from `lr` to `eta_min`, begun again in each period.

    Args:
      lr: see `StepLR`.
      T_0: epochs in the first period.
      T_mult: each period is so many times as long as the one before, a whole number.
      eta_min: see `CosineAnnealingLR`.
      steps_per_epoch: see `StepLR`.
    """
    epoch = count // steps_per_epoch

    def restart(period: Any) -> Any:
        begun, length = period
        return begun + length, length * T_mult

    first = (jnp.zeros_like(epoch), jnp.asarray(T_0, epoch.dtype))
    if isinstance(T_mult, int) and T_mult == 1:
        begun, length = epoch // T_0 * T_0, T_0
    else:  # as many restarts as the logarithm of the epoch
        begun, length = jax.lax.while_loop(lambda p: epoch - p[0] >= p[1], restart, first)
    return cosine(lr, eta_min, quotient(epoch - begun, length))


def cosine(high: Any, low: Any, share: Any) -> Any:
    """From `high` at share 0 to `low` at share 1, and up again."""
    return low + (high - low) * (1 + jnp.cos(jnp.pi * share)) / 2


@formula("torch", raw=("anneal_strategy",))
def SWALR(
    count: Any,
    *,
    lr: LearningRate[Any],
    swa_lr: LearningRate[Any],
    anneal_epochs: Count[Any] = 10,
    anneal_strategy: Literal["cos", "linear"] = "cos",
    steps_per_epoch: Steps[Any] = 1,
) -> Any:
    """From `lr` to the constant rate of stochastic weight averaging, and no further.

    Args:
      lr: the rate when it begins. PyTorch's training loops begin it late:
        `SequentialLR([CosineAnnealingLR(0.1, 300), SWALR(0.05, 0.02)], [160])`.
      swa_lr: the rate afterwards.
      anneal_epochs: epochs from the one to the other.
      anneal_strategy: half a cosine or a line.
      steps_per_epoch: see `StepLR`.

    Source: `torch.optim.swa_utils.SWALR`.
    """
    length = jnp.maximum(anneal_epochs, 1)
    epoch = jnp.maximum(count // steps_per_epoch, jnp.where(anneal_epochs == 0, 1, 0))
    share = quotient(jnp.minimum(epoch, length), length)
    if anneal_strategy == "cos":
        share = (1 - jnp.cos(jnp.pi * share)) / 2
    return between(lr, swa_lr, share)
