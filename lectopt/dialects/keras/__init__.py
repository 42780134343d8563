"""Keras 3's optimizers and learning-rate schedules: its names, arguments, defaults and numbers.

`optimizer = keras.Adam(1e-3)` takes everything that `keras.optimizers.Adam` takes, and
`learning_rate` may be a number, a tracer, or a schedule such as `keras.CosineDecay(1e-3, 10_000)`.
"""

from lectopt.dialects.keras.frame import moving_average as moving_average
from lectopt.dialects.keras.moving import from_optimizer as from_optimizer
from lectopt.dialects.keras.moving import read_params as read_params
from lectopt.dialects.keras.optimizers import SGD as SGD
from lectopt.dialects.keras.optimizers import Adadelta as Adadelta
from lectopt.dialects.keras.optimizers import Adagrad as Adagrad
from lectopt.dialects.keras.optimizers import Adam as Adam
from lectopt.dialects.keras.optimizers import Adamax as Adamax
from lectopt.dialects.keras.optimizers import AdamW as AdamW
from lectopt.dialects.keras.optimizers import Nadam as Nadam
from lectopt.dialects.keras.optimizers import RMSprop as RMSprop
from lectopt.dialects.keras.schedules import CosineDecay as CosineDecay
from lectopt.dialects.keras.schedules import CosineDecayRestarts as CosineDecayRestarts
from lectopt.dialects.keras.schedules import ExponentialDecay as ExponentialDecay
from lectopt.dialects.keras.schedules import InverseTimeDecay as InverseTimeDecay
from lectopt.dialects.keras.schedules import PiecewiseConstantDecay as PiecewiseConstantDecay
from lectopt.dialects.keras.schedules import PolynomialDecay as PolynomialDecay
