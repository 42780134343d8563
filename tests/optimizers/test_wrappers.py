"""SAM, whose climb is not part of the weights to evaluate, and Mechanic, which finds a scale."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import lectopt
from tests.support import twins

START = np.array([1.0, -2.0, 0.5])
CURVATURE = np.array([0.3, 1.0, 4.0])


def climb(rho):
    return lectopt.chain(lectopt.normalize(), lectopt.sgd(rho, momentum=0.5))


def run(tx, steps=30):
    """The weights after every update, of two leaves."""

    @jax.jit
    def path(params):
        def step(carry, t):
            params, state = carry
            grads = jax.tree.map(lambda p: 0.5 * p + jnp.sin(t + p), params)
            updates, state = tx.update(grads, state, params)
            params = optax.apply_updates(params, updates)
            return (params, state), params

        return jax.lax.scan(step, (params, tx.init(params)), jnp.arange(steps))[1]

    return path({"a": jnp.asarray(START), "b": jnp.ones((2, 2))})


@pytest.mark.parametrize("reset", [True, False])
@pytest.mark.parametrize("period", [2, 3])
@pytest.mark.usefixtures("x64")
def test_sam_is_optaxs(period, reset):
    up = optax.chain(optax.contrib.normalize(), optax.sgd(0.05, 0.5))
    theirs = optax.contrib.sam(optax.adam(0.1), up, period, reset)
    ours = lectopt.sam(lectopt.adam(0.1), climb(0.05), period, reset)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-12), run(ours), run(theirs))


def test_without_a_climb_it_is_the_optimizer():
    """Optax's, with a period of 1, steps from where the weights were an update before."""
    ours = lectopt.sam(lectopt.adam(0.1), climb(0.05), 1)
    plain = run(lectopt.adam(0.1))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, 1e-5, 1e-6), run(ours), plain)


@pytest.mark.usefixtures("x64")
def test_the_weights_to_evaluate_are_without_the_climb():
    bases = []
    tx = lectopt.sam(lectopt.sgd(0.1), lectopt.chain(lectopt.normalize(), lectopt.sgd(0.2)))
    path = twins.sam_sgd(START, lambda x, t: CURVATURE * x, lambda t: 0.1, 7, rho=0.2, bases=bases)
    params, state = jnp.asarray(START), tx.init(jnp.asarray(START))
    for t in range(7):
        updates, state = tx.update(CURVATURE * params, state, params)
        params = optax.apply_updates(params, updates)
        np.testing.assert_allclose(params, path[t], rtol=1e-12)
        np.testing.assert_allclose(lectopt.evaluation_params(state, params), bases[t], rtol=1e-12)


@pytest.mark.usefixtures("x64")
def test_mechanic_is_optaxs():
    ours = lectopt.mechanize(lectopt.adam(0.1), 0.1)
    theirs = optax.contrib.mechanize(optax.adam(0.1), 0.1)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-9), run(ours), run(theirs))


def test_a_gradient_of_nothing_has_no_direction():
    tx = lectopt.normalize()
    for grads in ({"a": jnp.zeros(3)}, {"a": None}, {}):
        assert jax.tree.all(jax.tree.map(lambda u: (u == 0).all(), tx.update(grads, {})[0]))
    updates, _ = tx.update({"a": jnp.array([3e30, 0.0]), "b": jnp.array(4e30)}, {})
    np.testing.assert_allclose(updates["a"], [0.6, 0.0], rtol=1e-6)
