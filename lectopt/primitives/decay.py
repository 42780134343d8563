"""Weight decay: a pull of every weight towards zero."""

from typing import Any

import jax.numpy as jnp

from lectopt.combinators import masked
from lectopt.lifting import leafwise
from lectopt.settings import LearningRate, NonNegative
from lectopt.signatures import checked
from lectopt.transformation import Transformation


@leafwise()
def _add_decayed_weights(g: Any, param: Any, *, weight_decay: NonNegative[Any] = 0.0) -> Any:
    return g + weight_decay * param


@leafwise()
def _add_l1(g: Any, param: Any, *, l1: NonNegative[Any] = 0.0) -> Any:
    return g + l1 * jnp.sign(param)


@checked
def add_decayed_weights(weight_decay: NonNegative = 0.0, mask: Any = None) -> Transformation:
    """`g + weight_decay param`.

    First in a chain it is the gradient of an L2 penalty `weight_decay/2 |param|^2`. The lecture
    penalises the mean loss over `m` examples by `lambda/(2m) |param|^2`: write `lambda/m` here,
    and `lambda` where the loss is the sum. After the normalisation and before the learning rate it
    is AdamW's decoupled decay. With plain SGD the two are the same, `(1 - learning_rate
    weight_decay) param - learning_rate g`.

    Args:
      weight_decay: zero or more.
      mask: tree of booleans (or a prefix of the parameters, or a function of them): which leaves
        decay; `masked(add_decayed_weights(weight_decay), mask)`.

    Raises:
      ValueError: `update` was not given the parameters.

    Source: ISI, L2 regularisation and weight decay (S2-06, S2-07); Loshchilov and Hutter 2019.
    """
    return masked(_add_decayed_weights(weight_decay), mask)


@checked
def add_l1(l1: NonNegative = 0.0, mask: Any = None) -> Transformation:
    """`g + l1 sign(param)`, the subgradient of an L1 penalty `l1 |param|`; 0 at a weight of 0.

    The lecture names the penalty without a formula; with the weight of its L2 penalty, `lambda/m`
    for the mean loss over `m` examples, `l1` is that number.

    Args:
      l1: zero or more.
      mask: see `add_decayed_weights`.

    Raises:
      ValueError: `update` was not given the parameters.

    Source: ISI, L2 (or L1) regularisation (S2-06).
    """
    return masked(_add_l1(l1), mask)


@leafwise()
def shrink_weights(
    u: Any, param: Any, *, learning_rate: LearningRate[Any], weight_decay: NonNegative[Any] = 0.0
) -> Any:
    """`u - learning_rate weight_decay param`: decoupled decay, last in a chain, whose `u` is the
    step.

    Where the learning rate is the last factor, `add_decayed_weights` before it is the same. With
    the rate inside a velocity only this one keeps the decay out of the velocity.

    Args:
      learning_rate: zero or more, or a schedule: that of the step.
      weight_decay: zero or more.

    Raises:
      ValueError: `update` was not given the parameters.

    Source: `weight_decay` in Keras.
    """
    return u - learning_rate * weight_decay * param


def _shorter(*, learning_rate: LearningRate[Any]) -> Any:
    return 1 / (1 + learning_rate**2) ** 0.5


def _lost(*, learning_rate: LearningRate[Any]) -> Any:
    root = (1 + learning_rate**2) ** 0.5
    return learning_rate**2 / (root * (1 + root))  # 1 - 1 / root, without cancellation


@leafwise(once=dict(shorter=_shorter, lost=_lost))
def contract(u: Any, param: Any, shorter: Any, lost: Any) -> Any:
    """A step that ends at `(param + u) / sqrt(1 + learning_rate^2)`: last in a chain whose steps
    have the length `learning_rate |param|`, it keeps weights from growing by steps across them.

    Args:
      learning_rate: zero or more, or a schedule: that of the step.

    Raises:
      ValueError: `update` was not given the parameters.

    Source: Bernstein et al. 2020, Fromage.
    """
    return shorter * u - lost * param
