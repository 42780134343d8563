"""`leafwise`: slots that are not shaped like the weights; what is computed once for all leaves."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lectopt
from lectopt.settings import NonNegative

PARAMS = {"w": jnp.arange(6.0).reshape(2, 3), "b": jnp.array([1.0, -1.0, 2.0])}


@lectopt.leafwise(
    size=lambda param: jnp.zeros(()),
    rows=lambda param, *, least=2: jnp.zeros(param.shape[0]) if param.ndim >= least else None,
    pair=lambda param: dict(first=jnp.zeros(()), last=jnp.ones(2)),
)
def shaped(g, state, *, rate=1.0):
    """A number, an array or nothing, and a tree, for every leaf."""
    size = state.size + jnp.sum(g * g)
    rows = None if state.rows is None else state.rows + g.sum(1)
    pair = dict(first=state.pair["first"] + 1, last=2 * state.pair["last"])
    return rate * g / size, dict(size=size, rows=rows, pair=pair)


def test_slots_of_other_shapes():
    tx = shaped()
    state = tx.init(PARAMS)
    assert jax.tree.map(jnp.shape, state["size"]) == {"w": (), "b": ()}
    assert state["rows"]["b"] is None and state["rows"]["w"].shape == (2,)
    for t in (1, 2):
        updates, new = tx.update(PARAMS, state)
        for k, g in PARAMS.items():
            np.testing.assert_allclose(updates[k], g / (t * (g * g).sum()), rtol=1e-6)
        np.testing.assert_allclose(new["rows"]["w"], t * PARAMS["w"].sum(1))
        assert new["rows"]["b"] is None and new["pair"]["b"]["first"] == t
        np.testing.assert_array_equal(new["pair"]["w"]["last"], 2**t)
        chex.assert_trees_all_equal_shapes_and_dtypes(state, new)
        state = new
    assert shaped(least=3).init(PARAMS)["rows"]["w"] is None
    assert repr(shaped(least=3)) == "shaped(least=3)"


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "complex64"])
def test_they_are_wide_or_what_is_asked_for(dtype):
    params = jax.tree.map(lambda p: p.astype(dtype), PARAMS)
    wide = jax.tree.leaves(shaped().init(params))
    assert all(x.dtype in (jnp.float32, jnp.complex64) for x in wide)
    asked = shaped(state_dtype="bfloat16").init(jax.tree.map(jnp.float32, PARAMS))
    assert all(x.dtype == jnp.bfloat16 for x in jax.tree.leaves(asked))
    state = shaped().init(params)
    updates, new = shaped().update(params, state)
    chex.assert_trees_all_equal_shapes_and_dtypes(state, new)
    assert updates["w"].dtype == dtype


def test_a_leaf_without_gradient_keeps_them():
    tx = shaped()
    state = tx.init(PARAMS)
    updates, new = tx.update(PARAMS | {"w": None}, state)
    assert updates["w"] is None
    for k in state:
        chex.assert_trees_all_equal(new[k]["w"], state[k]["w"])


CALLS = []


def _share(t, value, *, halfway: NonNegative = 2.0):
    CALLS.append(value)
    return value * t / halfway


@lectopt.leafwise(
    seen=0.0,
    once=dict(share=_share, best=lambda value, best: jnp.minimum(value, best)),
    known=dict(cautious=lambda limit: "yes" if limit is not None else "no"),
    numbers=dict(best=jnp.inf),
)
def told(g, state, share, best, cautious, *, limit: NonNegative | None = None):
    """What is the same for all leaves is computed once."""
    moved = jnp.minimum(g, limit) if cautious == "yes" else g
    return moved * share + 0 * best, dict(seen=state.seen + 1)


def test_what_is_computed_once():
    tx = told(4.0)
    state = tx.init(PARAMS)
    assert state["best"] == jnp.inf and state["best"].shape == ()
    CALLS.clear()
    for t, value in enumerate((3.0, 1.0, 2.0), start=1):
        updates, state = tx.update(PARAMS, state, value=value)
        np.testing.assert_allclose(updates["b"], PARAMS["b"] * value * t / 4, rtol=1e-6)
    assert state["best"] == 1 and state["count"] == 3
    assert len(CALLS) == 1  # traced once, for both leaves and all updates
    limited = told(limit=0.5)
    updates, _ = limited.update(PARAMS, limited.init(PARAMS), value=2.0)
    np.testing.assert_allclose(updates["b"], [0.5, -1.0, 0.5], rtol=1e-6)
    assert repr(limited) == "told(limit=0.5)"
    with pytest.raises(TypeError, match="told needs value. Write .*value=loss"):
        tx.update(PARAMS, state)
