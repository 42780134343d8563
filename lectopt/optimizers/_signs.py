"""signSGD, Rprop, local gains, Lion: what matters of a gradient is its sign."""

from typing import Any, Literal

from lectopt.combinators import chain
from lectopt.lifting import leafwise
from lectopt.primitives import (
    add_decayed_weights,
    ema,
    scale_by_irprop_plus,
    scale_by_learning_rate,
    scale_by_local_gains,
    scale_by_rprop,
    sign,
    trace,
    trace_with_gains,
)
from lectopt.settings import Bound, Decay, Fraction, Growth, LearningRate, NonNegative
from lectopt.signatures import checked
from lectopt.transformation import Transformation
from lectopt.values import is_concrete


@checked
def rprop(
    learning_rate: LearningRate,
    eta_minus: Fraction = 0.5,
    eta_plus: Growth = 1.2,
    min_step_size: NonNegative = 1e-6,
    max_step_size: Bound = 50.0,
    *,
    variant: Literal["irprop-", "rprop-", "rprop+", "irprop+"] = "irprop-",
    state_dtype: Any = None,
) -> Transformation:
    """Rprop: every weight moves by a step size of its own, against the sign of its gradient.

    `step = clip(step eta)` with `eta_plus` if the gradient has the sign of the one before,
    `eta_minus` if it has the opposite sign, 1 if either is 0; `param - sign(g) step`. The size of
    the gradient has no influence, so it is a method for full batches. `optax.rprop` 0.2.8 returns
    the move of the step before; this one does not.

    Args:
      learning_rate: the first step size. Of a schedule only the value at count 0 is used.
      eta_minus: factor after a change of sign, in [0, 1].
      eta_plus: factor while the sign stays, one or more.
      min_step_size: lower bound of every step, the first included.
      max_step_size: upper bound of every step, the first included; `math.inf` for none.
      variant: what a change of sign does. `"irprop-"`: no move now, and the next step keeps its
        size (PyTorch); `"rprop-"`: nothing more, the weight moves on with half the step;
        `"rprop+"`: the last move is taken back (Riedmiller and Braun); `"irprop+"`: it is taken
        back only if the loss grew, for which `update` needs `value=loss`.
      state_dtype: dtype of the step sizes and of the last move.

    Raises:
      ValueError: the bounds cross.

    Source: CMU (S0-02); Riedmiller and Braun 1993; Igel and Hüsken 2000.
    """
    _ordered("rprop", min_step_size=min_step_size, max_step_size=max_step_size)
    settings = (learning_rate, eta_minus, eta_plus, min_step_size, max_step_size)
    if variant == "irprop+":
        signed = scale_by_irprop_plus(*settings, state_dtype=state_dtype)
    else:
        signed = scale_by_rprop(*settings, variant, state_dtype=state_dtype)
    return chain(signed, scale_by_learning_rate(1.0))


@checked
def local_gains(
    learning_rate: LearningRate,
    increment: NonNegative = 0.05,
    decrement: Fraction = 0.05,
    min_gain: NonNegative = 0.01,
    max_gain: Bound = 100.0,
    agree: Literal["gradient", "velocity"] = "gradient",
    *,
    momentum: Decay | None = None,
    state_dtype: Any = None,
) -> Transformation:
    """Gradient descent with a gain for every weight: `param - learning_rate gain g`.

    `gain + increment` while the gradient is consistent, `gain (1 - decrement)` when it is not, and
    `gain` as it is where the comparison is with 0. The gain starts at 1, stays in its bounds and
    is changed before it is used.

    Args:
      learning_rate: zero or more, or a schedule.
      increment: zero or more; the slide's beta.
      decrement: in [0, 1]; the slide's beta too.
      min_gain: lower bound of the gain; 0.1 and 10 or 0.01 and 100 in Hinton's lecture, none on
        the slide.
      max_gain: upper bound of the gain; `math.inf` for none.
      agree: what consistent means. `"gradient"`: the gradient has the sign of the one before (the
        slide); `"velocity"`: it points along the velocity `v = momentum v - learning_rate gain g`,
        by which the weight then moves (Hinton).
      momentum: coefficient of that velocity, by default 0.9 with `agree="velocity"` and none with
        `"gradient"`; given there, the scaled gradients are accumulated the same way.
      state_dtype: dtype of every slot.

    Raises:
      ValueError: the bounds cross.

    Source: STAT 479 (S4-22, S4-23).
    """
    _ordered("local_gains", min_gain=min_gain, max_gain=max_gain)
    settings, descent = (increment, decrement, min_gain, max_gain), scale_by_learning_rate
    if agree == "velocity":
        momentum = 0.9 if momentum is None else momentum
        velocity = trace_with_gains(momentum, *settings, state_dtype=state_dtype)
        return chain(descent(learning_rate), velocity)
    gained = scale_by_local_gains(*settings, state_dtype=state_dtype)
    if momentum is None:
        return chain(gained, descent(learning_rate))
    return chain(gained, descent(learning_rate), trace(momentum, state_dtype=state_dtype))


@leafwise(mu=0.0)
def interpolated_ema(g: Any, state: Any, *, b1: Decay[Any] = 0.9, b2: Decay[Any] = 0.99) -> Any:
    """Two averages in one slot: `b1 mu + (1 - b1) g` comes out, `mu = b2 mu + (1 - b2) g` is kept.

    Args:
      b1: decay of what comes out, in [0, 1).
      b2: decay of what is kept, in [0, 1).
      state_dtype: dtype of `mu`.

    Source: Chen et al. 2023, Lion.
    """
    out = b1 * state.mu + (1 - b1) * g
    return out, dict(mu=b2 * state.mu + (1 - b2) * g)


@checked
def lion(
    learning_rate: LearningRate,
    b1: Decay = 0.9,
    b2: Decay = 0.99,
    *,
    weight_decay: NonNegative = 1e-3,
    mask: Any = None,
    state_dtype: Any = None,
) -> Transformation:
    """Lion: every weight moves by the rate, against the sign of an average of its gradients.

    `param - learning_rate (sign(b1 mu + (1 - b1) g) + weight_decay param)`, then `mu = b2 mu + (1 -
    b2) g`.

    Args:
      learning_rate: zero or more, or a schedule.
      b1: decay of the average whose sign is taken, in [0, 1).
      b2: decay of the average that is kept, in [0, 1).
      weight_decay: decoupled, zero or more.
      mask: which leaves decay; see `add_decayed_weights`.
      state_dtype: dtype of the average.

    Source: Chen et al. 2023 (Algorithm 2).
    """
    direction = chain(interpolated_ema(b1, b2, state_dtype=state_dtype), sign())
    decay = add_decayed_weights(weight_decay, mask)
    return chain(direction, decay, scale_by_learning_rate(learning_rate))


@checked
def sign_sgd(learning_rate: LearningRate) -> Transformation:
    """signSGD: `param - learning_rate sign(g)`.

    Args:
      learning_rate: zero or more, or a schedule.

    Source: Bernstein et al. 2018 (Algorithm 1).
    """
    return chain(sign(), scale_by_learning_rate(learning_rate))


@checked
def signum(
    learning_rate: LearningRate, beta: Decay = 0.9, *, state_dtype: Any = None
) -> Transformation:
    """Signum: `mu = beta mu + (1 - beta) g`, `param - learning_rate sign(mu)`.

    Args:
      learning_rate: zero or more, or a schedule.
      beta: decay of the mean, in [0, 1).
      state_dtype: dtype of the mean.

    Source: Bernstein et al. 2018 (Algorithm 2).
    """
    mean = ema(beta, state_dtype=state_dtype)
    return chain(mean, sign(), scale_by_learning_rate(learning_rate))


def _ordered(where: str, **bounds: Any) -> None:
    (low_name, low), (high_name, high) = bounds.items()
    if is_concrete(low) and is_concrete(high) and low > high:
        raise ValueError(
            f"{where}: {low_name}={low:g} is above {high_name}={high:g}. "
            f"Write a {low_name} that is at most {high_name}."
        )
