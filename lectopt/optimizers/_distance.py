"""Rates that are found on the way, from how far the weights have gone: DoG, DoWG, COCOB."""

from typing import Any, Literal

import jax
import jax.numpy as jnp

from lectopt.combinators import chain
from lectopt.lifting import leafwise, treewise
from lectopt.norms import plain_norm
from lectopt.numerics import sqrt
from lectopt.primitives import add_decayed_weights, scale, scale_by_learning_rate
from lectopt.settings import LearningRate, NonNegative
from lectopt.signatures import checked
from lectopt.transformation import Transformation
from lectopt.trees import is_none, leaves_like, widened_copy


def _square(leaves: list[Any]) -> Any:
    return plain_norm([x for x in leaves if x is not None]) ** 2


def _gone(updates: Any, params: Any, start: Any) -> Any:
    """The squared distance from the first weights, over the leaves that have a gradient."""
    leaves = jax.tree.leaves(updates, is_leaf=is_none)
    columns = (leaves_like(updates, {k: x}, k) for k, x in (("params", params), ("start", start)))
    rows = zip(leaves, *columns, strict=True)
    return _square([p - first for g, p, first in rows if g is not None])


def _scaled(updates: Any, rate: Any) -> Any:
    return jax.tree.map(lambda u: u * rate.astype(u.real.dtype), updates)


def _first_distance(
    params: Any, *, initial: Any, initial_as: Literal["share", "distance", "rate"]
) -> Any:
    wide = jax.tree.leaves(jax.tree.map(widened_copy, params))
    first = {"share": initial * (1 + plain_norm(wide)), "distance": initial, "rate": 0.0}
    return jnp.asarray(first[initial_as], jnp.result_type(float))


@treewise(params0="params", max_distance=_first_distance, sum_of_squares=0.0)
def scale_by_dog(
    updates: Any,
    state: Any,
    params: Any,
    t: Any,
    *,
    initial: NonNegative[Any] = 1e-6,
    initial_as: Literal["share", "distance", "rate"] = "share",
    eps: NonNegative[Any] = 1e-8,
) -> Any:
    """Distance over gradients: the gradient times the largest distance from the first weights so
    far, over the root of the sum of all `|g|^2`.

    `r = max(r, |param - param0|)`, `s = s + |g|^2`, out comes `r / sqrt(s + eps) g`, with norms
    over all leaves.

    Args:
      initial: what the first distance is, zero or more.
      initial_as: `"share"`: `initial (1 + |param0|)`; `"distance"`: `initial` itself; `"rate"`: the
        first update is `initial g`.
      eps: epsilon, zero or more.

    Raises:
      ValueError: `update` was not given the parameters.

    Source: Ivgi, Hinder and Carmon 2023, DoG.
    """
    distance = jnp.maximum(state.max_distance, sqrt(_gone(updates, params, state.params0)))
    total = state.sum_of_squares + _square(jax.tree.leaves(updates))
    below = total + eps
    rate = distance / sqrt(jnp.where(below == 0, 1, below))
    rate = jnp.where(t == 1, initial, rate) if initial_as == "rate" else rate
    slots = dict(params0=state.params0, max_distance=distance, sum_of_squares=total)
    return _scaled(updates, rate), slots


@checked
def dog(
    learning_rate: LearningRate = 1.0,
    initial: NonNegative = 1e-6,
    eps: NonNegative = 1e-8,
    *,
    initial_as: Literal["share", "distance", "rate"] = "share",
    weight_decay: NonNegative = 0.0,
    mask: Any = None,
) -> Transformation:
    """DoG: gradient descent whose rate is the distance gone over the root of all squared gradients;
    see `scale_by_dog`. To be evaluated at an average, `chain(dog(), average_params(...))`.

    Args:
      learning_rate: a factor on the rate that is found, zero or more, or a schedule.
      initial: see `scale_by_dog`.
      eps: see `scale_by_dog`.
      initial_as: see `scale_by_dog`.
      weight_decay: zero or more; it is part of the gradient.
      mask: which leaves decay; see `add_decayed_weights`.

    Source: Ivgi, Hinder and Carmon 2023.
    """
    rate = scale_by_dog(initial, initial_as, eps)
    decay = add_decayed_weights(weight_decay, mask)
    return chain(decay, rate, scale_by_learning_rate(learning_rate))


@treewise(params0="params", max_square="initial", weighted_squares=0.0)
def scale_by_dowg(
    updates: Any,
    state: Any,
    params: Any,
    *,
    initial: NonNegative[Any] = 1e-4,
    eps: NonNegative[Any] = 1e-4,
) -> Any:
    """Distance over weighted gradients: `r2 / (sqrt(v) + eps) g` with `r2` the largest squared
    distance from the first weights so far, and `v = v + r2 |g|^2`; norms are over all leaves.

    Args:
      initial: first value of `r2`, zero or more.
      eps: epsilon, zero or more.

    Raises:
      ValueError: `update` was not given the parameters.

    Source: Khaled, Mishchenko and Jin 2023, DoWG.
    """
    del initial
    square = jnp.maximum(state.max_square, _gone(updates, params, state.params0))
    weighted = state.weighted_squares + square * _square(jax.tree.leaves(updates))
    below = sqrt(weighted) + eps
    rate = square / jnp.where(below == 0, 1, below)
    slots = dict(params0=state.params0, max_square=square, weighted_squares=weighted)
    return _scaled(updates, rate), slots


@checked
def dowg(
    learning_rate: LearningRate = 1.0,
    initial: NonNegative = 1e-4,
    eps: NonNegative = 1e-4,
    *,
    weight_decay: NonNegative = 0.0,
    mask: Any = None,
) -> Transformation:
    """DoWG: as DoG, with squared gradients that count more the farther the weights have gone; see
    `scale_by_dowg`.

    Args:
      learning_rate: a factor on the rate that is found, zero or more, or a schedule.
      initial: see `scale_by_dowg`.
      eps: see `scale_by_dowg`.
      weight_decay: zero or more; it is part of the gradient.
      mask: which leaves decay; see `add_decayed_weights`.

    Source: Khaled, Mishchenko and Jin 2023 (Algorithm 1).
    """
    decay = add_decayed_weights(weight_decay, mask)
    return chain(decay, scale_by_dowg(initial, eps), scale_by_learning_rate(learning_rate))


@leafwise(gradient_sum=0.0, size_sum=0.0, reward=0.0, largest="eps")
def scale_by_cocob(
    g: Any, state: Any, *, alpha: NonNegative[Any] = 100.0, eps: NonNegative[Any] = 1e-8
) -> Any:
    """The move to where a bettor on the sign of the next gradient would put the weight; it has no
    rate.

    `L = max(L, |g|)`, `G = G + |g|`, `R = max(R - g b, 0)`, `theta = theta - g`, and the weight
    goes from its first value plus `b` to that plus `b' = theta / (L max(G + L, alpha L)) (L + R)`.

    Args:
      alpha: bounds the first bets, zero or more.
      eps: first value of `L`, zero or more.
      state_dtype: dtype of every slot.

    Source: Orabona and Tommasi 2017, COCOB-Backprop (Algorithm 2).
    """
    del eps
    size, bet = jnp.abs(g), _bet(alpha, **state)
    new = dict(
        gradient_sum=state.gradient_sum - g,
        size_sum=state.size_sum + size,
        reward=jnp.maximum(state.reward - jnp.real(jnp.conj(g) * bet), 0),
        largest=jnp.maximum(state.largest, size),
    )
    return _bet(alpha, **new) - bet, new


def _bet(alpha: Any, gradient_sum: Any, size_sum: Any, reward: Any, largest: Any) -> Any:
    """How far the weight is from its first value."""
    below = largest * jnp.maximum(size_sum + largest, alpha * largest)
    return gradient_sum / jnp.where(below == 0, jnp.inf, below) * (largest + reward)


@checked
def cocob(
    learning_rate: LearningRate = 1.0,
    alpha: NonNegative = 100.0,
    eps: NonNegative = 1e-8,
    *,
    weight_decay: NonNegative = 0.0,
    mask: Any = None,
    state_dtype: Any = None,
) -> Transformation:
    """COCOB: weights where a bettor on the sign of their gradients would put them; see
    `scale_by_cocob`.

    Args:
      learning_rate: a factor on the gradients, zero or more, or a schedule: the algorithm needs
        none, and a constant one changes nothing but the weight of `eps`.
      alpha: see `scale_by_cocob`.
      eps: see `scale_by_cocob`.
      weight_decay: zero or more; it is part of the gradient.
      mask: which leaves decay; see `add_decayed_weights`.
      state_dtype: dtype of every slot.

    Source: Orabona and Tommasi 2017 (Algorithm 2).
    """
    decay = add_decayed_weights(weight_decay, mask)
    scaled = scale(learning_rate)
    return chain(decay, scaled, scale_by_cocob(alpha, eps, state_dtype=state_dtype))
