"""Line search in a training: the value falls, evaluations are counted, settings are lanes."""

import functools as ft

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

import lectopt
from lectopt import LineSearchStatus, scale_by_wolfe_line_search, wolfe_conditions
from tests.controls.searches import kinds, lane, quartic


@kinds
def test_counts_what_it_evaluates(kind):
    calls = []

    def value_fn(x):
        jax.debug.callback(lambda: calls.append(1))
        return 50 * jnp.sum(x**4)

    tx = lectopt.chain(lectopt.sgd(1.0), scale_by_wolfe_line_search(kind))
    params, total = jnp.ones(3), 0
    state = tx.init(params)

    @jax.jit
    def update(value, grad, state, params):
        return tx.update(grad, state, params, value=value, grad=grad, value_fn=value_fn)

    for _ in range(3):
        value, grad = jax.value_and_grad(value_fn)(params)
        jax.effects_barrier()
        calls.clear()
        updates, state = update(value, grad, state, params)
        jax.effects_barrier()
        params, total = params + updates, total + len(calls)
        assert state["line_search"]["evaluations"] == len(calls) > 0
    assert state["line_search"]["total_evaluations"] == total


def rosenbrock(params):
    x, y = params["x"], params["y"]
    return jnp.sum(100 * (y - x**2) ** 2 + (1 - x) ** 2)


START = {"x": jnp.array([-1.2, 0.5]), "y": jnp.array([1.0, -0.5]), "frozen": None}


def descend(tx, steps, initial=START):
    """The values along a scan, and the last record."""

    def step(carry, _):
        params, state = carry
        value, grad = jax.value_and_grad(rosenbrock)(params)
        updates, state = tx.update(grad, state, params, value=value, grad=grad, value_fn=rosenbrock)
        return (optax.apply_updates(params, updates), state), value

    (_, state), values = jax.lax.scan(step, (initial, tx.init(initial)), length=steps)
    return values, state


@kinds
def test_after_any_direction_the_value_falls(kind):
    """In a scan; where Adam's direction does not descend, the parameters stay."""

    @jax.jit
    def run():  # one program, as what is the same in all is then compiled once
        return [
            descend(chain(optimizer(1.0), scale_by_wolfe_line_search(kind)), 60)[0]
            for chain in (lectopt.chain, optax.chain)
            for optimizer in (lectopt.sgd, lectopt.adam, optax.sgd)
        ]

    for values in map(np.asarray, run()):
        assert (np.diff(values) <= 1e-5 * values[:-1]).all()
        assert values[-1] < 0.2 * values[0]


def test_keeping_the_step_saves_evaluations():
    def total(initial):
        search = scale_by_wolfe_line_search(initial=initial)
        tx = lectopt.chain(lectopt.sgd(1.0), search)
        values, state = jax.jit(lambda: descend(tx, 40))()
        assert values[-1] < 0.2 * values[0]
        return int(state["line_search"]["total_evaluations"])

    assert total("keep") < 0.7 * total("one")


def test_value_fn_gets_the_arguments_it_names():
    """And what it does not name is no error: other members of a chain may take it."""
    tx = lectopt.chain(lectopt.sgd(1.0), lectopt.reduce_on_plateau(), scale_by_wolfe_line_search())
    x, y = jnp.array([3.0, 2.0, 1.0]), jnp.array(1.0)
    params = jnp.array([1.0, 2.0, 3.0])

    def loss(params, x, *, y):
        return (jnp.sum(x * params) - y) ** 2

    def loss_of_anything(params, **batch):
        assert set(batch) == {"x", "y", "evaluated"}
        return loss(params, batch["x"], y=batch["y"])

    results = []
    for value_fn in (loss, loss_of_anything):
        value, grad = jax.value_and_grad(loss)(params, x, y=y)
        given = dict(value=value, grad=grad, value_fn=value_fn)
        updates, state = tx.update(grad, tx.init(params), params, **given, x=x, y=y, evaluated=True)
        assert state["line_search"]["status"] == LineSearchStatus.FOUND
        results.append(updates)
    np.testing.assert_array_equal(*results)


SETTINGS = dict(c1=(1e-4, 0.2, 0.39), c2=(0.31, 0.6, 0.9), max_evaluations=(1, 2, 10))


@kinds
def test_every_number_may_be_a_lane(kind):
    """One program for all settings, alone and side by side; each lane changes one number."""

    @jax.jit
    def run(numbers):
        return lane(scale_by_wolfe_line_search(kind, **numbers), quartic)(0.0, 4.0)[0]

    numbers = dict(c1=0.3, c2=0.4, max_evaluations=20)
    lanes = [numbers | {name: n} for name, values in SETTINGS.items() for n in values]
    steps = jax.vmap(run)({name: jnp.array([one[name] for one in lanes]) for name in numbers})
    for step, one in zip(steps, lanes, strict=True):
        np.testing.assert_allclose(step, run(one), rtol=1e-5)


@kinds
@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("dtype", ["bfloat16", "float32", "float64"])
def test_state_and_updates_keep_their_types(kind, dtype):
    tx = scale_by_wolfe_line_search(kind)
    params = {"w": jnp.ones(3, dtype), "frozen": None, "steps": jnp.array(3)}
    grads = {"w": jnp.ones(3, dtype), "frozen": None, "steps": None}

    def value_fn(params):
        return jnp.sum(params["w"] ** 2)

    def types(tree):
        return jax.tree.map(lambda x: (x.shape, x.dtype, x.weak_type), tree)

    state = tx.init(params)
    directions = jax.tree.map(lambda g: -g, grads)
    updates, new = jax.jit(
        lambda d, s: tx.update(d, s, params, value=3.0, grad=grads, value_fn=value_fn)
    )(directions, state)
    assert types(new) == types(state) and updates["w"].dtype == dtype
    assert updates["frozen"] is None and updates["steps"] is None
    assert new["line_search"]["status"] == LineSearchStatus.FOUND


@ft.partial(jax.jit, static_argnums=0)
def quartic_step(kind, params):
    tx = lectopt.chain(lectopt.sgd(1.0), scale_by_wolfe_line_search(kind))

    def value_fn(p):
        return 20 * jnp.sum(p["w"] ** 4) + jnp.sum(p["b"] ** 2)

    value, grad = jax.value_and_grad(value_fn)(params)
    updates, state = tx.update(
        grad, tx.init(params), params, value=value, grad=grad, value_fn=value_fn
    )
    return optax.apply_updates(params, updates), state


WHOLE = {"w": np.linspace(0.5, 1, 32, dtype=np.float32).reshape(8, 4), "b": np.float32([1, 1, 1])}


@kinds
@pytest.mark.parametrize("mesh_kind", [AxisType.Auto, AxisType.Explicit], ids=["auto", "explicit"])
def test_on_sharded_parameters(kind, mesh_kind):
    expected, expected_state = quartic_step(kind, WHOLE)
    mesh = jax.make_mesh((8,), ("x",), axis_types=(mesh_kind,))
    with jax.set_mesh(mesh):
        specs = {"w": P("x", None), "b": P()}
        params = {k: jax.device_put(v, NamedSharding(mesh, specs[k])) for k, v in WHOLE.items()}
        moved, state = quartic_step(kind, params)
        assert moved["w"].sharding.is_equivalent_to(params["w"].sharding, 2)
    for name in WHOLE:
        np.testing.assert_allclose(np.asarray(moved[name]), expected[name], rtol=1e-5, atol=1e-6)
    evaluations = state["line_search"]["evaluations"]
    assert evaluations == expected_state["line_search"]["evaluations"] > 1


def test_prints_and_compares():
    tx = scale_by_wolfe_line_search("strong", c2=0.1)
    assert repr(tx) == "scale_by_wolfe_line_search(kind='strong', c2=0.1)"
    chain = lectopt.chain(lectopt.sgd(1.0), tx)
    assert eval(repr(chain), vars(lectopt)) == chain and hash(tx) == hash(
        scale_by_wolfe_line_search("strong", c2=0.1)
    )
    assert tx != scale_by_wolfe_line_search("strong")


def update(**extra):
    tx, params = scale_by_wolfe_line_search(), jnp.ones(2)
    return tx.update(params, tx.init(params), extra.pop("params", params), **extra)


def total(x):
    return jnp.sum(x)


@pytest.mark.parametrize(
    "call, error, words",
    [
        (lambda: scale_by_wolfe_line_search("armijo"), ValueError, ["kind", "'weak', 'strong'"]),
        (lambda: scale_by_wolfe_line_search(c1=0.9), ValueError, ["c1 < c2", "c1=0.9", "c2=0.9"]),
        (lambda: wolfe_conditions(total, 1.0, 1.0, c2=1e-5), ValueError, ["c1 < c2", "c2=1e-05"]),
        (lambda: scale_by_wolfe_line_search(c2=1.0), ValueError, ["c2", "[0, 1)", "got 1"]),
        (
            lambda: scale_by_wolfe_line_search(max_evaluations=0),
            ValueError,
            ["max_evaluations", "[1, inf)"],
        ),
        (lambda: update(value=1.0), TypeError, ["needs grad, value_fn", "value_fn=loss_fn"]),
        (
            lambda: update(value=1.0, grad=jnp.ones(2), value_fn=total, params=None),
            ValueError,
            ["needs the parameters", "tx.update(grads, state, params)"],
        ),
        (
            lambda: update(value=1.0, grad=jnp.ones(3), value_fn=total),
            ValueError,
            ["(2,)", "(3,)"],
        ),
    ],
)
def test_errors(call, error, words):
    with pytest.raises(error) as caught:
        call()
    assert all(word in str(caught.value) for word in words), caught.value
