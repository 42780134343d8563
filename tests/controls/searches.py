"""One search along a direction, eager or as a program, for the tests of line search."""

import jax
import numpy as np
import pytest

kinds = pytest.mark.parametrize("kind", ["weak", "strong"])


def search(tx, value_fn, params, direction, **extra):
    """The step, and the record of one update along `direction`."""
    value, grad = jax.value_and_grad(value_fn)(params)
    updates, state = tx.update(
        direction, tx.init(params), params, value=value, grad=grad, value_fn=value_fn, **extra
    )
    record = state["line_search"]
    for update, d in zip(jax.tree.leaves(updates), jax.tree.leaves(direction), strict=True):
        np.testing.assert_allclose(update, record["learning_rate"] * d, rtol=1e-6)
    return record["learning_rate"], record


def quartic(a):
    return 1 - 2 * a + 2.2 * a**2 - 0.9 * a**3 + 0.1 * a**4


def lane(tx, value_fn):
    """`(start, direction) -> (step, record)` as one program, for starts of any kind."""

    @jax.jit
    def run(start, direction):
        value, grad = jax.value_and_grad(value_fn)(start)
        given = dict(value=value, grad=grad, value_fn=value_fn)
        _, state = tx.update(direction, tx.init(start), start, **given)
        return state["line_search"]["learning_rate"], state["line_search"]

    return run
