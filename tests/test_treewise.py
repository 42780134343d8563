"""`treewise`: the rule of a user for the whole tree, lifted."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import lectopt
from lectopt import treewise
from lectopt.settings import NonNegative

PARAMS = {"w": jnp.array([1.0, -2.0]), "b": jnp.array(0.5, jnp.bfloat16)}
AnyTransformation = optax.GradientTransformation


@treewise(
    total=0.0,
    seen=3,
    limit="bound",
    anchor="params",
    shapes=lambda params, bound: jax.tree.map(lambda p: jnp.full(p.ndim, bound), params),
)
def greedy(updates, state, params, t, value, late=7.0, *, bound: NonNegative = 2.0, rate=1.0):
    """A rule that asks for everything there is."""
    del params
    total = state.total + value / t + 0 * late
    new = dict(
        total=total, seen=state.seen + 1, limit=state.limit, anchor=state.anchor,
        shapes=state.shapes,
    )  # fmt: skip
    return jax.tree.map(lambda u: -rate * u * total, updates), new


def test_slots_of_all_kinds():
    state = greedy(5.0).init(PARAMS)
    assert sorted(state) == ["anchor", "count", "limit", "seen", "shapes", "total"]
    assert state["total"] == 0 and state["total"].dtype == jnp.float32
    assert state["seen"] == 3 and state["seen"].dtype == jnp.int32
    assert state["limit"] == 5 and greedy(lambda count: 4.0 + count).init(PARAMS)["limit"] == 4
    chex.assert_trees_all_equal(
        state["anchor"], jax.tree.map(lambda p: jnp.asarray(p, jnp.float32), PARAMS)
    )
    assert state["anchor"]["w"] is not PARAMS["w"]  # a donated buffer is not given twice
    np.testing.assert_array_equal(state["shapes"]["w"], [5])
    assert state["shapes"]["b"].shape == (0,)
    np.testing.assert_array_equal(
        greedy(lambda count: 4.0 + count).init(PARAMS)["shapes"]["w"], [4]
    )


def test_a_rule_gets_what_its_signature_names():
    tx = greedy(rate=lambda count: 1.0 + count)
    state = tx.init(PARAMS)
    updates, state = tx.update(PARAMS, state, PARAMS, value=3.0)
    np.testing.assert_allclose(updates["w"], -3 * PARAMS["w"])
    assert updates["b"].dtype == jnp.bfloat16
    updates, new = tx.update(PARAMS, state, PARAMS, value=4.0, unknown=1)
    np.testing.assert_allclose(updates["w"], -2 * (3 + 4 / 2) * PARAMS["w"])
    chex.assert_trees_all_equal_shapes_and_dtypes(state, new)
    assert new["count"] == 2 and new["seen"] == 5


def test_the_maker_looks_like_the_rule():
    assert greedy.__doc__ == "A rule that asks for everything there is."
    assert repr(greedy(rate=0.5)) == "greedy(rate=0.5)" and greedy(2) == greedy()
    with pytest.raises(ValueError, match="greedy: bound must lie in"):
        greedy(-1)
    with pytest.raises(TypeError, match="greedy.*bound=2.0, rate=1.0"):
        greedy(bnd=1)


def test_what_is_missing():
    tx = greedy()
    state = tx.init(PARAMS)
    with pytest.raises(TypeError, match=r"needs value. Write .*\(grads, state, params, value=loss"):
        tx.update(PARAMS, state, PARAMS)
    with pytest.raises(
        ValueError, match=r"greedy needs the parameters. Write tx.update\(grads, st"
    ):
        tx.update(PARAMS, state, value=1.0)
    with pytest.raises(ValueError, match="lacks 'seen'.* Write state = tx.init"):
        tx.update(PARAMS, {"count": state["count"], "total": 0.0}, PARAMS, value=1.0)


@treewise(steps=0)
def repeated(updates, state, params, *, inner: AnyTransformation, times=2):
    """One after the other with the state that the first leaves, and the last one's update."""
    moves, after = inner(updates)
    return jax.tree.map(lambda m: times * m, moves), dict(steps=state.steps + 1, inner=after)


@treewise(steps=0, beside="inner")
def watched(updates, state, *, inner: AnyTransformation):
    """Counts the updates of another transformation."""
    moves, after = inner(updates)
    return moves, dict(steps=state.steps + 1, inner=after)


@pytest.mark.parametrize("inner", [lectopt.adam(0.1), optax.adam(0.1)], ids=["ours", "optax"])
def test_a_transformation_inside(inner):
    tx, alone = repeated(inner), lectopt.chain(inner)
    state, own = tx.init(PARAMS), alone.init(PARAMS)
    assert sorted({*state} - {"count"}) == ["inner", "steps"]
    for _ in range(3):
        updates, state = tx.update(PARAMS, state, PARAMS)
        expected, own = alone.update(PARAMS, own, PARAMS)
        np.testing.assert_allclose(updates["w"], 2 * expected["w"], rtol=1e-6)
    chex.assert_trees_all_close(state["inner"], {k: v for k, v in own.items() if k != "count"})
    assert repeated(inner) == tx != repeated(inner, 3.0)


def test_a_state_beside_is_that_of_the_inner_one():
    inner = lectopt.momentum(0.1)
    state = watched(inner).init(PARAMS)
    assert sorted(state) == ["steps", "trace"]
    updates, state = watched(inner).update(PARAMS, state, PARAMS)
    updates, state = watched(inner).update(PARAMS, state, PARAMS)
    own = inner.init(PARAMS)
    for _ in range(2):
        expected, own = inner.update(PARAMS, own, PARAMS)
    chex.assert_trees_all_close(updates, expected)
    chex.assert_trees_all_close(state["trace"], own["trace"])
    with pytest.raises(ValueError, match="would keep its state under 'steps' too. Name that"):
        watched(watched(inner))


def test_nothing_inside_keeps_nothing():
    assert sorted(repeated(lectopt.sgd(0.1)).init(PARAMS)) == ["steps"]
    with pytest.raises(TypeError, match="Expected a gradient transformation, got 3"):
        repeated(3)


def test_slots_are_computed_with_as_other_floats_are():
    """In half precision the sum would stop at 256; and a checkpoint may give NumPy arrays."""

    @treewise(total=lambda params: jax.tree.map(lambda p: jnp.zeros_like(p, jnp.bfloat16), params))
    def summed(updates, state):
        assert all(isinstance(x, jax.Array) for x in jax.tree.leaves(state.total))
        assert all(x.dtype == jnp.float32 for x in jax.tree.leaves(state.total))
        total = jax.tree.map(jnp.add, state.total, updates)
        return total, dict(total=total)

    tx = summed()
    state = {"total": {"w": np.full(2, 256, jnp.bfloat16)}}
    updates, new = tx.update({"w": jnp.ones(2)}, state)
    np.testing.assert_array_equal(updates["w"], 257)
    assert new["total"]["w"].dtype == jnp.bfloat16


def test_a_member_that_changes_shapes():
    """Optax's private gradients: one a sample comes in, the mean of the clipped ones goes out."""
    settings = dict(l2_norm_clip=1.0, noise_multiplier=0.0, key=0)
    private = optax.contrib.differentially_private_aggregate(**settings)
    params = {"w": jnp.zeros(3), "b": jnp.zeros(())}
    grads = {"w": jnp.arange(12.0).reshape(4, 3), "b": jnp.arange(4.0)}
    ours = lectopt.chain(private, lectopt.momentum(0.1))
    theirs = optax.chain(private, optax.scale(0.1), optax.trace(0.9), optax.scale(-1.0))
    states = [ours.init(params), theirs.init(params)]
    for _ in range(3):
        updates, states[0] = ours.update(grads, states[0])
        expected, states[1] = theirs.update(grads, states[1])
        chex.assert_trees_all_close(updates, expected, rtol=1e-6)
    with pytest.raises(ValueError):
        lectopt.chain(lectopt.momentum(0.1), private).update(grads, ours.init(params))


def test_a_state_inside_that_is_not_returned_is_missed():
    @lectopt.treewise(slow="params")
    def forgetful(updates, state, *, inner):
        updates, _ = inner(updates)
        return updates, dict(slow=state.slow)

    tx = forgetful(lectopt.adam(0.1))
    with pytest.raises(ValueError, match="forgetful does not return the state of inner"):
        tx.update(jnp.ones(2), tx.init(jnp.ones(2)))
