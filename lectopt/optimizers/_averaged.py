"""Averaged stochastic gradient descent, and steps that need no schedule because of an average."""

from typing import Any

from lectopt.combinators import chain
from lectopt.primitives import (
    add_decayed_weights,
    average_ahead,
    average_tail,
    scale_by_decaying_rate,
    scale_by_learning_rate,
    scale_by_rms,
)
from lectopt.schedules import shifted
from lectopt.settings import Count, Decay, LearningRate, NonNegative
from lectopt.signatures import checked
from lectopt.transformation import Transformation
from lectopt.wrapping import AnyTransformation


@checked
def asgd(
    learning_rate: LearningRate,
    lambd: NonNegative = 1e-4,
    alpha: NonNegative = 0.75,
    t0: Count = 1e6,
    *,
    state_dtype: Any = None,
) -> Transformation:
    """Averaged SGD: `param - eta (g + lambd param)` with a falling `eta`, and the mean of the
    weights on the side.

    `eta = learning_rate / (1 + lambd learning_rate (t - 1))^alpha` at update `t` (from 1). The
    parameters are never replaced by their mean, which is the entry `average` of the state: read it
    with `evaluation_params`.

    Args:
      learning_rate: zero or more, or a schedule. As in PyTorch the rate of an update was set by
        the one before: a schedule acts one update late.
      lambd: weight decay and speed at which the rate falls, zero or more.
      alpha: power of the fall, zero or more.
      t0: updates before averaging begins, zero or more. PyTorch's default means none
        in the first million.
      state_dtype: dtype of the average.

    Source: Polyak and Juditsky 1992; Xu 2011; PyTorch's ASGD. CMU's averages of the iterates
    (S0-19) differ in their weights.
    """
    rate = shifted(learning_rate, by=-1) if callable(learning_rate) else learning_rate
    return chain(
        add_decayed_weights(lambd),
        scale_by_decaying_rate(rate, lambd, alpha),
        average_tail(t0, state_dtype=state_dtype),
    )


@checked
def schedule_free(
    base_optimizer: AnyTransformation,
    learning_rate: LearningRate,
    b1: Decay = 0.9,
    weight_lr_power: NonNegative = 2.0,
    *,
    state_dtype: Any = None,
) -> Transformation:
    """An optimizer without momentum whose gradients are taken between its iterates and their mean:
    no schedule has to fall.

    `z` is what the optimizer moves, `x` the mean of all `z`, and the weights are `y = (1 - b1) z +
    b1 x`; see `average_ahead`. `evaluation_params` gives `x`.

    Args:
      base_optimizer: any transformation; it gets the weights `y`.
      learning_rate: that of the optimizer, zero or more, or a schedule, which should warm up only.
      b1: what stands for momentum, in [0, 1).
      weight_lr_power: the weight of an iterate in the mean is this power of the largest rate so
        far. (Optax, with a schedule, has the rate of the next update in its place.)
      state_dtype: dtype of what is kept of the mean.

    Source: Defazio et al. 2024.
    """
    mean = average_ahead(learning_rate, weight_lr_power, b1, state_dtype=state_dtype)
    return chain(base_optimizer, mean)


@checked
def schedule_free_sgd(
    learning_rate: LearningRate,
    b1: Decay = 0.9,
    *,
    weight_decay: NonNegative = 0.0,
    weight_lr_power: NonNegative = 2.0,
    state_dtype: Any = None,
) -> Transformation:
    """`schedule_free` around gradient descent: `z - learning_rate (g + weight_decay y)`.

    Args:
      learning_rate: zero or more, or a schedule such as `warmup(1.0, 500)`.
      b1: see `schedule_free`.
      weight_decay: zero or more.
      weight_lr_power: see `schedule_free`.
      state_dtype: see `schedule_free`.

    Source: Defazio et al. 2024.
    """
    descent = chain(add_decayed_weights(weight_decay), scale_by_learning_rate(learning_rate))
    return schedule_free(descent, learning_rate, b1, weight_lr_power, state_dtype=state_dtype)


@checked
def schedule_free_adamw(
    learning_rate: LearningRate,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    eps: NonNegative = 1e-8,
    *,
    weight_decay: NonNegative = 0.0,
    mask: Any = None,
    weight_lr_power: NonNegative = 2.0,
    state_dtype: Any = None,
) -> Transformation:
    """`schedule_free` around AdamW without its mean: `z - learning_rate (g / (sqrt(nu_hat) + eps) +
    weight_decay y)`.

    Args:
      learning_rate: zero or more, or a schedule such as `warmup(2.5e-3, 500)`.
      b1: see `schedule_free`.
      b2: decay of the mean square, in [0, 1).
      eps: epsilon, zero or more.
      weight_decay: zero or more.
      mask: which leaves decay; see `add_decayed_weights`.
      weight_lr_power: see `schedule_free`; 0 in Keras.
      state_dtype: dtype of the mean square and of what is kept of the mean.

    Source: Defazio et al. 2024 (Algorithm 1).
    """
    normalised = scale_by_rms(
        b2, eps, eps_placement="outside", bias_correction=True, state_dtype=state_dtype
    )
    decay, descent = add_decayed_weights(weight_decay, mask), scale_by_learning_rate(learning_rate)
    base = chain(normalised, decay, descent)
    return schedule_free(base, learning_rate, b1, weight_lr_power, state_dtype=state_dtype)
