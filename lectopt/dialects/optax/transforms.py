"""Optax's other chainable transformations: clipping, decay, means, noise."""

from typing import Any

from lectopt import primitives as _parts
from lectopt.combinators import debiased
from lectopt.dialects.spelling import spelled
from lectopt.schedules import power_decay
from lectopt.settings import (
    Bound,
    Decay,
    LearningRate,
    NonNegative,
    PositiveBound,
    Scalar,
)
from lectopt.transformation import Transformation

__all__ = [
    "add_decayed_weights",
    "add_noise",
    "clip",
    "clip_by_block_rms",
    "clip_by_global_norm",
    "ema",
    "identity",
    "scale",
    "scale_by_learning_rate",
    "scale_by_schedule",
    "scale_by_sign",
    "trace",
]


@spelled()
def identity() -> Transformation:
    """The updates as they are."""
    return _parts.identity()


@spelled()
def scale(step_size: Any) -> Transformation:
    """`step_size u`; see `lectopt.scale`."""
    return _parts.scale(step_size)


@spelled()
def scale_by_schedule(step_size_fn: Any) -> Transformation:
    """`step_size_fn(count) u`; see `lectopt.scale`."""
    return _parts.scale(step_size_fn)


@spelled()
def scale_by_learning_rate(
    learning_rate: LearningRate, *, flip_sign: bool = True
) -> Transformation:
    """`-learning_rate u`, or without the sign."""
    made = _parts.scale_by_learning_rate if flip_sign else _parts.scale
    return made(learning_rate)


@spelled()
def scale_by_sign() -> Transformation:
    """`sign(u)`; see `lectopt.sign`."""
    return _parts.sign()


@spelled()
def trace(decay: Decay, nesterov: bool = False, accumulator_dtype: Any = None) -> Transformation:
    """`v = decay v + u`; see `lectopt.trace`."""
    return _parts.trace(decay, nesterov, state_dtype=accumulator_dtype)


@spelled()
def ema(decay: Decay, debias: bool = True, accumulator_dtype: Any = None) -> Transformation:
    """`mu = decay mu + (1 - decay) u`, corrected for its start; see `lectopt.ema`."""
    mean = _parts.ema(decay, state_dtype=accumulator_dtype)
    return debiased(mean) if debias else mean


@spelled()
def clip(max_delta: Bound) -> Transformation:
    """Every coordinate in `[-max_delta, max_delta]`; see `lectopt.clip_by_value`."""
    return _parts.clip_by_value(max_delta)


@spelled()
def clip_by_global_norm(max_norm: Bound) -> Transformation:
    """The whole gradient at the norm `max_norm` at most; see `lectopt.clip_by_global_norm`."""
    return _parts.clip_by_global_norm(max_norm)


@spelled()
def clip_by_block_rms(threshold: PositiveBound) -> Transformation:
    """Every leaf at this root mean square at most; see `lectopt.clip_by_block_rms`."""
    return _parts.clip_by_block_rms(threshold)


@spelled()
def add_decayed_weights(weight_decay: NonNegative = 0.0, mask: Any = None) -> Transformation:
    """`u + weight_decay param`; see `lectopt.add_decayed_weights`."""
    return _parts.add_decayed_weights(weight_decay, mask)


@spelled()
def add_noise(
    eta: NonNegative[Scalar], gamma: NonNegative[Scalar], key: Any = None, *, seed: Any = None
) -> Transformation:
    """Noise of the variance `eta / t^gamma`, drawn otherwise than Optax draws it; see
    `lectopt.add_langevin_noise`."""
    first = seed if key is None else key
    noise = power_decay(0.5 * eta, gamma)
    return _parts.add_langevin_noise(noise, key=0 if first is None else first)
