"""The table of schedules: how each is made, its numbers, and the twin that computes the same."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lectopt
from tests.support import twins

COUNTS = np.arange(201)


def by_tenth(epoch):
    """A factor of the epoch that JAX and NumPy can both compute."""
    return 0.9 ** (epoch // 3)


# maker, its settings, the twin, the twin's names for them.
ROWS = {
    "constant": (lectopt.constant, dict(value=0.3), twins.constant, {}),
    "step_decay": (lectopt.step_decay, dict(init=0.3, factor=0.7, every=13), twins.step_decay, {}),
    "step_decay/epochs": (
        lectopt.step_decay,
        dict(init=0.3, factor=0.7, every=3, steps_per_epoch=7),
        lambda t, init, factor, every, steps_per_epoch: twins.step_decay(
            t // steps_per_epoch, init=init, factor=factor, every=every
        ),
        {},
    ),
    "step_decay/ExponentialLR": (
        lectopt.step_decay,
        dict(init=0.3, factor=0.7, every=1, steps_per_epoch=17),
        twins.exponential_lr,
        dict(factor="gamma", steps_per_epoch="every", every=None),
    ),
    "halving": (lectopt.halving, dict(init=0.3, every=9), twins.halving, {}),
    "exponential_decay": (
        lectopt.exponential_decay,
        dict(init=0.3, k=0.02),
        twins.exponential_decay,
        {},
    ),
    "exponential_decay/staircase": (
        lectopt.exponential_decay,
        dict(init=0.3, k=0.02, staircase=7),
        twins.staircase_exponential,
        dict(staircase="every"),
    ),
    "exponential_decay/epochs": (
        lectopt.exponential_decay,
        dict(init=0.3, k=0.2, steps_per_epoch=17),
        lambda t, init, k, steps_per_epoch: twins.exponential_decay(
            t / steps_per_epoch, init=init, k=k
        ),
        {},
    ),
    "exponential_decay/staircase-epochs": (
        lectopt.exponential_decay,
        dict(init=0.3, k=0.02, staircase=3, steps_per_epoch=7),
        lambda t, init, k, staircase, steps_per_epoch: twins.staircase_exponential(
            t // steps_per_epoch, init=init, k=k, every=staircase
        ),
        {},
    ),
    "inverse_time_decay/epochs": (
        lectopt.inverse_time_decay,
        dict(init=0.3, k=0.2, steps_per_epoch=17),
        lambda t, init, k, steps_per_epoch: twins.inverse_time_decay(
            t / steps_per_epoch, init=init, k=k
        ),
        {},
    ),
    "inverse_time_decay": (
        lectopt.inverse_time_decay,
        dict(init=0.3, k=0.02),
        twins.inverse_time_decay,
        {},
    ),
    "relative_step": (
        lectopt.relative_step,
        dict(init=0.2),
        lambda t, init: np.minimum(init, 1 / np.sqrt(np.asarray(t) + 1.0)),
        {},
    ),
    "power_decay": (lectopt.power_decay, dict(init=0.3, power=0.6), twins.power_decay, {}),
    "inverse_strong_convexity": (
        lectopt.inverse_strong_convexity,
        dict(strong_convexity=1.7),
        twins.inverse_strong_convexity,
        dict(strong_convexity="lam"),
    ),
    "triangular": (
        lectopt.triangular,
        dict(base=0.1, peak=0.7, half_cycle=23),
        twins.triangular,
        dict(half_cycle="half"),
    ),
    "cosine_decay": (
        lectopt.cosine_decay,
        dict(init=0.3, steps=150, end=0.01),
        twins.cosine_decay,
        dict(steps="total"),
    ),
    "cosine_restarts": (
        lectopt.cosine_restarts,
        dict(init=0.3, steps=200, cycles=6),
        twins.cosine_restarts,
        dict(steps="total"),
    ),
    "warmup": (
        lectopt.warmup,
        dict(peak=0.3, steps=40, init=0.05),
        twins.warmup,
        dict(steps="total"),
    ),
    "lambda_schedule": (
        partial(lectopt.lambda_schedule, factor=by_tenth),
        dict(init=0.3, steps_per_epoch=11),
        partial(twins.lambda_lr, factor=by_tenth),
        dict(steps_per_epoch="every"),
    ),
}
rows = pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)


def expected(row, **changed):
    """The twin's values at COUNTS."""
    _, numbers, twin, letters = row
    letters = {letters.get(k, k): v for k, v in (numbers | changed).items()}
    letters.pop(None, None)
    return twin(COUNTS, **letters)


def at_counts(schedule):
    return jax.vmap(schedule)(jnp.asarray(COUNTS))
