"""Keras' optimizers as wiring. Each also takes what all of them take: see `frame.common`."""

from typing import Any

from lectopt import optimizers as _lectopt
from lectopt.combinators import chain
from lectopt.dialects.keras.frame import framed
from lectopt.dialects.spelling import absent
from lectopt.primitives import scale_by_learning_rate, trace
from lectopt.settings import Decay, LearningRate, NonNegative
from lectopt.transformation import Transformation


@framed
def SGD(
    learning_rate: LearningRate = 0.01, momentum: Decay = 0.0, nesterov: bool = False
) -> Transformation:
    """`v = momentum v - learning_rate g`, `param + v`.

    Args:
      learning_rate: zero or more, or a schedule; inside the velocity.
      momentum: in [0, 1); with 0 there is no velocity.
      nesterov: `param + momentum v - learning_rate g`. The parameters are the lectures' look-ahead
        points, as in `lectopt.nesterov`, and are evaluated as they are.
    """
    descent = scale_by_learning_rate(learning_rate)
    return descent if absent(momentum) else chain(descent, trace(momentum, nesterov))


@framed
def Adam(
    learning_rate: LearningRate = 0.001,
    beta_1: Decay = 0.9,
    beta_2: Decay = 0.999,
    epsilon: NonNegative = 1e-7,
    amsgrad: bool = False,
) -> Transformation:
    """`mu_hat / ((sqrt(nu) + epsilon) / sqrt(1 - beta_2^t))`: the paper's epsilon hat.

    Args:
      learning_rate: zero or more, or a schedule.
      beta_1: decay of the mean, in [0, 1).
      beta_2: decay of the mean square, in [0, 1).
      epsilon: zero or more; it joins the root before the bias correction.
      amsgrad: the largest `nu` so far; see `lectopt.amsgrad`.
    """
    settings = (learning_rate, beta_1, beta_2, epsilon)
    if amsgrad:
        return _lectopt.amsgrad(*settings, maximum_of="raw", eps_placement="uncorrected")
    return _lectopt.adam(*settings, eps_placement="uncorrected")


@framed
def AdamW(
    learning_rate: LearningRate = 0.001,
    weight_decay: NonNegative = 0.004,
    beta_1: Decay = 0.9,
    beta_2: Decay = 0.999,
    epsilon: NonNegative = 1e-7,
    amsgrad: bool = False,
) -> Transformation:
    """`Adam` with another default for `weight_decay`; see there."""
    return Adam(learning_rate, beta_1, beta_2, epsilon, amsgrad)


@framed
def Adamax(
    learning_rate: LearningRate = 0.001,
    beta_1: Decay = 0.9,
    beta_2: Decay = 0.999,
    epsilon: NonNegative = 1e-7,
) -> Transformation:
    """`nu = max(beta_2 nu, |g|)`, `param - learning_rate mu_hat / (nu + epsilon)`.

    Args:
      learning_rate: zero or more, or a schedule.
      beta_1: decay of the mean, in [0, 1).
      beta_2: decay of the maximum, in [0, 1).
      epsilon: zero or more, outside the maximum.
    """
    return _lectopt.adamax(learning_rate, beta_1, beta_2, epsilon, eps_placement="outside")


@framed
def Nadam(
    learning_rate: LearningRate = 0.001,
    beta_1: Decay = 0.9,
    beta_2: Decay = 0.999,
    epsilon: NonNegative = 1e-7,
) -> Transformation:
    """Adam with a look-ahead in the mean, its coefficient `beta_1 (1 - 0.96^t / 2)`.

    The paper has `0.96^(0.004 t)`: that of Keras is warm after some fifty updates.

    Args:
      learning_rate: zero or more, or a schedule.
      beta_1: see `Adam`.
      beta_2: see `Adam`.
      epsilon: zero or more, outside the corrected root.
    """
    return _lectopt.nadam(learning_rate, beta_1, beta_2, epsilon, momentum_decay=1.0)


@framed
def RMSprop(
    learning_rate: LearningRate = 0.001,
    rho: Decay = 0.9,
    momentum: Decay = 0.0,
    epsilon: NonNegative = 1e-7,
    centered: bool = False,
) -> Transformation:
    """`v = momentum v + learning_rate g / sqrt(nu + epsilon)`, `param - v`.

    Args:
      learning_rate: zero or more, or a schedule; inside the velocity.
      rho: decay of the mean square, in [0, 1).
      momentum: in [0, 1); with 0 there is no velocity.
      epsilon: zero or more, inside the root.
      centered: divide by the standard deviation, its variance never below 0.
    """
    velocity: Any = None if absent(momentum) else momentum
    return _lectopt.rmsprop(learning_rate, rho, epsilon, centered=centered, momentum=velocity)


@framed
def Adagrad(
    learning_rate: LearningRate = 0.001,
    initial_accumulator_value: NonNegative = 0.1,
    epsilon: NonNegative = 1e-7,
) -> Transformation:
    """`r = r + g^2`, `param - learning_rate g / sqrt(r + epsilon)`.

    Args:
      learning_rate: zero or more, or a schedule.
      initial_accumulator_value: first value of `r`.
      epsilon: zero or more, inside the root.
    """
    return _lectopt.adagrad(learning_rate, initial_accumulator_value, epsilon)


@framed
def Adadelta(
    learning_rate: LearningRate = 0.001, rho: Decay = 0.95, epsilon: NonNegative = 1e-7
) -> Transformation:
    """Steps in the units of the weight, times a rate that the paper does not have.

    Args:
      learning_rate: zero or more, or a schedule; with the default the weights hardly move.
      rho: decay of both averages, in [0, 1).
      epsilon: zero or more.
    """
    return _lectopt.adadelta(learning_rate, rho, epsilon)
