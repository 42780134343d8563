"""The algorithms, as wiring: each names its parts, and the parts hold the recurrences.

Where Optax has the name, the same call gives Optax's numbers. Keywords after the `*` name the
conventions in which lectures and frameworks differ; they change the arithmetic, and the default is
Optax's.
"""

from lectopt.optimizers._adam import adam, adamw
from lectopt.optimizers._adam_family import adamax, amsgrad, nadam, radam
from lectopt.optimizers._adaptive import adadelta, adagrad, rmsprop
from lectopt.optimizers._averaged import asgd, schedule_free, schedule_free_adamw, schedule_free_sgd
from lectopt.optimizers._belief import adabelief, additive_mean_square, yogi
from lectopt.optimizers._descent import momentum, nesterov, sgd
from lectopt.optimizers._distance import (
    cocob,
    dog,
    dowg,
    scale_by_cocob,
    scale_by_dog,
    scale_by_dowg,
)
from lectopt.optimizers._ftrl import ftrl
from lectopt.optimizers._layers import adafactor, novograd, sm3
from lectopt.optimizers._matrices import muon
from lectopt.optimizers._mixtures import (
    adan,
    ademamix,
    adopt,
    optimistic_adam,
    optimistic_gradient_descent,
    simplified_ademamix,
)
from lectopt.optimizers._polyak import polyak_sgd, scale_by_polyak
from lectopt.optimizers._signs import interpolated_ema, lion, local_gains, rprop, sign_sgd, signum
from lectopt.optimizers._statistical import noisy_sgd, sgld, snr_sgd
from lectopt.optimizers._trust import fromage, lamb, lars
from lectopt.optimizers._whole_tree import lookahead, prodigy
from lectopt.optimizers._wrappers import mechanize, normalize, sam

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
