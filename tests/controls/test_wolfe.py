"""The conditions of Wolfe: the sets of steps that satisfy them, and that a search ends in them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lectopt
from lectopt import LineSearchStatus, scale_by_wolfe_line_search, wolfe_conditions
from tests.controls.searches import kinds, quartic
from tests.support.twins.line_search import weak_wolfe_bisection

# The slides' figure as a quartic with two basins, along direction 1 from 0.
QUARTIC = np.polynomial.Polynomial([1, -2, 2.2, -0.9, 0.1])


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("c1, c2, ends", [(1e-4, 0.9, (5.802, 4.901)), (0.1, 0.5, (5.689, 4.775))])
def test_the_sets_of_good_steps(c1, c2, ends):
    """The strong set is the weak one without its steep end (S1-07)."""
    steps = jnp.linspace(0, 6, 6001)
    slope = QUARTIC.deriv()(0)
    found = {}
    for kind in ("weak", "strong"):

        def holds(step, kind=kind):
            return wolfe_conditions(quartic, 0.0, 1.0, step, c1=c1, c2=c2, kind=kind)

        decrease, curvature = jax.vmap(holds)(steps)
        x, left = np.asarray(steps), QUARTIC.deriv()(np.asarray(steps))
        np.testing.assert_array_equal(decrease, QUARTIC(x) <= QUARTIC(0) + c1 * x * slope)
        small = abs(left) <= c2 * abs(slope) if kind == "strong" else left >= c2 * slope
        np.testing.assert_array_equal(curvature, small)
        found[kind] = x[decrease & curvature]
    assert set(found["strong"]) < set(found["weak"])
    np.testing.assert_allclose([found["weak"].max(), found["strong"].max()], ends, atol=1e-3)
    assert found["weak"].min() == found["strong"].min()


def bumpy(seed, size=6):
    """A random function with many basins and a steep bowl, and its NumPy double."""
    rng = np.random.default_rng(seed)
    return dict(
        curvature=10 ** rng.uniform(-2, 3, size),
        waves=rng.normal(size=(8, size)),
        heights=3 * rng.normal(size=8),
        start=rng.normal(size=size),
        scale=10 ** rng.uniform(-4, 2),
    )


def bumpy_value(problem, x, np=jnp):
    bowl = np.sum(problem["curvature"] * x**2) / 2
    return bowl + np.sum(problem["heights"] * np.sin(np.sum(problem["waves"] * x[None, :], axis=1)))


def bumpy_grad(p, x):
    return p["curvature"] * x + (p["heights"] * np.cos(p["waves"] @ x)) @ p["waves"]


@kinds
@pytest.mark.usefixtures("x64")
def test_both_conditions_hold_on_random_functions(kind):
    """200 lanes of one program; the weak search also tries what its twin tries."""
    problems = [bumpy(seed) for seed in range(200)]
    c1, c2 = 1e-3, 0.4
    tx = lectopt.chain(lectopt.sgd(1.0), scale_by_wolfe_line_search(kind, c1, c2, 60))

    def run(problem):
        def value_fn(x):
            return bumpy_value(problem, x)

        value, grad = jax.value_and_grad(value_fn)(problem["start"])
        updates, state = tx.update(
            problem["scale"] * grad,  # of any length
            tx.init(problem["start"]),
            problem["start"],
            value=value,
            grad=grad,
            value_fn=value_fn,
        )
        return updates, state["line_search"]

    stacked = jax.tree.map(lambda *x: jnp.asarray(np.stack(x)), *problems)
    updates, record = jax.jit(jax.vmap(run))(stacked)
    assert (record["status"] == LineSearchStatus.FOUND).all()
    assert record["evaluations"].min() == 1 and record["evaluations"].max() > 8
    for i, p in enumerate(problems):
        d = -p["scale"] * bumpy_grad(p, p["start"])
        value, slope = bumpy_value(p, p["start"], np), bumpy_grad(p, p["start"]) @ d
        a = float(record["learning_rate"][i])
        end = p["start"] + a * d
        np.testing.assert_allclose(updates[i], a * d, rtol=1e-9)
        np.testing.assert_allclose(record["value"][i], bumpy_value(p, end, np), rtol=1e-9)
        assert bumpy_value(p, end, np) <= value + c1 * a * slope + 1e-12 * abs(value)
        left = bumpy_grad(p, end) @ d
        assert left >= c2 * slope * (1 + 1e-9)
        if kind == "strong":
            assert abs(left) <= c2 * abs(slope) * (1 + 1e-9)
        else:
            step, trials = weak_wolfe_bisection(
                lambda a, p=p, d=d: bumpy_value(p, p["start"] + a * d, np),
                lambda a, p=p, d=d: bumpy_grad(p, p["start"] + a * d) @ d,
                c1=c1,
                c2=c2,
                most=60,
            )
            assert (step, trials) == (a, record["evaluations"][i])
