"""Steps that are shares of a leaf's own size: LARS, LAMB, Fromage."""

from typing import Any, Literal

from lectopt.combinators import chain, debiased, masked, ratio, root
from lectopt.primitives import (
    add_decayed_weights,
    contract,
    ema,
    mean_square,
    scale_by_learning_rate,
    scale_by_local_rate,
    scale_by_trust_ratio,
    trace,
)
from lectopt.settings import Decay, EpsPlacement, LearningRate, NonNegative
from lectopt.signatures import checked
from lectopt.transformation import Transformation


@checked
def lars(
    learning_rate: LearningRate,
    weight_decay: NonNegative = 0.0,
    weight_decay_mask: Any = None,
    trust_coefficient: NonNegative = 1e-3,
    eps: NonNegative = 0.0,
    trust_ratio_mask: Any = None,
    momentum: Decay = 0.9,
    nesterov: bool = False,
    *,
    norm_of: Literal["sum", "parts"] = "sum",
    state_dtype: Any = None,
) -> Transformation:
    """LARS: momentum of gradients that every layer scales to its own size.

    `u = g + weight_decay param`, `v = momentum v - learning_rate trust_coefficient |param| / (|u| +
    eps) u`, `param + v`.

    Args:
      learning_rate: zero or more, or a schedule.
      weight_decay: zero or more; it is part of the gradient.
      weight_decay_mask: which leaves decay; see `add_decayed_weights`.
      trust_coefficient: zero or more.
      eps: epsilon, zero or more.
      trust_ratio_mask: which leaves are scaled; biases usually are not.
      momentum: decay of the velocity, in [0, 1).
      nesterov: see `trace`.
      norm_of: `"sum"`, `|g + weight_decay param|` (Optax), or `"parts"`, `|g| + weight_decay
        |param|` (the paper), where leaves that are not scaled do not decay.
      state_dtype: dtype of the velocity.

    Source: You et al. 2017.
    """
    if norm_of == "parts":
        local = masked(scale_by_local_rate(trust_coefficient, weight_decay, eps), trust_ratio_mask)
    else:
        ratio_of = scale_by_trust_ratio(0.0, trust_coefficient, eps)
        decay = add_decayed_weights(weight_decay, weight_decay_mask)
        local = chain(decay, masked(ratio_of, trust_ratio_mask))
    velocity = trace(momentum, nesterov, state_dtype=state_dtype)
    return chain(local, scale_by_learning_rate(learning_rate), velocity)


@checked
def lamb(
    learning_rate: LearningRate,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    eps: NonNegative = 1e-6,
    *,
    weight_decay: NonNegative = 0.0,
    mask: Any = None,
    eps_placement: EpsPlacement = "outside",
    bias_correction: bool = True,
    state_dtype: Any = None,
) -> Transformation:
    """LAMB: Adam's step with weight decay, scaled in every leaf to the size of its weights.

    `u = mu_hat / (sqrt(nu_hat) + eps) + weight_decay param`, `param - learning_rate |param| / |u|
    u`.

    Args:
      learning_rate: zero or more, or a schedule.
      b1: see `adam`.
      b2: see `adam`.
      eps: see `adam`.
      weight_decay: zero or more; it is part of what is scaled.
      mask: which leaves decay; see `add_decayed_weights`.
      eps_placement: see `root`.
      bias_correction: of both moments, as in the paper, Optax and Keras.
      state_dtype: dtype of both moments.

    Source: You et al. 2020 (Algorithm 2, with the identity for its function of the norm).
    """
    mean, square = ema(b1, state_dtype=state_dtype), mean_square(b2, state_dtype=state_dtype)
    if bias_correction:
        mean, square = debiased(mean), debiased(square)
    return chain(
        ratio(mean, root(square, eps, eps_placement)),
        add_decayed_weights(weight_decay, mask),
        scale_by_trust_ratio(),
        scale_by_learning_rate(learning_rate),
    )


@checked
def fromage(learning_rate: LearningRate, min_norm: NonNegative = 1e-6) -> Transformation:
    """Fromage: steps of a fixed share of the weights of a leaf, which do not make them larger.

    `(param - learning_rate |param| / |g| g) / sqrt(1 + learning_rate^2)`.

    Args:
      learning_rate: zero or more, or a schedule; 0.01 in the paper.
      min_norm: the least value of both norms, zero or more.

    Source: Bernstein et al. 2020 (Algorithm 1).
    """
    return chain(
        scale_by_trust_ratio(min_norm),
        scale_by_learning_rate(learning_rate),
        contract(learning_rate),
    )
