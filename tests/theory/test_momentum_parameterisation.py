"""TTIC's two parameterisations of momentum, and its argument that "mu does nothing"."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lectopt
from tests.support.descent import descend, responses, variance_slack

MU = 0.9


def standard(rate):
    return lectopt.momentum(rate, MU)


def nonstandard(rate):
    """The rate that makes it equal to `standard(rate)`: eta' = eta / (1 - mu)."""
    scaled = (lambda count: rate(count) / (1 - MU)) if callable(rate) else rate / (1 - MU)
    return lectopt.momentum(scaled, MU, form="ema")


def largest_difference(one, other):
    gradients = np.random.default_rng(0).normal(size=(300, 5))
    paths = [np.cumsum(responses(tx, gradients), axis=0) for tx in (one, other)]
    return np.abs(paths[0] - paths[1]).max()


@pytest.mark.usefixtures("x64")
def test_they_are_equal_at_a_constant_rate():
    """S3-14, S3-15."""
    assert largest_difference(standard(0.1), nonstandard(0.1)) < 1e-12


@pytest.mark.parametrize(
    "rate",
    [lectopt.step_decay(0.1, 0.1, every=150), lectopt.power_decay(1.0)],
    ids=["step decay", "1/t"],
)
@pytest.mark.usefixtures("x64")
def test_they_differ_when_the_rate_changes(rate):
    """S3-15 is false as stated there: the old rate stays in the velocity. The moving average is,
    for every schedule, the velocity with its rate outside (S2-18, S4-20)."""
    assert largest_difference(standard(rate), nonstandard(rate)) > 0.1
    outside = lectopt.momentum(rate, MU, form="heavy_ball")
    assert largest_difference(outside, nonstandard(rate)) < 1e-12


def test_mu_does_nothing_where_noise_dominates():
    """S3-16: the best eta' of the moving average, and what it achieves, do not depend on mu."""
    h, steps, seeds = jnp.linspace(0.05, 1, 10), 2000, 200
    noise = np.random.default_rng(0).normal(size=(steps, seeds, 10)).astype(np.float32)
    noise, rates = jnp.asarray(noise), jnp.geomspace(4e-3, 0.064, 5)
    mus = jnp.array([0.0, 0.5, 0.9, 0.99])

    def gap(rate, mu):
        tx, w = lectopt.momentum(rate, mu, form="ema"), jnp.full((seeds, 10), 3.0)
        (w,) = descend(tx, w, lambda w, t: h[None] * w + noise[t], steps, every=steps)
        return jnp.sum(h[None] * w**2) / (2 * seeds)

    sweep = jax.vmap(jax.vmap(gap, (0, None)), (None, 0))
    gaps = np.asarray(sweep(rates, mus))
    assert len(set(gaps.argmin(axis=1))) == 1
    best = gaps.min(axis=1)
    np.testing.assert_allclose(best, best[0], rtol=variance_slack(10 * seeds, sigmas=3))
    assert (np.delete(gaps[0], gaps[0].argmin()) > 1.1 * best[0]).all()  # the rate does matter


@pytest.mark.usefixtures("x64")
def test_mu_does_a_great_deal_where_there_is_no_noise():
    """S3-16 is false as a general statement: the best eta' at mu = 0.67 needs five times fewer
    updates than the best rate without momentum (kappa = 100)."""
    h = jnp.geomspace(0.01, 1, 20)
    rates = jnp.geomspace(0.1, 20, 40)

    def updates_needed(rate, mu):
        def unfinished(w, state):
            return ~(jnp.sum(h * w**2) < 1e-8 * jnp.sum(h))  # NaN is not finished either

        tx = lectopt.momentum(rate, mu, form="ema")
        return descend(tx, jnp.ones(20), lambda w, t: h * w, 1000, read=unfinished).sum()

    sweep = jax.vmap(jax.vmap(updates_needed, (0, None)), (None, 0))
    without, with_mu = np.asarray(sweep(rates, jnp.array([0.0, 0.67]))).min(axis=1)
    assert with_mu < 70 < 5 * 70 < without
