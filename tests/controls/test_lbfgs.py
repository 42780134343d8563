"""L-BFGS with its line search, and as Optax and PyTorch have it."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import lectopt
from tests.support import twins
from tests.support.witness import RATES, TREE, assert_close, schedule


def rosenbrock(params):
    x, y = params["x"], params["y"]
    return jnp.sum(100 * (y - x**2) ** 2 + (1 - x) ** 2)


def minimised(tx, value_fn, params, steps):
    """The loss after every update."""

    @jax.jit
    def run(params):
        def step(carry, _):
            params, state = carry
            value, grad = jax.value_and_grad(value_fn)(params)
            extra = dict(value=value, grad=grad, value_fn=value_fn)
            updates, state = tx.update(grad, state, params, **extra)
            params = optax.apply_updates(params, updates)
            return (params, state), value_fn(params)

        return jax.lax.scan(step, (params, tx.init(params)), None, steps)[1]

    return run(params)


def start():
    return {"x": jnp.array([-1.2, 0.0]), "y": jnp.array([1.0, 0.5])}


@pytest.mark.parametrize("line_search", ["strong", "weak"])
@pytest.mark.usefixtures("x64")
def test_it_finds_the_minimum_of_rosenbrock_and_never_goes_up(line_search):
    losses = minimised(lectopt.lbfgs(line_search=line_search), rosenbrock, start(), 60)
    assert losses[-1] < 1e-10
    assert (np.diff(losses) <= 0).all()


@pytest.mark.usefixtures("x64")
def test_a_quadratic_is_done_in_a_step_for_every_dimension():
    """With exact steps, and as many pairs: conjugate directions. The search is exact to c2."""
    curvature = jnp.array([1.0, 3.0, 10.0, 40.0])

    def loss(p):
        return jnp.sum(curvature * p**2) / 2

    tx = lectopt.lbfgs(c1=1e-10, c2=1e-9, max_evaluations=60)
    assert minimised(tx, loss, jnp.ones(4), 5)[-1] < 1e-15


@pytest.mark.usefixtures("x64")
def test_it_is_optaxs():
    """With its line search while that does not approximate, 1e-6 from the minimum."""
    ours = minimised(lectopt.lbfgs(curvature="any"), rosenbrock, start(), 20)
    np.testing.assert_allclose(ours, minimised(optax.lbfgs(), rosenbrock, start(), 20), rtol=1e-8)


@pytest.mark.slow  # compiles four loops
@pytest.mark.usefixtures("x64")
def test_its_direction_is_optaxs():
    for init in (True, False):
        tx = lectopt.scale_by_lbfgs(4, init, curvature="any")
        theirs = optax.chain(optax.scale_by_lbfgs(4, init), optax.scale_by_learning_rate(1e-3))
        mine = lectopt.chain(tx, lectopt.scale_by_learning_rate(1e-3))
        bowl = TREE.optax(mine), TREE.optax(theirs)
        for a, b in zip(*bowl, strict=True):
            np.testing.assert_allclose(a[:12], b[:12], rtol=1e-6, atol=1e-9)


@pytest.mark.usefixtures("x64")
def test_of_several_leaves_it_is_that_of_one_vector():
    """Dead weights among them."""
    tx = lectopt.lbfgs(schedule, 3, line_search=None)
    assert_close(TREE.twin_of_weights(twins.lbfgs, m=3), TREE.optax(tx), rtol=1e-6, atol=1e-9)
    assert RATES[0] > 0


def test_pairs_of_negative_curvature_are_left_out():
    """Along them `H` would make an ascent direction; Optax keeps them."""
    params, ascents = jnp.array([1.0]), {}
    for curvature in ("positive", "any"):
        tx = lectopt.scale_by_lbfgs(curvature=curvature)
        state = tx.init(params)
        _, state = tx.update(jnp.array([-1.0]), state, params)
        direction, state = tx.update(jnp.array([-2.0]), state, params + 1)  # y s = -1
        ascents[curvature] = float(direction[0]) * -2.0 < 0
        assert state["stored"] == (curvature == "any")
    assert ascents == {"positive": False, "any": True}


def test_a_memory_has_the_size_that_is_asked_for():
    state = lectopt.scale_by_lbfgs(7).init({"w": jnp.ones((2, 3))})
    assert state["diff_params_memory"]["w"].shape == (7, 2, 3)
    assert state["weights_memory"].shape == (7,)
