"""McAllester's analysis: running averages, confidence in a gradient, the best batch and rate."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lectopt
from tests.support.descent import descend, responses

pytestmark = pytest.mark.usefixtures("x64")


def phi(z):
    """The normal distribution function."""
    return (1 + math.erf(z / math.sqrt(2))) / 2


def test_running_averages_written_out():
    """S3-09, S3-10: mu_t = (1/N) sum_s (1 - 1/N)^(t-s) x_s, weights that sum to 1 in the end. The
    slide prints the exponent -(t - s), with which the oldest value would count most and the sum
    diverges."""
    N, t = 10, np.arange(1, 201)
    x = np.random.default_rng(0).normal(size=200)
    averages = responses(lectopt.ema(1 - 1 / N), x)
    ages = t[:, None] - t[None]
    weights = np.where(ages >= 0, (1 - 1 / N) ** np.maximum(ages, 0.0), 0) / N
    np.testing.assert_allclose(averages, weights @ x, rtol=1e-11, atol=1e-13)
    assert weights[-1].sum() == pytest.approx(1, abs=1e-8)
    printed = (1 - 1 / N) ** -np.arange(200.0)
    assert printed.sum() > 1e9
    assert weights[N - 1].sum() == pytest.approx(1 - (1 - 1 / N) ** N)  # 0.65: not yet an average


def test_any_leaky_recursion_is_a_running_average():
    """S3-11, S3-15: y = (1 - 1/N) y + f is the running average of N f."""
    f = np.random.default_rng(0).normal(size=100)
    leaky = responses(lectopt.trace(1 - 1 / 20), f)
    np.testing.assert_allclose(leaky, responses(lectopt.ema(1 - 1 / 20), 20 * f), rtol=1e-11)


def test_the_sign_of_a_gradient_needs_four_sigma_squared_samples():
    """S3-07, S3-26: the interval g_hat +- 2 sigma/sqrt(N) leaves 0 out from N = 4 sigma^2/g_hat^2
    on. With the printed 2 sigma^2/g_hat^2 it still contains 0, and the sign is wrong in 7.9 % of
    the cases where the interval promises 2.3 %."""
    g, sigma, seeds = 0.1, 0.5, 20_000
    rng = np.random.default_rng(0)
    for factor, excluded in ((2, False), (4, True)):
        N = round(factor * sigma**2 / g**2)
        assert (2 * sigma / math.sqrt(N) <= g * (1 + 1e-9)) == excluded
        estimates = rng.normal(g, sigma, size=(N, seeds)).mean(axis=0)
        wrong = np.mean(estimates < 0)
        expected = phi(-math.sqrt(factor))
        error = math.sqrt(expected / seeds)
        assert wrong == pytest.approx(expected, abs=5 * error)


def progress(batch, rate, g_hat, sigma, L):
    """S3-27: the guaranteed fall of the loss, per sample of the batch."""
    certain = (abs(g_hat) - 2 * sigma / batch**0.5) * abs(g_hat)
    return (rate * certain - L * rate**2 * g_hat**2 / 2) / batch


def test_the_guarantee_holds_as_often_as_the_interval_promises():
    """S3-27: loss(beta - eta g_hat) <= loss - eta (g_hat - 2 sigma_hat/sqrt(B)) g_hat + L eta^2
    g_hat^2 / 2, with two standard errors in all but 2.3 % of the batches (S3-03's loss)."""
    seeds, B, beta, rate = 20_000, 64, 1.0, 0.5
    y = np.random.default_rng(0).normal(size=(seeds, B))
    mean, sigma_hat = y.mean(axis=1), y.std(axis=1)
    g_hat = beta - mean
    after = descend(lectopt.sgd(rate), jnp.full(seeds, beta), lambda b, t: b - mean, 1)
    promised = B * progress(B, rate, g_hat, sigma_hat, L=1.0)
    fall = (beta**2 - np.asarray(after[0]) ** 2) / 2  # of the training loss, E (beta - y)^2 / 2
    broken = np.mean(fall < promised - 1e-12)
    # g_hat > 0 in all of them, so one tail counts; sigma_hat has B - 1 degrees of freedom, and
    # Student's tail is a little heavier than phi(-2).
    assert phi(-2) - 0.005 < broken < phi(-2) + 0.008


@pytest.mark.parametrize("g_hat, sigma, L", [(0.3, 1.0, 2.0), (-0.05, 0.4, 7.0), (2.0, 5.0, 0.1)])
def test_the_best_batch_and_the_best_rate(g_hat, sigma, L):
    """S3-28, S3-25: B* = 16 sigma^2/g_hat^2 and eta* = 1/(2 L) maximise the guaranteed progress
    per sample; scaled down linearly, eta_B = B g_hat^2 / (32 sigma^2 L)."""
    batch, rate = 16 * sigma**2 / g_hat**2, 1 / (2 * L)
    top = progress(batch, rate, g_hat, sigma, L)
    assert top == pytest.approx(g_hat**4 / (128 * L * sigma**2), rel=1e-12)
    slopes = jax.grad(progress, argnums=(0, 1))(batch, rate, g_hat, sigma, L)
    np.testing.assert_allclose(np.array(slopes) * [batch, rate] / top, 0, atol=1e-12)
    factors = np.geomspace(1 / 150, 150, 101)
    gains = progress(batch * factors[:, None], rate * factors, g_hat, sigma, L)
    assert np.unravel_index(gains.argmax(), gains.shape) == (50, 50)
    scaled = lectopt.scale_learning_rate(1 / (2 * L), 1, batch)  # eta_1 = eta* / B*
    assert scaled == pytest.approx(g_hat**2 / (32 * sigma**2 * L), rel=1e-12)
