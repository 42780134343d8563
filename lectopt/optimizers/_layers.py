"""Optimizers that see a whole leaf at once: its norm (NovoGrad), its rows and columns (Adafactor,
SM3)."""

from typing import Any, Literal

from lectopt.combinators import chain, masked
from lectopt.primitives import (
    add_decayed_weights,
    clip_by_block_rms,
    ema,
    scale_by_factored_rms,
    scale_by_leaf_norm,
    scale_by_learning_rate,
    scale_by_param_block_rms,
    scale_by_sm3,
    shrink_weights,
    trace,
)
from lectopt.settings import Decay, Fraction, LearningRate, NonNegative, PositiveBound
from lectopt.signatures import checked
from lectopt.transformation import Transformation
from lectopt.values import is_concrete


@checked
def novograd(
    learning_rate: LearningRate,
    b1: Decay = 0.9,
    b2: Decay = 0.25,
    eps: NonNegative = 1e-6,
    *,
    eps_inside: bool = False,
    weight_decay: NonNegative = 0.0,
    mask: Any = None,
    state_dtype: Any = None,
) -> Transformation:
    """NovoGrad: a velocity of gradients that are divided by the norm of their leaf.

    `nu = b2 nu + (1 - b2) |g|^2`, one number for every leaf and `|g|^2` at first; `mu = b1 mu + g /
    (sqrt(nu) + eps) + weight_decay param`, `param - learning_rate mu`.

    Args:
      learning_rate: zero or more, or a schedule.
      b1: decay of the velocity, in [0, 1); 0.95 in the paper.
      b2: decay of the squared norm, in [0, 1); 0.98 in the paper's vision experiments.
      eps: epsilon, zero or more.
      eps_inside: `sqrt(nu + eps)`, Optax's `eps_root`.
      weight_decay: zero or more; it is part of the velocity.
      mask: which leaves decay; see `add_decayed_weights`.
      state_dtype: dtype of the velocity and of `nu`.

    Source: Ginsburg et al. 2019.
    """
    normalised = scale_by_leaf_norm(b2, eps, eps_inside, state_dtype=state_dtype)
    absent = is_concrete(weight_decay) and weight_decay == 0
    decay = [] if absent else [add_decayed_weights(weight_decay, mask)]
    velocity = trace(b1, state_dtype=state_dtype)
    return chain(normalised, *decay, velocity, scale_by_learning_rate(learning_rate))


@checked
def adafactor(
    learning_rate: LearningRate,
    min_dim_size_to_factor: int = 128,
    decay_rate: Fraction = 0.8,
    decay_offset: NonNegative = 0.0,
    multiply_by_parameter_scale: bool = True,
    clipping_threshold: PositiveBound | None = 1.0,
    momentum: Decay | None = None,
    *,
    weight_decay_rate: NonNegative | None = None,
    eps: NonNegative = 1e-30,
    eps_placement: Literal["square", "least"] = "square",
    min_scale: NonNegative = 1e-3,
    factored: bool = True,
    axes: Literal["largest", "last"] = "largest",
    weight_decay_mask: Any = None,
    state_dtype: Any = None,
) -> Transformation:
    """Adafactor: RMSProp whose mean square of a matrix is kept as its rows and columns.

    The normalised gradient of every leaf is clipped to the root mean square `clipping_threshold`
    and scaled by the rate and by the root mean square of the weights.

    Args:
      learning_rate: zero or more, or a schedule; `relative_step()`, `min(1e-2, 1/sqrt(t))`, in the
        paper, PyTorch and Keras.
      min_dim_size_to_factor: see `scale_by_factored_rms`.
      decay_rate: see `scale_by_factored_rms`.
      decay_offset: see `scale_by_factored_rms`.
      multiply_by_parameter_scale: steps are shares of the weights, at least of `min_scale`.
      clipping_threshold: see `clip_by_block_rms`; None for no clipping.
      momentum: with it, a moving average of the steps, not corrected for its start.
      weight_decay_rate: `param (1 - weight_decay_rate)` at every update, not multiplied by the
        rate; zero or more.
      eps: added to the squared gradients, zero or more.
      eps_placement: see `scale_by_factored_rms`.
      min_scale: the least root mean square of weights that counts, zero or more.
      factored: False keeps a mean square of every weight.
      axes: see `scale_by_factored_rms`.
      weight_decay_mask: which leaves decay; see `add_decayed_weights`.
      state_dtype: dtype of every slot.

    Source: Shazeer and Stern 2018 (Algorithms 4 and 5), without the relative step size.
    """
    members = [
        scale_by_factored_rms(
            min_dim_size_to_factor,
            factored,
            decay_rate,
            decay_offset,
            eps,
            eps_placement,
            axes,
            state_dtype=state_dtype,
        )
    ]
    members += [] if clipping_threshold is None else [clip_by_block_rms(clipping_threshold)]
    members += [scale_by_learning_rate(learning_rate)]
    members += [scale_by_param_block_rms(min_scale)] if multiply_by_parameter_scale else []
    members += [] if momentum is None else [ema(momentum, state_dtype=state_dtype)]
    if weight_decay_rate is not None:
        members += [masked(shrink_weights(1.0, weight_decay_rate), weight_decay_mask)]
    return chain(*members)


@checked
def sm3(
    learning_rate: LearningRate,
    momentum: Decay = 0.9,
    eps: NonNegative = 1e-8,
    *,
    state_dtype: Any = None,
) -> Transformation:
    """SM3: AdaGrad that keeps a number for every row and every column of a matrix, and none for a
    weight; with a moving average of the steps.

    Args:
      learning_rate: zero or more, or a schedule.
      momentum: decay of the average, in [0, 1); it is not corrected for its start.
      eps: see `scale_by_sm3`.
      state_dtype: dtype of every slot.

    Source: Anil et al. 2019 (SM3-II).
    """
    return chain(
        scale_by_sm3(eps=eps, state_dtype=state_dtype),
        ema(momentum, state_dtype=state_dtype),
        scale_by_learning_rate(learning_rate),
    )
