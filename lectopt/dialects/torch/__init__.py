"""PyTorch 2.13's optimizers and schedulers: its names, arguments, defaults and numbers.

`optimizer = torch.Adam(lr=1e-3)` takes everything that `torch.optim.Adam` takes after the
parameters. `lr` is a number, a tracer, or a schedule such as `torch.StepLR(1e-3, step_size=30,
steps_per_epoch=391)`, where PyTorch has a scheduler that acts on the optimizer from outside.
"""

from lectopt.dialects.factored import relative_step as relative_step
from lectopt.dialects.factored import scale_by_last_axes as scale_by_last_axes
from lectopt.dialects.torch.adams import Adam, Adamax, AdamW, NAdam, RAdam, SparseAdam
from lectopt.dialects.torch.adaptive import Adadelta, Adagrad, RMSprop
from lectopt.dialects.torch.averages import (
    AveragedModel,
    get_ema_avg_fn,
    get_ema_multi_avg_fn,
    get_swa_avg_fn,
    get_swa_multi_avg_fn,
)
from lectopt.dialects.torch.clipping import clip_grad_norm_, clip_grad_value_
from lectopt.dialects.torch.cycles import CyclicLR, OneCycleLR
from lectopt.dialects.torch.descent import ASGD, SGD, Rprop
from lectopt.dialects.torch.factors import LambdaLR, MultiplicativeLR
from lectopt.dialects.torch.matrices import LBFGS, Adafactor, Muon
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
