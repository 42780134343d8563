"""Optax 0.2.8's aliases: its names, arguments, defaults and numbers, as lectopt transformations;
and in `contrib` those of `optax.contrib`.

Where the numbers of `lectopt` are Optax's already, these are the same compositions. They differ in
`eps_root`, inside the root beside an `eps` outside, in `mu_dtype`, the mean's alone, and in what
Optax does against its own words: `rprop`, `adadelta` without a rate, `adan`, pairs of negative
curvature in `lbfgs`. Variances are never below 0, and moments are at least float32.
"""

from lectopt.dialects.optax import contrib, scalings, transforms
from lectopt.dialects.optax.adams import (
    adabelief,
    adam,
    adamax,
    adamaxw,
    adamw,
    adan,
    amsgrad,
    lamb,
    nadam,
    nadamw,
    optimistic_adam,
    optimistic_adam_v2,
    radam,
    yogi,
)
from lectopt.dialects.optax.others import (
    adadelta,
    adafactor,
    adagrad,
    fromage,
    lars,
    lbfgs,
    lion,
    noisy_sgd,
    novograd,
    optimistic_gradient_descent,
    polyak_sgd,
    rmsprop,
    rprop,
    sgd,
    sign_sgd,
    signum,
    sm3,
)
from lectopt.dialects.optax.rules import scale_by_late_rprop as scale_by_late_rprop
from lectopt.dialects.optax.scalings import *
from lectopt.dialects.optax.transforms import *

__all__ = [
    "adabelief",
    "adadelta",
    "adafactor",
    "adagrad",
    "adam",
    "adamax",
    "adamaxw",
    "adamw",
    "adan",
    "amsgrad",
    "contrib",
    "fromage",
    "lamb",
    "lars",
    "lbfgs",
    "lion",
    "nadam",
    "nadamw",
    "noisy_sgd",
    "novograd",
    "optimistic_adam",
    "optimistic_adam_v2",
    "optimistic_gradient_descent",
    "polyak_sgd",
    "radam",
    "rmsprop",
    "rprop",
    "sgd",
    "sign_sgd",
    "signum",
    "sm3",
    "yogi",
]
__all__ += scalings.__all__
__all__ += transforms.__all__
