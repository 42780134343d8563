"""Line search: the conditions of Wolfe hold, evaluations are counted, failures are reported."""

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
from tests.support.twins.line_search import weak_wolfe_bisection

kinds = pytest.mark.parametrize("kind", ["weak", "strong"])


def search(tx, value_fn, params, direction, **extra):
    """The step, and the record of one update along `direction`."""
    value, grad = jax.value_and_grad(value_fn)(params)
    updates, state = tx.update(
        direction, tx.init(params), params, value=value, grad=grad, value_fn=value_fn, **extra
    )
    record = state["line_search"]
    for update, d in zip(jax.tree.leaves(updates), jax.tree.leaves(direction), strict=True):
        np.testing.assert_allclose(update, record["learning_rate"] * d, rtol=1e-6)
    return record["learning_rate"], record


# The slides' figure as a quartic with two basins, along direction 1 from 0.
QUARTIC = np.polynomial.Polynomial([1, -2, 2.2, -0.9, 0.1])


def quartic(a):
    return 1 - 2 * a + 2.2 * a**2 - 0.9 * a**3 + 0.1 * a**4


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("c1, c2, ends", [(1e-4, 0.9, (5.802, 4.901)), (0.1, 0.5, (5.689, 4.775))])
def test_the_sets_of_good_steps(c1, c2, ends):
    """The strong set is the weak one without its steep end (S1-07)."""
    steps = jnp.linspace(0, 6, 6001)
    slope = QUARTIC.deriv()(0)
    found = {}
    for kind in ("weak", "strong"):

        def holds(step, kind=kind):
            return wolfe_conditions(quartic, 0.0, 1.0, step, c1=c1, c2=c2, kind=kind)

        decrease, curvature = jax.vmap(holds)(steps)
        x, left = np.asarray(steps), QUARTIC.deriv()(np.asarray(steps))
        np.testing.assert_array_equal(decrease, QUARTIC(x) <= QUARTIC(0) + c1 * x * slope)
        small = abs(left) <= c2 * abs(slope) if kind == "strong" else left >= c2 * slope
        np.testing.assert_array_equal(curvature, small)
        found[kind] = x[decrease & curvature]
    assert set(found["strong"]) < set(found["weak"])
    np.testing.assert_allclose([found["weak"].max(), found["strong"].max()], ends, atol=1e-3)
    assert found["weak"].min() == found["strong"].min()


def bumpy(seed, size=6):
    """A random function with many basins and a steep bowl, and its NumPy double."""
    rng = np.random.default_rng(seed)
    return dict(
        curvature=10 ** rng.uniform(-2, 3, size),
        waves=rng.normal(size=(8, size)),
        heights=3 * rng.normal(size=8),
        start=rng.normal(size=size),
        scale=10 ** rng.uniform(-4, 2),
    )


def bumpy_value(problem, x, np=jnp):
    bowl = np.sum(problem["curvature"] * x**2) / 2
    return bowl + np.sum(problem["heights"] * np.sin(np.sum(problem["waves"] * x[None, :], axis=1)))


def bumpy_grad(p, x):
    return p["curvature"] * x + (p["heights"] * np.cos(p["waves"] @ x)) @ p["waves"]


@kinds
@pytest.mark.usefixtures("x64")
def test_both_conditions_hold_on_random_functions(kind):
    """200 lanes of one program; the weak search also tries what its twin tries."""
    problems = [bumpy(seed) for seed in range(200)]
    c1, c2 = 1e-3, 0.4
    tx = lectopt.chain(lectopt.sgd(1.0), scale_by_wolfe_line_search(kind, c1, c2, 60))

    def run(problem):
        def value_fn(x):
            return bumpy_value(problem, x)

        value, grad = jax.value_and_grad(value_fn)(problem["start"])
        updates, state = tx.update(
            problem["scale"] * grad,  # of any length
            tx.init(problem["start"]),
            problem["start"],
            value=value,
            grad=grad,
            value_fn=value_fn,
        )
        return updates, state["line_search"]

    stacked = jax.tree.map(lambda *x: jnp.asarray(np.stack(x)), *problems)
    updates, record = jax.jit(jax.vmap(run))(stacked)
    assert (record["status"] == LineSearchStatus.FOUND).all()
    assert record["evaluations"].min() == 1 and record["evaluations"].max() > 8
    for i, p in enumerate(problems):
        d = -p["scale"] * bumpy_grad(p, p["start"])
        value, slope = bumpy_value(p, p["start"], np), bumpy_grad(p, p["start"]) @ d
        a = float(record["learning_rate"][i])
        end = p["start"] + a * d
        np.testing.assert_allclose(updates[i], a * d, rtol=1e-9)
        np.testing.assert_allclose(record["value"][i], bumpy_value(p, end, np), rtol=1e-9)
        assert bumpy_value(p, end, np) <= value + c1 * a * slope + 1e-12 * abs(value)
        left = bumpy_grad(p, end) @ d
        assert left >= c2 * slope * (1 + 1e-9)
        if kind == "strong":
            assert abs(left) <= c2 * abs(slope) * (1 + 1e-9)
        else:
            step, trials = weak_wolfe_bisection(
                lambda a, p=p, d=d: bumpy_value(p, p["start"] + a * d, np),
                lambda a, p=p, d=d: bumpy_grad(p, p["start"] + a * d) @ d,
                c1=c1,
                c2=c2,
                most=60,
            )
            assert (step, trials) == (a, record["evaluations"][i])


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


def lane(tx, value_fn):
    """`(start, direction) -> (step, record)` as one program, for starts of any kind."""

    @jax.jit
    def run(start, direction):
        value, grad = jax.value_and_grad(value_fn)(start)
        given = dict(value=value, grad=grad, value_fn=value_fn)
        _, state = tx.update(direction, tx.init(start), start, **given)
        return state["line_search"]["learning_rate"], state["line_search"]

    return run


@kinds
def test_no_descent_is_reported_and_not_searched(kind):
    tx = scale_by_wolfe_line_search(kind)
    run = lane(tx, lambda x: jnp.where(x > 2, x * 0 + 1, x**2))
    uphill, sideways, nowhere = (1.0, 1.0), (1.0, 0.0), (1.0, np.nan)
    flat, infinite, unknown = (3.0, -1.0), (-np.inf, 1.0), (np.nan, 1.0)
    for start, direction in (uphill, sideways, nowhere, flat, infinite, unknown):
        step, record = run(start, direction)
        assert record["status"] == LineSearchStatus.NO_DESCENT
        assert step == 0 and record["evaluations"] <= 1
        assert record["value"] == 1 or not np.isfinite(start)


@kinds
def test_no_decrease_moves_nothing(kind):
    tx = scale_by_wolfe_line_search(kind, max_evaluations=3)
    params = jnp.float32(1)
    step, record = search(tx, lambda x: 1e6 * x**2, params, jnp.float32(-2e6))
    assert record["status"] == LineSearchStatus.NO_DECREASE
    assert step == 0 and record["evaluations"] == 3 and record["value"] == 1e6


@kinds
def test_of_steps_without_curvature_the_best(kind):
    """Down a plane the slope never changes: the steps double until the evaluations are spent."""
    tx = scale_by_wolfe_line_search(kind, max_evaluations=6)
    step, record = search(tx, lambda x: -x, jnp.float32(1), jnp.float32(1))
    assert record["status"] == LineSearchStatus.NO_CURVATURE
    assert step == 32 and record["evaluations"] == 6 and record["value"] == -33


@kinds
@pytest.mark.parametrize("wall", [jnp.inf, jnp.nan, -jnp.inf])
def test_stays_where_the_function_is_finite(kind, wall):
    """Steps of 1 and 1/2 lead out of the domain; the minimum is at 0.3."""

    def value_fn(x):
        return jnp.where(x < 0.4, (x - 0.3) ** 2, wall)

    step, record = search(
        scale_by_wolfe_line_search(kind), value_fn, jnp.float32(0), jnp.float32(1)
    )
    assert record["status"] == LineSearchStatus.FOUND and 0 < step < 0.4
    assert record["value"] < 0.3**2


@kinds
def test_a_lane_that_fails_does_not_disturb_the_others(kind):
    tx = scale_by_wolfe_line_search(kind)
    directions = jnp.array([-2.0, 2.0, jnp.nan, -2e5, -1e-4])

    run = lane(tx, lambda x: x**2)
    steps, record = jax.vmap(run)(jnp.ones(5), directions)
    found, not_found = LineSearchStatus.FOUND, LineSearchStatus.NO_DESCENT
    np.testing.assert_array_equal(record["status"], [found, not_found, not_found, found, found])
    for i in range(len(directions)):
        np.testing.assert_allclose(steps[i], run(1.0, directions[i])[0], rtol=1e-5)


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
        (lambda: update(value=1.0), TypeError, ["needs grad, value_fn", "value_fn=loss"]),
        (
            lambda: update(value=1.0, grad=jnp.ones(2), value_fn=total, params=None),
            TypeError,
            ["needs the parameters", "tx.update(grads, state, params, value=value"],
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
