"""`masked`: what is left out passes unchanged and has no state, whatever is inside."""

import dataclasses
import re

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import lectopt
from lectopt import chain, masked

PARAMS = {"w": jnp.array([1.0, -2.0]), "b": jnp.array([0.5])}
GRADS = {"w": jnp.array([0.3, -0.4]), "b": jnp.array([2.0])}
MASK = {"w": True, "b": False}


@lectopt.treewise(largest=0.0, first="params")
def by_largest(updates, state, params):
    """A rule of the whole tree, with a number and a tree for slots."""
    del params
    now = jnp.max(jnp.stack([jnp.abs(u).max() for u in jax.tree.leaves(updates)]))
    largest = jnp.maximum(state.largest, now)
    return jax.tree.map(lambda u: u / largest, updates), dict(largest=largest, first=state.first)


INSIDE = {
    "stateful": lectopt.adam(0.1),
    "stateless": lectopt.scale(3.0),
    "treewise": by_largest(),
    "optax": optax.adam(0.1),
    "chain": chain(lectopt.ema(0.9), by_largest(), optax.scale(2.0), lectopt.sgd(0.1)),
    "named": chain(inner=lectopt.momentum(0.1)),
    "wants the parameters": lectopt.adamw(0.1),
    "slots of other shapes": lectopt.novograd(0.1),
}


@pytest.mark.parametrize("name", INSIDE)
def test_as_if_the_others_did_not_exist(name):
    tx, inside = masked(INSIDE[name], MASK), chain(INSIDE[name])
    state, alone = tx.init(PARAMS), inside.init({"w": PARAMS["w"], "b": None})
    chex.assert_trees_all_equal(state, alone)
    for _ in range(3):
        updates, state = tx.update(GRADS, state, PARAMS)
        own, alone = inside.update(GRADS | {"b": None}, alone, PARAMS | {"b": None})
        chex.assert_trees_all_close(updates["w"], own["w"], rtol=1e-6)
        np.testing.assert_array_equal(updates["b"], GRADS["b"])
        chex.assert_trees_all_close(state, alone, rtol=1e-6)
    paths = [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_leaves_with_path(state)]
    assert not any("'b'" in path for path in paths)


@pytest.mark.parametrize("inside", [lectopt.adam(0.1), by_largest()], ids=["rule", "treewise"])
def test_masks_of_all_kinds_are_one(inside):
    params, grads = dict(a=PARAMS, c=PARAMS), dict(a=GRADS, c=GRADS)
    whole = masked(inside, dict(a=MASK, c=dict(w=False, b=False)))
    kinds = (
        dict(a=MASK, c=False),
        dict(a=MASK, c=np.bool_(False)),
        lambda params: dict(a=MASK, c=jax.tree.map(lambda p: p.ndim > 1, params["c"])),
    )
    expected = whole.update(grads, whole.init(params), params)
    for mask in kinds:
        tx = masked(inside, mask)
        chex.assert_trees_all_equal(tx.update(grads, tx.init(params), params), expected)
    assert masked(inside, None) is inside


def test_a_tree_of_booleans_is_not_called():
    @jax.tree_util.register_dataclass
    @dataclasses.dataclass(frozen=True)
    class Layer:
        w: object
        b: object

        def __call__(self, x):
            raise AssertionError("called")

    params, grads = Layer(**PARAMS), Layer(**GRADS)
    for inside in (lectopt.scale(3.0), by_largest(), optax.scale(3.0)):
        tx = masked(inside, Layer(w=True, b=False))
        updates, _ = tx.update(grads, tx.init(params), params)
        assert (updates.b == grads.b).all() and (updates.w != grads.w).all()


@pytest.mark.parametrize("inside", [lectopt.adam(0.1), by_largest()], ids=["rule", "treewise"])
def test_wrong_masks(inside):
    for wrong in ({"w": 1, "b": 0}, {"w": "all", "b": True}, lambda params: params):
        with pytest.raises(ValueError, match="holds True or False .* Write for example"):
            masked(inside, wrong).init(PARAMS)
    for wrong in ({"w": True}, {"w": {"deeper": True}, "b": True}, [True, False]):
        with pytest.raises(ValueError, match="does not fit .* Write a tree of booleans"):
            masked(inside, wrong).init(PARAMS)


def test_prints_and_compares():
    tx = masked(lectopt.ema(0.9), MASK)
    assert eval(repr(tx), vars(lectopt)) == tx != masked(lectopt.ema(0.9), {"w": True, "b": True})
    assert re.fullmatch(r"masked\(ema\(decay=0.9\), mask=\{.*\}\)", repr(tx))
    mean = lectopt.ema(0.9)
    shared = lectopt.product(mean, masked(mean, MASK))
    updates, _ = shared.update(GRADS, shared.init(PARAMS))
    np.testing.assert_allclose(updates["b"], 0.1 * GRADS["b"] ** 2, rtol=1e-6)
    np.testing.assert_allclose(updates["w"], (0.1 * GRADS["w"]) ** 2, rtol=1e-6)
