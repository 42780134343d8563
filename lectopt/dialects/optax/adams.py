"""Optax's Adam and its relatives."""

from typing import Any

from lectopt import optimizers as _lectopt
from lectopt.combinators import chain, debiased, ratio, root
from lectopt.dialects.spelling import absent, spelled
from lectopt.optimizers._belief import rest_of
from lectopt.optimizers._mixtures import adan_direction, optimistic
from lectopt.primitives import (
    add_decayed_weights,
    ema,
    infinity_moment,
    mean_square,
    nesterov_ema,
    plus,
    rectification,
    running_max,
    scale_by_learning_rate,
    scale_by_trust_ratio,
)
from lectopt.settings import Decay, LearningRate, NonNegative, RectificationThreshold, Scalar
from lectopt.transformation import Transformation


@spelled()
def adam(
    learning_rate: LearningRate,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    eps: NonNegative = 1e-8,
    eps_root: NonNegative = 0.0,
    mu_dtype: Any = None,
    *,
    nesterov: bool = False,
) -> Transformation:
    """`mu_hat / (sqrt(nu_hat + eps_root) + eps)`; see `lectopt.adam`."""
    direction = directed(b1, b2, eps, eps_root, mu_dtype, nesterov)
    return chain(direction, scale_by_learning_rate(learning_rate))


@spelled()
def adamw(
    learning_rate: LearningRate,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    eps: NonNegative = 1e-8,
    eps_root: NonNegative = 0.0,
    mu_dtype: Any = None,
    weight_decay: NonNegative = 1e-4,
    mask: Any = None,
    *,
    nesterov: bool = False,
) -> Transformation:
    """`param - learning_rate (adam + weight_decay param)`; see `lectopt.adamw`."""
    direction = directed(b1, b2, eps, eps_root, mu_dtype, nesterov)
    return _decayed(direction, weight_decay, mask, learning_rate)


@spelled()
def nadam(
    learning_rate: LearningRate,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    eps: NonNegative = 1e-8,
    eps_root: NonNegative = 0.0,
    mu_dtype: Any = None,
    *,
    nesterov: bool = True,
) -> Transformation:
    """`adam` with a look-ahead in the mean, of a constant coefficient; see `lectopt.nadam`."""
    return adam(learning_rate, b1, b2, eps, eps_root, mu_dtype, nesterov=nesterov)


@spelled()
def nadamw(
    learning_rate: LearningRate,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    eps: NonNegative = 1e-8,
    eps_root: NonNegative = 0.0,
    mu_dtype: Any = None,
    weight_decay: NonNegative = 1e-4,
    mask: Any = None,
    *,
    nesterov: bool = True,
) -> Transformation:
    """`nadam` with decoupled weight decay."""
    direction = directed(b1, b2, eps, eps_root, mu_dtype, nesterov)
    return _decayed(direction, weight_decay, mask, learning_rate)


@spelled()
def adamax(
    learning_rate: LearningRate, b1: Decay = 0.9, b2: Decay = 0.999, eps: NonNegative = 1e-8
) -> Transformation:
    """`nu = max(b2 nu, |g| + eps)`, `param - learning_rate mu_hat / nu`; see `lectopt.adamax`."""
    return _lectopt.adamax(learning_rate, b1, b2, eps)


@spelled()
def adamaxw(
    learning_rate: LearningRate,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    eps: NonNegative = 1e-8,
    weight_decay: NonNegative = 1e-4,
    mask: Any = None,
) -> Transformation:
    """`adamax` with decoupled weight decay."""
    direction = ratio(mean_of(b1, None), infinity_moment(b2, eps, eps_in_max=True))
    return _decayed(direction, weight_decay, mask, learning_rate)


@spelled()
def amsgrad(
    learning_rate: LearningRate,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    eps: NonNegative = 1e-8,
    eps_root: NonNegative = 0.0,
    mu_dtype: Any = None,
    bias_correction_mu: bool = True,
    bias_correction_nu: bool = True,
) -> Transformation:
    """`adam` with the largest `nu_hat` so far; see `lectopt.amsgrad`."""
    mean = mean_of(b1, mu_dtype) if bias_correction_mu else ema(b1, state_dtype=mu_dtype)
    square = debiased(mean_square(b2)) if bias_correction_nu else mean_square(b2)
    direction = ratio(mean, rooted(chain(square, running_max()), eps, eps_root))
    return chain(direction, scale_by_learning_rate(learning_rate))


@spelled()
def radam(
    learning_rate: LearningRate,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    eps: NonNegative = 1e-8,
    eps_root: NonNegative = 0.0,
    threshold: RectificationThreshold = 5.0,
    *,
    nesterov: bool = False,
) -> Transformation:
    """`adam` without its denominator in the first steps; see `lectopt.radam`."""
    square = rooted(debiased(mean_square(b2)), eps, eps_root)
    rectified = chain(square, rectification(b2, threshold))
    direction = ratio(mean_of(b1, None, nesterov), rectified)
    return chain(direction, scale_by_learning_rate(learning_rate))


@spelled()
def adabelief(
    learning_rate: LearningRate,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    eps: NonNegative = 1e-16,
    eps_root: NonNegative = 1e-16,
    *,
    nesterov: bool = False,
) -> Transformation:
    """`mu_hat / (sqrt(nu_hat) + eps)`, `nu` of what is away from the mean; see
    `lectopt.adabelief`."""
    return _lectopt.adabelief(learning_rate, b1, b2, eps, eps_root, nesterov=nesterov)


@spelled()
def adan(
    learning_rate: LearningRate,
    b1: Decay = 0.98,
    b2: Decay = 0.92,
    b3: Decay = 0.99,
    eps: NonNegative = 1e-8,
    eps_root: NonNegative = 1e-8,
    weight_decay: NonNegative = 0.0,
    mask: Any = None,
) -> Transformation:
    """Adan as Optax 0.2.8 computes it: changes count for `1 - b2`, where `b2` is the paper's `1 -
    beta2`.

    `lectopt.adan` is the algorithm.
    """
    direction = adan_direction(b1, b2, b3, eps, eps_root, rest_of(b2), None)
    return _decayed(direction, weight_decay, mask, learning_rate)


@spelled()
def yogi(
    learning_rate: LearningRate, b1: Decay = 0.9, b2: Decay = 0.999, eps: NonNegative = 1e-3
) -> Transformation:
    """`nu - (1 - b2) sign(nu - g^2) g^2`, from 1e-6; see `lectopt.yogi`."""
    return _lectopt.yogi(learning_rate, b1, b2, eps)


@spelled()
def optimistic_adam(
    learning_rate: LearningRate[Scalar],
    optimism: NonNegative | None = None,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    eps: NonNegative = 1e-8,
    eps_root: NonNegative = 0.0,
    mu_dtype: Any = None,
    *,
    nesterov: bool = True,
) -> Transformation:
    """Adam's step `u`, and its change: `param - learning_rate u - optimism (u - u_prev)`; Optax has
    it replaced by `optimistic_adam_v2`."""
    direction = directed(b1, b2, eps, eps_root, mu_dtype, nesterov)
    beta = learning_rate if optimism is None else optimism
    return chain(direction, optimistic(learning_rate, beta), scale_by_learning_rate(1.0))


@spelled()
def optimistic_adam_v2(
    learning_rate: LearningRate,
    *,
    alpha: NonNegative = 1.0,
    beta: NonNegative = 1.0,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    eps: NonNegative = 1e-8,
    eps_root: NonNegative = 0.0,
    mu_dtype: Any = None,
    nesterov: bool = True,
) -> Transformation:
    """`param - learning_rate (alpha u + beta (u - u_prev))` of Adam's step `u`; see
    `lectopt.optimistic_adam`."""
    direction = directed(b1, b2, eps, eps_root, mu_dtype, nesterov)
    return chain(direction, optimistic(alpha, beta), scale_by_learning_rate(learning_rate))


@spelled()
def lamb(
    learning_rate: LearningRate,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    eps: NonNegative = 1e-6,
    eps_root: NonNegative = 0.0,
    weight_decay: NonNegative = 0.0,
    mask: Any = None,
) -> Transformation:
    """Adam's step with its decay, scaled to the size of the leaf; see `lectopt.lamb`."""
    direction = directed(b1, b2, eps, eps_root, None, False)
    decay = add_decayed_weights(weight_decay, mask)
    return chain(direction, decay, scale_by_trust_ratio(), scale_by_learning_rate(learning_rate))


def directed(
    b1: Any, b2: Any, eps: Any, eps_root: Any, mu_dtype: Any, nesterov: bool
) -> Transformation:
    """Adam's step, but for the learning rate."""
    return ratio(mean_of(b1, mu_dtype, nesterov), rooted(debiased(mean_square(b2)), eps, eps_root))


def mean_of(b1: Any, mu_dtype: Any, nesterov: bool = False) -> Transformation:
    """The corrected mean, or the one that looks ahead."""
    if nesterov:
        return nesterov_ema(b1, state_dtype=mu_dtype)
    return debiased(ema(b1, state_dtype=mu_dtype))


def rooted(moment: Transformation, eps: Any, eps_root: Any) -> Transformation:
    """`sqrt(moment + eps_root) + eps`."""
    if absent(eps_root):
        return root(moment, eps)
    if absent(eps):
        return root(moment, eps_root, "inside")
    return root(chain(moment, plus(eps_root)), eps)


def _decayed(direction: Any, weight_decay: Any, mask: Any, learning_rate: Any) -> Transformation:
    decay = add_decayed_weights(weight_decay, mask)
    return chain(direction, decay, scale_by_learning_rate(learning_rate))
