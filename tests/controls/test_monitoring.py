"""The record of the last update: the numbers by hand, in a scan, in Flax and on many devices."""

import chex
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


def test_learning_rate_only_where_there_is_one():
    assert "learning_rate" not in metrics(monitor(lectopt.trace(0.9)).init(PARAMS))
    assert "learning_rate" not in metrics(monitor(optax.sgd(0.1)).init(PARAMS))
    twice = lectopt.chain(lectopt.sgd(0.1), lectopt.sgd(0.1))
    assert "learning_rate" not in metrics(monitor(twice).init(PARAMS))
    deep = lectopt.unfreeze_gradually({"a": 3}, lectopt.adam(rate))
    recorded = trained(monitor(deep))[-1]
    np.testing.assert_allclose(recorded["learning_rate"], rate(np.arange(STEPS)), rtol=1e-6)


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


def test_every_layer_by_itself():
    """The same numbers, of the kernel and the bias of a layer together; None is no gradient, and
    integers are no weights."""
    params = {
        "encoder": [{"w": jnp.array([[3.0, 4.0]]), "b": jnp.zeros(2)}, {"w": jnp.array([2.0])}],
        "out": jnp.array([0.0]),
        "frozen": {"w": jnp.ones(3)},
    }
    tiny = jnp.full(1, 1e-25)
    grads = {
        "encoder": [{"w": jnp.array([[1.0, 2.0]]), "b": jnp.full(2, 2.0)}, {"w": tiny}],
        "out": jnp.array([7.0]),
        "frozen": {"w": None},
    }  # fmt: skip
    tx = monitor(lectopt.sgd(0.5), layers=True)
    state = tx.init(params)
    assert jax.tree.structure(state) == jax.tree.structure(tx.update(grads, state, params)[1])
    found = metrics(jax.jit(tx.update)(grads, state, params)[1])
    expected = {  # gradient, update over weights
        "encoder/0": (np.sqrt(13), 0.5 * np.sqrt(13) / 5),
        "encoder/1": (1e-25, 0.25e-25),  # whose square is 0 in float32
        "out": (7.0, 0.0),
        "frozen": (0.0, 0.0),
    }
    layered = {name for name in found if name.startswith("layers/")}
    assert layered == {f"layers/{m}/{n}" for m in ("grad_norm", "update_ratio") for n in expected}
    for layer, (norm, ratio) in expected.items():
        np.testing.assert_allclose(found[f"layers/grad_norm/{layer}"], norm, rtol=1e-5)
        np.testing.assert_allclose(found[f"layers/update_ratio/{layer}"], ratio, rtol=1e-5)
    assert set(metrics(monitor(lectopt.sgd(0.5)).init(params))) == set(found) - layered
    alone = metrics(monitor(lectopt.sgd(0.5), layers=True).init(jnp.ones(2)))
    assert "layers/grad_norm/params" in alone


def test_layers_of_flax():
    model = nnx.Sequential(nnx.Linear(3, 4, rngs=nnx.Rngs(0)), nnx.Linear(4, 2, rngs=nnx.Rngs(1)))
    optimizer = nnx.Optimizer(model, monitor(lectopt.adam(0.1), layers=True), wrt=nnx.Param)
    before = nnx.to_pure_dict(nnx.state(model, nnx.Param))
    grads = jax.tree.map(jnp.cos, nnx.state(model, nnx.Param))
    optimizer.update(model, grads)
    after = nnx.to_pure_dict(nnx.state(model, nnx.Param))
    found = metrics(optimizer.opt_state)
    for i in (0, 1):
        g, old, new = (flat(tree["layers"][i]) for tree in (nnx.to_pure_dict(grads), before, after))
        np.testing.assert_allclose(
            found[f"layers/grad_norm/layers/{i}"], np.linalg.norm(g), rtol=1e-5
        )
        ratio = np.linalg.norm(new - old) / np.linalg.norm(old)
        np.testing.assert_allclose(found[f"layers/update_ratio/layers/{i}"], ratio, rtol=1e-4)
