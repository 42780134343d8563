"""Landscapes: what they say of their minima is so, and they train."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize

import lectopt
from lectopt import landscapes

MAKERS = sorted(set(landscapes.__all__) - {"Landscape"})
MADE = {name: getattr(landscapes, name)() for name in MAKERS} | {
    "quadratic in 20": landscapes.quadratic(1000, 20),
    "rastrigin in 5": landscapes.rastrigin(5),
    "ackley in 1": landscapes.ackley(1),
    "a tilted well": landscapes.double_well(0.2),
    "the other well": landscapes.double_well(-0.3),
    "spread clumps": landscapes.clumpy_data(8, 100, 1.5, 3),
}
each = pytest.mark.parametrize("landscape", MADE.values(), ids=MADE)


@each
@pytest.mark.usefixtures("x64")
def test_minima_are_where_they_are_said_to_be(landscape):
    """The value is the least one there, and no local search from around goes below it."""
    for point in landscape.minima:
        np.testing.assert_allclose(landscape(np.array(point)), landscape.lowest, atol=1e-12)
    if landscape.lowest is None:
        return
    value = jax.jit(jax.value_and_grad(lambda x: landscape(x.reshape(landscape.start.shape))))
    rng = np.random.default_rng(0)
    for _ in range(5):
        start = landscape.start.ravel() + rng.normal(size=landscape.start.size)
        found = scipy.optimize.minimize(value, start, jac=True)
        assert found.fun >= landscape.lowest - 1e-9
    for point in landscape.minima:
        np.testing.assert_allclose(value(np.array(point))[1], 0, atol=1e-6)


@pytest.mark.parametrize(
    "name, value",
    [  # by hand, at the start
        ("beale", (1.5 - 1 + 1.5) ** 2 + (2.25 - 1 + 1.5**2) ** 2 + (2.625 - 1 + 1.5**3) ** 2),
        ("saddle", 1.5**2 - 1e-6),
        ("rosenbrock", 24.2),
        ("long_valley", 4 / 100 + 2.25 / 2),
        ("himmelblau", (0.25 - 1 - 11) ** 2 + (-0.5 + 1 - 7) ** 2),
        ("double_well", 1.25**2 / 4 + 0.5),
        ("worst_case", 0.0),
    ],
)
@pytest.mark.usefixtures("x64")
def test_values(name, value):
    landscape = MADE[name]
    np.testing.assert_allclose(landscape(landscape.start), value, rtol=1e-12)


def test_values_of_many_points_are_those_of_each():
    beale = landscapes.beale()
    points = np.random.default_rng(0).normal(size=(3, 4, 2))
    found = beale(points)
    for place in np.ndindex(3, 4):
        np.testing.assert_allclose(found[place], beale(points[place]), rtol=1e-5)
    centres = landscapes.k_means(3)
    assert centres(np.stack([centres.start] * 2)).shape == (2,)
    with pytest.raises(ValueError, match=r"an array of shape \(2,\), got \(3,\).*beale\(\.\.\.\)"):
        beale(np.zeros(3))


@pytest.mark.usefixtures("x64")
def test_curvatures():
    """The Hessian's eigenvalues are what the condition says."""

    def curvatures(landscape):
        return np.linalg.eigvalsh(jax.hessian(landscape)(jnp.asarray(landscape.start)))

    for name in ("long_valley", "ravine", "quadratic"):
        landscape = getattr(landscapes, name)(condition=80.0)
        np.testing.assert_allclose(curvatures(landscape), [1 / 80, 1.0], rtol=1e-12)
    assert curvatures(landscapes.worst_case(30)).max() < 1.0
    hessian = jax.hessian(landscapes.ravine())(jnp.zeros(2))
    assert abs(hessian[0, 1]) > 0.1


@pytest.mark.usefixtures("x64")
def test_gradients_are_finite_where_descents_come_by():
    for landscape in MADE.values():
        for point in (landscape.start, *landscape.minima, np.zeros_like(landscape.start)):
            gradient = jax.grad(landscape)(jnp.asarray(np.array(point)))
            assert jnp.isfinite(gradient).all(), landscape


@pytest.mark.usefixtures("x64")
def test_the_worst_case_is_seen_one_coordinate_a_step():
    landscape, x = landscapes.worst_case(10), jnp.zeros(10)
    for k in range(1, 6):
        x = x - jax.grad(landscape)(x)
        assert (x[:k] > 0).all() and (x[k:] == 0).all()


def test_a_descent_of_a_quadratic_is_its_closed_form():
    landscape = landscapes.quadratic(10.0)
    run = lectopt.fit(landscape.problem(), lectopt.sgd(0.5), 20)
    np.testing.assert_allclose(run.params, [(1 - 0.05) ** 20, 0.5**20], rtol=1e-5)
    assert run.best is None and "value" in " ".join(run.evaluations.columns)


def test_noise_is_in_the_gradient_and_not_in_the_metric():
    landscape = landscapes.quadratic(1.0, 2)
    problem = landscape.problem(noise=0.5)
    (data,) = problem.data.values()
    keys = jax.random.split(jax.random.key(0), 4000)
    gradients = jax.vmap(lambda key: jax.grad(problem.loss)(jnp.ones(2), data, key))(keys)
    np.testing.assert_allclose(gradients.mean(axis=0), 1.0, atol=5 * 0.5 / np.sqrt(4000))
    np.testing.assert_allclose(gradients.std(axis=0), 0.5, rtol=0.05)
    assert problem.metrics(jnp.ones(2), data)["value"] == 1.0
    assert problem.metric == "value"


def test_one_sample_can_be_fitted_exactly():
    """At the rate `1 / x^2` each step makes the weight the latest quotient `y / x`."""
    line = landscapes.line_through_the_origin(10)
    gradient = jax.grad(lambda w, batch: line.problem(batch_size=1).loss(w, batch, None).mean())
    for x, y in zip(*line.samples, strict=True):
        step = gradient(jnp.ones(1), (x[None, None, 0], y[None]))
        np.testing.assert_allclose(1 - step / x**2, y / x, rtol=1e-4)


def test_clumps_without_a_spread_are_copies():
    x, y = landscapes.clumpy_data(5, 100).samples
    assert len(np.unique(np.c_[x, y], axis=0)) == 5
    x, y = landscapes.clumpy_data(5, 100, 0.1).samples
    assert len(np.unique(np.c_[x, y], axis=0)) == 100


def test_print():
    assert repr(landscapes.long_valley()) == (
        "Landscape(long_valley, 2 parameters, minimum 0 at [0.0, 0.0], start [-2.0, 1.5])"
    )
    assert repr(landscapes.saddle()) == "Landscape(saddle, 2 parameters, start [-1.5, 0.001])"
    for landscape in MADE.values():
        assert len(repr(landscape)) < 3000


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: landscapes.quadratic(0.5), "condition of 1 or more, got 0.5; write condition=50"),
        (lambda: landscapes.ravine(np.nan), "got nan"),
        (lambda: landscapes.quadratic(2.0, 0), "whole dimension of 1 or more, got 0"),
        (lambda: landscapes.rastrigin(2.0), "write dimension=2"),
        (lambda: landscapes.double_well(1.0), "write tilt=0.1"),
        (lambda: landscapes.rosenbrock(b=0.0), "write b=100.0"),
        (lambda: landscapes.clumpy_data(1), "write clumpy_data"),
        (lambda: landscapes.k_means(5, 3), "write k_means"),
        (lambda: landscapes.line_through_the_origin(1), "write samples=200"),
        (lambda: landscapes.beale().problem(noise=-1.0), "write noise=1.0"),
        (lambda: landscapes.beale().problem(batch_size=3), "write noise= for noisy steps"),
    ],
)
def test_what_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()
