"""Rates per weight from the size of its gradients: AdaGrad, RMSProp, AdaDelta."""

from typing import Any, Literal

from lectopt.combinators import chain
from lectopt.primitives import (
    add_decayed_weights,
    scale_by_adadelta,
    scale_by_learning_rate,
    scale_by_rms,
    scale_by_rss,
    scale_by_stddev,
    trace,
)
from lectopt.settings import Decay, EpsPlacement, LearningRate, NonNegative
from lectopt.signatures import checked
from lectopt.transformation import Transformation
from lectopt.values import is_concrete


@checked
def adagrad(
    learning_rate: LearningRate,
    initial_accumulator_value: NonNegative = 0.1,
    eps: NonNegative = 1e-7,
    *,
    eps_placement: EpsPlacement = "inside",
    state_dtype: Any = None,
) -> Transformation:
    """AdaGrad: `r = r + g^2`, `param - learning_rate g / sqrt(r + eps)`.

    Args:
      learning_rate: zero or more, or a schedule.
      initial_accumulator_value: first value of `r`: 0 in the lecture and PyTorch, 0.1 in Keras and
        Optax.
      eps: epsilon, zero or more.
      eps_placement: `"inside"` (Keras, Optax) or `"outside"`, `sqrt(r) + eps` (Liège, PyTorch);
        see `root`.
      state_dtype: dtype of `r`.

    Source: Liège (S1-16); Duchi et al. 2011.
    """
    normalised = scale_by_rss(
        initial_accumulator_value, eps, eps_placement=eps_placement, state_dtype=state_dtype
    )
    return chain(normalised, scale_by_learning_rate(learning_rate))


@checked
def rmsprop(
    learning_rate: LearningRate,
    decay: Decay = 0.9,
    eps: NonNegative = 1e-8,
    initial_scale: NonNegative = 0.0,
    *,
    eps_placement: EpsPlacement = "inside",
    centered: bool = False,
    momentum: Decay | None = None,
    nesterov: bool = False,
    momentum_form: Literal["velocity", "heavy_ball"] = "velocity",
    bias_correction: bool = False,
    state_dtype: Any = None,
) -> Transformation:
    """RMSProp: `nu = decay nu + (1 - decay) g^2`, `param - learning_rate g / sqrt(nu + eps)`.

    Args:
      learning_rate: zero or more, or a schedule.
      decay: of the mean square, in [0, 1).
      eps: epsilon, zero or more; 0 is ISI's form, weights that never had a gradient then stand
        still.
      initial_scale: first value of `nu`; 1 in TensorFlow 1.
      eps_placement: `"inside"` (CMU, Keras, Optax) or `"outside"`, `sqrt(nu) + eps` (Liège, STAT
        479, PyTorch).
      centered: divide by the standard deviation instead, its variance never below 0.
      momentum: with it, a velocity of the normalised gradient.
      nesterov: with momentum, its simplified Nesterov form.
      momentum_form: `"velocity"`: rate inside the velocity (Keras, Optax); `"heavy_ball"`: outside
        (PyTorch).
      bias_correction: divide the moments by `1 - decay^t`.
      state_dtype: dtype of every slot.

    Source: CMU (S0-38, S0-39); Liège (S1-17); ISI (S2-20); TTIC 31230 (S3-13); STAT 479 (S4-24).
    """
    scale_by = scale_by_stddev if centered else scale_by_rms
    normalised = scale_by(
        decay,
        eps,
        initial_scale,
        eps_placement=eps_placement,
        bias_correction=bias_correction,
        state_dtype=state_dtype,
    )
    descent = scale_by_learning_rate(learning_rate)
    if momentum is None:
        return chain(normalised, descent)
    velocity = trace(momentum, nesterov, state_dtype=state_dtype)
    if momentum_form == "velocity":
        return chain(normalised, descent, velocity)
    return chain(normalised, velocity, descent)


@checked
def adadelta(
    learning_rate: LearningRate = 1.0,
    rho: Decay = 0.9,
    eps: NonNegative = 1e-6,
    weight_decay: NonNegative = 0.0,
    weight_decay_mask: Any = None,
    *,
    state_dtype: Any = None,
) -> Transformation:
    """AdaDelta: steps in the units of the weight, `param - learning_rate sqrt(e_x + eps) / sqrt(e_g
    + eps) g`.

    `e_g` and `e_x` are moving averages of the squared gradients and of the squared steps, without
    the rate. `optax.adadelta()` without a rate ascends; this one descends.

    Args:
      learning_rate: zero or more, or a schedule; 1 in the paper and PyTorch, 0.001 in Keras.
      rho: decay of both averages, in [0, 1); 0.95 in the paper and Keras.
      eps: epsilon, zero or more; it sets the size of the first steps.
      weight_decay: of an L2 penalty, added to the gradient first.
      weight_decay_mask: which leaves decay; see `add_decayed_weights`.
      state_dtype: dtype of both averages.

    Source: CMU (S0-42); Zeiler 2012.
    """
    scaled = scale_by_adadelta(rho, eps, state_dtype=state_dtype)
    descent = scale_by_learning_rate(learning_rate)
    if is_concrete(weight_decay) and weight_decay == 0:
        return chain(scaled, descent)  # which does not need the parameters
    return chain(add_decayed_weights(weight_decay, weight_decay_mask), scaled, descent)
