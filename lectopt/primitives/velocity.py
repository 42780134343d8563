"""Velocities: sums of past steps that die out geometrically, and Nesterov's look-ahead."""

from typing import Any

import jax.numpy as jnp

from lectopt.lifting import leafwise
from lectopt.settings import Decay


@leafwise(trace=0.0)
def trace(
    u: Any, state: Any, *, decay: Decay[Any], nesterov: bool = False, dampening: Decay[Any] = 0.0
) -> Any:
    """Velocity: `v = decay v + (1 - dampening) u`, from `v = 0`.

    After `scale_by_learning_rate` it is the lectures' momentum, with the rate inside the velocity;
    before it, PyTorch's and Optax's, with the rate outside. They differ as soon as the rate
    changes.

    Args:
      decay: momentum coefficient in [0, 1); a constant `u` is amplified `1 / (1 - decay)` times.
      nesterov: put out `decay v + (1 - dampening) u` instead of `v` (the "simplified" form of
        Nesterov's method).
      dampening: share of `u` that is left out; `dampening=decay` makes `v` a moving average.
      state_dtype: dtype of `v`.

    Source: CMU, momentum (S0-31); Liège (S1-11); STAT 479 (S4-18, S4-20); TTIC 31230 (S3-14,
    S3-15).
    """
    push = (1 - dampening) * u
    v = decay * state.trace + push
    return (decay * v + push if nesterov else v), dict(trace=v)


@leafwise(trace=0.0, point=lambda param, state, *, decay: param + decay * state.trace)
def trace_ahead(u: Any, state: Any, *, decay: Decay[Any]) -> Any:
    """Velocity that wants the gradient where it is about to carry the weights.

    `v = decay v + u`, with the gradient taken at `param + decay v` of the old `v`
    (`tx.point(params, state)`).

    Args:
      decay: momentum coefficient in [0, 1).
      state_dtype: dtype of `v`.

    Source: CMU, Nesterov (S0-34); Liège (S1-14); STAT 479 (S4-21).
    """
    v = decay * state.trace + u
    return v, dict(trace=v)


@leafwise(look_ahead=0.0)
def shift_ahead(u: Any, state: Any, *, decay: Decay[Any]) -> Any:
    """Nesterov's method in the shifted weights `phi = param + decay v`, where it takes its
    gradient.

    With `a = decay v`, the distance that the weights stand ahead: `v = a + u`, the new distance is
    `a' = decay v`, and the weights move by `phi' - phi = u + a'`. `evaluation_params` takes `a`
    off again.

    Args:
      decay: momentum coefficient in [0, 1), that of the *next* update: `a'` is where the next
        gradient is taken.
      state_dtype: dtype of `a`.

    Source: the change of variable of CMU's Nesterov (S0-34, S0-35); Keras' SGD.
    """
    ahead = decay * state.look_ahead + decay * u
    return u + ahead, dict(look_ahead=ahead)


@leafwise()
def undampen_first(u: Any, t: Any, *, dampening: Decay[Any]) -> Any:
    """Scale the first update by `1 / (1 - dampening)`, so that a `trace` with that dampening
    starts at `v = u`.

    Source: PyTorch's SGD, which skips the dampening on its first step.
    """
    return jnp.where(t == 1, u / (1 - dampening), u)
