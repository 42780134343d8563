"""Bad calls of `update`: the error says what was wanted, what came, and what to write."""

import re

import jax.numpy as jnp
import numpy as np
import optax
import pytest

import lectopt

PARAMS = {"w": jnp.ones(3), "b": jnp.ones(2)}
ADAM = lectopt.adam(0.1)


@pytest.mark.parametrize(
    "grads, error, words",
    [
        ({"w": PARAMS["w"]}, ValueError, ["no gradient for ['b']", "None"]),
        (PARAMS | {"c": PARAMS["w"]}, ValueError, ["a gradient for ['c']", "lacks"]),
        (PARAMS | {"b": jnp.ones(5)}, ValueError, ["['b']", "(5,)", "(2,)"]),
        (PARAMS | {"b": jnp.ones(2, int)}, TypeError, ["['b']", "int32", "None"]),
        (PARAMS | {"b": {"c": jnp.ones(2)}}, ValueError, ["['b']['c']"]),
        ([PARAMS["b"], PARAMS["w"]], ValueError, ["[0]"]),
    ],
)
@pytest.mark.parametrize("with_params", [True, False])
def test_bad_gradients(grads, error, words, with_params):
    with pytest.raises(error) as caught:
        ADAM.update(grads, ADAM.init(PARAMS), PARAMS if with_params else None)
    for word in words:
        assert word in str(caught.value)


def test_a_stateless_optimizer_checks_against_the_parameters():
    with pytest.raises(ValueError, match=re.escape("no gradient for ['b']")):
        lectopt.sgd(0.1).update({"w": PARAMS["w"]}, {}, PARAMS)


def test_bad_update_calls():
    decayed = lectopt.adamw(0.1)
    with pytest.raises(ValueError, match=re.escape("tx.update(grads, state, params)")):
        decayed.update(PARAMS, decayed.init(PARAMS))
    with pytest.raises(ValueError, match="belongs to another optimizer"):
        ADAM.update(PARAMS, lectopt.rmsprop(0.1).init(PARAMS))
    with pytest.raises(ValueError, match="belongs to another optimizer"):
        ADAM.update(PARAMS, optax.adam(0.1).init(PARAMS))

    @lectopt.leafwise()
    def by_value(g, value, *, scale=1.0):
        return scale * value * g

    with pytest.raises(TypeError, match=re.escape("value=loss")):
        by_value().update(PARAMS, {})
    updates, _ = by_value(2.0).update(PARAMS, {}, value=3.0)
    np.testing.assert_array_equal(updates["w"], 6.0)
