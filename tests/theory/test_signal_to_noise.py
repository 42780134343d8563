"""McAllester's rule in one dimension: its rate falls to zero by itself, like 1 / t."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lectopt

STEPS, SEEDS, SIGMA = 10_000, 300, 1.0


@pytest.fixture(scope="module")
def run():
    """After every 1000th update of `w^2/2`, from w = 10: median rate, mean gap, mean g~^2 and
    sigma~^2 over the seeds."""
    noise = np.random.default_rng(0).standard_normal((STEPS, SEEDS), np.float32)
    tx = lectopt.snr_sgd(1.0, max_window=math.inf)  # the analysis has no bound on the window

    def update(carry, noise):
        w, state = carry
        g = w + SIGMA * noise
        updates, state = tx.update(g, state, w)
        return (w + updates, state), -updates / g

    def block(carry, noise):
        (w, state), rates = jax.lax.scan(update, carry, noise)
        read = jnp.median(rates[-1]), jnp.mean(w**2) / 2
        return (w, state), jnp.stack([*read, jnp.mean(state["mu"] ** 2), jnp.mean(state["nu"])])

    w = jnp.full(SEEDS, 10.0)
    blocks = jnp.asarray(noise.reshape(-1, 1000, SEEDS))
    return np.asarray(jax.jit(lambda: jax.lax.scan(block, (w, tx.init(w)), blocks)[1])()).T


def test_the_rate_falls_to_zero_because_the_signal_does(run):
    """S3-32, S3-08: g~ -> 0 while sigma~ -> sigma > 0, so eta -> 0: about 1 / (2 h t)."""
    rates, _, signal, noise = run
    t = 1000 * np.arange(1, STEPS // 1000 + 1)
    assert (rates > 0).all() and rates[-1] < rates[0] / 5
    assert ((0.5 < 2 * t * rates) & (2 * t * rates < 1.2)).all()
    assert signal[-1] < signal[0] / 5
    np.testing.assert_allclose(noise[1:], SIGMA**2, rtol=0.1)


def test_the_loss_stays_within_a_small_factor_of_the_best_possible(run):
    """S3-30, S3-28, S0-12: within 6 times sigma^2 / (2 t), with no rate tuned; the derivation
    predicts lambda_B (1 - 1/2)^2 = 4 times where the signal dominates."""
    gaps = run[1]
    best = SIGMA**2 / (2 * 1000 * np.arange(1, STEPS // 1000 + 1))
    assert (gaps < 6 * best).all() and (gaps > best).all()
