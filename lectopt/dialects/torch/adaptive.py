"""PyTorch's rates per weight: RMSprop, Adagrad, Adadelta."""

from lectopt import optimizers as _lectopt
from lectopt.dialects.spelling import absent
from lectopt.dialects.torch.frame import (
    Capturable,
    Differentiable,
    Foreach,
    Fused,
    framed,
    pytorch,
)
from lectopt.schedules import inverse_time_decay
from lectopt.settings import Decay, LearningRate, NonNegative
from lectopt.transformation import Transformation


@pytorch
def RMSprop(
    lr: LearningRate = 1e-2,
    alpha: Decay = 0.99,
    eps: NonNegative = 1e-8,
    weight_decay: NonNegative = 0,
    momentum: Decay = 0,
    centered: bool = False,
    capturable: Capturable = False,
    foreach: Foreach = None,
    maximize: bool = False,
    differentiable: Differentiable = False,
) -> Transformation:
    """`b = momentum b + g / (sqrt(nu) + eps)`, `param - lr b`; see `lectopt.rmsprop`.

    Args:
      lr: zero or more, or a schedule; outside the velocity.
      alpha: decay of the mean square, in [0, 1).
      eps: zero or more, outside the root.
      weight_decay: of an L2 penalty.
      momentum: in [0, 1); with 0 there is no velocity.
      centered: divide by the standard deviation. Where rounding makes PyTorch's variance negative
        and its step NaN, it is 0 here.
      maximize: ascend.
    """
    tx = _lectopt.rmsprop(
        lr,
        alpha,
        eps,
        eps_placement="outside",
        centered=centered,
        momentum=None if absent(momentum) else momentum,
        momentum_form="heavy_ball",
    )
    return framed(tx, weight_decay, maximize)


@pytorch
def Adagrad(
    lr: LearningRate = 1e-2,
    lr_decay: NonNegative = 0,
    weight_decay: NonNegative = 0,
    initial_accumulator_value: NonNegative = 0,
    eps: NonNegative = 1e-10,
    foreach: Foreach = None,
    *,
    maximize: bool = False,
    differentiable: Differentiable = False,
    fused: Fused = None,
) -> Transformation:
    """`r = r + g^2`, `param - lr / (1 + count lr_decay) g / (sqrt(r) + eps)`.

    Args:
      lr: zero or more, or a schedule.
      lr_decay: zero or more; `count` is the number of updates made before.
      weight_decay: of an L2 penalty.
      initial_accumulator_value: first value of `r`.
      eps: zero or more, outside the root.
      maximize: ascend.
    """
    rate = lr if absent(lr_decay) else inverse_time_decay(lr, lr_decay)
    tx = _lectopt.adagrad(rate, initial_accumulator_value, eps, eps_placement="outside")
    return framed(tx, weight_decay, maximize)


@pytorch
def Adadelta(
    lr: LearningRate = 1.0,
    rho: Decay = 0.9,
    eps: NonNegative = 1e-6,
    weight_decay: NonNegative = 0,
    foreach: Foreach = None,
    *,
    capturable: Capturable = False,
    maximize: bool = False,
    differentiable: Differentiable = False,
) -> Transformation:
    """Steps in the units of the weight; see `lectopt.adadelta`.

    Args:
      lr: zero or more, or a schedule.
      rho: decay of both averages, in [0, 1).
      eps: zero or more.
      weight_decay: of an L2 penalty.
      maximize: ascend.
    """
    return framed(_lectopt.adadelta(lr, rho, eps), weight_decay, maximize)
