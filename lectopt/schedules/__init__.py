"""Schedules: a learning rate, or any other number, as a function of the count of updates."""

from lectopt.schedules.combining import (
    join,
    lambda_schedule,
    relative,
    scale_learning_rate,
    scaled,
    shifted,
    warmup,
    with_warmup,
)
from lectopt.schedules.cycles import cosine_decay, cosine_restarts, triangular
from lectopt.schedules.decays import (
    constant,
    exponential_decay,
    halving,
    inverse_strong_convexity,
    inverse_time_decay,
    power_decay,
    relative_step,
    step_decay,
)
from lectopt.schedules.formula import Schedule, schedule
from lectopt.schedules.recipes import warmup_cosine
from lectopt.schedules.robbins_monro import RobbinsMonro, satisfies_robbins_monro

__all__ = [
    "RobbinsMonro",
    "Schedule",
    "constant",
    "cosine_decay",
    "cosine_restarts",
    "exponential_decay",
    "halving",
    "inverse_strong_convexity",
    "inverse_time_decay",
    "join",
    "lambda_schedule",
    "power_decay",
    "relative",
    "relative_step",
    "satisfies_robbins_monro",
    "scale_learning_rate",
    "scaled",
    "schedule",
    "shifted",
    "step_decay",
    "triangular",
    "warmup",
    "warmup_cosine",
    "with_warmup",
]
