"""Keras' learning-rate schedules as schedules `count -> value`. They count updates, from 0."""

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp

from lectopt.dialects.spelling import formula
from lectopt.schedules.formula import quotient
from lectopt.settings import Fraction, Growth, LearningRate, NonNegative, Positive, Steps


def _elapsed(count: Any, decay_steps: Any, staircase: bool) -> Any:
    elapsed = quotient(count, decay_steps)
    return jnp.floor(elapsed) if staircase else elapsed


@formula("keras")
def ExponentialDecay(
    count: Any,
    *,
    initial_learning_rate: LearningRate[Any],
    decay_steps: Positive[Any],
    decay_rate: NonNegative[Any],
    staircase: bool = False,
) -> Any:
    """`initial_learning_rate decay_rate^(count / decay_steps)`.

    Args:
      initial_learning_rate: value at the first update.
      decay_steps: updates in which the rate is multiplied by `decay_rate` once.
      decay_rate: zero or more.
      staircase: round the power down.
    """
    return initial_learning_rate * decay_rate ** _elapsed(count, decay_steps, staircase)


@formula("keras")
def InverseTimeDecay(
    count: Any,
    *,
    initial_learning_rate: LearningRate[Any],
    decay_steps: Positive[Any],
    decay_rate: NonNegative[Any],
    staircase: bool = False,
) -> Any:
    """`initial_learning_rate / (1 + decay_rate count / decay_steps)`.

    Args:
      initial_learning_rate: value at the first update.
      decay_steps: unit of the time.
      decay_rate: zero or more.
      staircase: round the time down to whole units.
    """
    return initial_learning_rate / (1 + decay_rate * _elapsed(count, decay_steps, staircase))


@formula("keras", raw=("boundaries", "values"))
def PiecewiseConstantDecay(
    count: Any, *, boundaries: Sequence[int], values: Sequence[float]
) -> Any:
    """`values[n]`, with `n` the number of boundaries *before* the count: a boundary is the last
    count with the old value. PyTorch's milestone, the first with the new one, is one more.

    Args:
      boundaries: counts in increasing order.
      values: one more than `boundaries`.

    Raises:
      ValueError: the wrong number of values.
    """
    if len(values) != len(boundaries) + 1:
        raise ValueError(
            f"PiecewiseConstantDecay: {len(boundaries)} boundaries need {len(boundaries) + 1} "
            f"values, got {len(values)}. "
            "Write for example PiecewiseConstantDecay([10], [0.1, 0.01])."
        )
    value = values[-1]
    for boundary, earlier in zip(boundaries[::-1], values[-2::-1], strict=True):
        value = jnp.where(count > boundary, value, earlier)
    return value


@formula("keras")
def CosineDecay(
    count: Any,
    *,
    initial_learning_rate: LearningRate[Any],
    decay_steps: Steps[Any],
    alpha: Fraction[Any] = 0.0,
    warmup_target: LearningRate[Any] | None = None,
    warmup_steps: NonNegative[Any] = 0,
) -> Any:
    """Half a cosine from the rate to `alpha` times the rate, then no further.

    With `warmup_target` there is a straight line from `initial_learning_rate` to it before, and
    the cosine starts there.

    Args:
      initial_learning_rate: value at the first update.
      decay_steps: updates in the cosine, *after* the warm-up; Optax counts the warm-up in.
      alpha: the last value, as a share of the first of the cosine.
      warmup_target: value at the end of the warm-up; None for no warm-up.
      warmup_steps: updates in the warm-up.
    """
    warming, top = (
        (0, initial_learning_rate) if warmup_target is None else (warmup_steps, warmup_target)
    )
    share = jnp.clip(quotient(count - warming, decay_steps), 0, 1)
    decayed = top * ((1 - alpha) * (1 + jnp.cos(jnp.pi * share)) / 2 + alpha)
    risen = quotient(count, jnp.maximum(warming, 1))
    rising = initial_learning_rate + (top - initial_learning_rate) * risen
    return jnp.where(count < warming, rising, decayed)


@formula("keras")
def PolynomialDecay(
    count: Any,
    *,
    initial_learning_rate: LearningRate[Any],
    decay_steps: Steps[Any],
    end_learning_rate: NonNegative[Any] = 0.0001,
    power: NonNegative[Any] = 1.0,
    cycle: bool = False,
) -> Any:
    """`end + (initial - end) (1 - count / decay_steps)^power`, then `end`.

    Args:
      initial_learning_rate: value at the first update.
      decay_steps: updates until the end.
      end_learning_rate: the last value; it is not 0 by default.
      power: zero or more.
      cycle: at the end take the smallest multiple of `decay_steps` that is not yet reached for
        `decay_steps`: the rate jumps up again, less and less high.
    """
    if cycle:
        decay_steps = decay_steps * jnp.maximum(jnp.ceil(quotient(count, decay_steps)), 1)
    left = quotient(jnp.maximum(decay_steps - count, 0), decay_steps)  # 0 at its end, compiled too
    return end_learning_rate + (initial_learning_rate - end_learning_rate) * left**power


@formula("keras")
def CosineDecayRestarts(
    count: Any,
    *,
    initial_learning_rate: LearningRate[Any],
    first_decay_steps: Steps[Any],
    t_mul: Growth[Any] = 2.0,
    m_mul: NonNegative[Any] = 1.0,
    alpha: Fraction[Any] = 0.0,
) -> Any:
    """Half a cosine, begun again in each period; the periods get longer.

    Args:
      initial_learning_rate: value at the start of the first period.
      first_decay_steps: updates in the first period.
      t_mul: each period is so many times as long as the one before, one or more.
      m_mul: each period starts at so many times the height of the one before.
      alpha: what a period falls to, as a share of `initial_learning_rate`.
    """
    done = quotient(count, first_decay_steps)
    growing = t_mul != 1
    grow = jnp.where(growing, t_mul, 2.0)  # any number for which the logarithm exists

    def begun(n: Any) -> Any:
        """The update at which period `n` begins."""
        return first_decay_steps * ((grow**n - 1) / (grow - 1))

    # The logarithm may round to the wrong side of a whole number: compare with the next beginning.
    n = jnp.floor(jnp.log1p(done * (grow - 1)) / jnp.log(grow))
    n = n + (count >= begun(n + 1)) - (count < begun(n))
    past, length = begun(n), first_decay_steps * grow**n
    whole = count // first_decay_steps
    share = quotient(count - whole * first_decay_steps, first_decay_steps)
    n, share = jnp.where(growing, n, whole), jnp.where(growing, (count - past) / length, share)
    height = m_mul**n * (1 + jnp.cos(jnp.pi * share)) / 2
    return initial_learning_rate * ((1 - alpha) * height + alpha)
