"""What a batch estimates, with which variance, and what that leaves of SGD at a constant rate."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lectopt
from lectopt.training import batch_indices
from tests.support.descent import descend, variance_slack

N = 6
DIVERGENCES = np.random.default_rng(0).normal(size=N)  # one loss, or gradient, per sample
MEAN, VARIANCE = DIVERGENCES.mean(), DIVERGENCES.var()


@pytest.mark.parametrize("b", [1, 2, 3])
def test_the_mean_over_a_batch_is_unbiased_with_one_bth_of_the_variance(b):
    """S0-25, S0-21, S0-22, S0-47, S1-05: over all equally likely batches with replacement exactly
    var/b, without (N - b)/(N - 1) of it. A single sample (b = 1) has N times the variance of the
    mean of N."""
    with_replacement = np.mean(list(itertools.product(DIVERGENCES, repeat=b)), axis=1)
    without = np.mean(list(itertools.combinations(DIVERGENCES, b)), axis=1)
    for batches in (with_replacement, without):
        assert batches.mean() == pytest.approx(MEAN, rel=1e-12)
    assert with_replacement.var() == pytest.approx(VARIANCE / b, rel=1e-12)
    assert without.var() == pytest.approx(VARIANCE / b * (N - b) / (N - 1), rel=1e-12)


def test_an_epoch_visits_every_sample_once():
    """S0-06, S0-24: a permutation per epoch, another one each time; whole batches only, so the
    slide's loop, which runs past the last sample if b does not divide T, does not."""
    key, batches = jax.random.key(0), N // 2
    steps = [np.asarray(batch_indices(key, step, N, 2)) for step in range(2 * batches)]
    epochs = [np.concatenate(steps[:batches]), np.concatenate(steps[batches:])]
    for epoch in epochs:
        np.testing.assert_array_equal(np.sort(epoch), np.arange(N))
    assert (epochs[0] != epochs[1]).any()
    short = [np.asarray(batch_indices(key, step, N, 4)) for step in range(3)]
    assert all(batch.shape == (4,) and (batch < N).all() for batch in short)


@pytest.mark.parametrize("m, B", [(512, 256), (513, 256), (100, 7)])
def test_the_number_of_batches_is_a_ceiling(m, B):
    """S2-14: floor(m/B) + 1 counts an empty batch whenever B divides m."""
    printed = [range(B * (b - 1), min(B * b, m)) for b in range(1, m // B + 2)]
    right = printed[: -(-m // B)]
    assert [i for batch in right for i in batch] == list(range(m))
    assert all(len(batch) > 0 for batch in right)
    assert (len(printed[-1]) == 0) == (m % B == 0)


@pytest.mark.usefixtures("x64")
def test_replicated_data_need_only_one_copy():
    """S1-03: for M samples K times over, one step with the whole set is one step of K gamma with
    the partial sum over one copy, or one of gamma with its mean."""
    rng = np.random.default_rng(0)
    x, y, K, gamma = rng.normal(size=(4, 3)), rng.normal(size=4), 5, 0.1
    whole_x, whole_y = np.tile(x, (K, 1)), np.tile(y, K)

    def path(rate, x, y, divisor):
        return descend(lectopt.sgd(rate), jnp.ones(3), lambda w, t: x.T @ (x @ w - y) / divisor, 20)

    whole = path(gamma, whole_x, whole_y, 4 * K)
    np.testing.assert_allclose(path(K * gamma, x, y, 4 * K), whole, rtol=1e-12)
    np.testing.assert_allclose(path(gamma, x, y, 4), whole, rtol=1e-12)


@pytest.mark.parametrize("B", [1, 4])
@pytest.mark.parametrize("rate", [0.1, 1.0, 1.5])
def test_a_constant_rate_ends_in_a_stationary_distribution(rate, B):
    """S3-03, S3-04, S3-21, S3-22: SGD on 1/2 (beta - y)^2 is a Markov chain of variance
    eta sigma^2 / ((2 - eta) B): the rate over the batch size is its temperature."""
    seeds, sigma = 20_000, 2.0
    y = sigma * np.random.default_rng(0).normal(size=(100, seeds)) / np.sqrt(B)
    y = jnp.asarray(y, jnp.float32)  # means of B samples
    (beta,) = descend(lectopt.sgd(rate), jnp.zeros(seeds), lambda b, t: b - y[t], 100, every=100)
    expected = rate * sigma**2 / (2 - rate) / B
    assert np.var(beta) == pytest.approx(expected, rel=variance_slack(seeds))
