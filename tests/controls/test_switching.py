"""`switch_when` and SWATS: when they switch, what is at work before and after, and for whom."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import lectopt
from tests.support import twins
from tests.support.training import train

STEPS = 40
THETA = np.array([0.3, -0.7, 1.0, -2.0, 0.5, 3.0])
CURVATURE = np.array([0.0, 0.2, 0.5, 2.0, 1.0, 0.1])
NOISE = np.random.default_rng(2).normal(size=(3, STEPS, 6))
RATES = 0.05 / (1 + 0.1 * np.arange(STEPS))


def rate(count):
    return jnp.asarray(RATES)[count]


def run(tx, grad, theta=THETA, steps=STEPS):
    """The parameters and the state after every update."""

    def step(carry, t):
        theta, state = carry
        updates, state = tx.update(grad(theta, t), state, theta)
        theta = optax.apply_updates(theta, updates)
        return (theta, state), (theta, state)

    theta = jnp.asarray(theta)
    return jax.lax.scan(step, (theta, tx.init(theta)), jnp.arange(steps))[1]


def read(state, *names):
    return [np.asarray(optax.tree.get(state, name)) for name in names]


# ------------------------------------------------------------------------------------- SWATS


@pytest.mark.parametrize(
    "switch_tol, relative, min_adam_steps",
    [(3e-3, False, 2), (1e-2, False, 12), (0.1, True, 2), (0.3, True, 20), (1e-9, False, 2)],
)
@pytest.mark.usefixtures("x64")
def test_switches_when_its_twin_does(switch_tol, relative, min_adam_steps):
    """For three histories in one vmapped program, each lane for itself, and under a schedule."""
    tx = lectopt.swats(
        rate, 0.8, 0.95, switch_tol=switch_tol, relative=relative, min_adam_steps=min_adam_steps
    )

    def lane(noise):
        return run(tx, lambda theta, t: noise[t] + CURVATURE * theta)

    paths, states = jax.jit(jax.vmap(lane))(jnp.asarray(NOISE))
    switched_at, sgd_rate = read(states, "switched_at", "sgd_rate")
    for i, noise in enumerate(NOISE):
        switches = []
        twin = twins.swats(
            THETA,
            lambda theta, t, noise=noise: noise[t] + CURVATURE * theta,
            lambda t: RATES[t],
            STEPS,
            **dict(beta1=0.8, beta2=0.95, tol=switch_tol, relative=relative),
            min_steps=min_adam_steps,
            switches=switches,
        )
        np.testing.assert_allclose(paths[i], twin, rtol=1e-11, atol=1e-12)
        if not switches:
            np.testing.assert_array_equal(switched_at[i], 0)
            continue
        ((t, Lambda),) = switches
        np.testing.assert_array_equal(switched_at[i], np.where(np.arange(STEPS) < t, 0, t + 1))
        np.testing.assert_allclose(sgd_rate[i, t:], Lambda, rtol=1e-12)
    if switch_tol == 3e-3:
        assert len(set(switched_at[:, -1])) == 3  # the lanes did not switch together
    assert (switched_at[:, -1] > 0).all() == (switch_tol > 1e-9)


def test_lanes_with_different_tolerances_are_what_they_are_alone():
    def lane(tol):
        tx = lectopt.swats(0.05, 0.8, 0.95, switch_tol=tol, relative=True)
        return run(tx, lambda theta, t: jnp.asarray(NOISE[0], jnp.float32)[t] + theta)

    tolerances = jnp.array([1.0, 0.05, 0.0])
    paths, states = jax.jit(jax.vmap(lane))(tolerances)
    first, second, third = read(states, "switched_at")[0][:, -1]
    assert 0 < first < second and third == 0
    for i, tol in enumerate(tolerances):
        np.testing.assert_allclose(paths[i], jax.jit(lane)(float(tol))[0], rtol=1e-4, atol=1e-5)


@pytest.mark.usefixtures("x64")
def test_the_papers_trigger_can_be_false():
    """Two equal estimates at once: SWATS goes over to an SGD whose rate exceeds 2/L."""
    tx = lectopt.swats(1e-3, b1=0.0)
    path, states = run(tx, lambda x, t: x, np.array([4.99959124847467e-4]))
    switched_at, sgd_rate = read(states, "switched_at", "sgd_rate")
    assert switched_at[-1] == 2
    np.testing.assert_allclose(sgd_rate[-1], 2.000037, rtol=1e-6)
    np.testing.assert_allclose(path[2:, 0] / path[1:-1, 0], 1 - sgd_rate[-1], rtol=1e-9)
    assert (np.diff(np.abs(path[2:, 0])) > 0).all()
    guarded = run(lectopt.swats(1e-3, b1=0.0, min_adam_steps=30), lambda x, t: x, path[0])
    assert read(guarded[1], "switched_at")[0][-1] == 0


@pytest.mark.usefixtures("x64")
def test_after_the_switch_the_schedule_scales_the_measured_rate():
    tx = lectopt.swats(rate, 0.8, 0.95, switch_tol=1e9, min_adam_steps=5)
    gradients = jnp.asarray(NOISE[0])
    path, states = run(tx, lambda theta, t: gradients[t])
    switched_at, sgd_rate = read(states, "switched_at", "sgd_rate")
    assert switched_at[-1] == 5
    v, after = 0.0, np.asarray(path[4])
    for t in range(5, STEPS):
        v = 0.8 * v + NOISE[0][t]
        after = after - 0.2 * sgd_rate[-1] * RATES[t] / RATES[0] * v
        np.testing.assert_allclose(path[t], after, rtol=1e-11)


def test_leaves_without_gradient_stay_out_of_the_inner_products():
    """A frozen leaf, whether None, masked out or in another group, changes neither p.p nor p.g."""
    grads, frozen = {"w": jnp.array([1.0, -2.0])}, {"f": jnp.array([100.0, 3.0])}
    tx = lectopt.swats(0.1)
    groups = optax.partition({"on": tx, "off": optax.set_to_zero()}, {"w": "on", "f": "off"})

    def measured(tx, grads):
        params = jax.tree.map(jnp.ones_like, {"w": grads["w"]} | ({"f": frozen["f"]}))
        params = params if "f" in grads else {"w": params["w"]}
        state = tx.init(params)
        for scale in (1.0, 0.3):
            _, state = tx.update(jax.tree.map(lambda g, s=scale: s * g, grads), state, params)
        return optax.tree.get(state, "sgd_rate")

    expected = measured(tx, grads)
    assert expected > 0
    for other in (
        measured(tx, grads | {"f": None}),
        measured(optax.masked(tx, {"w": True, "f": False}), grads | frozen),
        measured(groups, grads | frozen),
    ):
        np.testing.assert_allclose(other, expected, rtol=1e-6)
    assert abs(measured(tx, grads | frozen) - expected) > 0.1 * expected


def test_swats_refuses_a_schedule_that_starts_at_zero():
    with pytest.raises(ValueError, match="must not start at 0"):
        lectopt.swats(optax.linear_schedule(0.0, 0.1, 10))
    with pytest.raises(ValueError, match=re.escape("min_adam_steps must lie in [2, inf]")):
        lectopt.swats(min_adam_steps=1)


# ------------------------------------------------------------------------------- switch_when


def grad_of(theta, t):
    return jnp.asarray(NOISE[0], theta.dtype)[t] + jnp.asarray(CURVATURE, theta.dtype) * theta


@pytest.mark.parametrize("condition", [lambda t: t >= 10, lambda count: count >= 9])
@pytest.mark.parametrize("library", [lectopt, optax], ids=["lectopt", "optax"])
@pytest.mark.usefixtures("x64")
def test_second_starts_afresh_where_first_ends(condition, library):
    """Its averages, its bias corrections and its schedule begin at the switch."""
    tx = lectopt.switch_when(condition, library.sgd(0.1, 0.9), library.adam(rate))
    path, states = run(tx, grad_of)
    before = run(library.sgd(0.1, 0.9), grad_of, steps=10)[0]
    after = run(library.adam(rate), lambda x, t: grad_of(x, t + 10), before[-1], STEPS - 10)[0]
    np.testing.assert_allclose(path, jnp.concatenate([before, after]), rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(states["switched_at"], [0] * 9 + [10] * 31)


def test_second_can_go_on_with_the_count():
    schedule = optax.linear_schedule(1.0, 0.0, STEPS)
    tx = lectopt.switch_when(
        lambda t: t >= 10, lectopt.sgd(0.0), lectopt.sgd(schedule), restart_count=False
    )
    path, _ = run(tx, lambda theta, t: jnp.ones_like(theta), jnp.zeros(1))
    moves = -np.diff(path[:, 0])
    np.testing.assert_allclose(moves[9:], schedule(np.arange(10, STEPS)), rtol=1e-4)


def test_condition_reads_the_extra_arguments_of_update():
    tx = lectopt.switch_when(lambda value: value < 0.5, lectopt.sgd(1.0), lectopt.sgd(0.1))
    tx = optax.chain(optax.identity(), tx)
    state, moves = tx.init(jnp.zeros(())), []
    for value in (1.0, 0.4, 1.0, 0.2):
        updates, state = tx.update(jnp.ones(()), state, value=value)
        moves.append(float(updates))
    np.testing.assert_allclose(moves, [-1.0, -1.0, -0.1, -0.1])
    with pytest.raises(TypeError, match=re.escape("value=...")):
        tx.update(jnp.ones(()), state)


def test_a_condition_with_state_tells_second_what_it_measured():
    """Switch at the first gradient above 2, and go on at a rate of one over it."""

    @lectopt.treewise(largest=0.0)
    def above(gradients, state, proposed):
        assert proposed.shape == gradients.shape
        largest = jnp.maximum(state.largest, gradients)
        return largest > 2, {"largest": largest}

    @lectopt.leafwise()
    def over_largest(u, largest):
        return -u / largest

    tx = lectopt.switch_when(above(), lectopt.sgd(1.0), over_largest())
    path, states = run(tx, lambda x, t: jnp.array([1.0, 4.0, 8.0, 2.0])[t], jnp.zeros(()), 4)
    np.testing.assert_allclose(np.diff(path), [-4.0, -2.0, -0.5])
    np.testing.assert_array_equal(read(states, "largest")[0], [1.0, 4.0, 4.0, 4.0])


@pytest.mark.usefixtures("x64")
def test_point_is_that_of_whoever_is_at_work():
    ahead = lectopt.nesterov(0.05, form="look_ahead")
    theta = jnp.asarray(THETA)
    for first, second in [(ahead, lectopt.sgd(0.05)), (lectopt.sgd(0.05), ahead)]:
        path = train(lectopt.switch_when(lambda t: t >= 10, first, second), theta, grad_of, STEPS)
        before = train(first, theta, grad_of, 10)
        after = train(second, before[-1], lambda x, t: grad_of(x, t + 10), STEPS - 10)
        np.testing.assert_allclose(path, jnp.concatenate([before, after]), rtol=1e-10)


def test_prints_and_compares():
    def late(t):
        return t > 5

    tx = lectopt.switch_when(late, lectopt.sgd(0.1), lectopt.adam(0.1))
    assert tx == lectopt.switch_when(late, lectopt.sgd(0.1), lectopt.adam(0.1))
    assert tx != lectopt.switch_when(late, lectopt.sgd(0.2), lectopt.adam(0.1))
    first = "first=scale_by_learning_rate(learning_rate=0.1)"
    assert first in repr(lectopt.switch_when(late, lectopt.sgd(0.1), optax.sgd(0.1)))
    with pytest.raises(TypeError, match="condition must be a function"):
        lectopt.switch_when(10, lectopt.sgd(0.1), lectopt.adam(0.1))
    with pytest.raises(ValueError, match="belongs to another optimizer"):
        tx.update(jnp.ones(2), lectopt.adam(0.1).init(jnp.ones(2)))
