"""What one does with a schedule: drive an optimizer, print it, compile it, write one's own."""

import copy

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import lectopt
from lectopt import satisfies_robbins_monro
from lectopt.schedules.formula import Value
from tests.schedules.rows import by_tenth, expected, rows


def quadratic_path(tx):
    def step(carry, _):
        theta, state = carry
        updates, state = tx.update(theta, state, theta)
        return (optax.apply_updates(theta, updates), state), theta

    return jax.lax.scan(step, (jnp.ones(()), tx.init(jnp.ones(()))), length=20)[1]


@rows
@pytest.mark.usefixtures("x64")
def test_drives_an_optimizer(row):
    """Of this library and of Optax, in a scan; the first update uses the value at count 0."""
    schedule = row[0](**row[1])
    products = np.concatenate([[1.0], np.cumprod(1 - expected(row)[:19])])
    injected = optax.inject_hyperparams(lectopt.sgd)(learning_rate=schedule)
    every = (lectopt.sgd(schedule), optax.sgd(schedule), injected)
    for path in jax.jit(lambda: [quadratic_path(tx) for tx in every])():
        np.testing.assert_allclose(path, products, rtol=1e-12)


def test_any_number_of_an_optimizer_may_be_scheduled():
    tx = lectopt.adam(0.1, b1=lectopt.warmup(0.9, 5, 0.5), eps=lectopt.halving(1e-3))
    assert "b1" in repr(tx) or "decay=warmup(peak=0.9, steps=5, init=0.5)" in repr(tx)
    assert eval(repr(tx), vars(lectopt)) == tx
    assert np.isfinite(quadratic_path(tx)).all()


@rows
def test_prints_and_compares(row):
    schedule = row[0](**row[1])
    again = row[0](**row[1])
    assert schedule == again and hash(schedule) == hash(again) and copy.deepcopy(schedule) == again
    for number, value in row[1].items():
        other = row[0](**(row[1] | {number: 2 * value if isinstance(value, int) else value / 2}))
        assert schedule != other
    if "lambda" not in repr(schedule):
        assert eval(repr(schedule), vars(lectopt)) == schedule


def test_prints_what_one_would_write():
    assert repr(lectopt.step_decay(0.1)) == "step_decay(init=0.1)"
    assert repr(lectopt.step_decay(0.1, every=30)) == "step_decay(init=0.1, every=30)"
    assert repr(lectopt.lambda_schedule(0.1, by_tenth)) == (
        "lambda_schedule(init=0.1, factor=by_tenth)"
    )
    joined = lectopt.join([lectopt.warmup(0.1, 10), 0.1], np.array([10]))
    assert repr(joined) == (
        "join(schedules=(warmup(peak=0.1, steps=10), constant(value=0.1)), boundaries=(10,))"
    )
    assert eval(repr(joined), vars(lectopt)) == joined
    assert joined != lectopt.join((lectopt.warmup(0.1, 10), 0.1), (11,))
    assert lectopt.constant(0.1) != lectopt.constant(jnp.float32(0.1))
    assert lectopt.constant(1) != 1

    def traced(rate):
        same, other = lectopt.constant(rate), lectopt.constant(rate + 0)
        assert same == lectopt.constant(rate) and same != other
        assert repr(same) == "constant(value=<traced float32>)"
        return rate

    jax.jit(traced)(0.1)


def test_equal_schedules_compile_once():
    chex.clear_trace_counter()

    @chex.assert_max_traces(n=1)
    def rate(schedule, count):
        return schedule(count)

    rate = jax.jit(rate, static_argnums=0)
    for _ in range(3):
        rate(lectopt.warmup(lectopt.cosine_decay(0.1, 100), 10), 3)


def test_one_can_make_ones_own():
    @lectopt.schedule(order=lambda init, power: power / 2)
    def root_decay(count, *, init: Value, power: lectopt.settings.Positive = 2):
        return init / (1.0 + count) ** (power / 2)

    assert repr(root_decay(0.1)) == "root_decay(init=0.1)" and root_decay(0.1)(3) == 0.1 / 4
    assert satisfies_robbins_monro(root_decay(0.1)).proved
    with pytest.raises(ValueError, match=r"root_decay: power must lie in \(0, inf\)"):
        root_decay(0.1, 0)


@pytest.mark.parametrize(
    "call, error, words",
    [
        (lambda: lectopt.step_decay(-0.1), ValueError, ["step_decay: init", "[0, inf)", "-0.1"]),
        (lambda: lectopt.step_decay(0.1, 1.5), ValueError, ["factor", "[0, 1]", "after a step"]),
        (lambda: lectopt.step_decay(0.1, every=0), ValueError, ["every", "[1, inf)", "every=10"]),
        (lambda: lectopt.exponential_decay(0.1, -1), ValueError, ["k", "how fast it falls"]),
        (
            lambda: lectopt.exponential_decay(0.1),
            TypeError,
            ["k must be given", "exponential_decay(init, k,"],
        ),
        (lambda: lectopt.inverse_strong_convexity(0), ValueError, ["(0, inf)", "above zero"]),
        (lambda: lectopt.triangular(0.1, 0.2, 0.5), ValueError, ["half_cycle", "[1, inf)"]),
        (lambda: lectopt.cosine_decay(0.1, "100"), TypeError, ["steps", "number", "'100'"]),
        (lambda: lectopt.cosine_restarts(0.1, 100, 0), ValueError, ["cycles", "[1, inf)"]),
        (
            lambda: lectopt.constant(np.array([0.1, 0.2])),
            ValueError,
            ["shape (2,)", "jax.vmap(lambda value: train(constant(...)))"],
        ),
        (lambda: lectopt.warmup(0.1, -1), ValueError, ["steps", "zero or more", "steps=100"]),
        (lambda: lectopt.lambda_schedule(0.1, "epoch"), TypeError, ["factor", "'epoch'"]),
        (
            lambda: lectopt.join((0.1, 0.2), (5, 6)),
            ValueError,
            ["2 schedules need 1 bound", "got 2"],
        ),
        (lambda: lectopt.join((), ()), ValueError, ["0 schedules"]),
        (lambda: lectopt.join((0.1, 0.2, 0.3), (9, 6)), ValueError, ["increasing", "(9, 6)"]),
        (lambda: lectopt.join((0.1, "0.2"), (9,)), TypeError, ["number", "'0.2'"]),
        (
            lambda: lectopt.scale_learning_rate(0.1, 0, 32),
            ValueError,
            ["scale_learning_rate: batch_size", "[1, inf)"],
        ),
        (
            lambda: lectopt.scale_learning_rate(0.1, 64, 32, "square"),
            ValueError,
            ["'linear', 'sqrt'", "'square'"],
        ),
    ],
)
def test_bad_settings(call, error, words):
    with pytest.raises(error) as caught:
        call()
    assert all(word in str(caught.value) for word in words), caught.value


def test_scale_learning_rate():
    assert lectopt.scale_learning_rate(0.1, 256, 32) == 0.1 * 8
    assert lectopt.scale_learning_rate(0.1, 128, 32, "sqrt") == 0.1 * 2
    cosine = lectopt.cosine_decay(0.1, 100)
    assert lectopt.scale_learning_rate(cosine, 64, 32) == lectopt.schedules.scaled(cosine, 2.0)
    rates = jax.vmap(lambda size: lectopt.scale_learning_rate(0.1, size, 32))(jnp.array([32, 64]))
    np.testing.assert_allclose(rates, [0.1, 0.2], rtol=1e-6)
