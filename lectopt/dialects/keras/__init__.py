"""Keras 3's optimizers and learning-rate schedules: its names, arguments, defaults and numbers.

`optimizer = keras.Adam(1e-3)` takes everything that `keras.optimizers.Adam` takes, and
`learning_rate` may be a number, a tracer, or a schedule such as `keras.CosineDecay(1e-3, 10_000)`.
"""

from lectopt.dialects.factored import relative_step as relative_step
from lectopt.dialects.factored import scale_by_last_axes as scale_by_last_axes
from lectopt.dialects.factored import scale_by_shrunk_weights as scale_by_shrunk_weights
from lectopt.dialects.keras.frame import moving_average
from lectopt.dialects.keras.loss_scale import LossScaleOptimizer
from lectopt.dialects.keras.loss_scale import scale_dynamically as scale_dynamically
from lectopt.dialects.keras.moving import from_optimizer, read_params
from lectopt.dialects.keras.newer import (
    Adafactor,
    Ftrl,
    Lamb,
    Lion,
    Muon,
    ScheduleFreeAdamW,
)
from lectopt.dialects.keras.newer import Where as Where
from lectopt.dialects.keras.newer import risen as risen
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
from lectopt.dialects.keras.stepping import accumulate as accumulate
from lectopt.dialects.keras.stepping import by_call as by_call
from lectopt.dialects.keras.stepping import overwrite_with_average as overwrite_with_average
from lectopt.dialects.keras.stepping import unscale as unscale

__all__ = [
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "CosineDecay",
    "CosineDecayRestarts",
    "ExponentialDecay",
    "Ftrl",
    "InverseTimeDecay",
    "Lamb",
    "Lion",
    "LossScaleOptimizer",
    "Muon",
    "Nadam",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "RMSprop",
    "SGD",
    "ScheduleFreeAdamW",
    "from_optimizer",
    "moving_average",
    "read_params",
]
