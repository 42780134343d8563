"""Adam with more than one mean: Adan, AdEMAMix, optimism; and ADOPT, which normalises first."""

from typing import Any

from lectopt.combinators import chain, debiased, ratio, root, total
from lectopt.corrections import identity
from lectopt.optimizers._adam import adam_direction
from lectopt.primitives import (
    add_decayed_weights,
    difference,
    ema,
    mean_square,
    plus,
    scale,
    scale_by_learning_rate,
    scale_by_past_rms,
    trace,
)
from lectopt.settings import Decay, EpsPlacement, LearningRate, NonNegative
from lectopt.signatures import checked
from lectopt.transformation import Transformation


@checked
def adan(
    learning_rate: LearningRate,
    b1: Decay = 0.98,
    b2: Decay = 0.92,
    b3: Decay = 0.99,
    eps: NonNegative = 1e-8,
    eps_root: NonNegative = 1e-8,
    weight_decay: NonNegative = 0.0,
    mask: Any = None,
    *,
    state_dtype: Any = None,
) -> Transformation:
    """Adan: Adam with a mean of the gradient's changes too, which looks ahead as Nesterov's method
    does.

    With the change `d = g - g_prev`: `mu = b1 mu + (1 - b1) g`, `v = b2 v + (1 - b2) d`, `nu = b3
    nu + (1 - b3) (g + b2 d)^2`, `param - learning_rate ((mu_hat + b2 v_hat) / (sqrt(nu_hat +
    eps_root) + eps) + weight_decay param)`. Optax 0.2.8 has `1 - b2` in the place of `b2` before
    `d` and `v_hat`, which would be right of the paper's `beta2`.

    Args:
      learning_rate: zero or more, or a schedule.
      b1: decay of the mean of gradients, in [0, 1); the paper's `1 - beta1`.
      b2: decay of the mean of changes, in [0, 1); the paper's `1 - beta2`.
      b3: decay of the mean square, in [0, 1); the paper's `1 - beta3`.
      eps: epsilon outside the root, zero or more.
      eps_root: epsilon inside the root, zero or more.
      weight_decay: decoupled, zero or more; as in Optax, where the paper divides by `1 +
        learning_rate weight_decay`.
      mask: which leaves decay; see `add_decayed_weights`.
      state_dtype: dtype of every slot.

    Source: Xie et al. 2022 (Algorithm 1), with bias corrections as in the authors' code.
    """
    direction = adan_direction(b1, b2, b3, eps, eps_root, b2, state_dtype)
    decay = add_decayed_weights(weight_decay, mask)
    return chain(direction, decay, scale_by_learning_rate(learning_rate))


def adan_direction(
    b1: Any, b2: Any, b3: Any, eps: Any, eps_root: Any, share: Any, state_dtype: Any
) -> Transformation:
    """Adan's step, but for the learning rate; `share` is what the changes count for."""
    change = difference(state_dtype=state_dtype)  # one, of three sums
    mean = debiased(ema(b1, state_dtype=state_dtype))
    trend = debiased(chain(change, ema(b2, state_dtype=state_dtype)))
    ahead = total(identity(), chain(change, scale(share)))
    square = debiased(chain(ahead, mean_square(b3, state_dtype=state_dtype)))
    root_of = root(chain(square, plus(eps_root)), eps)
    return ratio(total(mean, chain(trend, scale(share))), root_of)


@checked
def ademamix(
    learning_rate: LearningRate,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    b3: Decay = 0.9999,
    alpha: NonNegative = 5.0,
    eps: NonNegative = 1e-8,
    *,
    weight_decay: NonNegative = 0.0,
    mask: Any = None,
    eps_placement: EpsPlacement = "outside",
    state_dtype: Any = None,
) -> Transformation:
    """AdEMAMix: Adam with a second, slow mean of the gradients beside the first.

    `param - learning_rate ((mu_hat + alpha slow) / (sqrt(nu_hat) + eps) + weight_decay param)`,
    with `slow = b3 slow + (1 - b3) g`, which is not corrected for its start.

    Args:
      learning_rate: zero or more, or a schedule.
      b1: see `adam`.
      b2: see `adam`.
      b3: decay of the slow mean, in [0, 1); the paper warms it up, by a schedule.
      alpha: share of the slow mean, zero or more; the paper warms it up too.
      eps: see `adam`.
      weight_decay: decoupled, zero or more.
      mask: which leaves decay; see `add_decayed_weights`.
      eps_placement: see `root`.
      state_dtype: dtype of every moment.

    Source: Pagliardini et al. 2024 (Algorithm 1).
    """
    fast, slow = debiased(ema(b1, state_dtype=state_dtype)), ema(b3, state_dtype=state_dtype)
    square = debiased(mean_square(b2, state_dtype=state_dtype))
    return chain(
        ratio(total(fast, chain(slow, scale(alpha))), root(square, eps, eps_placement)),
        add_decayed_weights(weight_decay, mask),
        scale_by_learning_rate(learning_rate),
    )


@checked
def simplified_ademamix(
    learning_rate: LearningRate,
    b1: Decay = 0.99,
    b2: Decay = 0.95,
    alpha: NonNegative = 0.0,
    eps: NonNegative = 1e-8,
    *,
    weight_decay: NonNegative = 0.0,
    mask: Any = None,
    eps_placement: EpsPlacement = "outside",
    state_dtype: Any = None,
) -> Transformation:
    """Simplified AdEMAMix: one velocity, and the gradient beside it.

    With `v = b1 v + g`, `param - learning_rate ((v + alpha g) / (sqrt(nu_hat) + eps) + weight_decay
    param)`.

    Args:
      learning_rate: zero or more, or a schedule; smaller than Adam's by about `1 - b1`.
      b1: decay of the velocity, in [0, 1).
      b2: see `adam`.
      alpha: share of the gradient, zero or more.
      eps: see `adam`.
      weight_decay: decoupled, zero or more.
      mask: which leaves decay; see `add_decayed_weights`.
      eps_placement: see `root`.
      state_dtype: dtype of both moments.

    Source: Morwani et al. 2025 (Algorithm 1).
    """
    velocity = trace(b1, state_dtype=state_dtype)
    square = debiased(mean_square(b2, state_dtype=state_dtype))
    return chain(
        ratio(total(velocity, scale(alpha)), root(square, eps, eps_placement)),
        add_decayed_weights(weight_decay, mask),
        scale_by_learning_rate(learning_rate),
    )


@checked
def adopt(
    learning_rate: LearningRate,
    b1: Decay = 0.9,
    b2: Decay = 0.9999,
    eps: NonNegative = 1e-6,
    *,
    nesterov: bool = False,
    clip_power: NonNegative | None = 0.25,
    weight_decay: NonNegative = 0.0,
    mask: Any = None,
    state_dtype: Any = None,
) -> Transformation:
    """ADOPT: a mean of gradients that each were divided by the root mean square of those before.

    The first update only measures; see `scale_by_past_rms`.

    Args:
      learning_rate: zero or more, or a schedule.
      b1: decay of the mean, in [0, 1).
      b2: decay of the mean square, in [0, 1).
      eps: the least denominator, zero or more.
      nesterov: `b1 mu + (1 - b1) u` in the place of the mean `mu` of the normalised gradients `u`.
      clip_power: see `scale_by_past_rms`.
      weight_decay: decoupled, zero or more.
      mask: which leaves decay; see `add_decayed_weights`.
      state_dtype: dtype of both moments.

    Source: Taniguchi et al. 2024 (Algorithm 2).
    """
    normalised = scale_by_past_rms(b2, eps, clip_power, state_dtype=state_dtype)
    mean = trace(b1, nesterov, b1, state_dtype=state_dtype)
    decay = add_decayed_weights(weight_decay, mask)
    return chain(normalised, mean, decay, scale_by_learning_rate(learning_rate))


@checked
def optimistic_gradient_descent(
    learning_rate: LearningRate,
    alpha: NonNegative = 1.0,
    beta: NonNegative = 1.0,
    *,
    state_dtype: Any = None,
) -> Transformation:
    """Gradient descent that expects the gradient to change once more as it has: `param -
    learning_rate (alpha g + beta (g - g_prev))`. For games.

    Args:
      learning_rate: zero or more, or a schedule.
      alpha: share of the gradient, zero or more.
      beta: share of its change, zero or more.
      state_dtype: dtype of the last gradient.

    Source: Daskalakis et al. 2018; Mokhtari et al. 2020 for the two shares.
    """
    step = optimistic(alpha, beta, state_dtype)
    return chain(step, scale_by_learning_rate(learning_rate))


@checked
def optimistic_adam(
    learning_rate: LearningRate,
    alpha: NonNegative = 1.0,
    beta: NonNegative = 1.0,
    *,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    eps: NonNegative = 1e-8,
    eps_placement: EpsPlacement = "outside",
    nesterov: bool = True,
    state_dtype: Any = None,
) -> Transformation:
    """Adam whose step expects to change once more as it has; see `optimistic_gradient_descent`.

    Args:
      learning_rate: zero or more, or a schedule.
      alpha: share of Adam's step, zero or more.
      beta: share of its change, zero or more.
      b1: see `adam`.
      b2: see `adam`.
      eps: see `adam`.
      eps_placement: see `root`.
      nesterov: see `adam`.
      state_dtype: dtype of every slot.

    Source: Daskalakis et al. 2018 (Algorithm 1, which has no look-ahead: `nesterov=False`).
    """
    step = adam_direction(b1, b2, eps, eps_placement, nesterov, state_dtype)
    expected = optimistic(alpha, beta, state_dtype)
    return chain(step, expected, scale_by_learning_rate(learning_rate))


def optimistic(alpha: Any, beta: Any, state_dtype: Any = None) -> Transformation:
    """`alpha u + beta (u - u_prev)`."""
    return total(scale(alpha), chain(difference(state_dtype=state_dtype), scale(beta)))
