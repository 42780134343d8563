"""Optax's other aliases: descent, signs, rates by the size of gradients, whole leaves."""

from typing import Any, Literal

import jax.numpy as jnp

from lectopt import controls as _controls
from lectopt import optimizers as _lectopt
from lectopt.combinators import chain, masked
from lectopt.dialects.optax.rules import scale_by_late_rprop
from lectopt.dialects.spelling import absent, spelled
from lectopt.primitives import (
    add_decayed_weights,
    ema,
    scale_by_adadelta,
    scale_by_leaf_norm,
    scale_by_learning_rate,
    shrink_weights,
    trace,
)
from lectopt.settings import (
    Bound,
    Decay,
    Fraction,
    Growth,
    LearningRate,
    NonNegative,
    PositiveBound,
    Scalar,
)
from lectopt.transformation import Transformation


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


@spelled()
def sign_sgd(learning_rate: LearningRate) -> Transformation:
    """`param - learning_rate sign(g)`; see `lectopt.sign_sgd`."""
    return _lectopt.sign_sgd(learning_rate)


@spelled()
def signum(
    learning_rate: LearningRate, beta: Decay = 0.9, accumulator_dtype: Any = None
) -> Transformation:
    """`param - learning_rate sign(mu)`; see `lectopt.signum`."""
    return _lectopt.signum(learning_rate, beta, state_dtype=accumulator_dtype)


@spelled()
def lion(
    learning_rate: LearningRate,
    b1: Decay = 0.9,
    b2: Decay = 0.99,
    mu_dtype: Any = None,
    weight_decay: NonNegative = 1e-3,
    mask: Any = None,
) -> Transformation:
    """`param - learning_rate (sign(b1 mu + (1 - b1) g) + weight_decay param)`; see
    `lectopt.lion`."""
    return _lectopt.lion(
        learning_rate, b1, b2, weight_decay=weight_decay, mask=mask, state_dtype=mu_dtype
    )


@spelled()
def noisy_sgd(
    learning_rate: LearningRate,
    eta: NonNegative[Scalar] = 0.01,
    gamma: NonNegative[Scalar] = 0.55,
    key: Any = None,
    *,
    seed: Any = None,
) -> Transformation:
    """Noise of the variance `eta / t^gamma` in the gradient; see `lectopt.noisy_sgd`. It is drawn
    otherwise than Optax draws it from the same key, which is 0 if none is given.
    """
    first = seed if key is None else key
    return _lectopt.noisy_sgd(learning_rate, eta, gamma, key=0 if first is None else first)


@spelled()
def optimistic_gradient_descent(
    learning_rate: LearningRate, alpha: NonNegative = 1.0, beta: NonNegative = 1.0
) -> Transformation:
    """`param - learning_rate (alpha g + beta (g - g_prev))`; see
    `lectopt.optimistic_gradient_descent`."""
    return _lectopt.optimistic_gradient_descent(learning_rate, alpha, beta)


@spelled()
def polyak_sgd(
    max_learning_rate: PositiveBound = 1.0,
    scaling: NonNegative = 1.0,
    f_min: Any = 0.0,
    eps: NonNegative = 0.0,
    variant: Literal["sps", "sps+"] = "sps",
) -> Transformation:
    """`min((value - f_min) / (|g|^2 + eps), max_learning_rate)` for the rate; see
    `lectopt.polyak_sgd`. Where Optax stops, at `|g|^2 + eps` below 2.2e-16, this one goes on.
    """
    return _lectopt.polyak_sgd(max_learning_rate, scaling, f_min, eps, variant)


@spelled()
def fromage(learning_rate: LearningRate, min_norm: NonNegative = 1e-6) -> Transformation:
    """`(param - learning_rate |param| / |g| g) / sqrt(1 + learning_rate^2)`; see
    `lectopt.fromage`."""
    return _lectopt.fromage(learning_rate, min_norm)


@spelled()
def lars(
    learning_rate: LearningRate,
    weight_decay: NonNegative = 0.0,
    weight_decay_mask: Any = True,
    trust_coefficient: NonNegative = 0.001,
    eps: NonNegative = 0.0,
    trust_ratio_mask: Any = True,
    momentum: Decay = 0.9,
    nesterov: bool = False,
) -> Transformation:
    """Momentum of gradients that are scaled to the size of their leaf; see `lectopt.lars`."""
    masks = weight_decay_mask, trust_ratio_mask
    decays, scales = (None if mask is True else mask for mask in masks)
    return _lectopt.lars(
        learning_rate, weight_decay, decays, trust_coefficient, eps, scales, momentum, nesterov
    )


@spelled()
def novograd(
    learning_rate: LearningRate,
    b1: Decay = 0.9,
    b2: Decay = 0.25,
    eps: NonNegative = 1e-6,
    eps_root: NonNegative = 0.0,
    weight_decay: NonNegative = 0.0,
) -> Transformation:
    """A velocity of `g / (sqrt(nu + eps_root) + eps) + weight_decay param`; see
    `lectopt.novograd`."""
    normalised = scale_by_leaf_norm(b2, eps, eps_root=eps_root)
    decay = [] if absent(weight_decay) else [add_decayed_weights(weight_decay)]
    return chain(normalised, *decay, trace(b1), scale_by_learning_rate(learning_rate))


@spelled()
def sm3(learning_rate: LearningRate, momentum: Decay = 0.9) -> Transformation:
    """AdaGrad of rows and columns; see `lectopt.sm3`."""
    return _lectopt.sm3(learning_rate, momentum)


@spelled()
def adafactor(
    learning_rate: LearningRate | None = None,
    min_dim_size_to_factor: int = 128,
    decay_rate: Fraction = 0.8,
    decay_offset: NonNegative = 0,
    multiply_by_parameter_scale: bool = True,
    clipping_threshold: PositiveBound | None = 1.0,
    momentum: Decay | None = None,
    dtype_momentum: Any = jnp.float32,
    weight_decay_rate: NonNegative | None = None,
    eps: NonNegative = 1e-30,
    factored: bool = True,
    weight_decay_mask: Any = None,
) -> Transformation:
    """RMSProp of rows and columns, its steps shares of the weights; see `lectopt.adafactor`."""
    step = _lectopt.adafactor(
        1.0 if learning_rate is None else learning_rate,
        min_dim_size_to_factor,
        decay_rate,
        decay_offset,
        multiply_by_parameter_scale,
        clipping_threshold,
        eps=eps,
        factored=factored,
    )
    mean = [] if momentum is None else [ema(momentum, state_dtype=dtype_momentum)]
    decay = [] if weight_decay_rate is None else [shrink_weights(1.0, weight_decay_rate)]
    return chain(step, *mean, *(masked(tx, weight_decay_mask) for tx in decay))


@spelled()
def lbfgs(
    learning_rate: LearningRate | None = None,
    memory_size: Any = 10,
    scale_init_precond: bool = True,
    linesearch: Any = "zoom",
) -> Transformation:
    """Quasi-Newton steps; see `lectopt.lbfgs`. The search is `scale_by_wolfe_line_search`, which
    does not take Optax's approximate condition for enough, so that the two may part within 1e-6 of
    the least value; or None, or a transformation such as `optax.scale_by_zoom_linesearch(20)`.
    """
    own = isinstance(linesearch, str) and linesearch == "zoom"
    searches: list[Any] = [] if own or linesearch is None else [linesearch]
    newton = _controls.lbfgs(
        1.0 if learning_rate is None else learning_rate,
        memory_size,
        scale_init_precond,
        line_search="strong" if own else None,
        curvature="any",
    )
    return chain(newton, *searches)
