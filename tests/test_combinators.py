"""The algebra: what combinations are, what they keep, and how other people's members fit in."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import lectopt
from lectopt import bias_correction, chain, ema, mean_square, product, ratio, root, trace

PARAMS = {"w": jnp.array([1.0, -2.0]), "b": jnp.array(0.5)}


def out(tx, grads=PARAMS, steps=1):
    state = tx.init(grads)
    updates = grads
    for _ in range(steps):
        updates, state = tx.update(grads, state, grads)
    return updates


def test_chain_is_associative_and_has_a_unit():
    a, b, c = ema(0.9), bias_correction(0.9), lectopt.scale_by_learning_rate(0.1)
    assert chain(a, chain(b, c)) == chain(chain(a, b), c) == chain(a, b, c)
    assert chain(chain(), a) == chain(a)
    chex.assert_trees_all_equal(out(chain(lectopt.identity(), a)), out(a))
    assert chain(a, b, c).members == (a, b, c)


def test_order_says_whether_the_rate_is_inside_the_velocity():
    rate = lectopt.scale_by_learning_rate(lambda count: 0.1 * 0.5**count)
    inside, outside = out(chain(rate, trace(0.9)), steps=2), out(chain(trace(0.9), rate), steps=2)
    np.testing.assert_allclose(inside["b"], -0.5 * (0.9 * 0.1 + 0.05), rtol=1e-6)
    np.testing.assert_allclose(outside["b"], -0.5 * 0.05 * (0.9 + 1), rtol=1e-6)


def test_ratio_and_product_feed_both_members_the_gradient():
    double, square = lectopt.scale_by_learning_rate(2.0), mean_square(0.0)
    chex.assert_trees_all_close(
        out(product(double, square)), jax.tree.map(lambda g: -2 * g**3, PARAMS)
    )
    chex.assert_trees_all_close(out(ratio(double, square)), jax.tree.map(lambda g: -2 / g, PARAMS))


@pytest.mark.parametrize(
    "placement, expected",
    [
        ("outside", lambda v, c, eps: np.sqrt(v / c) + eps),
        ("inside", lambda v, c, eps: np.sqrt(v / c + eps)),
        ("uncorrected", lambda v, c, eps: (np.sqrt(v) + eps) / np.sqrt(c)),
    ],
)
def test_root_puts_epsilon_where_it_is_told(placement, expected):
    moment = chain(mean_square(0.9), bias_correction(0.9))
    v = 0.1 * np.array([1.0, 4.0])
    np.testing.assert_allclose(
        out(root(moment, 0.3, placement))["w"], expected(v, 0.1, 0.3), rtol=1e-5
    )
    # The convention changes the arithmetic and never the layout of the state.
    assert jax.tree.structure(root(moment, 0.3, placement).init(PARAMS)) == jax.tree.structure(
        moment.init(PARAMS)
    )


def test_root_of_nothing_makes_the_ratio_zero():
    dead = {"w": jnp.zeros(2)}
    for eps in (0.0, jnp.float32(0.0)):
        np.testing.assert_array_equal(out(lectopt.rmsprop(0.1, eps=eps), dead)["w"], 0)
    traced = jax.jit(lambda eps: out(lectopt.rmsprop(0.1, eps=eps), dead)["w"])(0.0)
    np.testing.assert_array_equal(traced, 0)


def test_variance_is_never_negative():
    """A constant gradient of 1e3: in float32, nu - mu^2 comes out as large as 1 of either sign."""
    grads = {"w": jnp.float32(1e3) * jnp.linspace(0.5, 2, 50)}
    tx = lectopt.variance(mean_square(0.9), ema(0.9))

    @jax.jit
    def smallest(grads):
        def body(state, _):
            variance, state = tx.update(grads, state)
            return state, variance["w"].min()

        return jax.lax.scan(body, tx.init(grads), length=500)[1]

    assert (smallest(grads) >= 0).all()


def test_state_layout_is_flat_named_and_found_by_optax():
    state = lectopt.adam(0.1).init(PARAMS)
    assert sorted(state) == ["count", "ratio"]
    assert list(state["ratio"]["numerator"]) == ["mu"]
    assert list(state["ratio"]["denominator"]) == ["nu"]
    assert jax.tree.structure(optax.tree.get(state, "mu")) == jax.tree.structure(PARAMS)
    assert jax.tree.structure(optax.tree.get(state, "nu")) == jax.tree.structure(PARAMS)
    assert optax.tree.get(state, "count") == 0
    assert list(lectopt.momentum(0.1).init(PARAMS)) == ["trace"]
    assert optax.tree.get(lectopt.sgd(0.1, 0.9).init(PARAMS), "trace") is not None
    named = chain(fast=ema(0.9), slow=ema(0.99)).init(PARAMS)
    assert sorted(named) == ["fast", "slow"] and list(named["fast"]) == ["mu"]
    assert lectopt.sgd(0.1).init(PARAMS) == {}


def test_one_count_for_a_whole_composition():
    counted = chain(lectopt.adam(lambda count: 0.1), lectopt.scale_by_learning_rate(lambda c: 1.0))
    state = counted.init(PARAMS)
    paths = [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_leaves_with_path(state)]
    assert [path for path in paths if "count" in path] == ["['count']"]
    for _ in range(3):
        _, state = counted.update(PARAMS, state, PARAMS)
    assert state["count"] == 3


def test_optax_members():
    """Theirs in ours: same numbers, extra arguments arrive, half precision keeps its dtypes."""
    theirs = optax.chain(optax.clip(0.3), optax.trace(0.9), optax.scale(-0.1))
    ours = chain(optax.clip(0.3), optax.trace(0.9), lectopt.scale_by_learning_rate(0.1))
    chex.assert_trees_all_close(out(ours, steps=3), out(theirs, steps=3), rtol=1e-6)
    assert repr(ours).startswith("chain(optax.clip(...), optax.trace(...), scale_by")
    assert ours == chain(*ours.members)

    half = jax.tree.map(lambda p: p.astype(jnp.bfloat16), PARAMS)
    state = ours.init(half)
    updates, new = ours.update(half, state, half)
    chex.assert_trees_all_equal_shapes_and_dtypes(state, new)
    assert all(u.dtype == jnp.bfloat16 for u in jax.tree.leaves(updates))

    polyak = chain(optax.scale_by_polyak(), lectopt.identity())
    updates, _ = polyak.update(PARAMS, polyak.init(PARAMS), PARAMS, value=2.0, unknown=1)
    assert np.isfinite(updates["b"])


def test_mask_of_weight_decay():
    mask = {"w": True, "b": False}
    expected = {"w": PARAMS["w"] * 1.1, "b": PARAMS["b"]}
    for given in (mask, lambda params: {k: k == "w" for k in params}):
        chex.assert_trees_all_close(out(lectopt.add_decayed_weights(0.1, given)), expected)
    prefix = lectopt.add_decayed_weights(0.1, {"inner": False, "outer": True})
    tree = {"inner": PARAMS, "outer": PARAMS}
    chex.assert_trees_all_close(out(prefix, tree)["inner"], PARAMS)
    assert lectopt.adamw(0.1, mask=mask) == lectopt.adamw(0.1, mask=dict(mask))
    assert hash(lectopt.adamw(0.1, mask=mask)) != hash(lectopt.adamw(0.1, mask=None))


def test_equality_is_of_structure_and_settings():
    def halve(count):
        return 0.5**count

    assert lectopt.sgd(halve) == lectopt.sgd(halve)
    assert lectopt.sgd(0.1) != lectopt.sgd(0.2)
    assert lectopt.sgd(jnp.float32(0.5)) == lectopt.sgd(jnp.float32(0.5))
    assert lectopt.adam(0.1) != lectopt.adam(0.1, eps_placement="inside")
    assert len({lectopt.adam(0.1), lectopt.adam(0.1), lectopt.adam(0.2)}) == 2
    assert repr(lectopt.sgd(halve)).endswith("halve)")


def test_a_traced_setting_prints_as_such():
    printed = []
    jax.jit(lambda rate: printed.append(repr(lectopt.sgd(rate))))(0.1)
    assert printed == ["scale_by_learning_rate(learning_rate=<traced float32>)"]


def test_visit_counts_make_online_k_means():
    """Each centre is the mean of the samples it has won; one that wins none stays (S0-20)."""
    samples = np.random.default_rng(0).normal(size=(200, 2)).astype(np.float32) + [[5, 0]]
    centres, won = jnp.array([[4.0, 0.0], [6.0, 0.5], [-50.0, 0.0]]), {0: [], 1: [], 2: []}
    tx = chain(lectopt.scale_by_visit_count(), lectopt.scale_by_learning_rate(1.0))
    state, update = tx.init(centres), jax.jit(tx.update)
    for sample in samples:
        nearest = int(jnp.argmin(jnp.sum((centres - sample[None]) ** 2, axis=1)))
        won[nearest].append(sample)
        gradient = jnp.zeros((3, 2)).at[nearest].set(centres[nearest] - sample)
        updates, state = update(gradient, state)
        centres = centres + updates
    for centre, samples_won in ((centres[0], won[0]), (centres[1], won[1])):
        np.testing.assert_allclose(centre, np.mean(samples_won, axis=0), rtol=1e-4)
    np.testing.assert_array_equal(centres[2], [-50, 0])
