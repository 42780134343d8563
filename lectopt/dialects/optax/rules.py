"""A rule that only Optax has: its Rprop, which is one update late."""

from typing import Any

import jax.numpy as jnp

from lectopt.dialects.spelling import local
from lectopt.lifting import leafwise
from lectopt.settings import Bound, Fraction, Growth, LearningRate, NonNegative


@leafwise(step_sizes="learning_rate", prev_updates=0.0)
@local("optax")
def scale_by_late_rprop(
    g: Any,
    state: Any,
    *,
    learning_rate: LearningRate[Any],
    eta_minus: Fraction[Any] = 0.5,
    eta_plus: Growth[Any] = 1.2,
    min_step_size: NonNegative[Any] = 1e-6,
    max_step_size: Bound[Any] = 50.0,
) -> Any:
    """`scale_by_rprop` that puts out `prev_updates` where it should put out the new move.

    The settings are those of `lectopt.scale_by_rprop`; a step whose gradient is 0 is not clipped.

    Source: `optax.scale_by_rprop` 0.2.8.
    """
    del learning_rate
    sign = g * state.prev_updates
    resized = state.step_sizes * jnp.where(sign > 0, eta_plus, eta_minus)
    clipped = jnp.clip(resized, min_step_size, max_step_size)
    step = jnp.where(sign == 0, state.step_sizes, clipped)
    move = jnp.where(sign < 0, 0, step * jnp.sign(g))
    return jnp.where(sign < 0, 0, state.prev_updates), dict(step_sizes=step, prev_updates=move)
