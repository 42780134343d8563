"""Every algorithm is its source's formula: equal trajectories, step by step, in float64."""

import dataclasses
import functools as ft

import hypothesis
import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import lectopt
from tests.support.algorithms import ALGORITHMS, over
from tests.support.public import numbers_of
from tests.support.training import train, train_by_steps

STEPS, SIZE = 60, 6
CURVATURE = np.array([0.0, 0.0, 0.5, 2.0, 1.0, 0.1])
THETA = np.array([0.3, -0.7, 1.0, -2.0, 0.5, 3.0])
RATES = 0.05 * (1 + 0.5 * np.sin(np.arange(STEPS))) / (1 + 0.02 * np.arange(STEPS))


def noise():
    """Coordinate 0 never has a gradient, coordinate 1 only from update 20 on."""
    values = np.random.default_rng(0).normal(size=(STEPS, SIZE))
    values[:, 0] = 0
    values[:20, 1] = 0
    return values


def lectopt_path(row):
    """`(noise, rates, curvature, numbers) -> path`: one program for all histories and settings."""

    def path(noise, rates, curvature, numbers):
        def grad(theta, t):
            return noise[t] + curvature * theta

        def value(theta, t):
            return (noise[t] * theta).sum() + (curvature * theta**2).sum() / 2

        tx = row.build(lambda count: rates[count], **numbers)
        return train(tx, jnp.asarray(THETA), grad, STEPS, **row.loss(value))

    return path


def twin_path(row, noise, rates, curvature):
    return row.twin_path(
        THETA,
        lambda theta, t: noise[t] + curvature * theta,
        lambda t: rates[t],
        STEPS,
        lambda theta, t: (noise[t] * theta).sum() + (curvature * theta**2).sum() / 2,
    )


rows = pytest.mark.parametrize("row", ALGORITHMS, ids=lambda row: row.id)


@rows
@pytest.mark.usefixtures("x64")
def test_is_its_twin(row):
    path = jax.jit(lectopt_path(row))
    numbers = {name: jnp.asarray(value) for name, value in row.numbers.items()}
    ours = path(noise(), RATES, CURVATURE, numbers)
    twin = twin_path(row, noise(), RATES, CURVATURE)
    np.testing.assert_allclose(ours[0], twin[0], rtol=1e-12, atol=1e-12)  # the first step
    np.testing.assert_allclose(ours, twin, rtol=1e-12, atol=1e-12)
    if not row.decays:
        np.testing.assert_allclose(ours[:, 0], twin[:, 0], rtol=1e-15)  # the dead coordinate
    if not row.any_history:
        return

    # The same program on histories that hypothesis invents: zeros, ties, sign changes, all sizes.
    sizes = st.one_of(st.just(0.0), st.floats(1e-6, 1e3), st.floats(-1e3, -1e-6))

    @hypothesis.settings(max_examples=15, deadline=None, database=None, derandomize=True)
    @hypothesis.given(hnp.arrays(float, (STEPS, SIZE), elements=sizes))
    def on_any_history(history):
        ours = path(history, RATES, np.zeros(SIZE), numbers)
        twin = twin_path(row, history, RATES, np.zeros(SIZE))
        slack = 1e-9 * row.conditioning
        np.testing.assert_allclose(ours, twin, rtol=slack, atol=slack)

    on_any_history()


@pytest.mark.slow  # the contract's `vmap_over_settings` over all conventions, and schedules
@rows
@pytest.mark.usefixtures("x64")
def test_every_number_can_be_swept(row):
    """One vmapped program over all numbers and the rate; constants and schedules give the same."""

    def problem(push):
        def grad(theta, t):
            return push[t] + CURVATURE * theta

        def value(theta, t):
            return (push[t] * theta).sum() + (CURVATURE * theta**2).sum() / 2

        return grad, value

    def path(rate, numbers):
        grad, value = problem(jnp.asarray(noise()))
        return train(row.build(rate, **numbers), jnp.asarray(THETA), grad, STEPS, **row.loss(value))

    lanes = [(0.05, row.numbers), (0.02, {k: 0.9 * v for k, v in row.numbers.items()})]
    stacked = jax.tree.map(lambda *values: jnp.array(values), *lanes)
    swept = jax.jit(jax.vmap(path))(*stacked)
    grad, value = problem(noise())
    for lane, (rate, numbers) in zip(swept, lanes, strict=True):
        twin = dataclasses.replace(row, numbers=numbers)
        twin = twin.twin_path(THETA, grad, lambda t, rate=rate: rate, STEPS, value)
        np.testing.assert_allclose(lane, twin, rtol=1e-11, atol=1e-12)
    follows = numbers_of(getattr(row.make, "func", row.make))
    constant = {k: v for k, v in row.numbers.items() if not follows.get(k, True)}
    schedules = {k: (lambda count, v=v: v) for k, v in row.numbers.items()} | constant
    for tx in (row.build(0.05, **row.numbers), row.build(lambda count: 0.05, **schedules)):
        found = train_by_steps(tx, THETA, grad, STEPS, **row.loss(value))
        np.testing.assert_allclose(found, swept[0], rtol=1e-11, atol=1e-12)


def partly_float32(function, given):
    """Whether it computes anything in float32 although it is given float64."""
    return given.dtype == np.float64 and "f32" in str(jax.make_jaxpr(function)(given))


def same_name(ours, theirs):
    return theirs is not None and theirs is getattr(optax, getattr(ours, "__name__", ""), None)


@over([r for r in ALGORITHMS if r.optax], every=2)
@pytest.mark.parametrize(
    "scheduled, dtype, slack",
    [  # constant rates are in the contract, as `as_optax` and `as_optax_in_float32`
        pytest.param(False, "float32", 3e-6, marks=pytest.mark.slow),
        pytest.param(True, "float32", 3e-6, marks=pytest.mark.slow),
        pytest.param(False, "float64", 1e-12, marks=pytest.mark.slow),
        pytest.param(True, "float64", 1e-12),
    ],
)
@pytest.mark.usefixtures("x64")
def test_a_call_that_optax_accepts_gives_its_numbers(row, scheduled, dtype, slack):
    if dtype == "float32" and row.conditioning > 1:
        pytest.skip("float32 rounding of a cancelling variance is not the same in any two programs")
    rates = jnp.asarray(RATES, dtype)
    rate = (lambda count: rates[count]) if scheduled else 0.05

    def path(make, noise):
        def grad(theta, t):
            return noise[t] + jnp.asarray(CURVATURE, dtype) * theta

        return train(make(rate, **row.numbers), jnp.asarray(THETA, dtype), grad, STEPS)

    makers, given = (row.make, row.optax), jnp.asarray(noise(), dtype)
    if partly_float32(lambda noise: path(row.optax, noise), given):
        slack = 3e-6
    ours, theirs = jax.jit(lambda noise: [path(make, noise) for make in makers])(given)
    np.testing.assert_allclose(ours, theirs, rtol=10 * slack, atol=slack)


@pytest.mark.usefixtures("x64")
def test_defaults_are_optaxs():
    """Values of the arguments that both have, for all rows that are Optax's function of the same
    name."""
    same = {row.make: row.optax for row in ALGORITHMS if same_name(row.make, row.optax)}
    assert {lectopt.adam, lectopt.sgd, lectopt.amsgrad} <= same.keys()

    def path(make, start):
        return train(make(0.1), start, lambda p, t: p, 5)

    for make, theirs in same.items():
        slack = 3e-6 if partly_float32(ft.partial(path, theirs), jnp.ones(3)) else 1e-12
        np.testing.assert_allclose(path(make, jnp.ones(3)), path(theirs, jnp.ones(3)), rtol=slack)


@pytest.mark.usefixtures("x64")
def test_sweep_as_the_readme_writes_it():
    def final(tx):
        return train(tx, jnp.asarray(THETA), lambda p, t: CURVATURE * p, STEPS)[-1]

    rates, decays = jnp.array([0.1, 0.01, 0.3]), jnp.array([0.9, 0.5, 0.0])
    swept = jax.vmap(lambda lr, b1: final(lectopt.adam(lr, b1)))(rates, decays)
    for i in range(3):
        alone = final(lectopt.adam(float(rates[i]), float(decays[i])))
        np.testing.assert_allclose(swept[i], alone, rtol=1e-12, atol=1e-14)
