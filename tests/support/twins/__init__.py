"""Float64 NumPy twins of the optimisers: each a plain loop written from its slide or paper.

The oracle of the tests. No twin imports or copies the library.
"""

from .adam import (
    adam_cmu,
    adam_keras,
    adam_kingma,
    adam_l2,
    adam_liege,
    adamax_keras,
    adamax_kingma,
    adamax_torch,
    adamw,
    adamw_paper,
    amsgrad_keras,
    amsgrad_optax,
    amsgrad_reddi,
    amsgrad_torch,
)
from .adaptive import (
    adadelta,
    adagrad_inside,
    adagrad_outside,
    rmsprop_bare,
    rmsprop_centered,
    rmsprop_corrected,
    rmsprop_inside,
    rmsprop_momentum_inside,
    rmsprop_nesterov,
    rmsprop_outside,
    rmsprop_torch,
    visit_count,
)
from .belief import adabelief, lion, yogi
from .layers import adafactor, novograd, prodigy
from .lookahead import lookahead_adam, lookahead_sgd
from .momentum import (
    momentum_ema,
    momentum_ema_corrected,
    momentum_inside,
    momentum_original,
    momentum_outside,
    momentum_torch,
    nesterov_lookahead,
    nesterov_shifted,
    nesterov_simplified,
    nesterov_two_stage,
    sgd,
)
from .nadam import (
    nadam_dozat,
    nadam_keras,
    nadam_optax,
    nadam_torch,
    radam,
)
from .schedules import (
    constant,
    cosine_decay,
    cosine_restarts,
    exponential_decay,
    exponential_lr,
    halving,
    inverse_strong_convexity,
    inverse_time_decay,
    joined,
    lambda_lr,
    power_decay,
    staircase_exponential,
    step_decay,
    triangular,
    warmup,
)
from .signs import (
    irprop_minus,
    irprop_plus,
    local_gains,
    rprop_minus,
    rprop_plus,
)
from .statistical import (
    asgd_torch,
    exponential_average,
    polynomial_average,
    sgld,
    snr_sgd,
    snr_sgd_literal,
    suffix_average,
    swats,
    tail_average,
    uniform_average,
)
