"""Steps that are shares of a leaf's own size."""

from typing import Any

import jax.numpy as jnp

from lectopt.lifting import leafwise
from lectopt.norms import by_part, over, scaled_norm
from lectopt.numerics import abs_sq, computes, sqrt
from lectopt.settings import NonNegative


def _norm(x: Any) -> Any:
    return sqrt(jnp.sum(abs_sq(x)))


def _trusted(u: Any, param: Any, least: Any, trust: Any, eps: Any) -> Any:
    of_weights, of_update = jnp.maximum(_norm(param), least), jnp.maximum(_norm(u), least)
    none = (of_weights == 0) | (of_update == 0)
    return u * jnp.where(none, 1, trust * of_weights / jnp.where(none, 1, of_update + eps))


@computes(_trusted)
def _trusted_of_any_size(u: Any, param: Any, least: Any, trust: Any, eps: Any) -> Any:
    """Through a vector of norm 1, as the squares of large and of small numbers are no floats."""
    (scale, norm), (of_weights, long) = scaled_norm([u]), scaled_norm([param])
    own, of_weights = scale * norm, jnp.maximum(of_weights * long, least)
    none = (of_weights == 0) | (jnp.maximum(own, least) == 0)
    unit = by_part(lambda part: over(part, scale), u) / jnp.where(norm == 0, 1, norm)
    below = jnp.where(none, 1, jnp.maximum(own, least) + eps)
    return jnp.where(none, u, unit * (trust * of_weights * (own / below)))


@leafwise()
def scale_by_trust_ratio(
    u: Any,
    param: Any,
    *,
    min_norm: NonNegative[Any] = 0.0,
    trust_coefficient: NonNegative[Any] = 1.0,
    eps: NonNegative[Any] = 0.0,
) -> Any:
    """A leaf scaled to a share of the size of its weights: `u trust_coefficient |param| / (|u| +
    eps)`.

    Where one of the norms is 0 the leaf stays as it is.

    Args:
      min_norm: the least value of both norms, zero or more.
      trust_coefficient: zero or more.
      eps: epsilon, zero or more.

    Raises:
      ValueError: `update` was not given the parameters.

    Source: You et al. 2017, LARS; You et al. 2020, LAMB.
    """
    return _trusted_of_any_size(u, param, min_norm, trust_coefficient, eps)


def _locally_rated(g: Any, param: Any, trust: Any, weight_decay: Any, eps: Any) -> Any:
    of_weights, of_gradient = _norm(param), _norm(g)
    none = (of_weights == 0) | (of_gradient == 0)
    below = of_gradient + weight_decay * of_weights + eps
    rate = jnp.where(none, 1, trust * of_weights / jnp.where(none, 1, below))
    return rate * (g + weight_decay * param)


@computes(_locally_rated)
def _locally_rated_of_any_size(g: Any, param: Any, trust: Any, weight_decay: Any, eps: Any) -> Any:
    """The same from norms whose squares would be no floats."""
    of_weights, of_gradient = (scale * norm for scale, norm in map(scaled_norm, ([param], [g])))
    none = (of_weights == 0) | (of_gradient == 0)
    below = jnp.where(none, 1, of_gradient + weight_decay * of_weights + eps)
    # The gradient first over its norm: a rate may be no float where a step is one.
    step = (g + weight_decay * param) / below
    return jnp.where(none, g + weight_decay * param, trust * of_weights * step)


@leafwise()
def scale_by_local_rate(
    g: Any,
    param: Any,
    *,
    trust_coefficient: NonNegative[Any] = 1e-3,
    weight_decay: NonNegative[Any] = 0.0,
    eps: NonNegative[Any] = 0.0,
) -> Any:
    """A gradient with weight decay at the local rate of LARS: `trust_coefficient |param| / (|g| +
    weight_decay |param| + eps) (g + weight_decay param)`.

    Where a norm is 0 the rate is 1.

    Args:
      trust_coefficient: zero or more.
      weight_decay: zero or more.
      eps: epsilon, zero or more.

    Raises:
      ValueError: `update` was not given the parameters.

    Source: You et al. 2017 (equation 6).
    """
    return _locally_rated_of_any_size(g, param, trust_coefficient, weight_decay, eps)
