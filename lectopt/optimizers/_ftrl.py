"""Follow the regularised leader: weights made anew from the sum of all gradients."""

from typing import Any

import jax.numpy as jnp

from lectopt.lifting import leafwise
from lectopt.norms import by_part
from lectopt.numerics import abs_sq
from lectopt.settings import LearningRate, NonNegative


@leafwise(sum_of_squares="initial_accumulator_value", linear=0.0)
def ftrl(
    g: Any,
    state: Any,
    param: Any,
    *,
    learning_rate: LearningRate[Any],
    initial_accumulator_value: NonNegative[Any] = 0.1,
    power: NonNegative[Any] = 0.5,
    l1: NonNegative[Any] = 0.0,
    l2: NonNegative[Any] = 0.0,
    l2_shrinkage: NonNegative[Any] = 0.0,
    beta: NonNegative[Any] = 0.0,
) -> Any:
    """FTRL-Proximal: the weights that would have been best for all gradients so far, with an L1
    penalty that makes many of them exactly 0.

    With `n' = n + |g|^2` and `sigma = (n'^power - n^power) / learning_rate`: `z = z + g +
    l2_shrinkage param - sigma param`, and the new weight is `-(z - clip(z, -l1, l1)) / ((beta +
    n'^power) / learning_rate + l2)`. A weight that is not 0 at first is forgotten: it counts for
    `z` only as far as `n` grows.

    Args:
      learning_rate: zero or more, or a schedule; nothing happens while it is 0.
      initial_accumulator_value: first value of `n`, zero or more.
      power: of `n`, zero or more; Keras' `-learning_rate_power`.
      l1: L1 penalty, zero or more.
      l2: L2 penalty, zero or more; twice Keras' `l2_regularization_strength`.
      l2_shrinkage: an L2 penalty of the gradient alone, which `n` does not see; twice Keras'.
      beta: added to `n^power`, zero or more.
      state_dtype: dtype of `n` and `z`.

    Raises:
      ValueError: `update` was not given the parameters.

    Source: McMahan et al. 2013 (Algorithm 1: power 1/2); Keras.
    """
    del initial_accumulator_value
    rests = learning_rate == 0
    rate = jnp.where(rests, 1, learning_rate)
    n = state.sum_of_squares + abs_sq(g)
    strength = n**power
    sigma = (strength - state.sum_of_squares**power) / rate
    z = state.linear + g + (l2_shrinkage - sigma) * param
    below = (beta + strength) / rate + l2
    pull = z - by_part(lambda x: jnp.clip(x, -l1, l1), z)
    best = -pull / jnp.where(below == 0, jnp.inf, below)
    kept = dict(sum_of_squares=state.sum_of_squares, linear=state.linear)
    new = dict(sum_of_squares=n, linear=z)
    return jnp.where(rests, 0, best - param), {k: jnp.where(rests, kept[k], new[k]) for k in new}
