# Written by docs/stubs.py: what decorators make of the functions here.

from lectopt.settings import Decay, Fraction, NonNegative, Steps
from lectopt.transformation import Transformation
from typing import Any

__all__ = [
    "add_constant",
    "gains_that_shrink_at_zero",
    "mean_square_per_epoch",
    "stale_mean_square",
    "times_bias",
    "without_root",
]

def add_constant(constant: NonNegative) -> Transformation: ...
def gains_that_shrink_at_zero(beta: Fraction, state_dtype: Any = None) -> Transformation: ...
def mean_square_per_epoch(
    decay: Decay,
    steps_per_epoch: Steps,
    state_dtype: Any = None,
) -> Transformation: ...
def stale_mean_square(decay: Decay, state_dtype: Any = None) -> Transformation: ...
def times_bias(decay: Decay, from_zero: bool = True) -> Transformation: ...
def without_root(eps: NonNegative = 0.0) -> Transformation: ...
