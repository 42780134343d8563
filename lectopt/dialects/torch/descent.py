"""PyTorch's descent without normalisation: SGD, averaged SGD, and Rprop."""

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
from lectopt.settings import Count, Decay, Fraction, Growth, LearningRate, NonNegative
from lectopt.transformation import Transformation


@pytorch
def SGD(
    lr: LearningRate = 1e-3,
    momentum: Decay = 0,
    dampening: Decay = 0,
    weight_decay: NonNegative = 0,
    nesterov: bool = False,
    *,
    maximize: bool = False,
    foreach: Foreach = None,
    differentiable: Differentiable = False,
    fused: Fused = None,
) -> Transformation:
    """`b = momentum b + (1 - dampening) g`, `param - lr b`; the first `b` is `g`, not dampened.

    Args:
      lr: zero or more, or a schedule; outside the velocity.
      momentum: in [0, 1); with 0 there is no velocity.
      dampening: in [0, 1).
      weight_decay: of an L2 penalty, which enters the velocity.
      nesterov: `param - lr (g + momentum b)`; needs momentum and no dampening.
      maximize: ascend.

    Raises:
      ValueError: `nesterov` without momentum or with dampening.
    """
    if nesterov and (absent(momentum) or not absent(dampening)):
        raise ValueError(
            "SGD: nesterov needs a momentum and no dampening, "
            f"got momentum={momentum!r}, dampening={dampening!r}. Write for example momentum=0.9."
        )
    if absent(momentum) or nesterov:
        tx = _lectopt.sgd(lr, None if absent(momentum) else momentum, nesterov)
    else:
        undamped = absent(dampening)
        tx = _lectopt.momentum(
            lr, momentum, form="heavy_ball", dampening=dampening, dampen_first=undamped
        )
    return framed(tx, weight_decay, maximize)


@pytorch
def ASGD(
    lr: LearningRate = 1e-2,
    lambd: NonNegative = 1e-4,
    alpha: NonNegative = 0.75,
    t0: Count = 1e6,
    weight_decay: NonNegative = 0,
    foreach: Foreach = None,
    maximize: bool = False,
    differentiable: Differentiable = False,
    capturable: Capturable = False,
) -> Transformation:
    """Averaged SGD: a falling rate, and the mean of the weights on the side; see `lectopt.asgd`.

    Args:
      lr: zero or more, or a schedule, which acts one update late.
      lambd: decay, and speed at which the rate falls.
      alpha: power of the fall.
      t0: updates before averaging begins. The average is the entry `average` of the state.
      weight_decay: of an L2 penalty.
      maximize: ascend.
    """
    return framed(_lectopt.asgd(lr, lambd, alpha, t0), weight_decay, maximize)


@pytorch
def Rprop(
    lr: LearningRate = 1e-2,
    etas: tuple[Fraction, Growth] = (0.5, 1.2),
    step_sizes: tuple[NonNegative, NonNegative] = (1e-6, 50),
    *,
    capturable: Capturable = False,
    foreach: Foreach = None,
    maximize: bool = False,
    differentiable: Differentiable = False,
) -> Transformation:
    """A step size for every weight, from the signs of its gradients; iRprop-, see `lectopt.rprop`.

    Args:
      lr: the first step size; a schedule is read once, at count 0.
      etas: factors after a change of sign and while it stays.
      step_sizes: bounds of a step.
      maximize: ascend.
    """
    return framed(_lectopt.rprop(lr, *etas, *step_sizes), 0, maximize)
