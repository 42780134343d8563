"""PyTorch's Adam and its relatives."""

from lectopt import optimizers as _lectopt
from lectopt.dialects.torch.frame import (
    Betas,
    Capturable,
    Differentiable,
    Foreach,
    Fused,
    decoupled,
    framed,
    pytorch,
)
from lectopt.settings import LearningRate, NonNegative
from lectopt.transformation import Transformation


@pytorch
def Adam(
    lr: LearningRate = 1e-3,
    betas: Betas = (0.9, 0.999),
    eps: NonNegative = 1e-8,
    weight_decay: NonNegative = 0,
    amsgrad: bool = False,
    *,
    foreach: Foreach = None,
    maximize: bool = False,
    capturable: Capturable = False,
    differentiable: Differentiable = False,
    fused: Fused = None,
    decoupled_weight_decay: bool = False,
) -> Transformation:
    """`mu_hat / (sqrt(nu_hat) + eps)`; see `lectopt.adam`.

    Args:
      lr: zero or more, or a schedule.
      betas: decays of the mean and of the mean square, both in [0, 1).
      eps: zero or more, outside the root.
      weight_decay: of an L2 penalty, unless it is decoupled.
      amsgrad: the largest `nu` so far, corrected afterwards; see `lectopt.amsgrad`.
      maximize: ascend.
      decoupled_weight_decay: `AdamW`.
    """
    tx = _lectopt.amsgrad(lr, *betas, eps, maximum_of="raw") if amsgrad else None
    tx = tx or _lectopt.adam(lr, *betas, eps)
    if decoupled_weight_decay:
        return decoupled(tx, lr, weight_decay, maximize)
    return framed(tx, weight_decay, maximize)


@pytorch
def AdamW(
    lr: LearningRate = 1e-3,
    betas: Betas = (0.9, 0.999),
    eps: NonNegative = 1e-8,
    weight_decay: NonNegative = 1e-2,
    amsgrad: bool = False,
    *,
    maximize: bool = False,
    foreach: Foreach = None,
    capturable: Capturable = False,
    differentiable: Differentiable = False,
    fused: Fused = None,
) -> Transformation:
    """`param (1 - lr weight_decay)`, then Adam's step; see `Adam`."""
    return Adam(
        lr, betas, eps, weight_decay, amsgrad, maximize=maximize, decoupled_weight_decay=True
    )


@pytorch
def SparseAdam(
    lr: LearningRate = 1e-3,
    betas: Betas = (0.9, 0.999),
    eps: NonNegative = 1e-8,
    maximize: bool = False,
) -> Transformation:
    """`Adam` with another epsilon, of gradients that have all their rows: where PyTorch's sparse
    gradient has none, it leaves row and moments as they are, and here they are those of a 0.

    Args:
      lr: zero or more, or a schedule.
      betas: see `Adam`.
      eps: zero or more; it joins the root before the bias correction.
      maximize: ascend.
    """
    return framed(_lectopt.adam(lr, *betas, eps, eps_placement="uncorrected"), 0, maximize)


@pytorch
def Adamax(
    lr: LearningRate = 2e-3,
    betas: Betas = (0.9, 0.999),
    eps: NonNegative = 1e-8,
    weight_decay: NonNegative = 0,
    foreach: Foreach = None,
    *,
    maximize: bool = False,
    differentiable: Differentiable = False,
    capturable: Capturable = False,
) -> Transformation:
    """`nu = max(betas[1] nu, |g| + eps)`, `param - lr mu_hat / nu`; see `lectopt.adamax`.

    Args:
      lr: zero or more, or a schedule.
      betas: decays of the mean and of the maximum, both in [0, 1).
      eps: zero or more, inside the maximum.
      weight_decay: of an L2 penalty.
      maximize: ascend.
    """
    return framed(_lectopt.adamax(lr, *betas, eps), weight_decay, maximize)


@pytorch
def NAdam(
    lr: LearningRate = 2e-3,
    betas: Betas = (0.9, 0.999),
    eps: NonNegative = 1e-8,
    weight_decay: NonNegative = 0,
    momentum_decay: NonNegative = 4e-3,
    decoupled_weight_decay: bool = False,
    *,
    foreach: Foreach = None,
    maximize: bool = False,
    capturable: Capturable = False,
    differentiable: Differentiable = False,
) -> Transformation:
    """Adam with a look-ahead in the mean, its coefficient warming up; see `lectopt.nadam`.

    Args:
      lr: zero or more, or a schedule.
      betas: see `Adam`.
      eps: see `Adam`.
      weight_decay: see `Adam`.
      momentum_decay: how fast the coefficient warms up, zero or more.
      decoupled_weight_decay: see `Adam`.
      maximize: ascend.
    """
    tx = _lectopt.nadam(lr, *betas, eps, momentum_decay=momentum_decay)
    if decoupled_weight_decay:
        return decoupled(tx, lr, weight_decay, maximize)
    return framed(tx, weight_decay, maximize)


@pytorch
def RAdam(
    lr: LearningRate = 1e-3,
    betas: Betas = (0.9, 0.999),
    eps: NonNegative = 1e-8,
    weight_decay: NonNegative = 0,
    decoupled_weight_decay: bool = False,
    *,
    foreach: Foreach = None,
    maximize: bool = False,
    capturable: Capturable = False,
    differentiable: Differentiable = False,
) -> Transformation:
    """Adam that does without its denominator in the first steps; see `lectopt.radam`.

    Args:
      lr: zero or more, or a schedule.
      betas: see `Adam`.
      eps: zero or more; it joins the root before the bias correction.
      weight_decay: see `Adam`.
      decoupled_weight_decay: see `Adam`.
      maximize: ascend.
    """
    tx = _lectopt.radam(lr, *betas, eps, eps_placement="uncorrected")
    if decoupled_weight_decay:
        return decoupled(tx, lr, weight_decay, maximize)
    return framed(tx, weight_decay, maximize)
