"""Step sizes and gains per weight that learn from the signs of successive gradients.

A weight whose gradient keeps its sign may go faster; one whose gradient changes sign has stepped
over a minimum and must slow down.
"""

from typing import Any, Literal

import jax.numpy as jnp

from lectopt.lifting import leafwise
from lectopt.settings import Bound, Decay, Fraction, Growth, LearningRate, NonNegative


@leafwise()
def sign(g: Any) -> Any:
    """The sign of every coordinate, 0 at 0; `g / |g|` of a complex one.

    Source: Bernstein et al. 2018, signSGD.
    """
    return jnp.sign(g)


def agreement_of(a: Any, b: Any) -> Any:
    """1 where `a` and `b` point the same way, -1 where they oppose each other, 0 where one is 0.

    Signs are multiplied and not numbers: a product of small gradients underflows to "no opinion".
    """
    return jnp.sign(jnp.real(jnp.sign(a) * jnp.conj(jnp.sign(b))))


def _resized(
    g: Any, state: Any, eta_minus: Any, eta_plus: Any, low: Any, high: Any
) -> tuple[Any, Any]:
    """Whether the gradient changed its sign, and the new step size."""
    agreement = agreement_of(g, state.prev_updates)
    grown, shrunk, same = (
        jnp.clip(state.step_sizes * factor, low, high) for factor in (eta_plus, eta_minus, 1)
    )
    return agreement < 0, _by_agreement(agreement, grown, shrunk, same)


def _by_agreement(agreement: Any, grown: Any, shrunk: Any, same: Any) -> Any:
    # The choice is made last: XLA then keeps what is chosen, instead of computing it again for
    # every use from a copy of the old slot.
    return jnp.where(agreement > 0, grown, jnp.where(agreement < 0, shrunk, same))


@leafwise(step_sizes="learning_rate", prev_updates=0.0)
def scale_by_rprop(
    g: Any,
    state: Any,
    *,
    learning_rate: LearningRate[Any],
    eta_minus: Fraction[Any] = 0.5,
    eta_plus: Growth[Any] = 1.2,
    min_step_size: NonNegative[Any] = 1e-6,
    max_step_size: Bound[Any] = 50.0,
    variant: Literal["irprop-", "rprop-", "rprop+"] = "irprop-",
) -> Any:
    """The sign of the gradient times a step size of its own for every weight.

    `step = clip(step eta)` with `eta_plus` if the gradient has the sign of the one before,
    `eta_minus` if it has the opposite sign, 1 if either is 0; out comes `sign(g) step`.

    Args:
      learning_rate: the first step size; a schedule is read at count 0, and never again.
      eta_minus: factor after a change of sign, in [0, 1].
      eta_plus: factor while the sign stays, one or more.
      min_step_size: lower bound of every step, the first included.
      max_step_size: upper bound of every step, the first included; `math.inf` for none.
      variant: what a change of sign does beyond that; see `lectopt.rprop`.
      state_dtype: dtype of the step sizes and of the last move.

    Source: CMU (S0-02); Igel and Hüsken 2000.
    """
    del learning_rate  # the first value of a slot, no part of the recurrence
    flipped, step = _resized(g, state, eta_minus, eta_plus, min_step_size, max_step_size)
    move = jnp.sign(g) * step
    if variant == "rprop-":
        return move, dict(step_sizes=step, prev_updates=move)
    undo = -state.prev_updates if variant == "rprop+" else 0
    # After a change of sign the last move counts as 0, so that the next product has no sign.
    kept = jnp.where(flipped, 0, move)
    return jnp.where(flipped, undo, move), dict(step_sizes=step, prev_updates=kept)


def _one(value: Any) -> Any:
    if jnp.shape(value) != ():
        raise ValueError(
            f"scale_by_irprop_plus: value must be one number, got shape {jnp.shape(value)}. "
            "Write for example value=losses.mean()."
        )
    return value


@leafwise(
    step_sizes="learning_rate",
    prev_updates=0.0,
    once=dict(prev_value=_one, grew=lambda value, prev_value: value > prev_value),
    numbers=dict(prev_value=jnp.inf),
)
def scale_by_irprop_plus(
    g: Any,
    state: Any,
    grew: Any,
    *,
    learning_rate: LearningRate[Any],
    eta_minus: Fraction[Any] = 0.5,
    eta_plus: Growth[Any] = 1.2,
    min_step_size: NonNegative[Any] = 1e-6,
    max_step_size: Bound[Any] = 50.0,
) -> Any:
    """`scale_by_rprop` that takes the last move of a weight back if its gradient changed sign and
    the loss grew.

    `update` wants the loss at the parameters: `tx.update(grads, state, params, value=loss)`. The
    last loss is one number of the state, `prev_value`.

    Args:
      learning_rate: see `scale_by_rprop`.
      eta_minus: see `scale_by_rprop`.
      eta_plus: see `scale_by_rprop`.
      min_step_size: see `scale_by_rprop`.
      max_step_size: see `scale_by_rprop`.
      state_dtype: see `scale_by_rprop`.

    Raises:
      TypeError: `update` was not given `value`.
      ValueError: `value` is not one number.

    Source: Igel and Hüsken 2000, iRprop+.
    """
    del learning_rate
    flipped, step = _resized(g, state, eta_minus, eta_plus, min_step_size, max_step_size)
    move, undo = jnp.sign(g) * step, -grew * state.prev_updates
    kept = jnp.where(flipped, 0, move)
    return jnp.where(flipped, undo, move), dict(step_sizes=step, prev_updates=kept)


def _regained(
    agreement: Any, gain: Any, increment: Any, decrement: Any, low: Any, high: Any
) -> Any:
    choices = gain + increment, gain * (1 - decrement), gain
    return _by_agreement(agreement, *(jnp.clip(choice, low, high) for choice in choices))


@leafwise(gain=1.0, previous_gradient=0.0)
def scale_by_local_gains(
    g: Any,
    state: Any,
    *,
    increment: NonNegative[Any] = 0.05,
    decrement: Fraction[Any] = 0.05,
    min_gain: NonNegative[Any] = 0.01,
    max_gain: Bound[Any] = 100.0,
) -> Any:
    """The gradient times a gain for every weight: more while its sign stays, less when it changes.

    `gain + increment` if the gradient has the sign of the one before, `gain (1 - decrement)` if it
    has the opposite sign, `gain` if either is 0; clipped; out comes `gain g`.

    Args:
      increment: zero or more; the slide's beta.
      decrement: in [0, 1]; the slide's beta too.
      min_gain: lower bound of the gain.
      max_gain: upper bound of the gain; `math.inf` for none.
      state_dtype: dtype of the gain and of the last gradient.

    Source: STAT 479 (S4-22, S4-23; the bounds are Hinton's).
    """
    agreement = agreement_of(g, state.previous_gradient)
    gain = _regained(agreement, state.gain, increment, decrement, min_gain, max_gain)
    return gain * g, dict(gain=gain, previous_gradient=g)


@leafwise(gain=1.0, trace=0.0)
def trace_with_gains(
    u: Any,
    state: Any,
    *,
    decay: Decay[Any] = 0.9,
    increment: NonNegative[Any] = 0.05,
    decrement: Fraction[Any] = 0.05,
    min_gain: NonNegative[Any] = 0.01,
    max_gain: Bound[Any] = 100.0,
) -> Any:
    """A velocity whose pushes have local gains: a gain grows while its push agrees with the
    velocity.

    `gain + increment` if `u` has the sign of the velocity `v`, `gain (1 - decrement)` if it has
    the opposite sign, `gain` if either is 0; clipped; `v = decay v + gain u`, which comes out.

    Args:
      decay: momentum coefficient in [0, 1).
      increment: see `scale_by_local_gains`.
      decrement: see `scale_by_local_gains`.
      min_gain: see `scale_by_local_gains`.
      max_gain: see `scale_by_local_gains`.
      state_dtype: dtype of the gain and of the velocity.

    Source: Hinton's lecture 6d on STAT 479's local gains (S4-23); Jacobs 1988.
    """
    agreement = agreement_of(u, state.trace)
    gain = _regained(agreement, state.gain, increment, decrement, min_gain, max_gain)
    v = decay * state.trace + gain * u
    return v, dict(gain=gain, trace=v)
