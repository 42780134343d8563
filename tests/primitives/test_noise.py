"""Langevin noise: its distribution, what it samples, and from which key it is drawn."""

import re

import flax
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import lectopt

PARAMS = {"a": {"w": jnp.zeros(4)}, "b": jnp.zeros(4), "c": jnp.zeros((2, 2))}
KEY = jax.random.key(7)


def draws(tx, params=PARAMS, steps=3):
    """What is added to a zero update, for the first steps."""
    state, seen = tx.init(params), []
    for _ in range(steps):
        updates, state = tx.update(jax.tree.map(jnp.zeros_like, params), state, params)
        seen.append(updates)
    return seen


def unit(key):
    """Noise at the scale of 1."""
    return lectopt.add_langevin_noise(0.5, key=key)


# ---------------------------------------------------------------------------- what is sampled


def test_samples_the_density_of_its_temperature():
    """`exp(-x'Ax / 2T)` has covariance `T / A`, and at a finite rate `T / (A (1 - rate A / 2))`."""
    A, rate, T, chains = np.array([[2.0, 0.8], [0.8, 1.0]]), 0.1, 0.5, 8000

    def chain(key):
        tx, x = lectopt.sgld(rate, T, key=key), jnp.zeros(2)

        def step(carry, _):
            x, state = carry
            updates, state = tx.update(jnp.asarray(A, jnp.float32) @ x, state, x)
            return (x + updates, state), None

        return jax.lax.scan(step, (x, tx.init(x)), length=200)[0][0]

    samples = np.asarray(jax.jit(jax.vmap(chain))(jax.random.split(KEY, chains)), float)
    exact = T * np.linalg.inv(A @ (np.eye(2) - rate * A / 2))
    variances = np.diag(exact)
    error = np.sqrt((np.outer(variances, variances) + exact**2) / chains)
    assert (np.abs(np.cov(samples.T) - exact) < 4 * error).all()
    assert (np.abs(samples.mean(0)) < 4 * np.sqrt(variances / chains)).all()
    np.testing.assert_allclose(exact, T * np.linalg.inv(A), rtol=0.2)  # so it is near the density


@pytest.mark.parametrize("rate, batch_size", [(0.1, 1), (0.5, 4), (1.5, 1)])
def test_sgd_at_a_constant_rate_is_a_markov_chain_too(rate, batch_size):
    """S3-04: on `(x - y)^2 / 2` its stationary variance is `rate sigma^2 / (2 - rate) / B`."""
    sigma, chains = 2.0, 20000
    tx, x = lectopt.sgd(rate), jnp.zeros(chains)

    def step(carry, t):
        x, state = carry
        y = sigma * jax.random.normal(jax.random.fold_in(KEY, t), (batch_size, chains))
        updates, state = tx.update(x - y.mean(0), state, x)
        return (x + updates, state), None

    (x, _), _ = jax.jit(lambda: jax.lax.scan(step, (x, tx.init(x)), jnp.arange(200)))()
    expected = rate * sigma**2 / (2 - rate) / batch_size
    assert abs(np.var(x) / expected - 1) < 4 * np.sqrt(2 / chains)


def test_noise_is_standard_normal_and_white():
    (real,) = draws(unit(KEY), jnp.zeros(100_000), 1)
    first, second = draws(unit(KEY), {"x": jnp.zeros(100_000), "y": jnp.zeros(100_000)}, 2)
    series = np.array([real, first["x"], first["y"], second["x"], second["y"]])
    np.testing.assert_allclose(np.corrcoef(series), np.eye(5), atol=0.015)
    np.testing.assert_allclose(series.mean(1), 0, atol=0.015)
    np.testing.assert_allclose(series.std(1), 1, atol=0.01)
    np.testing.assert_allclose((series**4).mean(1), 3, atol=0.12)


def test_complex_weights_get_it_in_both_parts():
    (noise,) = draws(unit(KEY), jnp.zeros(100_000, jnp.complex64), 1)
    np.testing.assert_allclose([np.real(noise).std(), np.imag(noise).std()], 1, atol=0.01)
    assert abs(np.corrcoef(np.real(noise), np.imag(noise))[0, 1]) < 0.015


def test_rate_and_temperature_may_be_schedules():
    """The scale is `sqrt(2 rate T)` at every update; at temperature 0 it is SGD."""

    def rate(count):
        return 0.1 / (1 + count)

    def temperature(count):
        return 2.0 + count

    scheduled = draws(lectopt.add_langevin_noise(rate, temperature, key=KEY))
    for count, (got, xi) in enumerate(zip(scheduled, draws(unit(KEY)), strict=True)):
        scale = np.sqrt(2 * rate(count) * temperature(count))
        np.testing.assert_allclose(got["b"], scale * xi["b"], rtol=1e-5)
    grads = {"w": jnp.array([1.0, -2.0])}
    cold, sgd = lectopt.sgld(0.1, 0.0, key=KEY), lectopt.sgd(0.1)
    np.testing.assert_array_equal(
        cold.update(grads, cold.init(grads))[0]["w"], sgd.update(grads, {})[0]["w"]
    )


# ------------------------------------------------------------------------------------ the key


def test_differs_between_leaves_steps_and_configurations():
    keys = jax.random.split(KEY, 3)
    lanes = jax.jit(jax.vmap(lambda key: draws(unit(key))))(keys)
    seen = [np.asarray(leaf[lane]).ravel() for leaf in jax.tree.leaves(lanes) for lane in range(3)]
    assert len(seen) == 27
    assert len(np.unique(np.concatenate(seen))) == 27 * 4  # no number is drawn twice
    for lane in range(3):  # and a lane is what it is alone
        alone = draws(unit(keys[lane]))
        np.testing.assert_array_equal(lanes[1]["b"][lane], alone[1]["b"])


def test_is_reproducible_and_goes_on_from_a_checkpoint():
    tx = unit(KEY)
    straight = draws(tx, steps=3)
    state = tx.init(PARAMS)
    for _ in range(2):
        _, state = tx.update(PARAMS, state)
    assert set(state) == {"count"}  # there is no key in it
    restored = flax.serialization.msgpack_restore(flax.serialization.to_bytes(state))
    resumed, _ = tx.update(PARAMS, restored)
    jax.tree.map(np.testing.assert_array_equal, resumed, straight[2])


def test_leaves_that_are_left_out_do_not_shift_the_noise_of_others():
    tx, (whole,) = unit(KEY), draws(unit(KEY), steps=1)
    (without,) = draws(tx, PARAMS | {"a": None}, 1)
    (fewer,) = draws(tx, {"b": PARAMS["b"], "c": PARAMS["c"]}, 1)
    (masked,) = draws(optax.masked(tx, {"a": False, "b": True, "c": True}), steps=1)
    groups = optax.partition({"x": unit(KEY), "y": unit(KEY)}, {"a": "x", "b": "y", "c": "x"})
    (parted,) = draws(groups, steps=1)
    for other in (without, fewer, masked, parted):
        np.testing.assert_array_equal(other["b"], whole["b"])
    np.testing.assert_array_equal(parted["a"]["w"], whole["a"]["w"])


@pytest.mark.parametrize(
    "key",
    [
        7,
        jnp.int32(7),
        jax.random.key(7),
        jax.random.PRNGKey(7),
        np.asarray(jax.random.PRNGKey(7)),
        ("threefry2x32", 0, 7),
    ],
    ids=["seed", "array seed", "typed", "raw", "numpy", "as printed"],
)
def test_every_form_of_a_key_prints_compares_and_draws_the_same(key):
    tx = lectopt.sgld(0.1, 0.3, key=key)
    again = eval(repr(tx), vars(lectopt))
    assert again == tx and hash(again) == hash(tx)
    assert tx != lectopt.sgld(0.1, 0.3, key=8) and tx != lectopt.sgld(0.1, 0.4, key=key)
    expected = draws(lectopt.sgld(0.1, 0.3, key=7), steps=1)[0]["b"]
    for other in (tx, again):
        np.testing.assert_array_equal(draws(other, steps=1)[0]["b"], expected)
    traced = jax.jit(lambda: draws(lectopt.sgld(0.1, 0.3, key=key), steps=1)[0]["b"])()
    np.testing.assert_allclose(traced, expected, rtol=1e-6)


def test_traced_seeds_raw_keys_and_other_generators():
    seeds = jax.vmap(lambda s: draws(unit(s), steps=1)[0]["b"])(jnp.arange(2))
    raw = jax.vmap(lambda k: draws(unit(k), steps=1)[0]["b"])(
        jnp.stack([jax.random.PRNGKey(0), jax.random.PRNGKey(1)])
    )
    np.testing.assert_array_equal(seeds, raw)
    rbg = unit(jax.random.key(7, impl="rbg"))
    assert eval(repr(rbg), vars(lectopt)) == rbg != unit(KEY)
    assert np.isfinite(draws(rbg, steps=1)[0]["b"]).all()


@pytest.mark.parametrize(
    "key", [None, 1.0, True, "seed", (1, 2), jax.random.split(KEY, 3), jnp.ones(3)]
)
def test_what_is_no_key_is_refused(key):
    with pytest.raises(ValueError, match=re.escape("Write key=jax.random.key(0)")):
        lectopt.sgld(0.1, key=key)
