# Written by docs/stubs.py: what decorators make of the functions here.

from lectopt.schedules.combining import (
    Duration,
    Value,
    join as join,
    scale_learning_rate as scale_learning_rate,
)
from lectopt.schedules.decays import Factor, Rate
from lectopt.schedules.formula import Schedule as Schedule, schedule as schedule
from lectopt.schedules.recipes import warmup_cosine as warmup_cosine
from lectopt.schedules.robbins_monro import (
    RobbinsMonro as RobbinsMonro,
    satisfies_robbins_monro as satisfies_robbins_monro,
)
from lectopt.settings import NonNegative, Positive, Steps
from typing import Any

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

def constant(value: Value) -> Schedule: ...
def cosine_decay(init: Value, steps: Steps, end: Value = 0.0) -> Schedule: ...
def cosine_restarts(init: Value, steps: Steps, cycles: Steps) -> Schedule: ...
def exponential_decay(
    init: Value,
    k: Rate,
    staircase: Steps | None = None,
    steps_per_epoch: Steps = 1,
) -> Schedule: ...
def halving(init: Value, every: Steps = 1, steps_per_epoch: Steps = 1) -> Schedule: ...
def inverse_strong_convexity(strong_convexity: Positive) -> Schedule: ...
def inverse_time_decay(init: Value, k: Rate, steps_per_epoch: Steps = 1) -> Schedule: ...
def lambda_schedule(init: Value, factor: Value, steps_per_epoch: Steps = 1) -> Schedule: ...
def power_decay(init: Value, power: NonNegative = 1.0) -> Schedule: ...
def relative(schedule: Any) -> Schedule: ...
def relative_step(init: Value = 0.01) -> Schedule: ...
def scaled(schedule: Value, factor: Value) -> Schedule: ...
def shifted(schedule: Any, by: int = 1) -> Schedule: ...
def step_decay(
    init: Value,
    factor: Factor = 0.5,
    every: Steps = 10,
    steps_per_epoch: Steps = 1,
) -> Schedule: ...
def triangular(base: Value, peak: Value, half_cycle: Steps) -> Schedule: ...
def warmup(peak: Value, steps: Duration, init: Value = 0.0) -> Schedule: ...
def with_warmup(schedule: Value, steps: Duration, init: Value = 0.0) -> Schedule: ...
