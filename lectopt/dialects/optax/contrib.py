"""`optax.contrib` 0.2.8: its names, arguments, defaults and numbers.

They differ from Optax's of complex weights in `simplified_ademamix`, `cocob` and `mechanize`, and
in `muon` with the norm of Schatten, where Optax has squares that should be absolute.
"""

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
    average_ahead,
    ema,
    matrices,
    mean_square,
    nesterov_ema,
    orthogonalize,
    scale,
    scale_by_learning_rate,
    scale_by_past_rms,
    scale_by_rms,
    scale_by_shape,
    trace,
)
from lectopt.schedules import shifted, warmup
from lectopt.settings import Decay, LearningRate, NonNegative, Positive, Scalar, Steps
from lectopt.transformation import Transformation
from lectopt.wrapping import AnyTransformation

__all__ = [
    "ademamix",
    "adopt",
    "cocob",
    "dog",
    "dowg",
    "mechanize",
    "muon",
    "normalize",
    "prodigy",
    "sam",
    "schedule_free",
    "schedule_free_adamw",
    "schedule_free_sgd",
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
def dog(
    learning_rate: LearningRate = 1.0,
    init_step: Any = ("heuristic", 1e-6),
    eps: NonNegative = 1e-8,
    weight_decay: NonNegative | None = None,
    mask: Any = None,
) -> Transformation:
    """A rate that is the distance gone over the root of all squares; see `lectopt.dog`."""
    kind, initial = init_step
    word: Any = {"heuristic": "share", "learning_rate": "rate"}.get(kind, kind)
    decay = 0.0 if weight_decay is None else weight_decay
    return _lectopt.dog(learning_rate, initial, eps, initial_as=word, weight_decay=decay, mask=mask)


@spelled()
def dowg(
    learning_rate: LearningRate = 1.0,
    init_estim_sq_dist: NonNegative | None = None,
    eps: NonNegative = 1e-4,
    weight_decay: NonNegative | None = None,
    mask: Any = None,
) -> Transformation:
    """As `dog`, with squared gradients that count more the farther the weights have gone; see
    `lectopt.dowg`."""
    first = eps if init_estim_sq_dist is None else init_estim_sq_dist
    decay = 0.0 if weight_decay is None else weight_decay
    return _lectopt.dowg(learning_rate, first, eps, weight_decay=decay, mask=mask)


@spelled()
def cocob(
    learning_rate: LearningRate = 1.0,
    alpha: NonNegative = 100.0,
    eps: NonNegative = 1e-8,
    weight_decay: NonNegative = 0.0,
    mask: Any = None,
) -> Transformation:
    """Weights where a bettor would put them; see `lectopt.cocob`."""
    return _lectopt.cocob(learning_rate, alpha, eps, weight_decay=weight_decay, mask=mask)


@spelled()
def prodigy(
    learning_rate: LearningRate = 1.0,
    betas: tuple[Decay, Decay] = (0.9, 0.999),
    beta3: Decay | None = None,
    eps: NonNegative = 1e-8,
    estim_lr0: Positive = 1e-6,
    estim_lr_coef: Positive = 1.0,
    weight_decay: NonNegative = 0.0,
    safeguard_warmup: bool = False,
) -> Transformation:
    """Adam at a rate that is found on the way; see `lectopt.prodigy`. Where Optax gives NaN, before
    the first gradient, it waits.
    """
    settings = (*betas, beta3, eps, estim_lr0, estim_lr_coef, weight_decay, safeguard_warmup)
    return _lectopt.prodigy(learning_rate, *settings)


@spelled()
def mechanize(
    base_optimizer: AnyTransformation,
    weight_decay: NonNegative = 1e-2,
    eps: NonNegative = 1e-8,
    s_init: Positive = 1e-6,
    num_betas: Steps[Scalar] = 6,
) -> Transformation:
    """An optimizer's steps at a scale that is found; see `lectopt.mechanize`."""
    return _lectopt.mechanize(base_optimizer, weight_decay, eps, s_init, num_betas)


@spelled()
def normalize() -> Transformation:
    """`g / |g|`; see `lectopt.normalize`. Of a gradient of 0 it is 0, where Optax gives NaN."""
    return _lectopt.normalize()


@spelled()
def sam(
    optimizer: AnyTransformation,
    adv_optimizer: AnyTransformation,
    sync_period: Steps = 2,
    reset_state: bool = True,
    opaque_mode: Annotated[
        Any, Unneeded("Gradients are taken by the loop, one climb an update.")
    ] = False,
    batch_axis_name: Annotated[Any, Unneeded("It is of opaque_mode.")] = None,
) -> Transformation:
    """Gradients from a little uphill; see `lectopt.sam`."""
    del opaque_mode, batch_axis_name
    return _lectopt.sam(optimizer, adv_optimizer, sync_period, reset_state)


@spelled()
def schedule_free(
    base_optimizer: AnyTransformation,
    learning_rate: LearningRate,
    b1: Decay = 0.9,
    weight_lr_power: NonNegative = 2.0,
    state_dtype: Any = None,
) -> Transformation:
    """Gradients between the iterates and their mean; see `lectopt.schedule_free`. As in Optax an
    iterate has the weight of the rate that follows its own.
    """
    following = shifted(learning_rate) if callable(learning_rate) else learning_rate
    mean = average_ahead(following, weight_lr_power, b1, state_dtype=state_dtype)
    return chain(base_optimizer, mean)


@spelled()
def schedule_free_sgd(
    learning_rate: LearningRate = 1.0,
    warmup_steps: NonNegative | None = None,
    b1: Decay = 0.9,
    weight_decay: NonNegative | None = None,
    weight_lr_power: NonNegative = 2.0,
    state_dtype: Any = None,
) -> Transformation:
    """`schedule_free` around gradient descent."""
    rate = learning_rate if warmup_steps is None else warmup(learning_rate, warmup_steps)
    decay = [] if weight_decay is None else [add_decayed_weights(weight_decay)]
    descent = chain(*decay, scale_by_learning_rate(rate))
    return schedule_free(descent, rate, b1, weight_lr_power, state_dtype)


@spelled()
def schedule_free_adamw(
    learning_rate: LearningRate = 0.0025,
    warmup_steps: NonNegative | None = None,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    eps: NonNegative = 1e-8,
    weight_decay: NonNegative = 0.0,
    weight_lr_power: NonNegative = 2.0,
    state_dtype: Any = None,
) -> Transformation:
    """`schedule_free` around AdamW without its mean."""
    rate = learning_rate if warmup_steps is None else warmup(learning_rate, warmup_steps)
    normalised = scale_by_rms(b2, eps, eps_placement="outside", bias_correction=True)
    decay, descent = add_decayed_weights(weight_decay), scale_by_learning_rate(rate)
    base = chain(normalised, decay, descent)
    return schedule_free(base, rate, b1, weight_lr_power, state_dtype)


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
    mean = nesterov_ema(beta, state_dtype=mu_dtype)
    mean = mean if nesterov else debiased(ema(beta, state_dtype=mu_dtype))
    norm: Any = NORMS.get(preconditioning, preconditioning)
    of_matrices = chain(
        mean,
        orthogonalize(coefficients[-int(ns_steps) :], eps, norm, dual_norm=adaptive),
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
