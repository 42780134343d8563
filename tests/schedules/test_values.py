"""The lectures' values, and Optax's; every number of a schedule may be a lane or a schedule."""

from functools import partial

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import lectopt
from tests.schedules.rows import COUNTS, ROWS, at_counts, expected, rows
from tests.support import twins


@rows
@pytest.mark.usefixtures("x64")
def test_is_its_twin(row):
    schedule = row[0](**row[1])
    values = at_counts(schedule)
    assert values.dtype == jnp.float64
    np.testing.assert_allclose(values, expected(row), rtol=1e-12)
    for count in (0, 1, 40, 200):  # whatever kind of integer the count is
        for kind in (int, np.int64, jnp.int32):
            np.testing.assert_allclose(schedule(kind(count)), expected(row)[count], rtol=1e-12)


@rows
def test_is_float32_and_one_program_for_all_settings(row):
    """Every number is traced at once, a whole one too, and so is the count."""

    @jax.jit
    @chex.assert_max_traces(n=1)
    def run(numbers, count):
        return row[0](**numbers)(count)

    chex.clear_trace_counter()
    for scale in (1, 2):
        numbers = {k: jnp.asarray(v * scale) for k, v in row[1].items()}
        numbers = {k: jnp.minimum(v, 0.99) if k == "factor" else v for k, v in numbers.items()}
        for count in (0, 77):
            value = run(numbers, jnp.int32(count))
            assert value.dtype == jnp.float32 and value.shape == ()
            concrete = {k: v.item() for k, v in numbers.items()}
            np.testing.assert_allclose(value, row[0](**concrete)(count), rtol=2e-6)


LANES = [(name, number) for name, row in ROWS.items() for number in row[1]]


@pytest.mark.parametrize("name, number", LANES)
@pytest.mark.usefixtures("x64")
def test_every_number_may_be_a_lane(name, number):
    row = ROWS[name]
    middle = row[1][number]
    whole = isinstance(middle, int)
    lanes = np.array([middle, middle + 1, 2 * middle] if whole else [middle, 0.5, middle / 2])

    def values(lane):
        return at_counts(row[0](**(row[1] | {number: lane})))

    if name == "step_decay/ExponentialLR" and number == "every":
        lanes = lanes[[0, 0, 0]]  # every=1 is what makes it PyTorch's
    swept = jax.vmap(values)(jnp.asarray(lanes))
    for lane, one in zip(lanes, swept, strict=True):
        np.testing.assert_allclose(one, expected(row, **{number: lane}), rtol=1e-12)


def lerp(low, high, share):
    return low + (high - low) * share


@pytest.mark.usefixtures("x64")
def test_a_setting_may_be_a_schedule():
    """It is read at the same count: a warm-up in front of a cosine, a peak that falls."""
    cosine = lectopt.cosine_decay(0.3, 150)
    both = at_counts(lectopt.warmup(cosine, 40, 0.05))
    np.testing.assert_allclose(
        both, lerp(0.05, at_counts(cosine), np.minimum(COUNTS / 40, 1)), rtol=1e-12
    )
    falling = at_counts(lectopt.triangular(0.0, lectopt.power_decay(0.7), 20))
    triangle = twins.triangular(COUNTS, base=0.0, peak=0.7, half=20)
    np.testing.assert_allclose(falling, triangle / (COUNTS + 1), rtol=1e-12)
    product = at_counts(lectopt.schedules.scaled(cosine, lectopt.halving(3, 50)))
    np.testing.assert_allclose(
        product, at_counts(cosine) * twins.halving(COUNTS, init=3, every=50), rtol=1e-12
    )


@pytest.mark.usefixtures("x64")
def test_join():
    parts = (lectopt.warmup(0.3, 30), 0.2, lectopt.power_decay(0.3))
    pieces = [
        partial(twins.warmup, peak=0.3, total=30),
        partial(twins.constant, value=0.2),
        partial(twins.power_decay, init=0.3),
    ]

    def values(boundaries):
        return at_counts(lectopt.join(parts, tuple(boundaries)))

    for boundaries in ((30, 100), (0, 0), (10, 199)):
        piecewise = [twins.joined(t, parts=pieces, boundaries=boundaries) for t in COUNTS]
        np.testing.assert_allclose(values(boundaries), piecewise, rtol=1e-12)
        traced = jax.jit(values)(jnp.array(boundaries))
        np.testing.assert_allclose(traced, piecewise, rtol=1e-12)
    lanes = jax.vmap(values)(jnp.array([(30, 100), (10, 199)]))
    np.testing.assert_array_equal(lanes[1], values((10, 199)))
    # The part that has not begun is infinite at count -1; its gradient stays out of the way.
    slope = jax.grad(lambda b: lectopt.join((b, lectopt.power_decay(b)), (10,))(3))(0.5)
    assert slope == 1


@pytest.mark.usefixtures("x64")
def test_equals_optaxs_where_optax_has_it():
    pairs = [
        (lectopt.exponential_decay(0.3, 0.02), optax.exponential_decay(0.3, 1, np.exp(-0.02))),
        (
            lectopt.step_decay(0.3, 0.7, 13),
            optax.exponential_decay(0.3, 13, 0.7, staircase=True),
        ),
        (lectopt.cosine_decay(0.3, 150, 0.03), optax.cosine_decay_schedule(0.3, 150, 0.1)),
        (
            lectopt.join((0.3, 0.03, 0.015), (50, 120)),
            optax.piecewise_constant_schedule(0.3, {50: 0.1, 120: 0.5}),
        ),
        (lectopt.warmup(0.3, 40, 0.05), optax.linear_schedule(0.05, 0.3, 40)),
        (
            lectopt.join((lectopt.warmup(0.3, 40), lectopt.cosine_decay(0.3, 110)), (40,)),
            optax.warmup_cosine_decay_schedule(0.0, 0.3, 40, 150),
        ),
        (
            lectopt.cosine_restarts(0.3, 200, 4),
            optax.sgdr_schedule(
                [dict(init_value=0.3, peak_value=0.3, warmup_steps=0, decay_steps=50)] * 5
            ),
        ),
    ]
    for ours, theirs in pairs:
        np.testing.assert_allclose(at_counts(ours), at_counts(theirs), rtol=1e-12, atol=1e-16)
