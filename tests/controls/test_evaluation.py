"""Where the gradient is taken and what is evaluated: `point` and `evaluation_params`."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

import lectopt
from tests.support.training import train

PARAMS = {"a": {"w": jnp.array([1.0, -2.0])}, "b": jnp.array(3.0)}
RATE = optax.cosine_decay_schedule(0.1, 20)


def grads_at(params):
    return jax.tree.map(lambda p: p**3, params)


def after(tx, steps=5, params=PARAMS):
    state = tx.init(params)
    for _ in range(steps):
        point = tx.point(params, state) if isinstance(tx, lectopt.Transformation) else params
        updates, state = tx.update(grads_at(point), state, params)
        params = optax.apply_updates(params, updates)
    return params, state


def base_points(decay=0.9):
    """The lectures' text: base points, with the gradient at the look-ahead point."""
    return after(lectopt.nesterov(RATE, decay, form="look_ahead"))[0]


@pytest.mark.parametrize(
    "decay", [0.9, lambda count: 0.5 + 0.05 * count], ids=["fixed", "scheduled"]
)
def test_shifted_nesterov_is_the_lectures_for_every_schedule(decay):
    params, state = after(lectopt.nesterov(RATE, decay))
    evaluated = lectopt.evaluation_params(state, params)
    chex.assert_trees_all_close(evaluated, base_points(decay), rtol=1e-5)
    assert abs(params["b"] - evaluated["b"]) > 1e-3  # and the two points do differ


def test_point_is_the_look_ahead_point_and_elsewhere_the_parameters():
    tx = lectopt.chain(optax.identity(), lectopt.nesterov(0.1, form="look_ahead"))
    params, state = after(tx)
    ahead = jax.tree.map(lambda p, v: p + 0.9 * v, params, optax.tree.get(state, "trace"))
    chex.assert_trees_all_close(tx.point(params, state), ahead)
    adam = lectopt.adam(0.1)
    assert adam.point(params, adam.init(params)) is params


LABELS = {"a": "ahead", "b": "plain"}
WRAPPED = {
    "chain": optax.chain(optax.clip(1e9), lectopt.nesterov(RATE)),
    "named member": lectopt.chain(optax.identity(), inner=lectopt.nesterov(RATE)),
    "MultiSteps": optax.MultiSteps(lectopt.nesterov(RATE), 1).gradient_transformation(),
    "apply_if_finite": optax.apply_if_finite(lectopt.nesterov(RATE), 2),
    "inject_hyperparams": optax.inject_hyperparams(lectopt.nesterov)(RATE, 0.9),
    "masked": optax.masked(lectopt.nesterov(RATE), {"a": True, "b": True}),
}


@pytest.mark.parametrize("wrapped", WRAPPED.values(), ids=WRAPPED)
def test_evaluation_params_are_found_through(wrapped):
    params, state = after(wrapped)
    chex.assert_trees_all_close(
        lectopt.evaluation_params(state, params), base_points(), rtol=1e-5, atol=1e-6
    )


def test_evaluation_params_of_groups():
    """Each leaf has the treatment of its group; a leaf of another optimizer is itself."""
    tx = optax.partition({"ahead": lectopt.nesterov(RATE), "plain": lectopt.adam(0.1)}, LABELS)
    params, state = after(tx)
    evaluated = lectopt.evaluation_params(state, params)
    chex.assert_trees_all_close(evaluated["a"], base_points()["a"], rtol=1e-5, atol=1e-6)
    assert evaluated["b"] is params["b"]


def test_evaluation_params_under_vmap_and_in_half_precision():
    def evaluated(rate):
        params, state = after(lectopt.nesterov(rate), params={"w": jnp.ones(2, jnp.bfloat16)})
        return lectopt.evaluation_params(state, params)

    swept = jax.vmap(evaluated)(jnp.array([0.1, 0.01]))
    assert swept["w"].dtype == jnp.bfloat16
    chex.assert_trees_all_close(swept["w"][1], evaluated(0.01)["w"], rtol=1e-2)


def test_evaluation_params_of_a_flax_optimizer():
    model = nnx.Linear(2, 2, rngs=nnx.Rngs(0))
    optimizer = nnx.Optimizer(model, lectopt.nesterov(0.1), wrt=nnx.Param)
    for _ in range(2):
        grads = nnx.grad(lambda m: jnp.sum(m(jnp.ones(2)) ** 2))(model)
        optimizer.update(model, grads)
    params = nnx.state(model, nnx.Param)
    evaluated = lectopt.evaluation_params(optimizer.opt_state, params)
    ahead = jax.tree.leaves(optimizer.opt_state)
    differences = jax.tree.map(lambda p, e: p - e, params, evaluated)
    for difference, offset in zip(jax.tree.leaves(differences), ahead, strict=True):
        np.testing.assert_allclose(difference, offset, rtol=1e-4, atol=1e-6)
        assert np.abs(offset).max() > 0
    nnx.update(model, evaluated)  # what one evaluates is a state that fits the model


def test_every_setting_may_be_a_schedule():
    """A schedule is read at the number of updates made before."""
    tx = lectopt.adam(lambda count: 0.1 / (count + 1), b2=lambda count: 0.9 + 0.01 * count)
    path = train(tx, jnp.ones(2), lambda p, t: p, 3)
    state, theta = lectopt.adam(0.1).init(jnp.ones(2)), jnp.ones(2)
    for count in range(3):
        now = lectopt.adam(0.1 / (count + 1), b2=0.9 + 0.01 * count)
        updates, state = now.update(theta, state)
        theta = theta + updates
        np.testing.assert_allclose(path[count], theta, rtol=1e-6)
