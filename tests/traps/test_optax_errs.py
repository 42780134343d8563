"""What Optax 0.2.8 does against its own words or its papers, and lectopt does not: the exceptions
that `docs/optax-numbers.md` lists and that no other test shows. One that Optax mends fails here."""

import jax.numpy as jnp
import numpy as np
import optax
import pytest

import lectopt
from tests.support import twins

pytestmark = pytest.mark.skipif(optax.__version__ != "0.2.8", reason="it may be mended")
START = np.array([1.0, -2.0, 0.5])


def grad(theta, t):
    return theta + np.sin(t + np.arange(3))


def path(tx, steps=6):
    params, state, found = jnp.asarray(START), tx.init(jnp.asarray(START)), []
    for t in range(steps):
        updates, state = tx.update(jnp.asarray(grad(np.asarray(params), t)), state, params)
        params = optax.apply_updates(params, updates)
        found.append(params)
    return np.array(found)


def first(tx, grads, params, **extra):
    return tx.update(grads, tx.init(params), params, **extra)[0]


@pytest.mark.usefixtures("x64")
def test_adan_counts_the_change_by_what_the_papers_beta_would_be():
    settings = dict(b1=0.9, b2=0.7, b3=0.95)
    paper = twins.adan(START, grad, lambda t: 0.1, 6, **settings, eps=1e-8, root=1e-8)
    np.testing.assert_allclose(path(lectopt.adan(0.1, **settings)), paper, rtol=1e-12)
    wrong = path(optax.adan(0.1, **settings))
    assert abs(wrong - paper).max() > 1e-3
    # With b2 = 1/2 both readings are one.
    settings["b2"] = 0.5
    both = path(optax.adan(0.1, **settings)), path(lectopt.adan(0.1, **settings))
    np.testing.assert_allclose(*both, rtol=1e-12)


def test_what_is_nan_in_optax_is_a_number():
    zeros = jnp.zeros(3)
    for ours, theirs in (
        (lectopt.prodigy(), optax.contrib.prodigy()),
        (lectopt.normalize(), optax.contrib.normalize()),
    ):
        assert np.isnan(first(theirs, zeros, jnp.ones(3))).all()
        np.testing.assert_array_equal(first(ours, zeros, jnp.ones(3)), 0)
    g = jnp.asarray(np.random.default_rng(0).normal(size=(4, 3)) * (1 + 2j), jnp.complex64)
    theirs = optax.contrib.muon(0.1, preconditioning="schatten")
    assert np.isnan(first(theirs, g, g)).any()
    ours = lectopt.dialects.optax.contrib.muon(0.1, preconditioning="schatten")
    assert np.isfinite(first(ours, g, g)).all()


def test_polyak_goes_on_where_optax_stops():
    g, extra = jnp.full(2, 1e-9), dict(value=1e-12)
    assert (first(optax.polyak_sgd(1e9), g, g, **extra) == 0).all()
    moved = first(lectopt.polyak_sgd(1e9), g, g, **extra)
    np.testing.assert_allclose(moved, -1e-12 / 2e-18 * g, rtol=1e-5)


@pytest.mark.usefixtures("x64")
def test_the_weights_of_schedule_free_are_those_of_their_own_rates():
    def rate(count):
        return jnp.asarray([0.1, 0.2, 0.3, 0.1, 0.1, 0.1, 0.1])[count]

    paper = twins.schedule_free_sgd(START, grad, lambda t: float(rate(t)), 6)
    np.testing.assert_allclose(path(lectopt.schedule_free_sgd(rate)), paper, rtol=1e-12)
    theirs = optax.contrib.schedule_free(optax.sgd(rate), rate)
    assert abs(path(theirs) - paper).max() > 1e-3


@pytest.mark.parametrize("name", ["cocob", "simplified_ademamix", "prodigy"])
def test_a_turn_of_complex_weights_and_gradients_turns_the_path(name):
    """In Optax it does not."""
    turn = np.exp(0.7j)
    rates = {"prodigy": dict(learning_rate=1.0)}.get(name, dict(learning_rate=0.1))

    def ends(make, by):
        tx = make(**rates)
        params = jnp.asarray(START * by, jnp.complex64)
        state = tx.init(params)
        for t in range(6):
            grads = jnp.asarray(np.asarray(params) + by * np.sin(t + np.arange(3)), jnp.complex64)
            updates, state = tx.update(grads, state, params)
            params = optax.apply_updates(params, updates)
        return np.asarray(params)

    mine, theirs = getattr(lectopt, name), getattr(optax.contrib, name)
    np.testing.assert_allclose(ends(mine, turn), turn * ends(mine, 1), rtol=1e-4, atol=1e-6)
    assert abs(ends(theirs, turn) - turn * ends(theirs, 1)).max() > 1e-6
