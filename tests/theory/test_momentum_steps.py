"""What momentum makes of a given sequence of gradients: long steps, short steps, less noise."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lectopt
from tests.support.descent import responses, variance_slack

ALPHAS = np.array([0.5, 0.9, 0.99])
RATE = 0.01


def steps_with(gradients, **settings):
    """One column of updates for each momentum coefficient."""
    run = jax.vmap(lambda alpha: responses(lectopt.momentum(RATE, alpha, **settings), gradients))
    return np.asarray(run(jnp.asarray(ALPHAS))).T


@pytest.mark.usefixtures("x64")
def test_terminal_speed():
    """S1-12, S0-32, S1-10, S1-11: a constant gradient is amplified 1 / (1 - alpha) times, and 90 %
    of that are reached after ln 10 / ln(1/alpha) updates."""
    updates = steps_with(np.ones(4000))
    terminal = -RATE / (1 - ALPHAS)
    np.testing.assert_allclose(updates[-1], terminal, rtol=1e-12)
    first = 1 + np.argmax(updates <= 0.9 * terminal, axis=0)
    np.testing.assert_array_equal(first, np.ceil(np.log(10) / np.log(1 / ALPHAS)))


@pytest.mark.usefixtures("x64")
def test_steps_shrink_where_the_gradient_keeps_changing_sign():
    """S0-32, S0-37, S1-11, S4-17: there they tend to eta / (1 + beta)."""
    updates = steps_with((-1.0) ** np.arange(4001))
    np.testing.assert_allclose(updates[-1], -RATE / (1 + ALPHAS), rtol=1e-12)


def test_momentum_goes_through_a_barrier_that_stops_descent():
    """S1-11, S4-17: the first of the three properties that Liège names."""

    def slope(x):  # downhill to the left, but for a hill on (1, 1.5)
        return jnp.where((x > 1) & (x < 1.5), -0.5, 1.0)

    def end(alpha):
        def update(carry, _):
            x, state = carry
            u, state = tx.update(slope(x), state)
            return (x + u, state), None

        tx = lectopt.momentum(0.05, alpha)
        return jax.lax.scan(update, (jnp.float32(4.0), tx.init(0.0)), length=200)[0][0]

    stuck, through = jax.jit(jax.vmap(end))(jnp.array([0.0, 0.9]))
    assert stuck > 1.4 and through < 1


def test_momentum_averages_the_noise_away():
    """S0-33, S2-18, S3-14, S0-47: the averaged direction has (1 - b) / (1 + b) of the variance."""
    seeds = 20_000
    noise = np.random.default_rng(0).normal(size=(60, seeds)).astype(np.float32)
    for beta in (0.5, 0.9):
        direction = responses(lectopt.momentum(1.0, beta, form="ema"), noise)[-1]
        remaining = (1 - beta) / (1 + beta)  # up to beta^120 < 1e-5, the memory of the start
        assert np.var(direction) == pytest.approx(remaining, rel=variance_slack(seeds))
