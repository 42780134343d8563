"""Line searches that cannot succeed: what is reported, and that nothing else is disturbed."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lectopt import LineSearchStatus, scale_by_wolfe_line_search
from tests.controls.searches import kinds, lane, search


@kinds
def test_no_descent_is_reported_and_not_searched(kind):
    tx = scale_by_wolfe_line_search(kind)
    run = lane(tx, lambda x: jnp.where(x > 2, x * 0 + 1, x**2))
    uphill, sideways, nowhere = (1.0, 1.0), (1.0, 0.0), (1.0, np.nan)
    flat, infinite, unknown = (3.0, -1.0), (-np.inf, 1.0), (np.nan, 1.0)
    for start, direction in (uphill, sideways, nowhere, flat, infinite, unknown):
        step, record = run(start, direction)
        assert record["status"] == LineSearchStatus.NO_DESCENT
        assert step == 0 and record["evaluations"] <= 1
        assert record["value"] == 1 or not np.isfinite(start)


@kinds
def test_no_decrease_moves_nothing(kind):
    tx = scale_by_wolfe_line_search(kind, max_evaluations=3)
    params = jnp.float32(1)
    step, record = search(tx, lambda x: 1e6 * x**2, params, jnp.float32(-2e6))
    assert record["status"] == LineSearchStatus.NO_DECREASE
    assert step == 0 and record["evaluations"] == 3 and record["value"] == 1e6


@kinds
def test_of_steps_without_curvature_the_best(kind):
    """Down a plane the slope never changes: the steps double until the evaluations are spent."""
    tx = scale_by_wolfe_line_search(kind, max_evaluations=6)
    step, record = search(tx, lambda x: -x, jnp.float32(1), jnp.float32(1))
    assert record["status"] == LineSearchStatus.NO_CURVATURE
    assert step == 32 and record["evaluations"] == 6 and record["value"] == -33


@kinds
@pytest.mark.parametrize("wall", [jnp.inf, jnp.nan, -jnp.inf])
def test_stays_where_the_function_is_finite(kind, wall):
    """Steps of 1 and 1/2 lead out of the domain; the minimum is at 0.3."""

    def value_fn(x):
        return jnp.where(x < 0.4, (x - 0.3) ** 2, wall)

    step, record = search(
        scale_by_wolfe_line_search(kind), value_fn, jnp.float32(0), jnp.float32(1)
    )
    assert record["status"] == LineSearchStatus.FOUND and 0 < step < 0.4
    assert record["value"] < 0.3**2


@kinds
def test_a_lane_that_fails_does_not_disturb_the_others(kind):
    tx = scale_by_wolfe_line_search(kind)
    directions = jnp.array([-2.0, 2.0, jnp.nan, -2e5, -1e-4])

    run = lane(tx, lambda x: x**2)
    steps, record = jax.vmap(run)(jnp.ones(5), directions)
    found, not_found = LineSearchStatus.FOUND, LineSearchStatus.NO_DESCENT
    np.testing.assert_array_equal(record["status"], [found, not_found, not_found, found, found])
    for i in range(len(directions)):
        np.testing.assert_allclose(steps[i], run(1.0, directions[i])[0], rtol=1e-5)
