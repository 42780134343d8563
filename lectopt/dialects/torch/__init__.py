"""PyTorch 2.13's optimizers and schedulers: its names, arguments, defaults and numbers.

`optimizer = torch.Adam(lr=1e-3)` takes everything that `torch.optim.Adam` takes after the
parameters. `lr` is a number, a tracer, or a schedule such as `torch.StepLR(1e-3, step_size=30,
steps_per_epoch=391)`, where PyTorch has a scheduler that acts on the optimizer from outside.
"""

from lectopt.dialects.torch.adams import Adam, Adamax, AdamW, NAdam, RAdam
from lectopt.dialects.torch.adaptive import Adadelta, Adagrad, RMSprop
from lectopt.dialects.torch.cycles import CyclicLR, OneCycleLR
from lectopt.dialects.torch.descent import ASGD, SGD, Rprop
from lectopt.dialects.torch.moving import from_optimizer, read_params
from lectopt.dialects.torch.schedulers import (
    CosineAnnealingLR,
    ExponentialLR,
    LambdaLR,
    MultiStepLR,
    ReduceLROnPlateau,
    StepLR,
)

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
