"""Optax 0.2.8's aliases: its names, arguments, defaults and numbers, as lectopt transformations.

Where the numbers of `lectopt` are Optax's already, these are the same compositions. They differ in
`eps_root`, inside the root beside an `eps` outside, in `mu_dtype`, the mean's alone, and in what
Optax does against its own words: `rprop`, `adadelta` without a rate. Variances are never below 0,
and moments are at least float32.
"""

from typing import Any

from lectopt import optimizers as _lectopt
from lectopt.combinators import chain, debiased, ratio, root
from lectopt.dialects.optax_rules import plus, scale_by_late_rprop
from lectopt.dialects.spelling import absent, spelled
from lectopt.primitives import (
    add_decayed_weights,
    ema,
    infinity_moment,
    mean_square,
    nesterov_ema,
    rectification,
    running_max,
    scale_by_adadelta,
    scale_by_learning_rate,
    trace,
)
from lectopt.settings import (
    Bound,
    Decay,
    Fraction,
    Growth,
    LearningRate,
    NonNegative,
    RectificationThreshold,
)
from lectopt.transformation import Transformation

__all__ = [
    "adadelta",
    "adagrad",
    "adam",
    "adamax",
    "adamaxw",
    "adamw",
    "amsgrad",
    "nadam",
    "nadamw",
    "radam",
    "rmsprop",
    "rprop",
    "sgd",
]


@spelled()
def sgd(
    learning_rate: LearningRate,
    momentum: Decay | None = None,
    nesterov: bool = False,
    accumulator_dtype: Any = None,
) -> Transformation:
    """`v = momentum v + g`, `param - learning_rate v`; see `lectopt.sgd`."""
    descent = scale_by_learning_rate(learning_rate)
    if momentum is None:
        return descent
    return chain(trace(momentum, nesterov, state_dtype=accumulator_dtype), descent)


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
    direction = _direction(b1, b2, eps, eps_root, mu_dtype, nesterov)
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
    direction = _direction(b1, b2, eps, eps_root, mu_dtype, nesterov)
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
    direction = _direction(b1, b2, eps, eps_root, mu_dtype, nesterov)
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
    direction = ratio(_mean(b1, None), infinity_moment(b2, eps, eps_in_max=True))
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
    mean = _mean(b1, mu_dtype) if bias_correction_mu else ema(b1, state_dtype=mu_dtype)
    square = debiased(mean_square(b2)) if bias_correction_nu else mean_square(b2)
    direction = ratio(mean, _root(chain(square, running_max()), eps, eps_root))
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
    rectified = chain(_root(debiased(mean_square(b2)), eps, eps_root), rectification(b2, threshold))
    direction = ratio(_mean(b1, None, nesterov), rectified)
    return chain(direction, scale_by_learning_rate(learning_rate))


@spelled()
def rmsprop(
    learning_rate: LearningRate,
    decay: Decay = 0.9,
    eps: NonNegative = 1e-8,
    initial_scale: NonNegative = 0.0,
    eps_in_sqrt: bool = True,
    centered: bool = False,
    momentum: Decay | None = None,
    nesterov: bool = False,
    bias_correction: bool = False,
) -> Transformation:
    """`g / sqrt(nu + eps)`, or `g / (sqrt(nu) + eps)`; see `lectopt.rmsprop`."""
    return _lectopt.rmsprop(
        learning_rate,
        decay,
        eps,
        initial_scale,
        eps_placement="inside" if eps_in_sqrt else "outside",
        centered=centered,
        momentum=momentum,
        nesterov=nesterov,
        bias_correction=bias_correction,
    )


@spelled()
def adagrad(
    learning_rate: LearningRate,
    initial_accumulator_value: NonNegative = 0.1,
    eps: NonNegative = 1e-7,
) -> Transformation:
    """`r = r + g^2`, `param - learning_rate g / sqrt(r + eps)`; see `lectopt.adagrad`."""
    return _lectopt.adagrad(learning_rate, initial_accumulator_value, eps)


@spelled()
def adadelta(
    learning_rate: LearningRate | None = None,
    rho: Decay = 0.9,
    eps: NonNegative = 1e-6,
    weight_decay: NonNegative = 0.0,
    weight_decay_mask: Any = None,
) -> Transformation:
    """Steps in the units of the weight; see `lectopt.adadelta`. Without a rate it has no minus sign
    and *ascends*, as Optax's does: write `learning_rate=1.0`.
    """
    if learning_rate is not None:
        return _lectopt.adadelta(learning_rate, rho, eps, weight_decay, weight_decay_mask)
    penalty = [] if absent(weight_decay) else [add_decayed_weights(weight_decay, weight_decay_mask)]
    return chain(*penalty, scale_by_adadelta(rho, eps))


@spelled()
def rprop(
    learning_rate: LearningRate,
    eta_minus: Fraction = 0.5,
    eta_plus: Growth = 1.2,
    min_step_size: NonNegative = 1e-6,
    max_step_size: Bound = 50.0,
) -> Transformation:
    """Rprop as Optax 0.2.8 computes it: each update makes the move of the one before.

    `lectopt.rprop` is the algorithm.
    """
    settings = (learning_rate, eta_minus, eta_plus, min_step_size, max_step_size)
    return chain(scale_by_late_rprop(*settings), scale_by_learning_rate(1.0))


def _direction(
    b1: Any, b2: Any, eps: Any, eps_root: Any, mu_dtype: Any, nesterov: bool
) -> Transformation:
    return ratio(_mean(b1, mu_dtype, nesterov), _root(debiased(mean_square(b2)), eps, eps_root))


def _mean(b1: Any, mu_dtype: Any, nesterov: bool = False) -> Transformation:
    if nesterov:
        return nesterov_ema(b1, state_dtype=mu_dtype)
    return debiased(ema(b1, state_dtype=mu_dtype))


def _root(moment: Transformation, eps: Any, eps_root: Any) -> Transformation:
    if absent(eps_root):
        return root(moment, eps)
    if absent(eps):
        return root(moment, eps_root, "inside")
    return root(chain(moment, plus(eps_root)), eps)


def _decayed(direction: Any, weight_decay: Any, mask: Any, learning_rate: Any) -> Transformation:
    decay = add_decayed_weights(weight_decay, mask)
    return chain(direction, decay, scale_by_learning_rate(learning_rate))
