"""`carry_over`: a state goes on under another composition."""

import warnings

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import lectopt
from lectopt import averaging, carry_over
from tests.support.algorithms import ALGORITHMS, over
from tests.support.everything import EVERYTHING, PARAMS

GRADS = {"w": jnp.array([[1.0, -0.5], [0.25, 2.0]]), "b": jnp.array([0.5, 3.0])}


def falling(count):
    return 0.1 / (1 + count)


def trained(tx, steps=3, state=None, params=PARAMS, **extra):
    """Parameters and state after some updates."""
    state = tx.init(params) if state is None else state
    for _ in range(steps):
        updates, state = tx.update(GRADS, state, params, **extra)
        params = optax.apply_updates(params, updates)
    return params, state


def filled(tx):
    """A state with another number in every place."""
    leaves, treedef = jax.tree.flatten(tx.init(PARAMS))
    return treedef.unflatten(
        [
            leaf
            if jnp.issubdtype(leaf.dtype, jax.dtypes.extended)
            else jnp.arange(k, k + leaf.size).reshape(leaf.shape).astype(leaf.dtype)
            for k, leaf in enumerate(leaves, start=1)
        ]
    )


@over(ALGORITHMS)
def test_onto_itself_it_is_the_same_state(row):
    tx = row.build()
    state = filled(tx)
    chex.assert_trees_all_equal(carry_over(state, tx, PARAMS), state)


@pytest.mark.parametrize("tx", [*EVERYTHING.values()], ids=[*EVERYTHING])
def test_behind_a_member_without_state_and_under_a_name_it_is_the_same(tx):
    state = filled(tx)
    tree = lambda tx: carry_over(state, tx, PARAMS)  # noqa: E731
    chex.assert_trees_all_equal(tree(lectopt.chain(optax.scale(1.0), tx)), state)
    named = tree(lectopt.chain(inside=tx))
    count = {k: v for k, v in state.items() if k == "count"}
    rest = {k: v for k, v in state.items() if k != "count"}
    chex.assert_trees_all_equal(named, count | ({"inside": rest} if rest else {}))


def test_a_schedule_that_comes_is_as_if_it_had_been_there():
    """`trace` does not depend on the rate, so both runs have the same velocity."""
    plain, tx = lectopt.sgd(0.1, momentum=0.9), lectopt.sgd(falling, momentum=0.9)
    _, state = trained(plain)
    _, expected = trained(tx)
    with pytest.warns(UserWarning, match="starts afresh: 'count'.*count=") as caught:
        started = carry_over(state, tx, PARAMS)
    assert len(caught) == 1 and caught[0].filename == __file__
    assert started["count"] == 0 and started["count"].dtype == jnp.int32
    state = carry_over(state, tx, PARAMS, count=3)
    chex.assert_trees_all_equal(state, expected)
    chex.assert_trees_all_equal(trained(tx, 2, state), trained(tx, 2, expected))


def test_a_schedule_that_goes():
    _, state = trained(lectopt.sgd(falling, momentum=0.9))
    with pytest.warns(UserWarning, match="^carry_over: Not used of the old state: 'count'.$"):
        after = carry_over(state, lectopt.sgd(0.1, momentum=0.9), PARAMS)
    assert after.keys() == {"trace"} and after["trace"] is not None
    chex.assert_trees_all_equal(after["trace"], state["trace"])


@pytest.mark.parametrize(
    "tx",
    [
        lectopt.chain(lectopt.clip_by_global_norm(1.0), lectopt.adam(0.1)),
        lectopt.adamw(0.1),
        lectopt.adam(falling, eps_placement="inside"),
    ],
)
def test_the_moments_of_adam_go_on_without_a_word(tx):
    _, state = trained(lectopt.adam(0.1))
    carried = carry_over(state, tx, PARAMS)
    chex.assert_trees_all_equal(carried, state)
    trained(tx, 1, carried)


def test_what_is_added_starts_afresh():
    _, state = trained(lectopt.adam(0.1))
    tx = lectopt.chain(lectopt.adam(0.1), lectopt.reduce_on_plateau())
    with pytest.warns(UserWarning, match="^carry_over: starts afresh: 'plateau'.$"):
        carried = carry_over(state, tx, PARAMS)
    chex.assert_trees_all_equal(carried, state | {"plateau": tx.init(PARAMS)["plateau"]})
    trained(tx, 1, carried, value=jnp.float32(1.0))


def test_an_average_that_is_added_is_that_of_the_iterates_after():
    params, state = trained(lectopt.adam(0.1))
    tx = lectopt.chain(lectopt.adam(0.1), lectopt.average_params(averaging.uniform(), start=3))
    with pytest.warns(UserWarning, match="'average', 'share'.*average_params.*start="):
        carried = carry_over(state, tx, params)
    iterates = []
    for _ in range(4):
        params, carried = trained(tx, 1, carried, params)
        iterates.append(params)
    expected = jax.tree.map(lambda *ps: np.mean(ps, axis=0), *iterates)
    found = lectopt.evaluation_params(carried, params)
    chex.assert_trees_all_close(found, expected, rtol=1e-6)


def test_moments_that_start_afresh_under_an_old_count_are_warned_of():
    _, state = trained(lectopt.sgd(falling, momentum=0.9))
    adam = lectopt.adam(0.1)
    with pytest.warns(UserWarning, match="bias corrections") as caught:
        assert carry_over(state, adam, PARAMS)["count"] == 3
    words = str(caught[0].message)
    assert "starts afresh: 'ratio/numerator/mu', 'ratio/denominator/nu'." in words
    assert "Not used of the old state: 'trace'." in words


@pytest.mark.parametrize(
    "old",
    [
        optax.adam(0.1),
        optax.adam(falling),  # two counters, of one number
        optax.chain(optax.clip(10.0), optax.adam(0.1)),
        optax.MultiSteps(lectopt.adam(0.1), 1),
        optax.inject_hyperparams(optax.adam)(0.1),
    ],
    ids=["adam", "scheduled", "chain", "MultiSteps", "inject_hyperparams"],
)
def test_the_state_of_another_library(old):
    """Adam's moments are the same numbers in both; `trained` counts the same three updates."""
    _, state = trained(old)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a wrapper has entries of its own
        carried = carry_over(jax.tree.map(np.asarray, state), lectopt.adam(0.1), PARAMS)
    _, expected = trained(lectopt.adam(0.1))
    chex.assert_trees_all_close(carried, expected, rtol=2e-5)  # Optax takes 1 - b2 in float32
    assert all(isinstance(leaf, jax.Array) for leaf in jax.tree.leaves(carried))


def test_into_a_member_of_optax_field_by_field():
    _, (adam, _) = trained(optax.adam(0.1))
    tx = lectopt.chain(optax.scale_by_adam(), lectopt.sgd(0.1))
    carried = carry_over((adam, optax.EmptyState()), tx, PARAMS)
    chex.assert_trees_all_equal(carried, {"optax_scale_by_adam": adam})
    trained(tx, 1, carried)


def test_the_same_place_comes_before_the_only_one_with_the_name():
    pair = lectopt.chain(lectopt.ema(0.9), second=lectopt.ema(0.8))
    state = filled(pair)
    with pytest.warns(UserWarning, match="Not used of the old state: 'second'"):
        carried = carry_over(state, lectopt.ema(0.9), PARAMS)
    chex.assert_trees_all_equal(carried, {"mu": state["mu"]})
    with pytest.raises(ValueError, match="nothing fits"):  # two fit elsewhere as well
        carry_over(state, lectopt.chain(third=lectopt.ema(0.9)), PARAMS)


def test_other_shapes_and_kinds_do_not_fit():
    tx = lectopt.ema(0.9)
    for other in (jnp.ones((3, 2)), jnp.ones((2, 2), jnp.int32), jnp.ones((2, 2), complex)):
        with pytest.raises(ValueError, match="nothing fits.*'mu'.*tx.init"):
            carry_over({"mu": PARAMS | {"w": other}}, tx, PARAMS)
    narrow = lectopt.ema(0.9, state_dtype="bfloat16")
    carried = carry_over(filled(tx), narrow, PARAMS)
    chex.assert_trees_all_equal(carried, filled(narrow))  # small whole numbers are exact in both


def test_an_optimizer_without_state():
    assert carry_over({}, lectopt.sgd(0.1), PARAMS) == {}
    with pytest.warns(UserWarning, match="Not used of the old state: 'trace'"):
        assert carry_over(lectopt.trace(0.9).init(PARAMS), lectopt.sgd(0.1), PARAMS) == {}


def test_from_an_optimizer_without_state_everything_starts_afresh():
    plain = lectopt.sgd(0.1).init(PARAMS)
    for name, tx in EVERYTHING.items():
        first = tx.init(PARAMS)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            chex.assert_trees_all_equal(carry_over(plain, tx, PARAMS), first)
        said = ["starts afresh" in str(warning.message) for warning in caught]
        assert said == [True] * bool(jax.tree.leaves(first)), name


def test_errors():
    with pytest.raises(TypeError, match="must be an optimizer of lectopt"):
        carry_over({}, optax.adam(0.1), PARAMS)
    with pytest.raises(ValueError, match="keeps no count"):
        carry_over({}, lectopt.sgd(0.1), PARAMS, count=3)
    with pytest.raises(ValueError, match="(?s)nothing fits.*'ratio/numerator/mu'.*'trace/b'"):
        carry_over(lectopt.trace(0.9).init(PARAMS), lectopt.adam(0.1), PARAMS)


def test_it_can_be_traced():
    tx = lectopt.adam(0.1)
    _, state = trained(lectopt.adamw(0.1))
    chex.assert_trees_all_equal(jax.jit(lambda s: carry_over(s, tx, PARAMS))(state), state)
