"""Gradient descent, momentum, Nesterov: where the rate and the dampening stand."""

from functools import partial as part

import optax

import lectopt
from tests.support import twins
from tests.support.algorithms.algorithm import Algorithm

DESCENT = (
    Algorithm(
        "sgd",
        lectopt.sgd,
        twins.sgd,
        optax=optax.sgd,
        source="S0-06 S0-11 S0-24 S1-02 S1-04 S3-01",
    ),
    Algorithm(
        "sgd/momentum",
        lectopt.sgd,
        twins.momentum_outside,
        dict(momentum=0.8),
        dict(momentum="mu"),
        optax=optax.sgd,
        source="PyTorch, Optax",
    ),
    Algorithm(
        "sgd/nesterov",
        part(lectopt.sgd, nesterov=True),
        twins.nesterov_simplified,
        dict(momentum=0.8),
        dict(momentum="mu"),
        optax=part(optax.sgd, nesterov=True),
        source="PyTorch, Optax",
    ),
    Algorithm(
        "momentum/velocity",
        lectopt.momentum,
        twins.momentum_inside,
        dict(decay=0.8),
        dict(decay="beta"),
        source="S0-31 S0-33 S1-11 S3-15 S4-18",
    ),
    Algorithm(
        "momentum/velocity-dampened",
        lectopt.momentum,
        twins.momentum_original,
        dict(decay=0.8, dampening=0.3),
        dict(decay="mu", dampening="d"),
        source="S4-20",
    ),
    Algorithm(
        "momentum/heavy_ball",
        part(lectopt.momentum, form="heavy_ball"),
        twins.momentum_outside,
        dict(decay=0.8, dampening=0.3),
        dict(decay="mu", dampening="d"),
        source="S4-20",
    ),
    Algorithm(
        "momentum/heavy_ball-first-undamped",
        part(lectopt.momentum, form="heavy_ball", dampen_first=False),
        twins.momentum_torch,
        dict(decay=0.8, dampening=0.3),
        dict(decay="mu", dampening="d"),
        source="PyTorch",
    ),
    Algorithm(
        "momentum/ema",
        part(lectopt.momentum, form="ema"),
        twins.momentum_ema,
        dict(decay=0.8),
        dict(decay="beta"),
        source="S2-18 S3-14",
    ),
    Algorithm(
        "momentum/debiased_ema",
        part(lectopt.momentum, form="debiased_ema"),
        twins.momentum_ema_corrected,
        dict(decay=0.8),
        dict(decay="beta"),
        source="S2-17",
    ),
    Algorithm(
        "nesterov/shifted",
        lectopt.nesterov,
        twins.nesterov_shifted,
        dict(decay=0.8),
        dict(decay="beta"),
        source="Keras",
    ),
    Algorithm(
        "nesterov/look_ahead",
        part(lectopt.nesterov, form="look_ahead"),
        twins.nesterov_lookahead,
        dict(decay=0.8),
        dict(decay="beta"),
        source="S0-34 S0-35 S1-14 S4-21",
    ),
    Algorithm(
        "nesterov/simplified",
        part(lectopt.nesterov, form="simplified"),
        twins.nesterov_simplified,
        dict(decay=0.8),
        dict(decay="mu"),
        source="PyTorch, Optax",
    ),
)
