"""PyTorch 2.13's optimizers and schedulers: its names, arguments, defaults and numbers.

`optimizer = torch.Adam(lr=1e-3)` takes everything that `torch.optim.Adam` takes after the
parameters. `lr` is a number, a tracer, or a schedule such as `torch.StepLR(1e-3, step_size=30,
steps_per_epoch=391)`, where PyTorch has a scheduler that acts on the optimizer from outside.
"""

from lectopt.dialects.torch.adams import Adam, Adamax, AdamW, NAdam, RAdam
from lectopt.dialects.torch.adaptive import Adadelta, Adagrad, RMSprop
from lectopt.dialects.torch.cycles import CyclicLR, OneCycleLR
from lectopt.dialects.torch.descent import ASGD, SGD, Rprop
from lectopt.dialects.torch.factors import LambdaLR, MultiplicativeLR
from lectopt.dialects.torch.moving import from_optimizer, read_params
from lectopt.dialects.torch.schedulers import (
    SWALR,
    ConstantLR,
    CosineAnnealingLR,
    CosineAnnealingWarmRestarts,
    ExponentialLR,
    LinearLR,
    MultiStepLR,
    PolynomialLR,
    StepLR,
)
from lectopt.dialects.torch.sequences import ChainedScheduler, ReduceLROnPlateau, SequentialLR

__all__ = [
    "ASGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialLR",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
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
    "StepLR",
    "from_optimizer",
    "read_params",
]
