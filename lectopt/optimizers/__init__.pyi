# Written by docs/stubs.py: what decorators make of the functions here.

from lectopt.optimizers._adam import adam as adam, adamw as adamw
from lectopt.optimizers._adam_family import (
    adamax as adamax,
    amsgrad as amsgrad,
    nadam as nadam,
    radam as radam,
)
from lectopt.optimizers._adaptive import (
    adadelta as adadelta,
    adagrad as adagrad,
    rmsprop as rmsprop,
)
from lectopt.optimizers._averaged import (
    asgd as asgd,
    schedule_free as schedule_free,
    schedule_free_adamw as schedule_free_adamw,
    schedule_free_sgd as schedule_free_sgd,
)
from lectopt.optimizers._belief import adabelief as adabelief, yogi as yogi
from lectopt.optimizers._descent import momentum as momentum, nesterov as nesterov, sgd as sgd
from lectopt.optimizers._distance import cocob as cocob, dog as dog, dowg as dowg
from lectopt.optimizers._layers import adafactor as adafactor, novograd as novograd, sm3 as sm3
from lectopt.optimizers._matrices import muon as muon
from lectopt.optimizers._mixtures import (
    adan as adan,
    ademamix as ademamix,
    adopt as adopt,
    optimistic_adam as optimistic_adam,
    optimistic_gradient_descent as optimistic_gradient_descent,
    simplified_ademamix as simplified_ademamix,
)
from lectopt.optimizers._polyak import polyak_sgd as polyak_sgd
from lectopt.optimizers._signs import (
    lion as lion,
    local_gains as local_gains,
    rprop as rprop,
    sign_sgd as sign_sgd,
    signum as signum,
)
from lectopt.optimizers._statistical import (
    noisy_sgd as noisy_sgd,
    sgld as sgld,
    snr_sgd as snr_sgd,
)
from lectopt.optimizers._trust import fromage as fromage, lamb as lamb, lars as lars
from lectopt.settings import (
    Decay,
    Fraction,
    LearningRate,
    NonNegative,
    Period,
    Positive,
    PositiveBound,
    Steps,
)
from lectopt.transformation import Transformation
from optax import GradientTransformation
from typing import Any, Literal

__all__ = [
    "adabelief",
    "adadelta",
    "adafactor",
    "adagrad",
    "adam",
    "adamax",
    "adamw",
    "adan",
    "additive_mean_square",
    "ademamix",
    "adopt",
    "amsgrad",
    "asgd",
    "cocob",
    "dog",
    "dowg",
    "fromage",
    "ftrl",
    "interpolated_ema",
    "lamb",
    "lars",
    "lion",
    "local_gains",
    "lookahead",
    "mechanize",
    "momentum",
    "muon",
    "nadam",
    "nesterov",
    "noisy_sgd",
    "normalize",
    "novograd",
    "optimistic_adam",
    "optimistic_gradient_descent",
    "polyak_sgd",
    "prodigy",
    "radam",
    "rmsprop",
    "rprop",
    "sam",
    "scale_by_cocob",
    "scale_by_dog",
    "scale_by_dowg",
    "scale_by_polyak",
    "schedule_free",
    "schedule_free_adamw",
    "schedule_free_sgd",
    "sgd",
    "sgld",
    "sign_sgd",
    "signum",
    "simplified_ademamix",
    "sm3",
    "snr_sgd",
    "yogi",
]

def additive_mean_square(
    decay: Decay,
    initial: NonNegative = 0.0,
    state_dtype: Any = None,
) -> Transformation: ...
def ftrl(
    learning_rate: LearningRate,
    initial_accumulator_value: NonNegative = 0.1,
    power: NonNegative = 0.5,
    l1: NonNegative = 0.0,
    l2: NonNegative = 0.0,
    l2_shrinkage: NonNegative = 0.0,
    beta: NonNegative = 0.0,
    state_dtype: Any = None,
) -> Transformation: ...
def interpolated_ema(
    b1: Decay = 0.9,
    b2: Decay = 0.99,
    state_dtype: Any = None,
) -> Transformation: ...
def lookahead(
    fast_optimizer: GradientTransformation,
    sync_period: Period = 6,
    slow_step_size: Fraction = 0.5,
    reset_state: bool = False,
) -> Transformation: ...
def mechanize(
    base_optimizer: GradientTransformation,
    weight_decay: NonNegative = 0.01,
    eps: NonNegative = 1e-08,
    s_init: Positive = 1e-06,
    num_betas: Steps = 6,
) -> Transformation: ...
def normalize() -> Transformation: ...
def prodigy(
    learning_rate: LearningRate = 1.0,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    b3: Decay | None = None,
    eps: NonNegative = 1e-08,
    estim_lr0: Positive = 1e-06,
    estim_lr_coef: Positive = 1.0,
    weight_decay: NonNegative = 0.0,
    safeguard_warmup: bool = False,
    state_dtype: Any = None,
) -> Transformation: ...
def sam(
    optimizer: GradientTransformation,
    adv_optimizer: GradientTransformation,
    sync_period: Steps = 2,
    reset_state: bool = True,
    state_dtype: Any = None,
) -> Transformation: ...
def scale_by_cocob(
    alpha: NonNegative = 100.0,
    eps: NonNegative = 1e-08,
    state_dtype: Any = None,
) -> Transformation: ...
def scale_by_dog(
    initial: NonNegative = 1e-06,
    initial_as: Literal["share", "distance", "rate"] = "share",
    eps: NonNegative = 1e-08,
) -> Transformation: ...
def scale_by_dowg(initial: NonNegative = 0.0001, eps: NonNegative = 0.0001) -> Transformation: ...
def scale_by_polyak(
    max_learning_rate: PositiveBound = 1.0,
    f_min: Any = 0.0,
    eps: NonNegative = 0.0,
    variant: Literal["sps", "sps+"] = "sps",
) -> Transformation: ...
