"""Leaves that are no real or complex numbers: left alone without a gradient, refused with one."""

import re

import chex
import flax
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import lectopt
from tests.support.everything import EVERYTHING, EXTRA, PARAMS

LEAVES = {
    "int": jnp.arange(2),
    "bool": jnp.array([True, False]),
    "raw key": jax.random.PRNGKey(0),
    "key": jax.random.key(0),
    "keys": jax.random.split(jax.random.key(0), 3),
}
WITH = PARAMS | LEAVES
GRADS = PARAMS | dict.fromkeys(LEAVES)
BESIDE = EXTRA | dict(grad=GRADS, proposed=GRADS)

everything = pytest.mark.parametrize("tx", [*EVERYTHING.values()], ids=[*EVERYTHING])


def moved(params, updates):
    return jax.tree.map(
        lambda u, p: p if u is None else p + u, updates, params, is_leaf=lambda x: x is None
    )


@everything
def test_without_a_gradient_they_are_left_alone(tx):
    """And the state keeps its types, so that a scan takes it."""
    state = jax.eval_shape(tx.init, WITH)
    assert jax.tree.structure(tx.init(WITH)) == jax.tree.structure(state)

    def step(carry, _):
        params, state = carry
        updates, state = tx.update(GRADS, state, tx.point(params, state), **BESIDE)
        assert all(updates[name] is None for name in LEAVES)
        return (moved(params, updates), state), None

    params, after = jax.eval_shape(lambda: jax.lax.scan(step, (WITH, tx.init(WITH)), length=2)[0])
    assert jax.tree.structure(after) == jax.tree.structure(state)
    evaluated = jax.eval_shape(lectopt.evaluation_params, after, params)
    for name, leaf in LEAVES.items():
        assert evaluated[name].dtype == leaf.dtype and evaluated[name].shape == leaf.shape


@everything
@pytest.mark.parametrize("name", ["int", "bool", "key"])
def test_with_a_gradient_they_are_refused_by_name(tx, name):
    leaf = {name: LEAVES[name]}
    params, grads = PARAMS | leaf, PARAMS | {name: jnp.ones(LEAVES[name].shape)}
    state = jax.eval_shape(tx.init, params)
    words = re.escape(f"['{name}'] is {LEAVES[name].dtype}")
    with pytest.raises(TypeError, match=words + ".*jnp.float32.* None as the gradient"):
        tx.update(grads, state, params, **EXTRA)


def test_the_others_move_as_they_do_alone():
    tx = lectopt.chain(optax.clip(1.0), lectopt.adamw(0.1), optax.add_decayed_weights(0.1))
    alone, _ = tx.update(PARAMS, tx.init(PARAMS), PARAMS)
    beside, state = tx.update(GRADS, tx.init(WITH), WITH)
    chex.assert_trees_all_equal({name: beside[name] for name in PARAMS}, alone)
    after = moved(WITH, beside)
    assert all(after[name] is LEAVES[name] for name in LEAVES)
    again = flax.serialization.from_bytes(state, flax.serialization.to_bytes(state))
    chex.assert_trees_all_equal(again, state)


def test_gradients_that_jax_has_for_integers_are_refused_by_name():
    params = {"w": jnp.ones(2), "steps": jnp.arange(2)}
    grads = jax.grad(lambda p: jnp.sum(p["w"] * p["steps"]), allow_int=True)(params)
    assert grads["steps"].dtype == jax.dtypes.float0
    tx = lectopt.sgd(0.1)
    with pytest.raises(TypeError, match=r"\['steps'\].*Give None as the gradient"):
        tx.update(grads, tx.init(params), params)
    updates, _ = tx.update(grads | {"steps": None}, tx.init(params), params)
    np.testing.assert_allclose(updates["w"], [0.0, -0.1])


def test_narrow_and_mixed_parameters_are_none_of_them():
    params = {"w": jnp.ones(2, jnp.bfloat16), "z": jnp.ones(2, complex), "f": 1.0}
    updates, _ = lectopt.sgd(0.1).update(jax.tree.map(jnp.ones_like, params), {}, params)
    assert updates["w"].dtype == jnp.bfloat16
