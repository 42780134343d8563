"""Adam's kin, and orthogonal steps."""

import inspect
from typing import Annotated, Any, Literal

import jax.numpy as jnp
import optax

from lectopt import optimizers as _lectopt
from lectopt.combinators import chain, debiased, masked, ratio, total
from lectopt.dialects.optax.adams import adamw, rooted
from lectopt.dialects.spelling import Unneeded, spelled
from lectopt.primitives import (
    add_decayed_weights,
    all_but_matrices,
    ema,
    matrices,
    mean_square,
    nesterov_ema,
    orthogonalize,
    scale,
    scale_by_learning_rate,
    scale_by_past_rms,
    scale_by_shape,
    trace,
)
from lectopt.settings import Decay, LearningRate, NonNegative
from lectopt.transformation import Transformation

__all__ = [
    "ademamix",
    "adopt",
    "muon",
    "normalize",
    "simplified_ademamix",
]

GROWING = inspect.signature(optax.contrib.adopt).parameters["clip_value_fn"].default
STANDARD = (3.4445, -4.775, 2.0315)
PRESETS = {  # of Newton-Schulz, as Optax has them
    "standard": STANDARD,
    "dion": (
        (4.0848, -6.8946, 2.9270),
        (3.9505, -6.3029, 2.6377),
        (3.7418, -5.5913, 2.3037),
        (2.8769, -3.1427, 1.2046),
        (2.8366, -3.0525, 1.2012),
    ),
}
NORMS = {"aol": "rows"}  # what we call what Optax calls otherwise


@spelled()
def ademamix(
    learning_rate: LearningRate,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    b3: Decay = 0.9999,
    alpha: NonNegative = 5.0,
    eps: NonNegative = 1e-8,
    eps_root: NonNegative = 0.0,
    mu_dtype: Any = None,
    weight_decay: NonNegative = 0.0,
    mask: Any = None,
) -> Transformation:
    """Adam with a second, slow mean; see `lectopt.ademamix`. `mu_dtype` is that of all moments."""
    fast, slow = debiased(ema(b1, state_dtype=mu_dtype)), ema(b3, state_dtype=mu_dtype)
    square = debiased(mean_square(b2, state_dtype=mu_dtype))
    direction = ratio(total(fast, chain(slow, scale(alpha))), rooted(square, eps, eps_root))
    decay = add_decayed_weights(weight_decay, mask)
    return chain(direction, decay, scale_by_learning_rate(learning_rate))


@spelled()
def simplified_ademamix(
    learning_rate: LearningRate,
    b1: Decay = 0.99,
    b2: Decay = 0.95,
    alpha: NonNegative = 0.0,
    eps: NonNegative = 1e-8,
    eps_root: NonNegative = 0.0,
    weight_decay: NonNegative = 0.0,
    mask: Any = None,
) -> Transformation:
    """One velocity, and the gradient beside it; see `lectopt.simplified_ademamix`."""
    square = rooted(debiased(mean_square(b2)), eps, eps_root)
    direction = ratio(total(trace(b1), scale(alpha)), square)
    decay = add_decayed_weights(weight_decay, mask)
    return chain(direction, decay, scale_by_learning_rate(learning_rate))


@spelled()
def adopt(
    learning_rate: LearningRate,
    b1: Decay = 0.9,
    b2: Decay = 0.9999,
    eps: NonNegative = 1e-6,
    mu_dtype: Any = None,
    *,
    nesterov: bool = False,
    use_clipping: bool = True,
    clip_value_fn: Annotated[
        Any, Unneeded("lectopt.adopt has clip_power= for other bounds.")
    ] = GROWING,
) -> Transformation:
    """A mean of gradients over the root mean square of those before; see `lectopt.adopt`."""
    del clip_value_fn
    normalised = scale_by_past_rms(b2, eps, 0.25 if use_clipping else None)
    mean = trace(b1, nesterov, b1, state_dtype=mu_dtype)
    return chain(normalised, mean, scale_by_learning_rate(learning_rate))


@spelled()
def normalize() -> Transformation:
    """`g / |g|`; see `lectopt.normalize`. Of a gradient of 0 it is 0, where Optax gives NaN."""
    return _lectopt.normalize()


@spelled()
def muon(
    learning_rate: LearningRate,
    ns_coeffs: Any = STANDARD,
    ns_steps: Any = 5,
    beta: Decay = 0.95,
    eps: NonNegative = 1e-8,
    weight_decay: NonNegative = 0.0,
    weight_decay_mask: Any = None,
    mu_dtype: Any = None,
    *,
    nesterov: bool = True,
    adaptive: bool = False,
    preconditioning: Literal["frobenius", "spectral", "aol", "schatten"] = "frobenius",
    adam_b1: Decay = 0.9,
    adam_b2: Decay = 0.999,
    adam_eps_root: NonNegative = 0.0,
    adam_weight_decay: NonNegative = 0.0,
    adam_learning_rate: LearningRate | None = None,
    muon_weight_dimension_numbers: Annotated[
        Any, Unneeded("Matrices are the leaves of two axes, (in, out).")
    ] = None,
    consistent_rms: NonNegative | None = None,
) -> Transformation:
    """Orthogonal steps of matrices, and Adam's of the rest; see `lectopt.muon`."""
    del muon_weight_dimension_numbers
    coefficients = PRESETS[ns_coeffs] if isinstance(ns_coeffs, str) else ns_coeffs
    if jnp.ndim(jnp.asarray(coefficients)) == 1:
        coefficients = (tuple(coefficients),) * int(ns_steps)
    steps = coefficients[-int(ns_steps) :]
    usual = steps == (STANDARD,) * 5  # which are lectopt's too
    mean = nesterov_ema(beta, state_dtype=mu_dtype)
    mean = mean if nesterov else debiased(ema(beta, state_dtype=mu_dtype))
    norm: Any = NORMS.get(preconditioning, preconditioning)
    of_matrices = chain(
        mean,
        orthogonalize(None if usual else steps, eps, norm, dual_norm=adaptive),
        scale_by_shape(consistent_rms),
        add_decayed_weights(weight_decay, weight_decay_mask),
        scale_by_learning_rate(learning_rate),
    )
    of_others = adamw(
        learning_rate if adam_learning_rate is None else adam_learning_rate,
        adam_b1,
        adam_b2,
        eps,
        adam_eps_root,
        mu_dtype,
        adam_weight_decay,
        nesterov=nesterov,
    )
    return chain(muon=masked(of_matrices, matrices), adam=masked(of_others, all_but_matrices))
