"""Optax's `scale_by_...`: what its aliases are made of."""

from typing import Annotated, Any, Literal

from lectopt import optimizers as _lectopt
from lectopt import primitives as _parts
from lectopt.combinators import chain, debiased, ratio
from lectopt.dialects.optax.adams import directed, mean_of, rooted
from lectopt.dialects.spelling import Unneeded, absent, spelled
from lectopt.optimizers._belief import rest_of
from lectopt.optimizers._mixtures import adan_direction, optimistic
from lectopt.settings import (
    Decay,
    Fraction,
    NonNegative,
    PositiveBound,
    RectificationThreshold,
)
from lectopt.transformation import Transformation

__all__ = [
    "scale_by_adadelta",
    "scale_by_adam",
    "scale_by_adamax",
    "scale_by_adan",
    "scale_by_amsgrad",
    "scale_by_lbfgs",
    "scale_by_lion",
    "scale_by_novograd",
    "scale_by_optimistic_gradient",
    "scale_by_param_block_rms",
    "scale_by_polyak",
    "scale_by_radam",
    "scale_by_rms",
    "scale_by_rss",
    "scale_by_sm3",
    "scale_by_stddev",
    "scale_by_trust_ratio",
]

_PLACES: dict[bool, Literal["inside", "outside"]] = {True: "inside", False: "outside"}


@spelled()
def scale_by_adam(
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    eps: NonNegative = 1e-8,
    eps_root: NonNegative = 0.0,
    mu_dtype: Any = None,
    *,
    nesterov: bool = False,
) -> Transformation:
    """`mu_hat / (sqrt(nu_hat + eps_root) + eps)`."""
    return directed(b1, b2, eps, eps_root, mu_dtype, nesterov)


@spelled()
def scale_by_adamax(b1: Decay = 0.9, b2: Decay = 0.999, eps: NonNegative = 1e-8) -> Transformation:
    """`mu_hat / nu` with `nu = max(b2 nu, |g| + eps)`."""
    return ratio(mean_of(b1, None), _parts.infinity_moment(b2, eps, eps_in_max=True))


@spelled()
def scale_by_adan(
    b1: Decay = 0.98,
    b2: Decay = 0.92,
    b3: Decay = 0.99,
    eps: NonNegative = 1e-8,
    eps_root: NonNegative = 0.0,
) -> Transformation:
    """Adan's step as Optax 0.2.8 computes it; see `adan`."""
    return adan_direction(b1, b2, b3, eps, eps_root, rest_of(b2), None)


@spelled()
def scale_by_amsgrad(
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    eps: NonNegative = 1e-8,
    eps_root: NonNegative = 0.0,
    mu_dtype: Any = None,
    bias_correction_mu: bool = True,
    bias_correction_nu: bool = True,
) -> Transformation:
    """`scale_by_adam` with the largest `nu_hat` so far."""
    plain = _parts.ema(b1, state_dtype=mu_dtype)
    mean = mean_of(b1, mu_dtype) if bias_correction_mu else plain
    square = _parts.mean_square(b2)
    square = debiased(square) if bias_correction_nu else square
    return ratio(mean, rooted(chain(square, _parts.running_max()), eps, eps_root))


@spelled()
def scale_by_radam(
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    eps: NonNegative = 1e-8,
    eps_root: NonNegative = 0.0,
    threshold: RectificationThreshold = 5.0,
    *,
    nesterov: bool = False,
) -> Transformation:
    """`scale_by_adam` without its denominator in the first steps."""
    square = rooted(debiased(_parts.mean_square(b2)), eps, eps_root)
    return ratio(mean_of(b1, None, nesterov), chain(square, _parts.rectification(b2, threshold)))


@spelled()
def scale_by_lion(
    b1: Decay = 0.9,
    b2: Decay = 0.99,
    mu_dtype: Any = None,
    *,
    mode: Annotated[Any, Unneeded("The sign is that of Lion.")] = "hard",
    smooth_beta: Annotated[Any, Unneeded("It is of the smooth mode.")] = 1.0,
) -> Transformation:
    """`sign(b1 mu + (1 - b1) g)`; see `lectopt.lion`."""
    del mode, smooth_beta
    return chain(_lectopt.interpolated_ema(b1, b2, state_dtype=mu_dtype), _parts.sign())


@spelled()
def scale_by_rms(
    decay: Decay = 0.9,
    eps: NonNegative = 1e-8,
    initial_scale: NonNegative = 0.0,
    eps_in_sqrt: bool = True,
    bias_correction: bool = False,
) -> Transformation:
    """`g / sqrt(nu + eps)`, or `g / (sqrt(nu) + eps)`; see `lectopt.scale_by_rms`."""
    return _parts.scale_by_rms(
        decay,
        eps,
        initial_scale,
        eps_placement=_PLACES[eps_in_sqrt],
        bias_correction=bias_correction,
    )


@spelled()
def scale_by_stddev(
    decay: Decay = 0.9,
    eps: NonNegative = 1e-8,
    initial_scale: NonNegative = 0.0,
    eps_in_sqrt: bool = True,
    bias_correction: bool = False,
) -> Transformation:
    """`g / sqrt(nu - |mu|^2 + eps)`; see `lectopt.scale_by_stddev`."""
    return _parts.scale_by_stddev(
        decay,
        eps,
        initial_scale,
        eps_placement=_PLACES[eps_in_sqrt],
        bias_correction=bias_correction,
    )


@spelled()
def scale_by_rss(
    initial_accumulator_value: NonNegative = 0.1, eps: NonNegative = 1e-7
) -> Transformation:
    """`g / sqrt(r + eps)`; see `lectopt.scale_by_rss`."""
    return _parts.scale_by_rss(initial_accumulator_value, eps)


@spelled()
def scale_by_adadelta(rho: Decay = 0.9, eps: NonNegative = 1e-6) -> Transformation:
    """The gradient in the units of the weight; see `lectopt.scale_by_adadelta`."""
    return _parts.scale_by_adadelta(rho, eps)


@spelled()
def scale_by_novograd(
    b1: Decay = 0.9,
    b2: Decay = 0.25,
    eps: NonNegative = 1e-8,
    eps_root: NonNegative = 0.0,
    weight_decay: NonNegative = 0.0,
    mu_dtype: Any = None,
) -> Transformation:
    """A velocity of `g / (sqrt(nu + eps_root) + eps) + weight_decay param`."""
    normalised = _parts.scale_by_leaf_norm(b2, eps, eps_root=eps_root)
    decay = [] if absent(weight_decay) else [_parts.add_decayed_weights(weight_decay)]
    return chain(normalised, *decay, _parts.trace(b1, state_dtype=mu_dtype))


@spelled()
def scale_by_sm3(b1: Decay = 0.9, b2: Fraction = 1.0, eps: NonNegative = 1e-8) -> Transformation:
    """AdaGrad of rows and columns, averaged; see `lectopt.sm3`."""
    return chain(_parts.scale_by_sm3(b2, eps), _parts.ema(b1))


@spelled()
def scale_by_optimistic_gradient(
    alpha: NonNegative = 1.0, beta: NonNegative = 1.0
) -> Transformation:
    """`alpha g + beta (g - g_prev)`."""
    return optimistic(alpha, beta)


@spelled()
def scale_by_param_block_rms(min_scale: NonNegative = 1e-3) -> Transformation:
    """`u max(min_scale, rms(param))`; see `lectopt.scale_by_param_block_rms`."""
    return _parts.scale_by_param_block_rms(min_scale)


@spelled()
def scale_by_trust_ratio(
    min_norm: NonNegative = 0.0, trust_coefficient: NonNegative = 1.0, eps: NonNegative = 0.0
) -> Transformation:
    """`u trust_coefficient |param| / (|u| + eps)`; see `lectopt.scale_by_trust_ratio`."""
    return _parts.scale_by_trust_ratio(min_norm, trust_coefficient, eps)


@spelled()
def scale_by_polyak(
    f_min: Any = 0.0,
    max_learning_rate: PositiveBound = 1.0,
    eps: NonNegative = 0.0,
    variant: Literal["sps", "sps+"] = "sps",
) -> Transformation:
    """`min((value - f_min) / (|u|^2 + eps), max_learning_rate) u`; see
    `lectopt.scale_by_polyak`."""
    return _lectopt.scale_by_polyak(max_learning_rate, f_min, eps, variant)


@spelled()
def scale_by_lbfgs(memory_size: Any = 10, scale_init_precond: bool = True) -> Transformation:
    """A gradient times an approximate inverse Hessian; see `lectopt.scale_by_lbfgs`."""
    return _parts.scale_by_lbfgs(memory_size, scale_init_precond, curvature="any")
