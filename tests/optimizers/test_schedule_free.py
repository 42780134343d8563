"""Schedule-Free: the weights are where gradients are taken, and the mean is what is evaluated."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import lectopt
from tests.support import twins

CURVATURE = np.array([0.0, 0.5, 2.0])
START = np.array([1.0, -2.0, 0.5])
WARM = 0.3 * np.minimum(np.arange(60) / 10, 1)  # from 0: the first updates weigh nothing


def grad(theta, t):
    return CURVATURE * theta + np.sin(t + np.arange(3)) * (CURVATURE > 0)


@pytest.mark.parametrize(
    "make, twin",
    [
        (lectopt.schedule_free_sgd, twins.schedule_free_sgd),
        (lectopt.schedule_free_adamw, twins.schedule_free_adamw),
    ],
    ids=["sgd", "adamw"],
)
@pytest.mark.usefixtures("x64")
def test_the_mean_is_what_is_evaluated(make, twin):
    means = []
    path = twin(START, grad, WARM.__getitem__, 60, beta=0.8, lam=0.1, means=means)
    tx = make(lambda count: jnp.asarray(WARM)[count], 0.8, weight_decay=0.1)
    params, state = jnp.asarray(START), None
    state = tx.init(params)
    np.testing.assert_array_equal(lectopt.evaluation_params(state, params), params)
    for t in range(60):
        updates, state = tx.update(jnp.asarray(grad(np.asarray(params), t)), state, params)
        params = optax.apply_updates(params, updates)
        np.testing.assert_allclose(params, path[t], rtol=1e-12)
        np.testing.assert_allclose(lectopt.evaluation_params(state, params), means[t], rtol=1e-12)


@pytest.mark.parametrize("name", ["schedule_free_sgd", "schedule_free_adamw"])
@pytest.mark.usefixtures("x64")
def test_at_a_constant_rate_it_is_optaxs(name):
    ours = getattr(lectopt, name)(0.1, weight_decay=0.05)
    theirs = getattr(optax.contrib, name)(0.1, weight_decay=0.05)
    ends = []
    for tx in (ours, theirs):
        params = {"a": jnp.asarray(START), "b": jnp.ones(2)}
        state = tx.init(params)
        for _ in range(20):
            grads = jax.tree.map(lambda p: p + 1, params)
            updates, state = tx.update(grads, state, params)
            params = optax.apply_updates(params, updates)
        if tx is ours:
            ends.append((params, lectopt.evaluation_params(state, params)))
        else:
            ends.append((params, optax.contrib.schedule_free_eval_params(state, params)))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-11), *ends)
