"""A state in few bits: how many, right in the mean, and as good as in float32."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import lectopt
from lectopt.controls.quantising import InBlocks, Rounded, from_blocks, in_blocks, rounded

DRAWS = 4000


def numbers(signed):
    """Over six decades, in blocks that are not full."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3, 21)) * np.geomspace(1e-6, 1, 21)
    return jnp.asarray(x if signed else x**2, jnp.float32)


def drawn(once, x):
    return jax.vmap(lambda key: once(x, key))(jax.random.split(jax.random.key(0), DRAWS))


@pytest.mark.parametrize("signed", [True, False])
def test_eight_bits_are_right_in_the_mean_and_next_to_what_they_are(signed):
    x = numbers(signed)
    found = np.asarray(drawn(lambda x, key: from_blocks(in_blocks(x, 8, key)), x), np.float64)
    spread = found.std(0) / np.sqrt(DRAWS) + 1e-7 * np.abs(x)
    tiny = np.abs(x) < 1e-7 * np.abs(x).max()  # of which the codes are few, and 0 is left out
    assert (np.abs(found.mean(0) - x) < 5 * spread)[~tiny].all()
    # No more than two values each, with a sign of their own, 5 % and 4 % apart at the top.
    assert all(len(np.unique(found[:, i, j])) <= 2 for i in range(3) for j in range(21))
    assert (found * np.asarray(x) >= 0).all()
    assert np.ptp(found, axis=0).max() < 0.05 * np.abs(x).max()
    assert signed or (found > 0).all()


def test_a_bfloat16_is_one_of_the_two_around_it():
    x = numbers(True)
    found, x = np.asarray(drawn(rounded, x), np.float64), np.asarray(x)
    assert (np.abs(found - x) <= 2.0**-7 * np.abs(x)).all()
    np.testing.assert_allclose(found.mean(0), x, rtol=5 * 2**-8 / np.sqrt(DRAWS))
    exact = jnp.asarray([0.0, -0.0, 1.5, jnp.inf, -jnp.inf])
    np.testing.assert_array_equal(rounded(exact, jax.random.key(0)), exact.astype(jnp.bfloat16))


def test_nan_and_infinity_show_in_their_block():
    wrong = numbers(True).at[0, 0].set(jnp.nan).at[1, 0].set(jnp.inf)
    found = np.isnan(from_blocks(in_blocks(wrong, 7, jax.random.key(0))))
    assert found[:2, :7].all() and not found[:2, 7:].any() and not found[2].any()
    large = jnp.ones((1, 1000)).at[0, 3].set(jnp.nan)  # where a vectorised maximum loses it
    assert np.isnan(from_blocks(in_blocks(large, 500, jax.random.key(0)))).sum() == 500


@pytest.mark.parametrize("bits, most", [(8, 2.04), (16, 4.01)])
def test_bytes_of_adams_state_for_a_weight(bits, most):
    params = {"kernel": jnp.ones((256, 1024)), "bias": jnp.ones(10)}
    state = lectopt.quantise_state(lectopt.adam(0.1), bits).init(params)
    assert sum(x.nbytes for x in jax.tree.leaves(state)) / (256 * 1024) < most
    kinds = {type(x) for x in jax.tree.leaves(state, is_leaf=lambda x: isinstance(x, tuple))}
    assert (InBlocks if bits == 8 else Rounded) in kinds
    assert state["ratio"]["numerator"]["mu"]["bias"].dtype == jnp.float32  # of few numbers


def test_what_is_small_is_the_optimizer_itself():
    plain, tx = lectopt.adam(0.1), lectopt.quantise_state(lectopt.adam(0.1))
    params = {"w": jnp.arange(6.0)}
    grads, one, other = {"w": jnp.cos(params["w"])}, plain.init(params), tx.init(params)
    for _ in range(3):
        expected, one = plain.update(grads, one, params)
        found, other = tx.update(grads, other, params)
        np.testing.assert_array_equal(found["w"], expected["w"])


def descended(tx, steps=200):
    """The mean square distance from the least of a quadratic under noise, with ten seeds."""
    curvature = jnp.geomspace(0.01, 1, 64)[None]

    def train(key):
        params = jax.random.normal(key, (4, 64))

        def step(carry, key):
            params, state = carry
            grads = curvature * params + 0.1 * jax.random.normal(key, params.shape)
            updates, state = tx.update(grads, state, params)
            return (optax.apply_updates(params, updates), state), None

        keys = jax.random.split(key, steps)
        (params, _), _ = jax.lax.scan(step, (params, tx.init(params)), keys)
        return jnp.mean(curvature * params**2)

    return np.asarray(jax.jit(jax.vmap(train))(jax.random.split(jax.random.key(1), 10)))


MAKERS = {"adam": lectopt.adam, "momentum": lectopt.momentum, "optax.adam": optax.adam}


@pytest.mark.parametrize(
    "name, bits",
    [
        ("adam", 8),
        pytest.param("momentum", 16, marks=pytest.mark.slow),
        pytest.param("optax.adam", 8, marks=pytest.mark.slow),
        pytest.param("adam", 16, marks=pytest.mark.slow),
    ],
)
def test_a_descent_ends_as_low(name, bits):
    tx = MAKERS[name](0.03)
    plain, few = descended(tx), descended(lectopt.quantise_state(tx, bits, least=1))
    difference = few - plain
    assert difference.mean() < 0.05 * plain.mean() + 3 * difference.std() / np.sqrt(10)


def test_evaluation_reads_the_average_exactly():
    tx = lectopt.chain(lectopt.sgd(0.1), lectopt.average_params(lectopt.averaging.uniform()))
    params = jnp.linspace(0, 1, 5000)
    few = lectopt.quantise_state(tx)
    one, other = tx.init(params), few.init(params)
    _, one = tx.update(params, one, params)
    _, other = few.update(params, other, params)
    np.testing.assert_array_equal(
        lectopt.evaluation_params(other, params), lectopt.evaluation_params(one, params)
    )


def test_another_number_of_bits_is_refused():
    with pytest.raises((TypeError, ValueError), match="bits"):
        lectopt.quantise_state(lectopt.adam(0.1), 4)
    with pytest.raises(TypeError, match="gradient transformation"):
        lectopt.quantise_state(0.1)
