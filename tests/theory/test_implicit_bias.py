"""Which of many solutions a method finds: the root of the generalisation gap of adaptive methods.

More weights than samples, so that a whole plane of weights fits the data exactly.
"""

import jax.numpy as jnp
import numpy as np
import pytest

import lectopt
from tests.support.descent import descend


@pytest.mark.usefixtures("x64")
def test_descent_finds_the_smallest_solution_and_adam_another():
    """S4-30, S4-31: gradients are combinations of the inputs, so gradient descent and momentum
    from 0 stay in their span and end at the solution of least norm; dividing by root mean squares
    leaves the span."""
    rng = np.random.default_rng(0)
    x, y = jnp.asarray(rng.normal(size=(5, 20))), jnp.asarray(rng.normal(size=5))
    smallest = np.linalg.pinv(x) @ y

    def end(tx):
        gradient = lambda w, t: x.T @ (x @ w - y)  # noqa: E731
        (w,) = descend(tx, jnp.zeros(20), gradient, 5000, every=5000)
        np.testing.assert_allclose(x @ w, y, atol=1e-6)
        return np.asarray(w)

    for tx in (lectopt.sgd(0.02), lectopt.momentum(0.01), lectopt.nesterov(0.01)):
        np.testing.assert_allclose(end(tx), smallest, atol=1e-6)
    adam = end(lectopt.adam(lectopt.power_decay(0.1, 0.5)))
    assert np.linalg.norm(adam) > 1.05 * np.linalg.norm(smallest)
