"""First and second moments of the gradient: the running averages and sums behind the methods."""

from typing import Any

import jax.numpy as jnp

from lectopt.corrections import bias_correction as bias_correction
from lectopt.lifting import leafwise
from lectopt.numerics import abs_sq, one_minus_power
from lectopt.settings import Decay, NonNegative, surely_positive


@leafwise(mu="initial")
def ema(g: Any, state: Any, *, decay: Decay[Any], initial: Any = 0.0) -> Any:
    """Exponential moving average: `mu = decay mu + (1 - decay) g`, not corrected for its start.

    `optax.ema` corrects by default: that is `debiased(ema(decay))` here.

    Args:
      decay: in [0, 1); the average reaches back about `1 / (1 - decay)` updates.
      initial: first value of `mu`.
      state_dtype: dtype of `mu`, by default that of the parameter, at least float32.

    Source: ISI, moving averages (S2-17); TTIC 31230, running averages (S3-09).
    """
    del initial  # the first value of a slot, no part of the recurrence
    mu = decay * state.mu + (1 - decay) * g
    return mu, dict(mu=mu)


@leafwise(
    mu=0.0,
    once=dict(
        now=lambda t, *, decay: one_minus_power(decay, t),
        ahead=lambda t, *, decay: one_minus_power(decay, t + 1),
    ),
)
def nesterov_ema(g: Any, state: Any, now: Any, ahead: Any, *, decay: Decay[Any]) -> Any:
    """The bias-corrected average that the next update will see, as far as it is known now
    (Nesterov's idea in Adam).

    `mu = decay mu + (1 - decay) g`, out comes `decay mu / (1 - decay^(t+1)) + (1 - decay) g / (1 -
    decay^t)`.

    Args:
      decay: in [0, 1).
      state_dtype: dtype of `mu`.

    Source: Dozat 2016, with a constant decay as in `optax.nadam`.
    """
    mu = decay * state.mu + (1 - decay) * g
    return decay * mu / ahead + (1 - decay) * g / now, dict(mu=mu)


@leafwise(nu="initial")
def mean_square(
    g: Any,
    state: Any,
    *,
    decay: Decay[Any],
    initial: NonNegative[Any] = 0.0,
    added: NonNegative[Any] = 0.0,
) -> Any:
    """Moving average of the squared gradient: `nu = decay nu + (1 - decay) |g|^2 + added`.

    Args:
      decay: in [0, 1).
      initial: first value of `nu`; 0 in the lectures, PyTorch, Keras and Optax, 1 in TensorFlow 1.
      added: what is added at every update and kept, zero or more; AdaBelief's epsilon.
      state_dtype: dtype of `nu`.

    Source: CMU, RMSProp (S0-38); Liège (S1-17); ISI (S2-20); TTIC 31230 (S3-13); STAT 479 (S4-24).
    """
    del initial
    nu = decay * state.nu + (1 - decay) * abs_sq(g) + added
    return nu, dict(nu=nu)


@leafwise(sum_of_squares="initial")
def sum_of_squares(g: Any, state: Any, *, initial: NonNegative[Any] = 0.0) -> Any:
    """Sum of all squared gradients so far: `r = r + |g|^2`.

    Args:
      initial: first value of `r`; 0 in the lecture and PyTorch, 0.1 in Keras and Optax.
      state_dtype: dtype of `r`.

    Source: Liège, AdaGrad (S1-16).
    """
    del initial
    r = state.sum_of_squares + abs_sq(g)
    return r, dict(sum_of_squares=r)


@leafwise(nu_max=0.0)
def running_max(moment: Any, state: Any) -> Any:
    """The largest value so far: `nu_max = max(nu_max, moment)`, from 0.

    Args:
      state_dtype: dtype of `nu_max`.

    Source: Reddi et al. 2018, AMSGrad.
    """
    nu_max = jnp.maximum(state.nu_max, moment)
    return nu_max, dict(nu_max=nu_max)


@leafwise(nu=0.0, known=dict(may_vanish=lambda eps: not surely_positive(eps)))
def infinity_moment(
    g: Any,
    state: Any,
    may_vanish: bool,
    *,
    decay: Decay[Any],
    eps: NonNegative[Any] = 0.0,
    eps_in_max: bool = False,
) -> Any:
    """The largest gradient that is not yet forgotten: `nu = max(decay nu, |g|)`.

    Out comes `nu + eps`, or with `eps_in_max` `nu = max(decay nu, |g| + eps)`, where epsilon is
    forgotten too; infinite where that would be 0.

    Args:
      decay: in [0, 1).
      eps: epsilon, zero or more.
      eps_in_max: where epsilon goes.
      state_dtype: dtype of `nu`.

    Source: Kingma and Ba 2015, AdaMax (no epsilon); PyTorch, Optax (inside); Keras (outside).
    """
    nu = jnp.maximum(decay * state.nu, jnp.abs(g) + eps if eps_in_max else jnp.abs(g))
    denominator = nu if eps_in_max else nu + eps
    if may_vanish:  # as in `square_root`: 0 instead of 0/0 where there has been no gradient
        denominator = jnp.where(denominator == 0, jnp.inf, denominator)
    return denominator, dict(nu=nu)
