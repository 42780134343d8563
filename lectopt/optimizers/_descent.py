"""Gradient descent, and what momentum makes of it."""

from typing import Any, Literal

from lectopt.combinators import chain, debiased
from lectopt.primitives import (
    scale_by_learning_rate,
    shift_ahead,
    trace,
    trace_ahead,
    undampen_first,
)
from lectopt.schedules import shifted
from lectopt.settings import Decay, LearningRate
from lectopt.signatures import checked
from lectopt.transformation import Transformation


@checked
def sgd(
    learning_rate: LearningRate,
    momentum: Decay | None = None,
    nesterov: bool = False,
    *,
    state_dtype: Any = None,
) -> Transformation:
    """Stochastic gradient descent: `param - learning_rate g`.

    Args:
      learning_rate: zero or more, or a schedule.
      momentum: with it, the velocity `v = momentum v + g` takes the place of `g` (rate outside, as
        in PyTorch and Optax; see `momentum` for the lectures' form).
      nesterov: with momentum, `momentum v + g` takes the place of `v`.
      state_dtype: dtype of the velocity.

    Source: CMU (S0-06, S0-11, S0-24); Liège (S1-02, S1-04, S1-05); TTIC 31230 (S3-01).
    """
    descent = scale_by_learning_rate(learning_rate)
    if momentum is None:
        return descent
    return chain(trace(momentum, nesterov, state_dtype=state_dtype), descent)


@checked
def momentum(
    learning_rate: LearningRate,
    decay: Decay = 0.9,
    *,
    form: Literal["velocity", "heavy_ball", "ema", "debiased_ema"] = "velocity",
    dampening: Decay | None = None,
    dampen_first: bool = True,
    state_dtype: Any = None,
) -> Transformation:
    """Gradient descent with momentum, in the form that a source writes it.

    The forms are the same for a constant rate, up to a constant factor on it; under a schedule
    they are four algorithms.

    Args:
      learning_rate: zero or more, or a schedule.
      decay: momentum coefficient in [0, 1).
      form: `"velocity"`: `v = decay v - learning_rate g`, `param + v` (CMU, Liège, STAT 479,
        Keras); `"heavy_ball"`: `v = decay v + g`, `param - learning_rate v` (PyTorch, Optax);
        `"ema"`: `v = decay v + (1 - decay) g`, `param - learning_rate v` (ISI, TTIC 31230
        "nonstandard"); `"debiased_ema"`: the same with `v / (1 - decay^t)`.
      dampening: in the first two forms `(1 - dampening) g` takes the place of `g`; by default 0.
      dampen_first: whether the first gradient is dampened too (the STAT 479 slide) or not (PyTorch
        itself).
      state_dtype: dtype of the velocity.

    Raises:
      ValueError: dampening in a form that is already an average.

    Source: CMU (S0-31, S0-33); Liège (S1-11); ISI (S2-18); TTIC 31230 (S3-14, S3-15); STAT 479
    (S4-18, S4-20).
    """
    if form in ("ema", "debiased_ema"):
        if dampening is not None:
            raise ValueError(
                f"momentum: form={form!r} is already dampened by its decay. "
                'Write form="heavy_ball" to choose the dampening, or leave it out.'
            )
        dampening = decay
    dampening = 0.0 if dampening is None else dampening
    velocity = trace(decay, dampening=dampening, state_dtype=state_dtype)
    if not dampen_first:
        velocity = chain(undampen_first(dampening), velocity)
    descent = scale_by_learning_rate(learning_rate)
    match form:
        case "velocity":
            return chain(descent, velocity)
        case "debiased_ema":
            return chain(debiased(velocity), descent)
        case _:
            return chain(velocity, descent)


@checked
def nesterov(
    learning_rate: LearningRate,
    decay: Decay = 0.9,
    *,
    form: Literal["shifted", "look_ahead", "simplified"] = "shifted",
    state_dtype: Any = None,
) -> Transformation:
    """Nesterov's accelerated gradient: momentum whose gradient is taken where the velocity is
    about to lead.

    The lectures' rule is `v = decay v - learning_rate g(param + decay v)`, `param + v`.

    Args:
      learning_rate: zero or more, or a schedule.
      decay: momentum coefficient in [0, 1), or a schedule.
      form: `"shifted"`: the model's parameters are the look-ahead points, so any training loop
        takes the gradient in the right place; exact for every schedule (Keras); read the base
        points with `evaluation_params`. `"look_ahead"`: the lectures' text; the loop must take the
        gradient at `tx.point(params, state)`. `"simplified"`: `v = decay v + g`, `param -
        learning_rate (decay v + g)` (PyTorch, Optax), equal to the others while the learning rate
        is constant.
      state_dtype: dtype of the velocity.

    Source: CMU (S0-34, S0-35); Liège (S1-14); STAT 479 (S4-21); Sutskever et al. 2013.
    """
    descent = scale_by_learning_rate(learning_rate)
    match form:
        case "shifted":
            # The look-ahead at the end of an update is where the next one takes its gradient.
            following = shifted(decay) if callable(decay) else decay
            return chain(descent, shift_ahead(following, state_dtype=state_dtype))
        case "look_ahead":
            return chain(descent, trace_ahead(decay, state_dtype=state_dtype))
        case _:
            return chain(trace(decay, nesterov=True, state_dtype=state_dtype), descent)
