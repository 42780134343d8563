"""The record of the last update: the numbers by hand, through every wrapper, in one program."""

import copy

import chex
import flax
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx
from flax.training.train_state import TrainState
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

import lectopt
from lectopt import metrics, monitor

PARAMS = {"a": jnp.array([3.0, 4.0]), "b": jnp.array(12.0), "none": None}
GRADS = {"a": jnp.array([1.0, -2.0]), "b": jnp.array(2.0), "none": None}
STEPS = 5


def flat(tree):
    return np.concatenate([np.ravel(np.asarray(x, np.float64)) for x in jax.tree.leaves(tree)])


def by_hand(grads, updates, params):
    g, u, p = map(flat, (grads, updates, params))
    norms = map(np.linalg.norm, (g, u, p))
    grad_norm, update_norm, param_norm = norms
    return dict(
        grad_norm=grad_norm,
        update_norm=update_norm,
        param_norm=param_norm,
        update_ratio=update_norm / param_norm,
        descent_cosine=-(u @ g) / (grad_norm * update_norm),
        nonfinite=0,
    )


def rate(count):
    return 0.1 / (1 + count)


def trained(tx, grads_of=lambda params, t: jax.tree.map(lambda g: g * (1 + t), GRADS)):
    """Stacked after every update: gradients, updates, parameters before it, metrics."""

    def step(carry, t):
        params, state = carry
        grads = grads_of(params, t)
        updates, state = tx.update(grads, state, params)
        seen = grads, updates, params, metrics(state)
        return (optax.apply_updates(params, updates), state), seen

    return jax.jit(
        lambda: jax.lax.scan(step, (PARAMS, tx.init(PARAMS)), jnp.arange(float(STEPS)))[1]
    )()


def test_numbers_by_hand_in_a_scan():
    *seen, recorded = trained(monitor(lectopt.momentum(rate, 0.9)))
    for t in range(STEPS):
        expected = by_hand(*jax.tree.map(lambda x, t=t: x[t], seen)) | {"learning_rate": rate(t)}
        now = {name: value[t] for name, value in recorded.items()}
        assert now.keys() == expected.keys()
        chex.assert_trees_all_close(now, expected, rtol=1e-5)
    assert recorded["grad_norm"][0] == 3.0 and recorded["param_norm"][0] == 13.0
    np.testing.assert_allclose(recorded["descent_cosine"][0], 1.0, rtol=1e-6)


@pytest.mark.parametrize("clip", [lectopt.clip_by_global_norm, optax.clip_by_global_norm])
def test_share_of_clipped_updates(clip):
    """Norms 3, 6, 9, 12, 15, and a bound of 7: none, none, then all."""
    *seen, recorded = trained(monitor(lectopt.chain(clip(7.0), lectopt.sgd(0.1))))
    np.testing.assert_allclose(recorded["clip_fraction"], [0, 0, 1 / 3, 1 / 2, 3 / 5], rtol=1e-6)
    np.testing.assert_allclose(recorded["grad_norm"], [3, 6, 9, 12, 15], rtol=1e-6)
    np.testing.assert_allclose(recorded["update_norm"], [0.3, 0.6, 0.7, 0.7, 0.7], rtol=1e-5)


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
        lectopt.nesterov(0.1, form="look_ahead"),
        lectopt.chain(optax.adam(0.1)),
    ):
        plain, (params, state, point) = last(tx), last(monitor(tx))
        del state["metrics"]
        chex.assert_trees_all_close((params, state, point), plain, rtol=1e-6)


def test_learning_rate_only_where_there_is_one():
    assert "learning_rate" not in metrics(monitor(lectopt.trace(0.9)).init(PARAMS))
    assert "learning_rate" not in metrics(monitor(optax.sgd(0.1)).init(PARAMS))
    twice = lectopt.chain(lectopt.sgd(0.1), lectopt.sgd(0.1))
    assert "learning_rate" not in metrics(monitor(twice).init(PARAMS))
    deep = lectopt.unfreeze_gradually({"a": 3}, lectopt.adam(rate))
    recorded = trained(monitor(deep))[-1]
    np.testing.assert_allclose(recorded["learning_rate"], rate(np.arange(STEPS)), rtol=1e-6)


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


def test_in_flax_nnx_and_linen():
    model = nnx.Linear(3, 2, rngs=nnx.Rngs(0))
    params = jax.tree.map(jnp.copy, nnx.to_pure_dict(nnx.state(model)))
    tx = monitor(lectopt.adam(rate))
    train_state = TrainState.create(apply_fn=None, params=params, tx=tx)
    optimizer = nnx.Optimizer(model, tx, wrt=nnx.Param)
    chex.clear_trace_counter()

    @nnx.jit
    @chex.assert_max_traces(n=1)
    def step(model, optimizer):
        optimizer.update(model, jax.tree.map(jnp.cos, nnx.state(model, nnx.Param)))
        return metrics(optimizer.opt_state)

    for count in range(3):
        recorded = step(model, optimizer)
        expected = by_hand(jax.tree.map(jnp.cos, train_state.params), params, train_state.params)
        train_state = train_state.apply_gradients(grads=jax.tree.map(jnp.cos, train_state.params))
        for name in ("grad_norm", "param_norm"):
            np.testing.assert_allclose(recorded[name], expected[name], rtol=1e-5)
        np.testing.assert_allclose(recorded["learning_rate"], rate(count), rtol=1e-6)
        chex.assert_trees_all_close(metrics(optimizer.opt_state), recorded)
        chex.assert_trees_all_close(metrics(train_state.opt_state), recorded, rtol=1e-5)


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


def test_zeros_and_what_is_not_finite():
    zeros = jax.tree.map(jnp.zeros_like, PARAMS)
    tx = monitor(lectopt.sgd(0.1))
    _, state = tx.update(zeros, tx.init(zeros), zeros)
    assert all(metrics(state)[k] == 0 for k in ("update_ratio", "descent_cosine", "nonfinite"))
    bad = zeros | {"a": jnp.array([jnp.nan, jnp.inf])}
    _, state = tx.update(bad, state, PARAMS)
    assert metrics(state)["nonfinite"] == 2
    assert metrics(state)["param_norm"] == 13.0


def test_a_way_uphill_is_seen():
    tx = monitor(optax.scale(0.5))
    _, state = tx.update(GRADS, tx.init(PARAMS), PARAMS)
    np.testing.assert_allclose(metrics(state)["descent_cosine"], -1.0, rtol=1e-6)


def test_norms_of_sharded_parameters():
    mesh = jax.make_mesh((8,), ("x",), axis_types=(AxisType.Explicit,))
    with jax.set_mesh(mesh):
        placing = NamedSharding(mesh, P("x", None))
        params = {"w": jax.device_put(jnp.ones((16, 2)), placing)}
        tx = monitor(lectopt.sgd(0.5))
        _, state = jax.jit(tx.update)(params, tx.init(params), params)
        recorded = metrics(state)
    np.testing.assert_allclose(recorded["grad_norm"], np.sqrt(32), rtol=1e-6)
    np.testing.assert_allclose(recorded["update_ratio"], 0.5, rtol=1e-6)


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
            ["same place", "inside=monitor"],
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
