"""Adam with another opinion of the second moment: Yogi, AdaBelief."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp

from lectopt.combinators import chain, debiased, deviation, ratio, root, total
from lectopt.corrections import bias_correction, identity
from lectopt.lifting import leafwise
from lectopt.numerics import abs_sq
from lectopt.primitives import (
    ema,
    mean_square,
    scale,
    scale_by_learning_rate,
)
from lectopt.settings import Decay, EpsPlacement, LearningRate, NonNegative
from lectopt.signatures import checked
from lectopt.transformation import Transformation


@leafwise(nu="initial")
def additive_mean_square(
    g: Any, state: Any, *, decay: Decay[Any], initial: NonNegative[Any] = 0.0
) -> Any:
    """A mean square that moves by at most `(1 - decay) |g|^2`: `nu = nu - (1 - decay) sign(nu -
    |g|^2) |g|^2`.

    Args:
      decay: in [0, 1).
      initial: first value of `nu`.
      state_dtype: dtype of `nu`.

    Source: Zaheer et al. 2018, Yogi.
    """
    del initial
    square = abs_sq(g)
    nu = state.nu - (1 - decay) * jnp.sign(state.nu - square) * square
    return nu, dict(nu=nu)


@checked
def yogi(
    learning_rate: LearningRate,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    eps: NonNegative = 1e-3,
    *,
    initial: NonNegative = 1e-6,
    bias_correction: bool = True,
    eps_placement: EpsPlacement = "outside",
    state_dtype: Any = None,
) -> Transformation:
    """Yogi: Adam whose mean square moves by at most `(1 - b2) g^2`, whatever it has grown to.

    `nu = nu - (1 - b2) sign(nu - g^2) g^2`.

    Args:
      learning_rate: zero or more, or a schedule.
      b1: see `adam`.
      b2: see `adam`.
      eps: epsilon, zero or more.
      initial: first value of both moments; 0 in the paper's algorithm, 1e-6 in Optax, with which a
        weight that never had a gradient drifts.
      bias_correction: as in Optax; the paper has none.
      eps_placement: see `root`.
      state_dtype: dtype of both moments.

    Source: Zaheer et al. 2018.
    """
    mean = ema(b1, initial, state_dtype=state_dtype)
    square = additive_mean_square(b2, initial, state_dtype=state_dtype)
    if bias_correction:
        mean, square = debiased(mean), debiased(square)
    return chain(
        ratio(mean, root(square, eps, eps_placement)), scale_by_learning_rate(learning_rate)
    )


@checked
def adabelief(
    learning_rate: LearningRate,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    eps: NonNegative = 1e-16,
    eps_root: NonNegative = 1e-16,
    *,
    nesterov: bool = False,
    state_dtype: Any = None,
) -> Transformation:
    """AdaBelief: Adam that trusts a gradient as far as it is near the mean.

    `nu = b2 nu + (1 - b2) (g - mu)^2 + eps_root` with the new `mu`, `param - learning_rate mu_hat /
    (sqrt(nu_hat) + eps)`.

    Args:
      learning_rate: zero or more, or a schedule.
      b1: see `adam`.
      b2: see `adam`.
      eps: epsilon outside the root, zero or more; 1e-8 in the paper.
      eps_root: added to `nu` at every update and kept, zero or more; the paper's epsilon again.
      nesterov: see `adam`.
      state_dtype: dtype of both moments.

    Source: Zhuang et al. 2020.
    """
    mean = ema(b1, state_dtype=state_dtype)  # one moment, of both sides
    square = chain(deviation(mean), mean_square(b2, added=eps_root, state_dtype=state_dtype))
    smoothing = debiased(mean)
    if nesterov:  # the mean that the next update will see, as far as it is known
        carried = chain(mean, scale(b1), bias_correction(b1, ahead=1))
        fresh = chain(identity(), scale(rest_of(b1)), bias_correction(b1))
        smoothing = total(carried, fresh)
    return chain(
        ratio(smoothing, root(debiased(square), eps)), scale_by_learning_rate(learning_rate)
    )


@dataclass(frozen=True)
class _Rest:
    """`count -> 1 - decay(count)`."""

    decay: Callable[[Any], Any]

    def __call__(self, count: Any) -> Any:
        return 1 - self.decay(count)


def rest_of(decay: Any) -> Any:
    """`1 - decay`, of a schedule too."""
    return _Rest(decay) if callable(decay) else 1 - decay
