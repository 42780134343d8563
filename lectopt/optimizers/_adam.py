"""Adam: a smoothed gradient over its root mean square."""

from typing import Any

from lectopt.combinators import chain, debiased, ratio, root
from lectopt.primitives import (
    add_decayed_weights,
    ema,
    mean_square,
    nesterov_ema,
    scale_by_learning_rate,
)
from lectopt.settings import Decay, EpsPlacement, LearningRate, NonNegative
from lectopt.signatures import checked
from lectopt.transformation import Transformation


@checked
def adam(
    learning_rate: LearningRate,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    eps: NonNegative = 1e-8,
    *,
    eps_placement: EpsPlacement = "outside",
    nesterov: bool = False,
    state_dtype: Any = None,
) -> Transformation:
    """Adam: smoothing over normalising, both corrected for their start at zero.

    `mu = b1 mu + (1 - b1) g`, `nu = b2 nu + (1 - b2) g^2`,
    `param - learning_rate mu_hat / (sqrt(nu_hat) + eps)` with `x_hat = x / (1 - b^t)`.

    Args:
      learning_rate: zero or more, or a schedule.
      b1: decay of the mean, in [0, 1).
      b2: decay of the mean square, in [0, 1).
      eps: epsilon, zero or more.
      eps_placement: `"outside"` (Kingma and Ba, Liège, STAT 479, PyTorch, Optax), `"inside"`:
        `sqrt(nu_hat + eps)` (CMU, ISI), `"uncorrected"` (Keras); see `root`.
      nesterov: the mean that the next update will see takes the place of the mean, as in Optax
        (see `nesterov_ema`).
      state_dtype: dtype of both moments.

    Source: CMU (S0-40); Liège (S1-18); ISI (S2-21); TTIC 31230 (S3-17); STAT 479 (S4-26); Kingma
    and Ba 2015.
    """
    direction = adam_direction(b1, b2, eps, eps_placement, nesterov, state_dtype)
    return chain(direction, scale_by_learning_rate(learning_rate))


def adam_direction(
    b1: Any, b2: Any, eps: Any, eps_placement: Any, nesterov: bool, state_dtype: Any
) -> Transformation:
    """Smoothing over normalising: Adam's step, but for the learning rate."""
    mean, square = ema(b1, state_dtype=state_dtype), mean_square(b2, state_dtype=state_dtype)
    smoothing = nesterov_ema(b1, state_dtype=state_dtype) if nesterov else debiased(mean)
    return ratio(smoothing, root(debiased(square), eps, eps_placement))


@checked
def adamw(
    learning_rate: LearningRate,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    eps: NonNegative = 1e-8,
    *,
    weight_decay: NonNegative = 1e-4,
    mask: Any = None,
    eps_placement: EpsPlacement = "outside",
    nesterov: bool = False,
    state_dtype: Any = None,
) -> Transformation:
    """Adam with decoupled weight decay: `param - learning_rate (adam + weight_decay param)`.

    Args:
      learning_rate: zero or more, or a schedule; it scales the decay too (the paper scales the
        decay by the schedule only).
      b1: see `adam`.
      b2: see `adam`.
      eps: see `adam`.
      weight_decay: zero or more; 1e-2 in PyTorch, 4e-3 in Keras, 1e-4 in Optax.
      mask: which leaves decay; see `add_decayed_weights`.
      eps_placement: see `adam`.
      nesterov: see `adam`.
      state_dtype: see `adam`.

    Source: Loshchilov and Hutter 2019; ISI (S2-07) for the equivalence of L2 and decay in plain
    SGD, which Adam breaks.
    """
    direction = adam_direction(b1, b2, eps, eps_placement, nesterov, state_dtype)
    decay = add_decayed_weights(weight_decay, mask)
    return chain(direction, decay, scale_by_learning_rate(learning_rate))
