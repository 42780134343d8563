"""Inside `jax.shard_map`, its types checked: every algorithm and control runs, with the numbers of
one device where a weight looks at itself alone; and a search or a noise is that of all shards, or
of each, as the types say."""

import functools as ft

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.sharding import AxisType
from jax.sharding import PartitionSpec as P

import lectopt
from lectopt import LineSearchStatus, averaging, chain
from tests.support.algorithms import ALGORITHMS, is_first, over

SPEC = P("x")
MESH = jax.make_mesh((8,), ("x",), axis_types=(AxisType.Auto,))
PARAMS = {
    "w": np.linspace(-1, 2, 32, dtype=np.float32).reshape(16, 2),
    "v": np.ones(16, np.float32),
}


def parabola(params):
    return sum(jnp.sum(w**2 + 0.1 * w) for w in jax.tree.leaves(params))


def of_all(params):
    return jax.lax.psum(parabola(params), "x")


def sharded(function, *specs, out_specs=SPEC):
    return jax.shard_map(function, mesh=MESH, in_specs=specs or (SPEC,), out_specs=out_specs)


def trained(tx, loss, params, steps=3):
    """The weights after some updates, told all that an update may want."""
    state = tx.init(params)
    for _ in range(steps):
        value, grad = jax.value_and_grad(loss)(params)
        given = dict(value=value, grad=grad, value_fn=loss)
        updates, state = tx.update(grad, state, params, **given)
        params = optax.apply_updates(params, updates)
    return params


ADAM = lectopt.adam(0.1)
CONTROLS = {
    "clip_by_norm": chain(lectopt.clip_by_norm(1.0), ADAM),
    "clip_by_global_norm": chain(lectopt.clip_by_global_norm(1.0), ADAM),
    "monitor": lectopt.monitor(chain(lectopt.clip_by_global_norm(1.0), ADAM)),
    "reduce_on_plateau": chain(ADAM, lectopt.reduce_on_plateau(0.1, 0)),
    "scale_by_path": chain(ADAM, lectopt.scale_by_path({"w": 0.5})),
    "unfreeze_gradually": lectopt.unfreeze_gradually({"w": 2}, ADAM),
    "switch_when": lectopt.switch_when(lambda t: t >= 2, ADAM, lectopt.momentum(0.1)),
    "average_params": chain(ADAM, lectopt.average_params(averaging.uniform())),
    "average_params/suffix": chain(ADAM, lectopt.average_params(averaging.suffix(0.5))),
    "add_langevin_noise": chain(ADAM, lectopt.add_langevin_noise(0.1, key=0)),
    "wolfe/weak": chain(lectopt.sgd(1.0), lectopt.scale_by_wolfe_line_search()),
    "wolfe/strong": chain(lectopt.sgd(1.0), lectopt.scale_by_wolfe_line_search("strong")),
}
LOCAL = {k: tx for k, tx in CONTROLS.items() if k.split("_")[0] in ("scale", "switch", "average")}
LOCAL |= {k: CONTROLS[k] for k in ("reduce_on_plateau", "unfreeze_gradually")}


def assert_weights_come_back(tx, loss):
    found = jax.eval_shape(sharded(ft.partial(trained, tx, loss)), PARAMS)
    for new, old in zip(*map(jax.tree.leaves, (found, PARAMS)), strict=True):
        assert (new.shape, new.dtype) == (old.shape, old.dtype)


@over(ALGORITHMS, every=3)
@pytest.mark.parametrize("loss", [of_all, parabola], ids=["one loss", "a loss for every shard"])
def test_every_algorithm_runs(row, loss):
    """Traced, which is where JAX holds the types of shards against each other."""
    assert_weights_come_back(row.build(), loss)


@pytest.mark.parametrize("name", CONTROLS)
@pytest.mark.parametrize("loss", [of_all, parabola], ids=["one loss", "a loss for every shard"])
def test_every_control_runs(name, loss):
    if name == "wolfe/strong" and loss is parabola:
        with pytest.raises(ValueError, match=r"jax.lax.psum\(loss, axis\)"):
            assert_weights_come_back(CONTROLS[name], loss)
    else:
        assert_weights_come_back(CONTROLS[name], loss)


def assert_agree(transformations):
    """All in one program, against all in one program on one device."""

    def run(loss, params):
        return {name: trained(tx, loss, params) for name, tx in transformations.items()}

    found = jax.jit(sharded(ft.partial(run, of_all)))(PARAMS)
    expected = jax.jit(ft.partial(run, parabola))(PARAMS)
    assert found.keys() == transformations.keys() and len(found) >= 3
    for name in found:
        for a, b in zip(*map(jax.tree.leaves, (found[name], expected[name])), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6, err_msg=name)


def builds(rows):
    """Those whose weights look at themselves alone; the noise of shards is their own."""
    quiet = {"sgld": {"temperature": 0.0}, "noisy_sgd": {"eta": 0.0}}
    return {r.id: r.build(**quiet.get(r.id, {})) for r in rows if not r.reduces}


@pytest.mark.slow  # each is compiled for eight devices
def test_the_numbers_of_one_device():
    assert_agree(builds(filter(is_first, ALGORITHMS)))


@pytest.mark.slow  # the other conventions
def test_the_numbers_of_one_device_for_every_convention():
    assert_agree(builds(row for row in ALGORITHMS if not is_first(row)))


def test_the_numbers_of_one_device_under_controls():
    assert_agree(LOCAL)


@pytest.mark.parametrize("kind", ["weak", "strong"])
def test_shards_with_one_loss_search_together(kind):
    """The same step as on one device: with the slope of all shards, each copy counted once."""
    tx = chain(lectopt.sgd(3.0), lectopt.scale_by_wolfe_line_search(kind))

    def both(params):
        return trained(tx, loss, params)

    def loss(params):
        own = jax.lax.psum(jnp.sum(params["w"] ** 2), "x")
        return own + jnp.sum(params["copy"] ** 2)

    def whole(params):
        return jnp.sum(params["w"] ** 2) + jnp.sum(params["copy"] ** 2)

    params, specs = {"w": PARAMS["w"], "copy": np.float32([1, 2])}, {"w": P("x"), "copy": P()}
    found = jax.jit(sharded(both, specs, out_specs=specs))(params)
    expected = trained(tx, whole, params)
    jax.tree.map(ft.partial(np.testing.assert_allclose, rtol=1e-5), found, expected)


def test_shards_with_their_own_losses_search_by_themselves():
    """Each finds the step that it finds alone, though their curvatures differ by thousands."""
    tx = lectopt.scale_by_wolfe_line_search()

    def step(curvature, start):
        def loss(w):
            return jnp.sum(curvature * w**2) / 2

        value, grad = jax.value_and_grad(loss)(start)
        given = dict(value=value, grad=grad, value_fn=loss)
        updates, state = tx.update(-grad, tx.init(start), start, **given)
        record = state["line_search"]
        return updates, record["learning_rate"][None], record["status"][None]

    curvatures, start = 10.0 ** jnp.arange(-4, 4), jnp.ones(8)
    run = jax.jit(sharded(step, P("x"), P("x")))
    updates, steps, statuses = run(curvatures, start)
    assert (statuses == LineSearchStatus.FOUND).all() and len(set(steps.tolist())) > 3
    for i in range(8):
        alone = step(curvatures[i : i + 1], start[i : i + 1])
        np.testing.assert_allclose((updates[i], steps[i]), (alone[0][0], alone[1][0]), rtol=1e-6)


@pytest.mark.slow  # on two meshes of eight devices
@pytest.mark.parametrize(
    "tx", [lectopt.sgld(0.1, key=0), CONTROLS["add_langevin_noise"]], ids=["sgld", "in a chain"]
)
def test_noise_of_shards_is_their_own_and_of_copies_the_same(tx):
    """Of weights over no axis, over one, and over two; and the copies stay copies."""
    mesh = jax.make_mesh((4, 2), ("x", "y"), axis_types=(AxisType.Auto,) * 2)
    specs = {"copy": P(), "x": P("x"), "y": P("y"), "xy": P(("x", "y"))}
    params = {k: jnp.zeros(8 * 64) for k in specs}

    def update(params):
        updates, _ = tx.update(params, tx.init(params), params)
        return updates

    # The types of the results say that the copies are the same, or this is refused.
    updates = jax.shard_map(update, mesh=mesh, in_specs=(specs,), out_specs=specs)(params)
    for name, shards in {"copy": 1, "x": 4, "y": 2, "xy": 8}.items():
        parts = np.split(np.asarray(updates[name]), shards)
        assert len({part.tobytes() for part in parts}) == shards
        np.testing.assert_allclose(np.std(updates[name]), np.sqrt(0.2), rtol=0.15)
