"""Rates that are found on the way."""

from typing import Any

from lectopt import optimizers as _lectopt
from lectopt.dialects.spelling import spelled
from lectopt.settings import Decay, LearningRate, NonNegative, Positive, Scalar, Steps
from lectopt.transformation import Transformation
from lectopt.wrapping import AnyTransformation

__all__ = [
    "cocob",
    "dog",
    "dowg",
    "mechanize",
    "prodigy",
]


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
