"""Settings by path: in Flax, in print, and what is wrong with a path."""

import copy

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import lectopt
from lectopt import scale_by_path, unfreeze_gradually
from tests.controls.layers import PARAMS


def test_in_flax_nnx():
    model = nnx.Sequential(nnx.Linear(2, 2, rngs=nnx.Rngs(0)), nnx.Linear(2, 2, rngs=nnx.Rngs(1)))
    tx = lectopt.chain(
        unfreeze_gradually({"layers/0/.*": 2}, lectopt.adam(0.1)), scale_by_path({".*bias": 0.5})
    )
    optimizer = nnx.Optimizer(model, tx, wrt=nnx.Param)
    start = jax.tree.map(jnp.copy, nnx.state(model, nnx.Param))

    @nnx.jit
    def step(model, optimizer):
        optimizer.update(model, jax.tree.map(jnp.ones_like, nnx.state(model, nnx.Param)))

    for _ in range(3):
        step(model, optimizer)
    moved = jax.tree.map(lambda a, b: a - b, start, nnx.state(model, nnx.Param))
    for i, steps in enumerate([1, 3]):
        np.testing.assert_allclose(moved["layers"][i]["kernel"][...], 0.1 * steps, rtol=1e-4)
        np.testing.assert_allclose(moved["layers"][i]["bias"][...], 0.05 * steps, rtol=1e-4)


@pytest.mark.parametrize(
    "tx",
    [
        scale_by_path({"encoder/.*": 0.1, ".*": 2.0}),
        unfreeze_gradually({"encoder/.*": 100}, lectopt.adam(0.1)),
        lectopt.chain(unfreeze_gradually({"a": 1}, lectopt.sgd(0.1)), scale_by_path({"a": 0})),
    ],
)
def test_is_what_it_prints(tx):
    again = eval(repr(tx), vars(lectopt))
    assert again == tx and hash(again) == hash(tx) and copy.deepcopy(tx) == tx


def test_the_order_of_patterns_matters():
    """Also to equality, as the first match counts."""
    assert scale_by_path({"a": 1.0, ".*": 2.0}) != scale_by_path({".*": 2.0, "a": 1.0})


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: scale_by_path({"a": -1}), ["'a'", "zero or more", "-1", '{"encoder/.*": 0.1}']),
        (lambda: scale_by_path({"a": "fast"}), ["'fast'"]),
        (lambda: scale_by_path({"a": jnp.ones(2)}), ["'a'"]),
        (lambda: scale_by_path({"(": 1.0}), ["'('", "regular expression"]),
        (lambda: scale_by_path({1: 1.0}), ["1", "regular expression"]),
        (lambda: scale_by_path({}), ["{pattern: value}", "{}"]),
        (lambda: scale_by_path(0.1), ["{pattern: value}", "0.1"]),
        (lambda: unfreeze_gradually({"a": np.nan}, lectopt.sgd(0.1)), ["number of updates", "nan"]),
        (
            lambda: scale_by_path({"encoder": 0.1}).init(PARAMS),
            ["'encoder' matches no path", "encoder/layers/0/kernel, ", "head/bias", "whole path"],
        ),
        (
            lambda: unfreeze_gradually({".*": 1, "head/.*": 2}, lectopt.sgd(0.1)).init(PARAMS),
            ["'head/.*'", "an earlier pattern has not taken", "Write it first"],
        ),
    ],
)
def test_errors(call, words):
    with pytest.raises(ValueError) as raised:
        call()
    for word in words:
        assert word in str(raised.value)
