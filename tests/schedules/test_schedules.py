"""Schedules: the lectures' values, their boundaries, and everything people do with a schedule."""

import copy
from functools import partial

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lectopt
from lectopt import satisfies_robbins_monro
from lectopt.schedules.formula import Value
from tests.support import twins

COUNTS = np.arange(201)


def by_tenth(epoch):
    """A factor of the epoch that JAX and NumPy can both compute."""
    return 0.9 ** (epoch // 3)


# maker, its settings, the twin, the twin's names for them.
ROWS = {
    "constant": (lectopt.constant, dict(value=0.3), twins.constant, {}),
    "step_decay": (lectopt.step_decay, dict(init=0.3, factor=0.7, every=13), twins.step_decay, {}),
    "step_decay/epochs": (
        lectopt.step_decay,
        dict(init=0.3, factor=0.7, every=3, steps_per_epoch=7),
        lambda t, init, factor, every, steps_per_epoch: twins.step_decay(
            t // steps_per_epoch, init=init, factor=factor, every=every
        ),
        {},
    ),
    "step_decay/ExponentialLR": (
        lectopt.step_decay,
        dict(init=0.3, factor=0.7, every=1, steps_per_epoch=17),
        twins.exponential_lr,
        dict(factor="gamma", steps_per_epoch="every", every=None),
    ),
    "halving": (lectopt.halving, dict(init=0.3, every=9), twins.halving, {}),
    "exponential_decay": (
        lectopt.exponential_decay,
        dict(init=0.3, k=0.02),
        twins.exponential_decay,
        {},
    ),
    "exponential_decay/staircase": (
        lectopt.exponential_decay,
        dict(init=0.3, k=0.02, staircase=7),
        twins.staircase_exponential,
        dict(staircase="every"),
    ),
    "exponential_decay/epochs": (
        lectopt.exponential_decay,
        dict(init=0.3, k=0.2, steps_per_epoch=17),
        lambda t, init, k, steps_per_epoch: twins.exponential_decay(
            t / steps_per_epoch, init=init, k=k
        ),
        {},
    ),
    "exponential_decay/staircase-epochs": (
        lectopt.exponential_decay,
        dict(init=0.3, k=0.02, staircase=3, steps_per_epoch=7),
        lambda t, init, k, staircase, steps_per_epoch: twins.staircase_exponential(
            t // steps_per_epoch, init=init, k=k, every=staircase
        ),
        {},
    ),
    "inverse_time_decay/epochs": (
        lectopt.inverse_time_decay,
        dict(init=0.3, k=0.2, steps_per_epoch=17),
        lambda t, init, k, steps_per_epoch: twins.inverse_time_decay(
            t / steps_per_epoch, init=init, k=k
        ),
        {},
    ),
    "inverse_time_decay": (
        lectopt.inverse_time_decay,
        dict(init=0.3, k=0.02),
        twins.inverse_time_decay,
        {},
    ),
    "power_decay": (lectopt.power_decay, dict(init=0.3, power=0.6), twins.power_decay, {}),
    "inverse_strong_convexity": (
        lectopt.inverse_strong_convexity,
        dict(strong_convexity=1.7),
        twins.inverse_strong_convexity,
        dict(strong_convexity="lam"),
    ),
    "triangular": (
        lectopt.triangular,
        dict(base=0.1, peak=0.7, half_cycle=23),
        twins.triangular,
        dict(half_cycle="half"),
    ),
    "cosine_decay": (
        lectopt.cosine_decay,
        dict(init=0.3, steps=150, end=0.01),
        twins.cosine_decay,
        dict(steps="total"),
    ),
    "cosine_restarts": (
        lectopt.cosine_restarts,
        dict(init=0.3, steps=200, cycles=6),
        twins.cosine_restarts,
        dict(steps="total"),
    ),
    "warmup": (
        lectopt.warmup,
        dict(peak=0.3, steps=40, init=0.05),
        twins.warmup,
        dict(steps="total"),
    ),
    "lambda_schedule": (
        partial(lectopt.lambda_schedule, factor=by_tenth),
        dict(init=0.3, steps_per_epoch=11),
        partial(twins.lambda_lr, factor=by_tenth),
        dict(steps_per_epoch="every"),
    ),
}
rows = pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)


def expected(row, **changed):
    """The twin's values at COUNTS."""
    _, numbers, twin, letters = row
    letters = {letters.get(k, k): v for k, v in (numbers | changed).items()}
    letters.pop(None, None)
    return twin(COUNTS, **letters)


def at_counts(schedule):
    return jax.vmap(schedule)(jnp.asarray(COUNTS))


@rows
@pytest.mark.usefixtures("x64")
def test_is_its_twin(row):
    schedule = row[0](**row[1])
    values = at_counts(schedule)
    assert values.dtype == jnp.float64
    np.testing.assert_allclose(values, expected(row), rtol=1e-12)
    for count in (0, 1, 40, 200):  # whatever kind of integer the count is
        for kind in (int, np.int64, jnp.int32):
            np.testing.assert_allclose(schedule(kind(count)), expected(row)[count], rtol=1e-12)


@rows
def test_is_float32_and_one_program_for_all_settings(row):
    """Every number is traced at once, a whole one too, and so is the count."""

    @jax.jit
    @chex.assert_max_traces(n=1)
    def run(numbers, count):
        return row[0](**numbers)(count)

    chex.clear_trace_counter()
    for scale in (1, 2):
        numbers = {k: jnp.asarray(v * scale) for k, v in row[1].items()}
        numbers = {k: jnp.minimum(v, 0.99) if k == "factor" else v for k, v in numbers.items()}
        for count in (0, 77):
            value = run(numbers, jnp.int32(count))
            assert value.dtype == jnp.float32 and value.shape == ()
            concrete = {k: v.item() for k, v in numbers.items()}
            np.testing.assert_allclose(value, row[0](**concrete)(count), rtol=2e-6)


LANES = [(name, number) for name, row in ROWS.items() for number in row[1]]


@pytest.mark.parametrize("name, number", LANES)
@pytest.mark.usefixtures("x64")
def test_every_number_may_be_a_lane(name, number):
    row = ROWS[name]
    middle = row[1][number]
    whole = isinstance(middle, int)
    lanes = np.array([middle, middle + 1, 2 * middle] if whole else [middle, 0.5, middle / 2])

    def values(lane):
        return at_counts(row[0](**(row[1] | {number: lane})))

    if name == "step_decay/ExponentialLR" and number == "every":
        lanes = lanes[[0, 0, 0]]  # every=1 is what makes it PyTorch's
    swept = jax.vmap(values)(jnp.asarray(lanes))
    for lane, one in zip(lanes, swept, strict=True):
        np.testing.assert_allclose(one, expected(row, **{number: lane}), rtol=1e-12)


def lerp(low, high, share):
    return low + (high - low) * share


@pytest.mark.usefixtures("x64")
def test_a_setting_may_be_a_schedule():
    """It is read at the same count: a warm-up in front of a cosine, a peak that falls."""
    cosine = lectopt.cosine_decay(0.3, 150)
    both = at_counts(lectopt.warmup(cosine, 40, 0.05))
    np.testing.assert_allclose(
        both, lerp(0.05, at_counts(cosine), np.minimum(COUNTS / 40, 1)), rtol=1e-12
    )
    falling = at_counts(lectopt.triangular(0.0, lectopt.power_decay(0.7), 20))
    triangle = twins.triangular(COUNTS, base=0.0, peak=0.7, half=20)
    np.testing.assert_allclose(falling, triangle / (COUNTS + 1), rtol=1e-12)
    product = at_counts(lectopt.scaled(cosine, lectopt.halving(3, 50)))
    np.testing.assert_allclose(
        product, at_counts(cosine) * twins.halving(COUNTS, init=3, every=50), rtol=1e-12
    )


@pytest.mark.usefixtures("x64")
def test_join():
    parts = (lectopt.warmup(0.3, 30), 0.2, lectopt.power_decay(0.3))
    pieces = [
        partial(twins.warmup, peak=0.3, total=30),
        partial(twins.constant, value=0.2),
        partial(twins.power_decay, init=0.3),
    ]

    def values(boundaries):
        return at_counts(lectopt.join(parts, tuple(boundaries)))

    for boundaries in ((30, 100), (0, 0), (10, 199)):
        piecewise = [twins.joined(t, parts=pieces, boundaries=boundaries) for t in COUNTS]
        np.testing.assert_allclose(values(boundaries), piecewise, rtol=1e-12)
        traced = jax.jit(values)(jnp.array(boundaries))
        np.testing.assert_allclose(traced, piecewise, rtol=1e-12)
    lanes = jax.vmap(values)(jnp.array([(30, 100), (10, 199)]))
    np.testing.assert_array_equal(lanes[1], values((10, 199)))
    # The part that has not begun is infinite at count -1; its gradient stays out of the way.
    slope = jax.grad(lambda b: lectopt.join((b, lectopt.power_decay(b)), (10,))(3))(0.5)
    assert slope == 1


positive = st.floats(2**-10, 2**10, width=32)


@settings(max_examples=200, deadline=None)
@given(positive, positive, st.integers(1, 10**6), st.sampled_from([jnp.float32, float]))
def test_the_ends_are_exact(low, high, steps, kind):
    """In float32, whatever the numbers: the floor at the end, the peak at its count."""
    low, high = kind(low), kind(high)
    cosine = lectopt.cosine_decay(high, steps, low)
    assert cosine(0) == high and cosine(steps) == low and cosine(2**31 - 1) == low
    triangle = lectopt.triangular(low, high, steps)
    assert triangle(0) == triangle(2 * steps) == triangle(800 * steps) == low
    assert triangle(steps) == triangle(801 * steps) == high
    ramp = lectopt.warmup(high, steps, low)
    assert ramp(0) == low and ramp(steps) == ramp(2**31 - 1) == high
    restarts = lectopt.cosine_restarts(high, 10 * steps, 10)
    assert restarts(0) == restarts(steps) == restarts(90 * steps) == high
    joined = lectopt.join((low, high), (steps,))
    assert joined(steps - 1) == low and joined(steps) == joined(steps + 1) == high
    step = lectopt.step_decay(high, 0.5, steps)
    assert step(steps - 1) == high and step(steps) == high / 2


@settings(max_examples=100, deadline=None)
@given(positive, positive, st.integers(1, 1000), st.integers(0, 3000))
def test_what_is_drawn_without_a_jump_has_none(low, high, steps, count):
    """Between two counts no more than the steepest slope of the formula."""

    def jump(schedule):
        return abs(float(schedule(count + 1)) - float(schedule(count)))

    rise = abs(high - low) / steps + 4e-7 * max(low, high)
    assert jump(lectopt.triangular(low, high, steps)) <= rise
    assert jump(lectopt.warmup(high, steps, low)) <= rise
    assert jump(lectopt.cosine_decay(high, steps, low)) <= np.pi / 2 * rise
    assert jump(lectopt.exponential_decay(high, 1 / steps)) <= high / steps
    assert jump(lectopt.inverse_time_decay(high, 1 / steps)) <= high / steps
    if (count + 1) % steps:  # within a cycle
        restarts = lectopt.cosine_restarts(high, steps, 1)
        assert jump(restarts) <= np.pi / 2 * high / steps + 4e-7 * high


def test_big_counts():
    """Whole numbers are divided as whole numbers: 2^24 + 1 is no float32."""
    last = 2**31 - 1
    assert lectopt.step_decay(1.0, 0.5, 2**24 + 1)(2**24) == 1
    assert lectopt.triangular(0.0, 1.0, 3)(3 * (2**28 + 1)) == 1
    assert lectopt.cosine_restarts(1.0, 30, 10)(3 * (2**28 + 1)) == 1
    for row in ROWS.values():
        schedule = row[0](**row[1])
        at_last = schedule(jnp.int32(last))
        assert np.isfinite(at_last) and at_last >= 0
        assert schedule(10**12) == schedule(last) == schedule(np.int64(10**12))
    assert lectopt.cosine_decay(1.0, 10**12)(last) > 0.99  # a longer training than the counter


@pytest.mark.usefixtures("x64")
def test_equals_optaxs_where_optax_has_it():
    pairs = [
        (lectopt.exponential_decay(0.3, 0.02), optax.exponential_decay(0.3, 1, np.exp(-0.02))),
        (
            lectopt.step_decay(0.3, 0.7, 13),
            optax.exponential_decay(0.3, 13, 0.7, staircase=True),
        ),
        (lectopt.cosine_decay(0.3, 150, 0.03), optax.cosine_decay_schedule(0.3, 150, 0.1)),
        (
            lectopt.join((0.3, 0.03, 0.015), (50, 120)),
            optax.piecewise_constant_schedule(0.3, {50: 0.1, 120: 0.5}),
        ),
        (lectopt.warmup(0.3, 40, 0.05), optax.linear_schedule(0.05, 0.3, 40)),
        (
            lectopt.join((lectopt.warmup(0.3, 40), lectopt.cosine_decay(0.3, 110)), (40,)),
            optax.warmup_cosine_decay_schedule(0.0, 0.3, 40, 150),
        ),
        (
            lectopt.cosine_restarts(0.3, 200, 4),
            optax.sgdr_schedule(
                [dict(init_value=0.3, peak_value=0.3, warmup_steps=0, decay_steps=50)] * 5
            ),
        ),
    ]
    for ours, theirs in pairs:
        np.testing.assert_allclose(at_counts(ours), at_counts(theirs), rtol=1e-12, atol=1e-16)


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
        (lambda: lectopt.exponential_decay(0.1), TypeError, ["exponential_decay(init, k,", "'k'"]),
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
    assert lectopt.scale_learning_rate(cosine, 64, 32) == lectopt.scaled(cosine, 2.0)
    rates = jax.vmap(lambda size: lectopt.scale_learning_rate(0.1, size, 32))(jnp.array([32, 64]))
    np.testing.assert_allclose(rates, [0.1, 0.2], rtol=1e-6)


VERDICTS = [  # whether the sum is infinite, whether the sum of squares is finite
    (lectopt.power_decay(0.1), True, True),  # 1 / k
    (lectopt.power_decay(0.1, 0.5), True, False),  # 1 / sqrt(k)
    (lectopt.power_decay(0.1, 0.75), True, True),
    (lectopt.power_decay(0.1, 2), False, True),
    (lectopt.inverse_time_decay(0.1, 0.01), True, True),
    (lectopt.inverse_time_decay(0.1, 0), True, False),
    (lectopt.inverse_strong_convexity(2), True, True),
    (0.1, True, False),
    (lectopt.constant(0.1), True, False),
    (lectopt.constant(0), False, True),
    (lectopt.exponential_decay(0.1, 0.01), False, True),
    (lectopt.exponential_decay(0.1, 0.01, 10), False, True),
    (lectopt.step_decay(0.1), False, True),
    (lectopt.step_decay(0.1, 1), True, False),
    (lectopt.halving(0.1), False, True),
    (lectopt.triangular(0.01, 0.1, 100), True, False),
    (lectopt.cosine_decay(0.1, 100), False, True),
    (lectopt.cosine_decay(0.1, 100, 0.01), True, False),
    (lectopt.cosine_restarts(0.1, 300, 6), True, False),
    (lectopt.warmup(lectopt.power_decay(0.1), 10), True, True),
    (lectopt.join((0.1, lectopt.power_decay(0.1)), (100,)), True, True),
    (lectopt.scaled(lectopt.power_decay(0.1, 0.5), lectopt.power_decay(1, 0.25)), True, True),
    (lectopt.triangular(lectopt.power_decay(0.1), lectopt.power_decay(1), 100), True, True),
    (lectopt.lambda_schedule(0.1, lectopt.power_decay(1)), True, True),
]


@pytest.mark.parametrize("schedule, sum_diverges, squares_converge", VERDICTS, ids=repr)
def test_robbins_monro(schedule, sum_diverges, squares_converge):
    """By the formula, and the first million numbers of the same schedule say so too."""
    verdict = satisfies_robbins_monro(schedule)
    assert verdict.proved and "formula" in verdict.reason
    assert (verdict.sum_diverges, verdict.squares_converge) == (sum_diverges, squares_converge)
    assert bool(verdict) == (sum_diverges and squares_converge)

    def unknown(count):
        return schedule(count) if callable(schedule) else schedule

    looked_at = satisfies_robbins_monro(unknown)
    assert not looked_at.proved and "prove nothing" in looked_at.reason
    assert (looked_at.sum_diverges, looked_at.squares_converge) == (sum_diverges, squares_converge)


def test_robbins_monro_claims_no_more_than_it_knows():
    # A schedule as decay rate is not looked into, nor is a function.
    wavy = lectopt.inverse_time_decay(0.1, lectopt.triangular(0.1, 0.2, 10))
    assert not satisfies_robbins_monro(wavy).proved and satisfies_robbins_monro(wavy)
    assert not satisfies_robbins_monro(lectopt.lambda_schedule(0.1, by_tenth)).proved
    # Two triangles may meet at their zeros only, so a triangle from 0 has no order.
    zigzag = lectopt.triangular(0, 0.1, 1)
    verdict = satisfies_robbins_monro(zigzag)
    assert (verdict.sum_diverges, verdict.squares_converge, verdict.proved) == (True, False, False)
    never = lectopt.scaled(zigzag, lectopt.join((0, zigzag), (1,)))
    assert not satisfies_robbins_monro(never).sum_diverges
    with pytest.raises(ValueError, match="-0.5 at count 0"):
        satisfies_robbins_monro(-0.5)
    with pytest.raises(ValueError, match=r"inf at count 0. Where a lecture counts from 1"):
        satisfies_robbins_monro(lambda count: 1 / count)
    with pytest.raises(ValueError, match="-1.0 at count 0"):
        satisfies_robbins_monro(lambda count: -1.0)
    with pytest.raises(ValueError, match="traced settings"):
        jax.jit(lambda k: satisfies_robbins_monro(lectopt.exponential_decay(0.1, k)))(0.1)
