"""Ends, boundaries, large counts: exact where a float has the number, elsewhere without a jump."""

import jax.numpy as jnp
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import lectopt
from tests.schedules.rows import ROWS

positive = st.floats(2**-10, 2**10, width=32)


@settings(max_examples=200, deadline=None)
@given(positive, positive, st.integers(1, 10**6), st.sampled_from([jnp.float32, float]))
def test_the_ends_are_exact(low, high, steps, kind):
    """In float32, whatever the numbers: the floor at the end, the peak at its count."""
    low, high = kind(low), kind(high)
    cosine = lectopt.cosine_decay(high, steps, low)
    assert cosine(0) == high and cosine(steps) == low and cosine(2**31 - 1) == low
    triangle = lectopt.triangular(low, high, steps)
    assert triangle(0) == triangle(2 * steps) == triangle(800 * steps) == low
    assert triangle(steps) == triangle(801 * steps) == high
    ramp = lectopt.warmup(high, steps, low)
    assert ramp(0) == low and ramp(steps) == ramp(2**31 - 1) == high
    restarts = lectopt.cosine_restarts(high, 10 * steps, 10)
    assert restarts(0) == restarts(steps) == restarts(90 * steps) == high
    joined = lectopt.join((low, high), (steps,))
    assert joined(steps - 1) == low and joined(steps) == joined(steps + 1) == high
    step = lectopt.step_decay(high, 0.5, steps)
    assert step(steps - 1) == high and step(steps) == high / 2


@settings(max_examples=100, deadline=None)
@given(positive, positive, st.integers(1, 1000), st.integers(0, 3000))
def test_what_is_drawn_without_a_jump_has_none(low, high, steps, count):
    """Between two counts no more than the steepest slope of the formula."""

    def jump(schedule):
        return abs(float(schedule(count + 1)) - float(schedule(count)))

    rise = abs(high - low) / steps + 4e-7 * max(low, high)
    assert jump(lectopt.triangular(low, high, steps)) <= rise
    assert jump(lectopt.warmup(high, steps, low)) <= rise
    assert jump(lectopt.cosine_decay(high, steps, low)) <= np.pi / 2 * rise
    assert jump(lectopt.exponential_decay(high, 1 / steps)) <= high / steps
    assert jump(lectopt.inverse_time_decay(high, 1 / steps)) <= high / steps
    if (count + 1) % steps:  # within a cycle
        restarts = lectopt.cosine_restarts(high, steps, 1)
        assert jump(restarts) <= np.pi / 2 * high / steps + 4e-7 * high


def test_big_counts():
    """Whole numbers are divided as whole numbers: 2^24 + 1 is no float32."""
    last = 2**31 - 1
    assert lectopt.step_decay(1.0, 0.5, 2**24 + 1)(2**24) == 1
    assert lectopt.triangular(0.0, 1.0, 3)(3 * (2**28 + 1)) == 1
    assert lectopt.cosine_restarts(1.0, 30, 10)(3 * (2**28 + 1)) == 1
    for row in ROWS.values():
        schedule = row[0](**row[1])
        at_last = schedule(jnp.int32(last))
        assert np.isfinite(at_last) and at_last >= 0
        assert schedule(10**12) == schedule(last) == schedule(np.int64(10**12))
    assert lectopt.cosine_decay(1.0, 10**12)(last) > 0.99  # a longer training than the counter
