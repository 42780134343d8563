"""The plateau rule: PyTorch's and Keras' counting, evaluations, lanes, and its place in a chain."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lectopt
from lectopt import reduce_on_plateau
from tests.support.twins.plateau import plateau_keras, plateau_torch

VALUES = [3.0, 2.0, 1.99995, 1.9, 1.9, 1.95, 1.89995, 2.0, 1.9, 1.8, 1.85, 1.81, 1.80005, 1.79995]
VALUES += [1.9, 1.9, 1.9, 1.7, 1.75, 1.75, 1.75, 1.75, 1.75, 1.6] + 8 * [1.65]
VALUES = np.array(VALUES)


def scales(tx, values, **extra):
    """The scale that each update is given."""

    def step(state, given):
        value, extra = given
        updates, state = tx.update(jnp.ones([]), state, value=value, **extra)
        return state, updates

    given_at_each = jnp.asarray(values), jax.tree.map(jnp.asarray, extra)
    return jax.lax.scan(step, tx.init(jnp.ones([])), given_at_each)[1]


# How many evaluations each rate lasted, recorded from PyTorch 2.13.0 (eps=0) and Keras 3.15.1.
ONE_BAD_IS_TOO_MANY = (2, 2, 1, 1, 1, 1, 2, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1, 2, *8 * (1,))
RECORDED = [
    (plateau_torch, VALUES, dict(patience=2), (6, 6, 3, 5, 6, 3, 3)),
    (plateau_torch, VALUES, dict(patience=0), ONE_BAD_IS_TOO_MANY),
    (plateau_torch, VALUES, dict(patience=1, cooldown=3), (5, 6, 5, 5, 5, 5, 1)),
    (
        plateau_torch,
        VALUES,
        dict(patience=1, cooldown=1, threshold=0.06, threshold_mode="abs"),
        (5, 3, 3, 3, 5, 3, 3, 3, 3, 1),
    ),
    (plateau_torch, VALUES, dict(patience=1, cooldown=2, threshold=0.03), (5, 6, 4, 4, 6, 4, 3)),
    (plateau_torch, VALUES, dict(factor=0.1, patience=1, min_lr=0.05), (5, 2, 25)),
    (
        plateau_torch,
        -VALUES,
        dict(mode="max", patience=2, threshold_mode="abs", cooldown=1),
        (6, 6, 4, 4, 6, 4, 2),
    ),
    (
        plateau_torch,
        4 - VALUES,
        dict(mode="max", patience=2, threshold=0.03),
        (6, 6, 3, 5, 6, 3, 3),
    ),
    (plateau_keras, VALUES, dict(patience=2), (5, 2, 4, 2, 2, 4, 2, 4, 2, 2, 2, 1)),
    (plateau_keras, VALUES, dict(patience=0), ONE_BAD_IS_TOO_MANY),
    (plateau_keras, VALUES, dict(patience=1), ONE_BAD_IS_TOO_MANY),
    (plateau_keras, VALUES, dict(patience=2, cooldown=3), (5, 6, 4, 4, 6, 4, 3)),
    (
        plateau_keras,
        VALUES,
        dict(patience=3, cooldown=2, min_delta=0.06),
        (6, 6, 4, 4, 6, 4, 2),
    ),
    (plateau_keras, VALUES, dict(factor=0.1, patience=2, min_lr=0.05), (5, 2, 25)),
    (
        plateau_keras,
        -VALUES,
        dict(mode="max", patience=2, cooldown=2),
        (5, 3, 3, 3, 5, 3, 3, 3, 3, 1),
    ),
]
NAMES = dict(min_delta="threshold", min_lr="min_scale")


def ours(twin, words):
    """The transformation with the twin's settings."""
    words = {NAMES.get(name, name): value for name, value in words.items()}
    if "threshold_mode" in words:
        words["threshold_mode"] = {"rel": "relative", "abs": "absolute"}[words["threshold_mode"]]
    return reduce_on_plateau(convention=twin.__name__.removeprefix("plateau_"), **words)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("twin, values, words, lasted", RECORDED)
def test_counts_as_pytorch_and_keras_do(twin, values, words, lasted):
    words = dict(factor=0.5) | words
    rates = words["factor"] ** np.arange(len(lasted), dtype=float)
    rates = np.maximum(np.repeat(rates, lasted), words.get("min_lr", 0))
    np.testing.assert_allclose(twin(values, **words), rates, rtol=1e-12)
    np.testing.assert_allclose(scales(ours(twin, words), values), rates, rtol=1e-12)


# Hundredths: no comparison of the two hangs on a rounding.
histories = st.lists(st.integers(-300, 300), min_size=24, max_size=24)
KINDS = [
    (twin, dict(mode=mode) | words)
    for mode in ("min", "max")
    for twin, words in (
        (plateau_torch, dict(threshold=0.0311, threshold_mode="rel")),
        (plateau_torch, dict(threshold=0.0311, threshold_mode="abs")),
        (plateau_keras, dict(min_delta=0.0311)),
    )
]


@pytest.mark.parametrize("twin, words", KINDS)
def test_is_its_twin(twin, words):
    words = dict(factor=0.5, min_lr=0.01) | words

    @jax.jit
    def program(values, patience, cooldown):
        numbers = dict(patience=patience, cooldown=cooldown)
        return scales(ours(twin, words | numbers), values)

    @settings(max_examples=100, deadline=None)
    @given(histories, st.integers(0, 3), st.integers(0, 4))
    def holds(history, patience, cooldown):
        values = np.array(history) / 100
        expected = twin(values, patience=patience, cooldown=cooldown, **words)
        result = program(values.astype(np.float32), patience, cooldown)
        np.testing.assert_allclose(result, expected, rtol=1e-6)

    holds()


def test_pytorchs_patience_is_kerass_and_one_more():
    torch = reduce_on_plateau(0.5, 2, cooldown=3, threshold_mode="absolute")
    keras = reduce_on_plateau(0.5, 3, cooldown=4, convention="keras")
    np.testing.assert_array_equal(scales(torch, VALUES), scales(keras, VALUES))


@pytest.mark.parametrize("sign", [1, -1])
def test_a_falling_loss_is_no_plateau_on_either_side_of_zero(sign):
    falling = 10 * sign - 0.01 * np.arange(50)
    assert (scales(reduce_on_plateau(patience=1, threshold=1e-4), falling) == 1).all()
    flat = np.full(50, 10.0 * sign)
    assert scales(reduce_on_plateau(0.5, 1), flat)[-1] == 0.5**24


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_value_that_is_no_number_is_bad_and_is_forgotten(bad):
    values = np.array([bad, 3, bad, 2, 1.0, 0.5])
    np.testing.assert_array_equal(
        scales(reduce_on_plateau(0.5, 0), values), [0.5, 0.5, 0.25, 0.25, 0.25, 0.25]
    )


def test_an_evaluation_is_the_mean_of_the_values_accumulated():
    values = np.repeat(VALUES, 3) + np.tile([0.5, -0.5, 0.0], len(VALUES))
    every_third = scales(reduce_on_plateau(0.5, 2, accumulate=3), values)
    once = scales(reduce_on_plateau(0.5, 2), VALUES)
    np.testing.assert_array_equal(every_third[2::3], once)
    np.testing.assert_array_equal(every_third[:2], 1.0)  # before the first evaluation


def test_only_evaluated_values_count():
    values = np.full(3 * len(VALUES), np.nan)
    values[::3] = VALUES
    evaluated = np.arange(len(values)) % 3 == 0
    every_third = scales(reduce_on_plateau(0.5, 2), values, evaluated=evaluated)
    np.testing.assert_array_equal(
        every_third, np.repeat(scales(reduce_on_plateau(0.5, 2), VALUES), 3)
    )


SETTINGS = dict(
    factor=(0.5, 0.1, 0.9),
    patience=(0, 1, 3),
    threshold=(0.0, 0.03, 0.1),
    cooldown=(0, 1, 4),
    min_scale=(0.0, 0.2, 0.6),
    accumulate=(1, 2, 3),
)


@pytest.mark.parametrize("name", SETTINGS)
def test_every_number_may_be_a_lane(name):
    """One plateau per lane, each as it would be alone."""
    numbers = dict(factor=0.5, patience=1, cooldown=1)

    def run(number):
        return scales(reduce_on_plateau(**(numbers | {name: number})), VALUES)

    lanes = jax.vmap(run)(jnp.array(SETTINGS[name]))
    for lane, number in zip(lanes, SETTINGS[name], strict=True):
        np.testing.assert_allclose(lane, run(number), rtol=1e-6)
    assert not (lanes[0] == lanes[-1]).all()


def test_a_schedule_of_the_patience():
    longer = reduce_on_plateau(0.5, lambda count: jnp.where(count < 10, 1, 100))
    assert set(np.asarray(scales(longer, np.ones(40)))) == {1.0, 0.5, 0.25, 0.125, 0.0625}
    assert "count" in longer.init(jnp.ones([]))


def test_the_state_shows_what_happened():
    tx = reduce_on_plateau(0.5, 1)
    state = tx.init({"w": jnp.ones(2)})
    for value in (2.0, 1.0, 1.5, 1.5, 1.5):
        _, state = tx.update({"w": jnp.ones(2)}, state, value=value)
    seen = {name: float(entry) for name, entry in state["plateau"].items()}
    assert seen == dict(
        scale=0.5,
        best_value=1.0,
        plateau_count=1,
        cooldown_count=0,
        reductions=1,
        total=0.0,
        values=0,
    )
    assert optax.tree.get(state, "scale") == 0.5


def test_reductions_are_counted_only_if_the_scale_falls():
    tx = reduce_on_plateau(0.5, 0, min_scale=0.5)
    state = tx.init(1.0)
    for _ in range(5):
        _, state = tx.update(jnp.ones([]), state, value=jnp.ones([]))
    assert state["plateau"]["reductions"] == 1 and state["plateau"]["scale"] == 0.5


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64", "complex64"])
def test_state_and_updates_keep_their_types(dtype):
    tx = lectopt.chain(lectopt.adam(0.1), reduce_on_plateau(0.5, 0))
    params = {"w": jnp.ones(3, dtype), "frozen": None}
    state = tx.init(params)
    updates, new = tx.update(params, state, params, value=jnp.asarray(2, "bfloat16"))

    def types(tree):
        return jax.tree.map(lambda x: (x.shape, x.dtype, x.weak_type), tree)

    assert types(new) == types(state) and updates["w"].dtype == dtype
    assert updates["frozen"] is None


def test_in_a_chain_the_steps_are_the_optimizers_times_the_scale():
    both = lectopt.chain(lectopt.sgd(0.1), reduce_on_plateau(0.5, 0))
    inside = lectopt.chain(reduce_on_plateau(0.5, 0), lectopt.sgd(0.1))
    wrapped = optax.chain(lectopt.sgd(0.1), reduce_on_plateau(0.5, 0))
    values = jnp.array([1.0, 1.0, 0.5, 2.0])
    for tx in (both, inside, wrapped):
        np.testing.assert_allclose(
            scales(tx, values), -0.1 * scales(reduce_on_plateau(0.5, 0), values), rtol=1e-6
        )


def test_prints_and_compares():
    tx = reduce_on_plateau(0.5, 3, cooldown=2, convention="keras")
    assert repr(tx) == "reduce_on_plateau(factor=0.5, patience=3, cooldown=2, convention='keras')"
    assert eval(repr(tx), vars(lectopt)) == tx
    relative = reduce_on_plateau(threshold_mode="relative", convention="keras")
    assert eval(repr(relative), vars(lectopt)) == relative
    assert relative != reduce_on_plateau(convention="keras")


@pytest.mark.parametrize(
    "call, error, words",
    [
        (lambda: reduce_on_plateau(1.0), ValueError, ["factor", "[0, 1)", "got 1", "factor=0.1"]),
        (lambda: reduce_on_plateau(patience=-1), ValueError, ["patience", "[0, inf]"]),
        (lambda: reduce_on_plateau(mode="auto"), ValueError, ["mode", "'min', 'max'", "'auto'"]),
        (lambda: reduce_on_plateau(accumulate=0), ValueError, ["accumulate", "[1, inf)"]),
        (lambda: reduce_on_plateau(min_scale=2.0), ValueError, ["min_scale", "share of the"]),
        (lambda: step(), TypeError, ["value", "tx.update(grads, state, params, value=loss)"]),
        (lambda: step(value=jnp.ones(3)), ValueError, ["(3,)", "losses.mean()"]),
    ],
)
def test_errors(call, error, words):
    with pytest.raises(error) as caught:
        call()
    assert all(word in str(caught.value) for word in words), caught.value


def step(**extra):
    tx = reduce_on_plateau()
    return tx.update(jnp.ones([]), tx.init(jnp.ones([])), **extra)
