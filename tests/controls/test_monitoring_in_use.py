"""Watching an optimizer: it is not changed, and its record is found through every wrapper."""

import copy

import chex
import flax
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import lectopt
from lectopt import metrics, monitor
from lectopt.look_ahead import take_gradients_as_given

PARAMS = {"a": jnp.array([3.0, 4.0]), "b": jnp.array(12.0), "none": None}
GRADS = {"a": jnp.array([1.0, -2.0]), "b": jnp.array(2.0), "none": None}


def rate(count):
    return 0.1 / (1 + count)


def test_an_optimizer_is_not_changed_by_being_watched():
    """Nor are the entries of its state, nor the point where it wants the gradient."""

    @jax.jit
    def last(tx):
        params, state = PARAMS, tx.init(PARAMS)
        for _ in range(3):
            updates, state = tx.update(GRADS, state, params)
            params = optax.apply_updates(params, updates)
        return params, state, tx.point(params, state)

    for tx in (
        lectopt.adam(rate),
        take_gradients_as_given(lectopt.nesterov(0.1, form="look_ahead")),
        lectopt.chain(optax.adam(0.1)),
    ):
        plain, (params, state, point) = last(tx), last(take_gradients_as_given(monitor(tx)))
        del state["metrics"]
        chex.assert_trees_all_close((params, state, point), plain, rtol=1e-6)


def test_lanes_of_a_sweep():
    """Every lane has its own numbers, read outside of `vmap` and inside."""

    def run(learning_rate):
        clip = lectopt.clip_by_global_norm(20.0 * learning_rate)
        tx = monitor(lectopt.chain(clip, lectopt.sgd(learning_rate)))
        _, state = tx.update(GRADS, tx.init(PARAMS), PARAMS)
        return state, metrics(state)

    rates = jnp.array([0.1, 0.5])
    states, inside = jax.jit(jax.vmap(run))(rates)
    outside = metrics(states)
    chex.assert_trees_all_equal(outside, inside)
    np.testing.assert_allclose(outside["learning_rate"], rates)
    np.testing.assert_allclose(outside["clip_fraction"], [1.0, 0.0])
    np.testing.assert_allclose(outside["update_norm"], [0.2, 1.5], rtol=1e-6)


def test_is_read_through_every_wrapper():
    params = {k: v for k, v in PARAMS.items() if v is not None}
    grads = {k: v for k, v in GRADS.items() if v is not None}

    def make(learning_rate):
        return monitor(lectopt.adam(learning_rate))

    wrapped = {
        "chain": optax.chain(optax.identity(), make(0.1)),
        "lectopt.chain": lectopt.chain(make(0.1), optax.scale(2.0)),
        "named": lectopt.chain(it=make(0.1)),
        "masked": optax.masked(make(0.1), {"a": True, "b": True}),
        "inject": optax.inject_hyperparams(make)(learning_rate=0.1),
        "accumulated": optax.MultiSteps(make(0.1), 1),
        "finite": optax.apply_if_finite(make(0.1), 3),
    }

    @jax.jit
    def run():
        bare, found = make(0.1), {}
        expected = metrics(bare.update(grads, bare.init(params), params)[1])
        for name, tx in wrapped.items():
            found[name] = metrics(tx.update(grads, tx.init(params), params)[1])
        return expected, found

    expected, found = run()
    assert expected["grad_norm"] == 3.0
    for name, recorded in found.items():
        chex.assert_trees_all_close(recorded, expected, rtol=1e-5, custom_message=name)


def test_several_monitors_are_told_apart_by_their_place():
    params = {"head": jnp.ones(4), "body": jnp.ones(9), "metrics": jnp.ones(1)}

    def names(tx):
        _, state = jax.jit(tx.update)(params, tx.init(params), params)
        return {k: float(v) for k, v in metrics(state).items() if k.endswith("grad_norm")}

    own = {"head": monitor(lectopt.sgd(0.1)), "body": monitor(lectopt.sgd(0.1))}
    labels = {"head": "head", "body": "body", "metrics": "body"}
    seen = names(optax.partition(own, labels))
    assert seen == {"head/grad_norm": 2.0, "body/grad_norm": pytest.approx(np.sqrt(10))}
    clip = lectopt.clip_by_global_norm(1.0)
    nested = monitor(lectopt.chain(clip, inside=monitor(lectopt.sgd(0.1))))
    seen = names(nested)
    assert seen["grad_norm"] == pytest.approx(np.sqrt(14))
    assert seen["inside/grad_norm"] == pytest.approx(1.0)
    assert set(names(optax.chain(own["head"], own["body"]))) == {"0/grad_norm", "1/grad_norm"}


@pytest.mark.parametrize("dtype", ["bfloat16", "float64", "complex64"])
@pytest.mark.usefixtures("x64")
def test_structure_and_dtypes_are_fixed(dtype):
    """In a scan carry and a cond, and from abstract parameters; the record survives msgpack."""
    params = {"w": jnp.full((2, 3), 300, dtype)}
    tx = monitor(lectopt.chain(lectopt.clip_by_global_norm(1.0), lectopt.adam(rate)))
    state = tx.init(params)

    @jax.jit
    def step(state):
        _, new = tx.update(params, state, params)
        return jax.lax.cond(jnp.bool_(True), lambda: new, lambda: state)

    new = step(state)
    chex.assert_trees_all_equal_shapes_and_dtypes(state, new)
    chex.assert_trees_all_equal_shapes_and_dtypes(tx.init(jax.eval_shape(lambda: params)), state)
    assert len(metrics(state)) == 8 and all(value == 0 for value in metrics(state).values())
    np.testing.assert_allclose(metrics(new)["grad_norm"], 300 * np.sqrt(6), rtol=1e-2)
    packed = flax.serialization.msgpack_restore(flax.serialization.to_bytes(new))
    chex.assert_trees_all_equal(metrics(packed), metrics(new))


def test_extra_arguments_pass_through():
    seen = {}

    def spy(updates, state, params=None, **extra):
        seen.update(extra)
        return updates, state

    tx = monitor(optax.GradientTransformationExtraArgs(lambda p: optax.EmptyState(), spy))
    tx.update(GRADS, tx.init(PARAMS), PARAMS, value=1.5)
    assert seen == dict(value=1.5)


def test_is_what_it_prints():
    tx = monitor(lectopt.chain(lectopt.clip_by_global_norm(1.0), lectopt.adam(0.1)))
    again = eval(repr(tx), vars(lectopt))
    assert again == tx and hash(again) == hash(tx) and copy.deepcopy(tx) == tx
    assert tx != lectopt.chain(lectopt.clip_by_global_norm(1.0), lectopt.adam(0.1))


@pytest.mark.parametrize(
    "call, error, words",
    [
        (
            lambda: monitor(lectopt.sgd(0.1)).update(GRADS, monitor(lectopt.sgd(0.1)).init(PARAMS)),
            ValueError,
            ["monitor needs the parameters", "tx.update(grads, state, params)"],
        ),
        (
            lambda: monitor(lectopt.sgd(0.1)).update(GRADS, {}, PARAMS),
            ValueError,
            ["'metrics'", "another optimizer"],
        ),
        (
            lambda: monitor(monitor(lectopt.sgd(0.1))),
            ValueError,
            ["under 'metrics' too", "inside="],
        ),
        (lambda: metrics(lectopt.adam(0.1).init(PARAMS)), ValueError, ["tx = monitor(tx)"]),
        (lambda: monitor(lectopt.adam), TypeError, ["Write adam(...)"]),
    ],
)
def test_errors(call, error, words):
    with pytest.raises(error) as raised:
        call()
    for word in words:
        assert word in str(raised.value)
