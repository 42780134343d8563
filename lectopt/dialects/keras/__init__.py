"""Keras 3's optimizers and learning-rate schedules: its names, arguments, defaults and numbers.

`optimizer = keras.Adam(1e-3)` takes everything that `keras.optimizers.Adam` takes, and
`learning_rate` may be a number, a tracer, or a schedule such as `keras.CosineDecay(1e-3, 10_000)`.
"""

from lectopt.dialects.keras.frame import moving_average
from lectopt.dialects.keras.moving import from_optimizer, read_params
from lectopt.dialects.keras.optimizers import (
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    Nadam,
    RMSprop,
)
from lectopt.dialects.keras.schedules import (
    CosineDecay,
    CosineDecayRestarts,
    ExponentialDecay,
    InverseTimeDecay,
    PiecewiseConstantDecay,
    PolynomialDecay,
)

__all__ = [
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "CosineDecay",
    "CosineDecayRestarts",
    "ExponentialDecay",
    "InverseTimeDecay",
    "Nadam",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "RMSprop",
    "SGD",
    "from_optimizer",
    "moving_average",
    "read_params",
]
