"""How fast the last iterate of SGD converges: the bounds of the CMU lecture, and their limits."""

import jax.numpy as jnp
import numpy as np
import pytest

import lectopt
from tests.support.descent import ball, descend, log_slope, project, variance_slack

STEPS, SEEDS, EVERY = 3000, 100, 100
T = 1 + np.arange(EVERY, STEPS + 1, EVERY)  # w_1 is the start, so w_T follows T - 1 updates


def shamir_zhang(G2, lam):
    """S0-17: the bound on E f(w_T) - f*, for E |gradient|^2 <= G2."""
    return 17 * G2 * (1 + np.log(T)) / (lam * T)


def mean_gaps(tx, start, grad, gap):
    """The mean over seeds (first axis) of `gap(w_T)` for every T."""
    read = lambda w, state: jnp.mean(gap(w))  # noqa: E731
    return np.asarray(descend(tx, start, grad, STEPS, read=read, every=EVERY))


def test_the_bound_holds_for_a_nonsmooth_strongly_convex_function():
    """S0-17, S0-18: `lam/2 |w|^2 + |w|_1`; smoothness is not needed. The bound is loose here, the
    power of T is the right one."""
    lam, radius, d = 0.1, 10.0, 10
    rng = np.random.default_rng(0)
    noise = jnp.asarray(rng.normal(size=(STEPS, SEEDS, d)), jnp.float32)
    start = ball(radius)(jnp.asarray(rng.normal(size=(SEEDS, d)) * 100, jnp.float32))
    tx = lectopt.chain(lectopt.sgd(lectopt.inverse_strong_convexity(lam)), project(ball(radius)))
    gap = mean_gaps(
        tx,
        start,
        lambda w, t: lam * w + jnp.sign(w) + noise[t],
        lambda w: lam / 2 * jnp.sum(w**2, axis=-1) + jnp.sum(jnp.abs(w), axis=-1),
    )
    G2 = (lam * radius + np.sqrt(d)) ** 2 + d  # subgradient in the ball, plus the noise
    assert (gap <= shamir_zhang(G2, lam)).all()
    assert log_slope(T[3:], gap[3:]) == pytest.approx(-1, abs=0.05)


def support_vector_machine(n, d, lam):
    """Data, and a lower bound of the least primal value from dual coordinate ascent."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(n, d))
    y = np.sign(X @ rng.normal(size=d) + 0.5 * rng.normal(size=n))
    dual, w = np.zeros(n), np.zeros(d)
    for i in np.tile(np.arange(n), 100):
        step = (1 - y[i] * (X[i] @ w)) / (X[i] @ X[i] / (lam * n))
        new = np.clip(dual[i] + step, 0, 1)
        w += (new - dual[i]) * y[i] * X[i] / (lam * n)
        dual[i] = new
    return X, y, dual.mean() - lam / 2 * w @ w


def test_the_bound_holds_for_a_support_vector_machine():
    """S0-17: hinge loss, one sample per update (Pegasos)."""
    n, d, lam = 200, 5, 0.05
    X, y, least = support_vector_machine(n, d, lam)
    radius = 1 / np.sqrt(lam)  # the minimiser lies in this ball
    samples = jnp.asarray(np.random.default_rng(2).integers(n, size=(STEPS, SEEDS)))
    X32, y32 = jnp.asarray(X, jnp.float32), jnp.asarray(y, jnp.float32)

    def grad(w, t):
        x, label = X32[samples[t]], y32[samples[t]]
        violated = label * jnp.sum(x * w, axis=-1) < 1
        return lam * w - (violated * label)[:, None] * x

    def gap(w):
        hinge = jnp.maximum(0, 1 - y32[None] * (w @ X32.T))
        return lam / 2 * jnp.sum(w**2, axis=-1) + jnp.mean(hinge, axis=-1) - least

    tx = lectopt.chain(lectopt.sgd(lectopt.inverse_strong_convexity(lam)), project(ball(radius)))
    gaps = mean_gaps(tx, jnp.zeros((SEEDS, d)), grad, gap)
    G2 = ((lam * radius + np.linalg.norm(X, axis=1)) ** 2).mean()
    assert (gaps > 0).all() and (gaps <= shamir_zhang(G2, lam)).all()
    assert gaps[-1] < gaps[2] / 5


def test_convex_functions_are_reached_like_one_over_root_k():
    """S0-15, S0-18: rate c/sqrt(k) on `|w|_1`, below (D^2/c + c G^2) (2 + log T) / sqrt(T)."""
    radius, d, c = 10.0, 10, 1.0
    noise = jnp.asarray(np.random.default_rng(0).normal(size=(STEPS, SEEDS, d)), jnp.float32)
    tx = lectopt.chain(lectopt.sgd(lectopt.power_decay(c, 0.5)), project(ball(radius)))
    gap = mean_gaps(
        tx,
        jnp.ones((SEEDS, d)),
        lambda w, t: jnp.sign(w) + noise[t],
        lambda w: jnp.sum(jnp.abs(w), axis=-1),
    )
    D, G2 = 2 * radius, 2 * d
    assert (gap <= (D**2 / c + c * G2) * (2 + np.log(T)) / np.sqrt(T)).all()
    assert log_slope(T[3:], gap[3:]) == pytest.approx(-0.5, abs=0.05)


@pytest.mark.parametrize("ratio", [0.1, 1.0, 3.0, 10.0])
def test_one_over_k_of_the_first_gap_is_no_bound(ratio):
    """S0-14 claims `|f_k - f*| < |f_0 - f*| / k` for the rate 1/(lam k). On a quadratic of
    curvature lam, w_k - w* is the mean of k noises over lam, so k E gap_k / gap_0 is
    (sigma / (lam r_0))^2 for every k: the rate is right, the constant is the noise."""
    seeds = 4000
    noise = jnp.asarray(ratio * np.random.default_rng(0).normal(size=(300, seeds)), jnp.float32)
    tx = lectopt.sgd(lectopt.inverse_strong_convexity(1.0))
    gap = descend(
        tx,
        jnp.ones(seeds),
        lambda w, t: w + noise[t],
        300,
        every=100,
        read=lambda w, state: jnp.mean(w**2),  # over the first gap, 1
    )
    k = np.array([100, 200, 300])
    np.testing.assert_allclose(k * gap, ratio**2, rtol=variance_slack(seeds))


def test_one_over_k_fails_without_noise_too():
    """S0-14: where the curvature is 3 lam the first update overshoots to 4 times the gap."""
    w = descend(
        lectopt.sgd(lectopt.inverse_strong_convexity(1.0)), jnp.ones(()), lambda w, t: 3 * w, 1
    )
    assert w[0] ** 2 == pytest.approx(4)


def test_sgd_is_ahead_at_first_and_gradient_descent_in_the_end():
    """S0-16, S2-15, S0-47: "batch gradients converge faster, but SGD performs T updates for every
    batch update". Ridge regression, 1000 samples, at equal numbers of sample gradients."""
    rng, n, seeds, passes = np.random.default_rng(4), 1000, 30, 60
    X = rng.normal(size=(n, 5)) * np.sqrt(np.linspace(0.2, 2, 5))
    y = X @ np.ones(5) + 0.5 * rng.normal(size=n)
    H, best = X.T @ X / n, np.linalg.lstsq(X, y, rcond=None)[0]
    lam, *_, L = np.linalg.eigvalsh(H)
    H32, best32 = jnp.asarray(H, jnp.float32), jnp.asarray(best, jnp.float32)
    X32, y32 = jnp.asarray(X, jnp.float32), jnp.asarray(y, jnp.float32)
    samples = jnp.asarray(rng.integers(n, size=(passes * n, seeds)))

    def gap(w, state=None):
        e = w - best32[None]
        return jnp.mean(jnp.sum(e @ H32 * e, axis=-1)) / 2

    def one_sample(w, t):
        x = X32[samples[t]]
        return (jnp.sum(x * w, axis=-1) - y32[samples[t]])[:, None] * x

    rate = lambda count: 1 / (lam * (count + 1 + 10 * L / lam))  # noqa: E731
    start = jnp.zeros((seeds, 5))
    sgd = descend(lectopt.sgd(rate), start, one_sample, passes * n, read=gap, every=n)
    start = jnp.zeros((1, 5))
    batch = descend(
        lectopt.sgd(1 / L), start, lambda w, t: (w - best32[None]) @ H32, passes, read=gap
    )
    assert sgd[4] < batch[4] / 10 and sgd[19] < batch[19] / 2
    assert batch[59] < sgd[59] / 2
