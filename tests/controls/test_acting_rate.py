"""The rate that a monitor reports is the one that acts: it says what an update would be at twice
the rate, or there is none."""

import functools as ft

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import lectopt
from lectopt import chain, metrics, monitor
from lectopt.look_ahead import take_gradients_as_given
from tests.support.algorithms import ALGORITHMS, over
from tests.support.sampling import sampled

PARAMS = {"a": jnp.array([0.5, -1.0]), "b": jnp.array(2.0)}
GRADS = {"a": jnp.array([1.0, -2.0]), "b": jnp.array(0.5)}
RATE = 0.3
# There is no one number, or none that a member holds, or the update is no line in it.
UNLIKE = {"rprop", "swats", "asgd", "prodigy", "muon", "ftrl", "fromage"}
UNLIKE |= {"dog", "dowg", "cocob", "polyak_sgd", "sam", "mechanize"}


def updates_of(tx, steps=4, **extra):
    """The last of some updates with gradients that differ, the parameters where they are."""
    state = take_gradients_as_given(tx).init(PARAMS)
    with jax.disable_jit():
        for t in range(steps):
            grads = jax.tree.map(lambda g, t=t: g * (1 + 0.1 * t), GRADS)
            updates, state = tx.update(grads, state, PARAMS, **extra)
    return updates, state


@over(ALGORITHMS, every=6)
def test_of_every_algorithm(row):
    """An update is a line in the rate, `offset + rate slope`, and the rate of the report is where
    on it the update lies."""
    quiet = {"temperature": 0.0} if "temperature" in row.numbers else {}  # noise goes as the root

    def update(rate, around=lambda tx: tx):
        return updates_of(around(row.build(rate, **quiet)), **row.extra)

    updates, state = update(RATE, monitor)
    reported = metrics(state).get("learning_rate")
    assert (reported is None) == (row.id.split("/")[0] in UNLIKE)
    if reported is None:
        return
    one, two = update(1.0)[0], update(2.0)[0]
    at_rate = jax.tree.map(lambda a, b: a + (reported - 1) * (b - a), one, two)
    jax.tree.map(ft.partial(np.testing.assert_allclose, rtol=1e-3, atol=1e-5), updates, at_rate)
    skips = row.id == "radam/skip"  # its first updates
    assert skips or any(np.abs(x).max() > 1e-4 for x in jax.tree.leaves(updates))


def half(count):
    return 0.5


def parabola(params):
    return sum(jnp.sum(x**2) for x in jax.tree.leaves(params)) / 2


PLATEAU = lectopt.reduce_on_plateau(0.1, 0)
SCALING = {
    "plateau": chain(lectopt.sgd(0.1), PLATEAU),
    "plateau before": chain(PLATEAU, lectopt.sgd(0.1)),
    "plateau with a name": chain(lectopt.sgd(0.1), slow=PLATEAU),
    "two plateaus": chain(
        lectopt.sgd(0.1), first=PLATEAU, second=lectopt.reduce_on_plateau(0.5, 1)
    ),
    "plateau inside": lectopt.unfreeze_gradually({"b": 0}, chain(lectopt.sgd(0.1), PLATEAU)),
    "plateau in lookahead": lectopt.lookahead(chain(lectopt.sgd(0.1), PLATEAU), 50),
    "line search": chain(lectopt.sgd(2.0), lectopt.scale_by_wolfe_line_search()),
    "strong": chain(lectopt.sgd(2.0), lectopt.scale_by_wolfe_line_search("strong")),
    "scale": chain(lectopt.sgd(0.1), lectopt.scale(half)),
    "scale before": chain(lectopt.scale(0.5), lectopt.negate(), lectopt.negate(), lectopt.sgd(0.1)),
    "a clip before": chain(lectopt.clip_by_global_norm(1e3), lectopt.sgd(0.1), PLATEAU),
    "no control": lectopt.sgd(half),
}


@pytest.mark.parametrize("name", sampled(SCALING, 2))
def test_of_every_control_that_scales(name):
    """Of gradient descent it is the update over the gradient, up to the sign."""
    value, grad = jax.value_and_grad(parabola)(PARAMS)
    tx = monitor(SCALING[name])
    state = tx.init(PARAMS)
    for _ in range(3):
        updates, state = tx.update(grad, state, PARAMS, value=value, grad=grad, value_fn=parabola)
    reported = metrics(state)["learning_rate"]
    np.testing.assert_allclose(-updates["a"] / grad["a"], reported, rtol=1e-6)
    np.testing.assert_allclose(-updates["b"] / grad["b"], reported, rtol=1e-6)


def late(t):
    return t > 2


FIRST = {"a": True, "b": False}
NONE = {
    "weights with rates of their own": lectopt.rprop(0.01),
    "Optax's": lectopt.dialects.optax.rprop(0.01),
    "paths": chain(lectopt.sgd(0.1), lectopt.scale_by_path({"a": 0.5})),
    "paths before": chain(lectopt.scale_by_path({"a": 0.5}), lectopt.sgd(0.1)),
    "a mask": lectopt.masked(lectopt.sgd(0.1), FIRST),
    "a masked scale": chain(
        lectopt.sgd(0.1), lectopt.masked(lectopt.scale(2.0), {"a": 1 > 0, "b": 1 > 2})
    ),
    "two in turn": lectopt.switch_when(late, lectopt.sgd(0.1), lectopt.adam(0.1)),
    "two at once": chain(lectopt.sgd(0.1), lectopt.sgd(0.1)),
    "side by side": lectopt.product(lectopt.sgd(0.1), lectopt.identity()),
    "Optax behind": chain(lectopt.sgd(0.1), optax.scale(0.5)),
    "Optax": optax.sgd(0.1),
    "a scale that Adam does not notice": chain(PLATEAU, lectopt.adam(0.1)),
    "no rate": lectopt.trace(0.9),
}


@pytest.mark.parametrize("name", NONE)
def test_no_number_where_there_is_not_one(name):
    assert "learning_rate" not in metrics(monitor(NONE[name]).init(PARAMS))


def test_a_clip_of_optax_before_the_rate_is_part_of_the_gradient():
    tx = monitor(chain(optax.clip_by_global_norm(1.0), lectopt.adam(0.25)))
    assert metrics(updates_of(tx)[1])["learning_rate"] == 0.25
