"""Settings that must change with the count, so that one algorithm is another."""

from typing import Any

import jax.numpy as jnp

from lectopt.dialects.spelling import formula
from lectopt.numerics import one_minus_power, sqrt
from lectopt.settings import Decay, LearningRate, NonNegative
from lectopt.values import value_at


@formula("porting")
def debiased(count: Any, *, rate: LearningRate[Any], decay: Decay[Any]) -> Any:
    """`rate (1 - decay) / (1 - decay^t)`, `t = count + 1`: the rate with which a velocity is a
    bias-corrected average.
    """
    return rate * (1 - decay) / one_minus_power(decay, count + 1)


@formula("porting")
def rising(count: Any, *, value: NonNegative[Any], decay: Decay[Any]) -> Any:
    """`value sqrt(1 - decay^t)`, `t = count + 1`: a rate that corrects the bias in a root."""
    return value * sqrt(one_minus_power(decay, count + 1))


@formula("porting")
def falling(count: Any, *, value: NonNegative[Any], decay: Decay[Any]) -> Any:
    """`value / sqrt(1 - decay^t)`, `t = count + 1`: an epsilon that joins a root before the bias
    correction, where it stands after it.
    """
    return value / sqrt(one_minus_power(decay, count + 1))


@formula("porting", raw=("rate",))
def following(count: Any, *, momentum: Decay[Any], rate: Any, inverse: bool = False) -> Any:
    """`momentum rate(count) / rate(count - 1)`, or with `inverse` the other way round: a velocity
    that contains the rate behaves as one that does not.
    """
    now, before = value_at(rate, count), value_at(rate, jnp.maximum(count - 1, 0))
    return momentum * (before / now if inverse else now / before)


@formula("porting")
def product(count: Any, *, rate: Any, decay: Any, factor: Any = 1.0) -> Any:
    """`rate decay factor`, of which each may be a schedule."""
    return rate * decay * factor
