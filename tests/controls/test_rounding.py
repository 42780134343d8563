"""Parameters in bfloat16: right in the mean, and a descent that does not stop."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import lectopt

DRAWS = 4000
SIZES = (0.0, 1.0, -0.7, 1.9921875, 3e-3, -250.0, 1e-20, 1e20)
MOVES = (0.0, 1e-5, -3e-4, 0.013, -0.7, -1.01, 2.4, -5.3, 1e-3, 700.0)


def after(tx, params, grads):
    updates, _ = tx.update(grads, tx.init(params), params)
    return optax.apply_updates(params, updates)


@pytest.mark.parametrize("dtype", ["bfloat16", "float32"], ids="gradients in {}".format)
def test_the_mean_is_the_exact_sum(dtype):
    """Of all signs and ratios of a weight and its move, where rounding of the move matters too."""
    weight, move = (np.ravel(x) for x in np.meshgrid(SIZES, MOVES))
    weight = jnp.asarray(weight, jnp.bfloat16)
    move = jnp.asarray(move, jnp.dtype(dtype))
    exact = np.asarray(weight, np.float64) + np.asarray(move, np.float64)

    def once(key):
        tx = lectopt.round_stochastically(lectopt.sgd(1.0), key=key)
        return after(tx, weight, -move)

    drawn = jax.jit(jax.vmap(once))(jax.random.split(jax.random.key(0), DRAWS))
    assert drawn.dtype == jnp.bfloat16
    drawn = np.asarray(drawn, np.float64)
    low, high = drawn.min(0), drawn.max(0)
    assert all(len(np.unique(column)) <= 2 for column in drawn.T)
    # So close in size that one of the two values may never have been drawn.
    unseen = (low == high) & (np.abs(low - exact) <= 2.0**-7 * np.abs(exact) * 0.002)
    assert (((low <= exact) & (exact <= high)) | unseen).all()
    spread = drawn.std(0) / np.sqrt(DRAWS) + 2.0**-17 * np.abs(exact)
    assert (np.abs(drawn.mean(0) - exact) <= 5 * spread).all()
    start = np.asarray(weight, np.float64)
    largest = np.maximum(np.abs(high), np.abs(start))
    near = np.abs(exact - start) < 0.49 * np.abs(start)
    assert ((high - low)[near] <= (2.0**-7 * largest)[near]).all()
    assert (high - low <= 2.0**-5 * largest).all()


def test_what_is_not_finite_and_what_is_not_bfloat16():
    tx = lectopt.round_stochastically(lectopt.sgd(1.0))
    params = {
        "narrow": jnp.asarray([1.0, 1.0, 3.3e38], jnp.bfloat16),
        "wide": jnp.asarray([1.0]),
        "half": jnp.asarray([1.0], jnp.float16),
    }
    grads = {
        "narrow": jnp.asarray([jnp.inf, jnp.nan, 0.0], jnp.bfloat16),
        "wide": jnp.asarray([1e-6]),
        "half": jnp.asarray([0.25], jnp.float16),
    }
    new = after(tx, params, grads)
    expected = after(lectopt.sgd(1.0), params, grads)
    assert np.isneginf(np.asarray(new["narrow"], float)[0]) and np.isnan(new["narrow"][1])
    assert new["narrow"][2] == params["narrow"][2]
    np.testing.assert_array_equal(new["wide"], expected["wide"])
    np.testing.assert_array_equal(new["half"], expected["half"])


@pytest.mark.parametrize("compiled", [False, True])
def test_a_weight_moves_by_less_than_it_can(compiled):
    """By a thousandth of its spacing, 5,000 times: nothing to the nearest, five spacings here."""
    params = jnp.ones((64,), jnp.bfloat16)
    grads = jnp.full((64,), -(2.0**-7) / 1000, jnp.bfloat16)
    tx = lectopt.round_stochastically(lectopt.sgd(1.0), key=3)

    def steps(tx, number):
        def step(carry, _):
            params, state = carry
            updates, state = tx.update(grads, state, params)
            return (optax.apply_updates(params, updates), state), None

        return jax.lax.scan(step, (params, tx.init(params)), None, number)[0][0]

    if not compiled:
        params_after = params
        state = tx.init(params)
        for _ in range(3):
            updates, state = tx.update(grads, state, params_after)
            params_after = optax.apply_updates(params_after, updates)
        np.testing.assert_array_equal(params_after, steps(tx, 3))
        return
    np.testing.assert_array_equal(steps(lectopt.sgd(1.0), 5000), params)
    moved = np.asarray(steps(tx, 5000), np.float64) - 1
    wanted = -5000 * float(grads[0])
    assert abs(moved.mean() - wanted) < 5 * moved.std() / np.sqrt(64)


def test_it_needs_the_parameters_and_an_optimizer():
    tx = lectopt.round_stochastically(lectopt.sgd(0.1))
    params = jnp.ones(2, jnp.bfloat16)
    with pytest.raises(ValueError, match="params"):
        tx.update(params, tx.init(params))
    with pytest.raises(TypeError, match="gradient transformation"):
        lectopt.round_stochastically(0.1)
