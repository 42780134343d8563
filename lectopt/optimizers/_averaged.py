"""Averaged stochastic gradient descent."""

from typing import Any

from lectopt.combinators import chain
from lectopt.primitives import add_decayed_weights, average_tail, scale_by_decaying_rate
from lectopt.schedules import shifted
from lectopt.settings import Count, LearningRate, NonNegative
from lectopt.signatures import checked
from lectopt.transformation import Transformation


@checked
def asgd(
    learning_rate: LearningRate,
    lambd: NonNegative = 1e-4,
    alpha: NonNegative = 0.75,
    t0: Count = 1e6,
    *,
    state_dtype: Any = None,
) -> Transformation:
    """Averaged SGD: `param - eta (g + lambd param)` with a falling `eta`, and the mean of the
    weights on the side.

    `eta = learning_rate / (1 + lambd learning_rate (t - 1))^alpha` at update `t` (from 1). The
    parameters are never replaced by their mean, which is the entry `average` of the state: read it
    with `evaluation_params`.

    Args:
      learning_rate: zero or more, or a schedule. As in PyTorch the rate of an update was set by
        the one before: a schedule acts one update late.
      lambd: weight decay and speed at which the rate falls, zero or more.
      alpha: power of the fall, zero or more.
      t0: updates before averaging begins, zero or more. PyTorch's default means none
        in the first million.
      state_dtype: dtype of the average.

    Source: Polyak and Juditsky 1992; Xu 2011; PyTorch's ASGD. CMU's averages of the iterates
    (S0-19) differ in their weights.
    """
    rate = shifted(learning_rate, by=-1) if callable(learning_rate) else learning_rate
    return chain(
        add_decayed_weights(lambd),
        scale_by_decaying_rate(rate, lambd, alpha),
        average_tail(t0, state_dtype=state_dtype),
    )
