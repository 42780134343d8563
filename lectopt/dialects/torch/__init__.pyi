# Written by docs/stubs.py: what decorators make of the functions here.

from collections.abc import Sequence
from lectopt.dialects.torch.adams import (
    Adam as Adam,
    AdamW as AdamW,
    Adamax as Adamax,
    NAdam as NAdam,
    RAdam as RAdam,
)
from lectopt.dialects.torch.adaptive import (
    Adadelta as Adadelta,
    Adagrad as Adagrad,
    RMSprop as RMSprop,
)
from lectopt.dialects.torch.cycles import Cycle, Momentum
from lectopt.dialects.torch.descent import ASGD as ASGD, Rprop as Rprop, SGD as SGD
from lectopt.dialects.torch.moving import (
    from_optimizer as from_optimizer,
    read_params as read_params,
)
from lectopt.dialects.torch.schedulers import (
    ExponentialLR as ExponentialLR,
    LambdaLR as LambdaLR,
    ReduceLROnPlateau as ReduceLROnPlateau,
    StepLR as StepLR,
)
from lectopt.schedules.formula import Schedule
from lectopt.settings import Decay, Fraction, LearningRate, NonNegative, Positive, Steps
from typing import Any, Literal

__all__ = [
    "ASGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "CosineAnnealingLR",
    "CyclicLR",
    "ExponentialLR",
    "LambdaLR",
    "MultiStepLR",
    "NAdam",
    "OneCycleLR",
    "RAdam",
    "RMSprop",
    "ReduceLROnPlateau",
    "Rprop",
    "SGD",
    "StepLR",
    "from_optimizer",
    "read_params",
]

def CosineAnnealingLR(
    lr: LearningRate,
    T_max: Steps,
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
def MultiStepLR(
    lr: LearningRate,
    milestones: Sequence[int],
    gamma: Fraction = 0.1,
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
