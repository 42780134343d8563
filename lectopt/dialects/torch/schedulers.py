"""PyTorch's schedulers as schedules `count -> value`, with its arguments after the optimizer.

In the place of the optimizer stands `lr`, the rate that it was made with. PyTorch counts calls of
`scheduler.step()`, usually one per epoch: `steps_per_epoch` is the number of updates between two
of them. There is no `last_epoch`: the count is in the optimizer's state, where a run that is
resumed finds it.
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import jax.numpy as jnp

from lectopt import schedules as _lectopt
from lectopt.controls.plateau import Evaluations, Factor, Threshold, reduce_on_plateau
from lectopt.dialects.spelling import formula, spelled
from lectopt.schedules import Schedule
from lectopt.settings import Fraction, LearningRate, NonNegative, Positive, Scalar, Steps
from lectopt.transformation import Transformation
from lectopt.values import is_concrete, shown


@spelled()
def StepLR(
    lr: LearningRate, step_size: Steps, gamma: Fraction = 0.1, *, steps_per_epoch: Steps = 1
) -> Schedule:
    """`lr gamma^floor(epoch / step_size)`; see `lectopt.step_decay`.

    Args:
      lr: the rate of the first epochs, or a schedule to multiply.
      step_size: number of epochs between two steps.
      gamma: factor of a step, in [0, 1].
      steps_per_epoch: updates between two calls of PyTorch's `scheduler.step()`.
    """
    return _lectopt.step_decay(lr, gamma, step_size, steps_per_epoch)


@spelled()
def ExponentialLR(lr: LearningRate, gamma: Fraction, *, steps_per_epoch: Steps = 1) -> Schedule:
    """`lr gamma^epoch`; see `lectopt.step_decay`.

    Args:
      lr: see `StepLR`.
      gamma: see `StepLR`.
      steps_per_epoch: see `StepLR`.
    """
    return _lectopt.step_decay(lr, gamma, 1, steps_per_epoch)


@spelled()
def LambdaLR(
    lr: LearningRate, lr_lambda: Callable[[Any], Any], *, steps_per_epoch: Steps = 1
) -> Schedule:
    """`lr lr_lambda(epoch)`; see `lectopt.lambda_schedule`.

    Args:
      lr: see `StepLR`.
      lr_lambda: function of the epoch, from 0, which is traced: it branches with `jnp.where`.
      steps_per_epoch: see `StepLR`.
    """
    return _lectopt.lambda_schedule(lr, lr_lambda, steps_per_epoch)


@formula("torch", raw=("milestones",))
def MultiStepLR(
    count: Any,
    *,
    lr: LearningRate[Any],
    milestones: Sequence[int],
    gamma: Fraction[Any] = 0.1,
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
    return lr * gamma ** jnp.sum(count // steps_per_epoch >= jnp.asarray(milestones))


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
    return eta_min + (lr - eta_min) * (1 + jnp.cos(jnp.pi * (count // steps_per_epoch) / T_max)) / 2


@spelled()
def ReduceLROnPlateau(
    lr: Positive[Scalar],
    mode: Literal["min", "max"] = "min",
    factor: Factor[Scalar] = 0.1,
    patience: Evaluations = 10,
    threshold: Threshold = 1e-4,
    threshold_mode: Literal["rel", "abs"] = "rel",
    cooldown: Evaluations = 0,
    min_lr: NonNegative[Scalar] = 0.0,
    eps: NonNegative[Scalar] = 1e-8,
) -> Transformation:
    """Reduce the rate by `factor` when the evaluations have not improved `patience + 1` times.

    It is a transformation that scales the updates, to be chained after the optimizer:
    `chain(torch.SGD(lr=0.1), torch.ReduceLROnPlateau(0.1))`. It wants the loss with every
    update: `update(grads, state, params, value=loss, evaluated=new)`, and acts on that update: pass
    the validation loss of an epoch with the first update of the next, and `evaluated=False` with
    the others. `ASGD` and `Rprop` cannot be slowed down from outside.

    Args:
      lr: the rate of the optimizer, a number above zero.
      mode: whether the value is to fall or to rise.
      factor: of a reduction, in [0, 1).
      patience: so many evaluations without improvement are tolerated. Keras reduces one earlier.
      threshold: what counts as better: by a share of the best value (`"rel"`), or by so much. For
        values below zero the share is taken of the magnitude, where PyTorch's `best (1 -
        threshold)` would ask for less than an improvement.
      threshold_mode: `"rel"` or `"abs"`.
      cooldown: evaluations after a reduction that are not counted.
      min_lr: the smallest rate.
      eps: a reduction by less than this is not made.

    Raises:
      ValueError: a number out of its range.

    Source: `torch.optim.lr_scheduler.ReduceLROnPlateau`; see `lectopt.reduce_on_plateau`.
    """
    modes: Any = dict(rel="relative", abs="absolute")
    return reduce_on_plateau(
        factor,
        patience,
        mode=mode,
        threshold=threshold,
        threshold_mode=modes[threshold_mode],
        cooldown=cooldown,
        min_scale=_last_rate(lr, factor, min_lr, eps) / lr,
    )


def _last_rate(lr: Any, factor: Any, min_lr: Any, eps: Any) -> float:
    """Where PyTorch's reductions end: at `min_lr`, or when one would be no more than `eps`."""
    if not all(map(is_concrete, (lr, factor, min_lr, eps))) or min_lr > lr:
        raise ValueError(
            "ReduceLROnPlateau: lr, factor, min_lr and eps must be plain numbers, with min_lr at "
            f"most lr; got {', '.join(map(shown, (lr, factor, min_lr, eps)))}. "
            "Write for example ReduceLROnPlateau(0.1)."
        )
    while lr - (lower := max(lr * factor, min_lr)) > eps:
        lr = lower
    return lr
