# Written by docs/stubs.py: what decorators make of the functions here.

from collections.abc import Sequence
from lectopt.dialects.keras.frame import (
    Accumulation,
    LossScale,
    Name,
    Overwrite,
    moving_average as moving_average,
)
from lectopt.dialects.keras.moving import (
    from_optimizer as from_optimizer,
    read_params as read_params,
)
from lectopt.schedules.formula import Schedule
from lectopt.settings import (
    Bound,
    Decay,
    Fraction,
    Growth,
    LearningRate,
    NonNegative,
    Positive,
    Steps,
)
from lectopt.transformation import Transformation

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

def Adadelta(
    learning_rate: LearningRate = 0.001,
    rho: Decay = 0.95,
    epsilon: NonNegative = 1e-07,
    weight_decay: NonNegative | None = None,
    clipnorm: Bound | None = None,
    clipvalue: Bound | None = None,
    global_clipnorm: Bound | None = None,
    use_ema: bool = False,
    ema_momentum: Fraction = 0.99,
    ema_overwrite_frequency: Overwrite = None,
    loss_scale_factor: LossScale = None,
    gradient_accumulation_steps: Accumulation = None,
    name: Name = None,
) -> Transformation: ...
def Adagrad(
    learning_rate: LearningRate = 0.001,
    initial_accumulator_value: NonNegative = 0.1,
    epsilon: NonNegative = 1e-07,
    weight_decay: NonNegative | None = None,
    clipnorm: Bound | None = None,
    clipvalue: Bound | None = None,
    global_clipnorm: Bound | None = None,
    use_ema: bool = False,
    ema_momentum: Fraction = 0.99,
    ema_overwrite_frequency: Overwrite = None,
    loss_scale_factor: LossScale = None,
    gradient_accumulation_steps: Accumulation = None,
    name: Name = None,
) -> Transformation: ...
def Adam(
    learning_rate: LearningRate = 0.001,
    beta_1: Decay = 0.9,
    beta_2: Decay = 0.999,
    epsilon: NonNegative = 1e-07,
    amsgrad: bool = False,
    weight_decay: NonNegative | None = None,
    clipnorm: Bound | None = None,
    clipvalue: Bound | None = None,
    global_clipnorm: Bound | None = None,
    use_ema: bool = False,
    ema_momentum: Fraction = 0.99,
    ema_overwrite_frequency: Overwrite = None,
    loss_scale_factor: LossScale = None,
    gradient_accumulation_steps: Accumulation = None,
    name: Name = None,
) -> Transformation: ...
def AdamW(
    learning_rate: LearningRate = 0.001,
    weight_decay: NonNegative = 0.004,
    beta_1: Decay = 0.9,
    beta_2: Decay = 0.999,
    epsilon: NonNegative = 1e-07,
    amsgrad: bool = False,
    clipnorm: Bound | None = None,
    clipvalue: Bound | None = None,
    global_clipnorm: Bound | None = None,
    use_ema: bool = False,
    ema_momentum: Fraction = 0.99,
    ema_overwrite_frequency: Overwrite = None,
    loss_scale_factor: LossScale = None,
    gradient_accumulation_steps: Accumulation = None,
    name: Name = None,
) -> Transformation: ...
def Adamax(
    learning_rate: LearningRate = 0.001,
    beta_1: Decay = 0.9,
    beta_2: Decay = 0.999,
    epsilon: NonNegative = 1e-07,
    weight_decay: NonNegative | None = None,
    clipnorm: Bound | None = None,
    clipvalue: Bound | None = None,
    global_clipnorm: Bound | None = None,
    use_ema: bool = False,
    ema_momentum: Fraction = 0.99,
    ema_overwrite_frequency: Overwrite = None,
    loss_scale_factor: LossScale = None,
    gradient_accumulation_steps: Accumulation = None,
    name: Name = None,
) -> Transformation: ...
def CosineDecay(
    initial_learning_rate: LearningRate,
    decay_steps: Steps,
    alpha: Fraction = 0.0,
    warmup_target: LearningRate | None = None,
    warmup_steps: NonNegative = 0,
) -> Schedule: ...
def CosineDecayRestarts(
    initial_learning_rate: LearningRate,
    first_decay_steps: Steps,
    t_mul: Growth = 2.0,
    m_mul: NonNegative = 1.0,
    alpha: Fraction = 0.0,
) -> Schedule: ...
def ExponentialDecay(
    initial_learning_rate: LearningRate,
    decay_steps: Positive,
    decay_rate: NonNegative,
    staircase: bool = False,
) -> Schedule: ...
def InverseTimeDecay(
    initial_learning_rate: LearningRate,
    decay_steps: Positive,
    decay_rate: NonNegative,
    staircase: bool = False,
) -> Schedule: ...
def Nadam(
    learning_rate: LearningRate = 0.001,
    beta_1: Decay = 0.9,
    beta_2: Decay = 0.999,
    epsilon: NonNegative = 1e-07,
    weight_decay: NonNegative | None = None,
    clipnorm: Bound | None = None,
    clipvalue: Bound | None = None,
    global_clipnorm: Bound | None = None,
    use_ema: bool = False,
    ema_momentum: Fraction = 0.99,
    ema_overwrite_frequency: Overwrite = None,
    loss_scale_factor: LossScale = None,
    gradient_accumulation_steps: Accumulation = None,
    name: Name = None,
) -> Transformation: ...
def PiecewiseConstantDecay(boundaries: Sequence[int], values: Sequence[float]) -> Schedule: ...
def PolynomialDecay(
    initial_learning_rate: LearningRate,
    decay_steps: Steps,
    end_learning_rate: NonNegative = 0.0001,
    power: NonNegative = 1.0,
    cycle: bool = False,
) -> Schedule: ...
def RMSprop(
    learning_rate: LearningRate = 0.001,
    rho: Decay = 0.9,
    momentum: Decay = 0.0,
    epsilon: NonNegative = 1e-07,
    centered: bool = False,
    weight_decay: NonNegative | None = None,
    clipnorm: Bound | None = None,
    clipvalue: Bound | None = None,
    global_clipnorm: Bound | None = None,
    use_ema: bool = False,
    ema_momentum: Fraction = 0.99,
    ema_overwrite_frequency: Overwrite = None,
    loss_scale_factor: LossScale = None,
    gradient_accumulation_steps: Accumulation = None,
    name: Name = None,
) -> Transformation: ...
def SGD(
    learning_rate: LearningRate = 0.01,
    momentum: Decay = 0.0,
    nesterov: bool = False,
    weight_decay: NonNegative | None = None,
    clipnorm: Bound | None = None,
    clipvalue: Bound | None = None,
    global_clipnorm: Bound | None = None,
    use_ema: bool = False,
    ema_momentum: Fraction = 0.99,
    ema_overwrite_frequency: Overwrite = None,
    loss_scale_factor: LossScale = None,
    gradient_accumulation_steps: Accumulation = None,
    name: Name = None,
) -> Transformation: ...
