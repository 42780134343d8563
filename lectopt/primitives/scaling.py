"""Scaling: by the learning rate, and per weight by the size that its gradients have had."""

from typing import Any

import jax.numpy as jnp

from lectopt.combinators import debiased, ratio, root, variance
from lectopt.corrections import identity
from lectopt.lifting import leafwise
from lectopt.numerics import abs_sq, sqrt
from lectopt.primitives.moments import ema, mean_square, sum_of_squares
from lectopt.settings import Decay, EpsPlacement, LearningRate, NonNegative, surely_positive
from lectopt.signatures import checked
from lectopt.transformation import Transformation


@leafwise()
def scale_by_learning_rate(u: Any, *, learning_rate: LearningRate[Any]) -> Any:
    """Downhill: `-learning_rate u`.

    Args:
      learning_rate: zero or more; a schedule is called with the number of updates made before (0
        at the first).

    Source: every lecture; CMU, S0-43 on the two terms of the update.
    """
    return -learning_rate * u


@leafwise()
def scale(g: Any, *, factor: Any) -> Any:
    """`factor g`.

    Args:
      factor: any number, or a schedule.
    """
    return factor * g


@leafwise()
def plus(x: Any, *, number: NonNegative[Any]) -> Any:
    """`x + number`: an epsilon inside a root that has another one outside, `root(chain(moment,
    plus(eps_root)), eps)`.

    Args:
      number: zero or more, or a schedule.
    """
    return x + number


@leafwise()
def negate(g: Any) -> Any:
    """`-g`: first in a chain, descent becomes ascent; `maximize=True` in PyTorch."""
    return -g


@leafwise(visits=0.0)
def scale_by_visit_count(g: Any, state: Any) -> Any:
    """Divide the gradient of each row by the number of updates in which that row had one.

    `n_j = n_j + 1` where row `j` of the gradient is not zero, and out comes `g_j / n_j`. With rate
    1 and the gradient `c_j - x` of the centre nearest to the sample `x` this is online k-means:
    each centre is the mean of the samples it has won. A row is what the first axis of a leaf
    counts; of a vector it is one weight.

    Args:
      state_dtype: dtype of the counts.

    Source: CMU, K-means by SGD (S0-20); Sculley 2010.
    """
    others = tuple(range(1, g.ndim))
    visits = state.visits + jnp.any(g != 0, axis=others, keepdims=True)
    return g / jnp.maximum(visits, 1), dict(visits=visits)


@checked
def scale_by_rms(
    decay: Decay = 0.9,
    eps: NonNegative = 1e-8,
    initial_scale: NonNegative = 0.0,
    *,
    eps_placement: EpsPlacement = "inside",
    bias_correction: bool = False,
    state_dtype: Any = None,
) -> Transformation:
    """Divide the gradient by its root mean square: `g / sqrt(nu + eps)`.

    Args:
      decay: of the mean square `nu`, in [0, 1).
      eps: epsilon, zero or more.
      initial_scale: first value of `nu`.
      eps_placement: see `root`.
      bias_correction: divide `nu` by `1 - decay^t`.
      state_dtype: dtype of `nu`.

    Source: CMU (S0-38, inside); Liège (S1-17, outside); STAT 479 (S4-24, outside); TTIC 31230
    (S3-13).
    """
    moment = mean_square(decay, initial_scale, state_dtype=state_dtype)
    moment = debiased(moment) if bias_correction else moment
    return ratio(identity(), root(moment, eps, eps_placement))


@checked
def scale_by_stddev(
    decay: Decay = 0.9,
    eps: NonNegative = 1e-8,
    initial_scale: NonNegative = 0.0,
    *,
    eps_placement: EpsPlacement = "inside",
    bias_correction: bool = False,
    state_dtype: Any = None,
) -> Transformation:
    """Divide the gradient by its standard deviation: `g / sqrt(nu - |mu|^2 + eps)`, the variance
    never below 0.

    Args:
      decay: of the two moments, in [0, 1).
      eps: epsilon, zero or more.
      initial_scale: first value of `nu`.
      eps_placement: see `root`.
      bias_correction: divide both moments by `1 - decay^t`.
      state_dtype: dtype of both moments.

    Source: Graves 2013; `centered=True` in PyTorch, Keras and Optax.
    """
    second = mean_square(decay, initial_scale, state_dtype=state_dtype)
    first = ema(decay, state_dtype=state_dtype)
    if bias_correction:
        second, first = debiased(second), debiased(first)
    return ratio(identity(), root(variance(second, first), eps, eps_placement))


@checked
def scale_by_rss(
    initial_accumulator_value: NonNegative = 0.1,
    eps: NonNegative = 1e-7,
    *,
    eps_placement: EpsPlacement = "inside",
    state_dtype: Any = None,
) -> Transformation:
    """Divide the gradient by the root of the sum of its squares: `g / sqrt(r + eps)`.

    Args:
      initial_accumulator_value: first value of `r`.
      eps: epsilon, zero or more.
      eps_placement: see `root`.
      state_dtype: dtype of `r`.

    Source: Liège, AdaGrad (S1-16: `r` from 0, epsilon outside); Keras and Optax (from 0.1, inside).
    """
    moment = sum_of_squares(initial_accumulator_value, state_dtype=state_dtype)
    return ratio(identity(), root(moment, eps, eps_placement))


@leafwise(e_g=0.0, e_x=0.0, known=dict(may_vanish=lambda eps: not surely_positive(eps)))
def scale_by_adadelta(
    g: Any, state: Any, may_vanish: bool, *, rho: Decay[Any] = 0.9, eps: NonNegative[Any] = 1e-6
) -> Any:
    """The gradient in the units of the weight: times the root mean square of the past steps, over
    that of the gradients.

    `e_g = rho e_g + (1 - rho) |g|^2`, out comes `d = sqrt(e_x + eps) / sqrt(e_g + eps) g`, then
    `e_x = rho e_x + (1 - rho) |d|^2`.

    Args:
      rho: decay of both averages, in [0, 1).
      eps: epsilon, zero or more. It sets the size of the first steps; with 0 there are none.
      state_dtype: dtype of both averages.

    Source: Zeiler 2012.
    """
    e_g = rho * state.e_g + (1 - rho) * abs_sq(g)
    below = jnp.where(e_g + eps == 0, jnp.inf, e_g) if may_vanish else e_g  # 0 instead of 0/0
    d = sqrt((state.e_x + eps) / (below + eps)) * g  # one root: XLA keeps each in an array
    e_x = rho * state.e_x + (1 - rho) * abs_sq(d)
    return d, dict(e_g=e_g, e_x=e_x)
