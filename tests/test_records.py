"""The state of another composition: refused everywhere, in words that say how to go on."""

import copy
import re

import jax
import jax.numpy as jnp
import optax
import pytest

import lectopt
from lectopt.records import SLOT, check_state, places
from tests.support.everything import EVERYTHING, EXTRA, PARAMS, makers

everything = pytest.mark.parametrize("tx", [*EVERYTHING.values()], ids=[*EVERYTHING])


def test_every_public_maker_is_tried():
    assert makers().keys() <= EVERYTHING.keys()
    assert {"adam", "ema", "chain", "reduce_on_plateau", "monitor"} <= makers().keys()


def at(state, place):
    """The record around a place, and the name in it."""
    *around, key = place
    for name in around:
        state = state[name]
    return state, key


def required(tx):
    """The places of what must be there; a member of Optax may have no state."""
    return [place for place in places(tx.all_entries) if leaf_at(tx.all_entries, place) == SLOT]


def leaf_at(entries, place):
    record, key = at(entries, place)
    return record[key]


@everything
def test_the_entries_are_those_of_every_state(tx):
    """At the start, and after an update."""
    state = jax.eval_shape(tx.init, PARAMS)
    assert bool(state) == bool(jax.tree.leaves(state))
    check_state(state, tx.all_entries)
    for place in required(tx):
        leaf_at(state, place)
    _, new = jax.eval_shape(lambda g, s: tx.update(g, s, PARAMS, **EXTRA), PARAMS, state)
    assert jax.tree.structure(new) == jax.tree.structure(state)


@everything
def test_a_state_that_lacks_an_entry_is_refused(tx):
    state = jax.eval_shape(tx.init, PARAMS)
    for place in required(tx):
        lacking = copy.deepcopy(state)
        record, key = at(lacking, place)
        del record[key]
        assert_refused(tx, lacking, f"it lacks '{'/'.join(place)}'")


@everything
def test_a_state_with_another_entry_is_refused(tx):
    """At its top, and in every record below."""
    state = jax.eval_shape(tx.init, PARAMS)
    for place in {place[:-1] for place in required(tx)} | {()}:
        surplus = copy.deepcopy(state)
        at(surplus, (*place, ""))[0]["of_another"] = jnp.zeros(())
        where = "/".join((*place, "of_another"))
        assert_refused(tx, surplus, f"nothing here keeps '{where}'")


def assert_refused(tx, state, words):
    calls = [lambda: tx.update(PARAMS, state, PARAMS, **EXTRA)]
    for call in calls + [lambda: tx.point(PARAMS, state)] * tx.looks_ahead:
        with pytest.raises(ValueError, match=re.escape(words)) as raised:
            call()
        assert "state = tx.init(params)" in str(raised.value)
        assert "lectopt.carry_over(state, tx, params)" in str(raised.value)


@everything
def test_what_is_no_record_is_refused(tx):
    state = optax.adam(0.1).init(PARAMS)
    assert_refused(tx, state, "belongs to another optimizer: it is a tuple")


def test_the_state_of_a_member_of_optax_is_missed():
    tx = lectopt.chain(optax.scale_by_adam(), lectopt.sgd(0.1))
    assert_refused(tx, {}, "it lacks 'optax_scale_by_adam'")
    silent = lectopt.chain(optax.clip(1.0), lectopt.sgd(0.1))
    updates, state = silent.update(PARAMS, {}, PARAMS)
    assert state == {} and jax.tree.structure(updates) == jax.tree.structure(PARAMS)


def test_a_schedule_that_comes_or_goes():
    plain = lectopt.sgd(0.1, momentum=0.9)
    scheduled = lectopt.sgd(lambda count: 0.1, momentum=0.9)
    assert_refused(scheduled, plain.init(PARAMS), "it has 'trace'; it lacks 'count'. Write")
    words = "it has 'count', 'trace'; nothing here keeps 'count'. Write"
    assert_refused(plain, scheduled.init(PARAMS), words)
    assert_refused(
        lectopt.adam(0.1), plain.init(PARAMS), "it lacks 'count', 'ratio'; nothing here keeps"
    )
