"""Schedules shaped like waves: triangles, half a cosine, and cosines that start again."""

import math
from typing import Any

import jax.numpy as jnp

from lectopt.schedules.formula import Value, between, order_of, quotient, schedule
from lectopt.settings import Steps


def _common(first: float, second: float) -> float:
    """The order of what lies between two values: theirs, if they fall alike."""
    return first if first == second else math.nan


@schedule(order=lambda base, peak, half_cycle: _common(order_of(base), order_of(peak)))
def triangular(count: Any, *, base: Value[Any], peak: Value[Any], half_cycle: Steps[Any]) -> Any:
    """Up from `base` to `peak` in a straight line, down again, and so on.

    With `t = count`, from 0, and `s = half_cycle`: `cycle = floor(1 + t / (2 s))`, `x = |t / s -
    2 cycle + 1|`, `base + (peak - base) max(0, 1 - x)`: `base` at 0 and `2 s`, `peak` at `s`.

    Args:
      base: the lowest value.
      peak: the highest value.
      half_cycle: updates from the lowest to the highest; Smith advises 2 to 10 epochs of them.

    Source: STAT 479, cyclical learning rates (S4-12); Smith 2017.
    """
    position = quotient(jnp.mod(count, 2 * half_cycle), half_cycle)
    return between(base, peak, 1 - jnp.abs(position - 1))


@schedule(order=lambda init, steps, end: order_of(end))
def cosine_decay(count: Any, *, init: Value[Any], steps: Steps[Any], end: Value[Any] = 0.0) -> Any:
    """Half a cosine from `init` to `end`, then `end`.

    With `t = min(count, steps)`, from 0: `end + (init - end) / 2 (1 + cos(pi t / steps))`.

    Args:
      init: value at the first update.
      steps: updates until `end` is reached.
      end: the last value itself, not a fraction of `init` as in Keras and Optax.

    Source: one cycle of `cosine_restarts` (S3-22); Loshchilov and Hutter 2017.
    """
    return between(end, init, _half_cosine(quotient(jnp.minimum(count, steps), steps)))


@schedule(order=lambda init, steps, cycles: order_of(init))
def cosine_restarts(count: Any, *, init: Value[Any], steps: Steps[Any], cycles: Steps[Any]) -> Any:
    """Half a cosine from `init` towards 0, begun again in each cycle, for snapshot ensembles.

    With the lecture's `t = count + 1`, from 1, and `n = ceil(steps / cycles)`:
    `init / 2 (cos(pi mod(t - 1, n) / n) + 1)`. The last update of a cycle still has a small
    positive value; a snapshot is taken after it. Past `steps` the cycles go on.

    Args:
      init: value at the start of every cycle.
      steps: length of the training, in updates.
      cycles: number of cycles in it, the number of snapshots.

    Source: TTIC 31230 (S3-22), from Huang et al. 2017.
    """
    length = -(-steps // cycles)
    return init * _half_cosine(quotient(jnp.mod(count, length), length))


def _half_cosine(share: Any) -> Any:
    """From 1 at share 0 to 0 at share 1."""
    return (1 + jnp.cos(jnp.pi * share)) / 2
