# Written by docs/stubs.py: what decorators make of the functions here.

from collections.abc import Callable, Sequence
from lectopt.dialects.torch.adams import (
    Adam as Adam,
    AdamW as AdamW,
    Adamax as Adamax,
    Foreach,
    NAdam as NAdam,
    RAdam as RAdam,
    SparseAdam as SparseAdam,
)
from lectopt.dialects.torch.adaptive import (
    Adadelta as Adadelta,
    Adagrad as Adagrad,
    RMSprop as RMSprop,
)
from lectopt.dialects.torch.averages import (
    AveragedModel as AveragedModel,
    get_ema_avg_fn as get_ema_avg_fn,
    get_ema_multi_avg_fn as get_ema_multi_avg_fn,
    get_swa_avg_fn as get_swa_avg_fn,
    get_swa_multi_avg_fn as get_swa_multi_avg_fn,
)
from lectopt.dialects.torch.clipping import Finite, Order, clip_grad_value_ as clip_grad_value_
from lectopt.dialects.torch.cycles import Cycle, Momentum
from lectopt.dialects.torch.descent import ASGD as ASGD, Rprop as Rprop, SGD as SGD
from lectopt.dialects.torch.matrices import Adafactor as Adafactor, LBFGS as LBFGS, Muon as Muon
from lectopt.dialects.torch.moving import (
    from_optimizer as from_optimizer,
    read_params as read_params,
)
from lectopt.dialects.torch.schedulers import Start
from lectopt.dialects.torch.sequences import ReduceLROnPlateau as ReduceLROnPlateau
from lectopt.schedules.formula import Schedule
from lectopt.settings import (
    Bound,
    Count,
    Decay,
    Fraction,
    LearningRate,
    NonNegative,
    Positive,
    Steps,
)
from lectopt.transformation import Transformation
from typing import Any, Literal

__all__ = [
    "ASGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "AveragedModel",
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialLR",
    "LBFGS",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "Muon",
    "NAdam",
    "OneCycleLR",
    "PolynomialLR",
    "RAdam",
    "RMSprop",
    "ReduceLROnPlateau",
    "Rprop",
    "SGD",
    "SWALR",
    "SequentialLR",
    "SparseAdam",
    "StepLR",
    "clip_grad_norm_",
    "clip_grad_value_",
    "from_optimizer",
    "get_ema_avg_fn",
    "get_ema_multi_avg_fn",
    "get_swa_avg_fn",
    "get_swa_multi_avg_fn",
    "read_params",
]

def ChainedScheduler(schedulers: Sequence[Schedule], steps_per_epoch: Steps = 1) -> Cycle: ...
def ConstantLR(
    lr: LearningRate,
    factor: Fraction = 0.3333333333333333,
    total_iters: Count = 5,
    steps_per_epoch: Steps = 1,
) -> Schedule: ...
def CosineAnnealingLR(
    lr: LearningRate,
    T_max: Steps,
    eta_min: NonNegative = 0.0,
    steps_per_epoch: Steps = 1,
) -> Schedule: ...
def CosineAnnealingWarmRestarts(
    lr: LearningRate,
    T_0: Steps,
    T_mult: Steps = 1,
    eta_min: NonNegative = 0.0,
    steps_per_epoch: Steps = 1,
) -> Schedule: ...
def CyclicLR(
    base_lr: LearningRate,
    max_lr: LearningRate,
    step_size_up: Steps = 2000,
    step_size_down: Steps | None = None,
    mode: Literal["triangular", "triangular2", "exp_range"] = "triangular",
    gamma: NonNegative = 1.0,
    scale_fn: Any = None,
    scale_mode: Literal["cycle", "iterations"] = "cycle",
    cycle_momentum: bool = True,
    base_momentum: Decay = 0.8,
    max_momentum: Decay = 0.9,
) -> Cycle: ...
def ExponentialLR(lr: LearningRate, gamma: NonNegative, steps_per_epoch: Steps = 1) -> Schedule: ...
def LambdaLR(
    lr: LearningRate,
    lr_lambda: Callable[[Any], Any],
    steps_per_epoch: Steps = 1,
) -> Schedule: ...
def LinearLR(
    lr: LearningRate,
    start_factor: Start = 0.3333333333333333,
    end_factor: Fraction = 1.0,
    total_iters: Steps = 5,
    steps_per_epoch: Steps = 1,
) -> Schedule: ...
def MultiStepLR(
    lr: LearningRate,
    milestones: Sequence[int],
    gamma: NonNegative = 0.1,
    steps_per_epoch: Steps = 1,
) -> Schedule: ...
def MultiplicativeLR(
    lr: LearningRate,
    lr_lambda: Callable[[Any], Any],
    steps_per_epoch: Steps = 1,
) -> Schedule: ...
def OneCycleLR(
    max_lr: LearningRate,
    total_steps: Steps | None = None,
    epochs: Steps | None = None,
    steps_per_epoch: Steps | None = None,
    pct_start: Fraction = 0.3,
    anneal_strategy: Literal["cos", "linear"] = "cos",
    cycle_momentum: bool = True,
    base_momentum: Momentum = 0.85,
    max_momentum: Momentum = 0.95,
    div_factor: Positive = 25.0,
    final_div_factor: Positive = 10000.0,
    three_phase: bool = False,
) -> Cycle: ...
def PolynomialLR(
    lr: LearningRate,
    total_iters: Steps = 5,
    power: NonNegative = 1.0,
    steps_per_epoch: Steps = 1,
) -> Schedule: ...
def SWALR(
    lr: LearningRate,
    swa_lr: LearningRate,
    anneal_epochs: Count = 10,
    anneal_strategy: Literal["cos", "linear"] = "cos",
    steps_per_epoch: Steps = 1,
) -> Schedule: ...
def SequentialLR(
    schedulers: Sequence[Schedule],
    milestones: Sequence[int],
    steps_per_epoch: Steps = 1,
) -> Cycle: ...
def StepLR(
    lr: LearningRate,
    step_size: Steps,
    gamma: NonNegative = 0.1,
    steps_per_epoch: Steps = 1,
) -> Schedule: ...
def clip_grad_norm_(
    max_norm: Bound,
    norm_type: Order = 2.0,
    error_if_nonfinite: Finite = False,
    foreach: Foreach = None,
) -> Transformation: ...
