"""The order of the samples, and data that repeat themselves: the pictures of the CMU lecture."""

import jax
import jax.numpy as jnp
import numpy as np

import lectopt
from tests.support.descent import descend

N, EPOCHS, SEEDS = 200, 60, 16


def line_through_the_origin():
    """Sorted samples of `y ~ w x` whose slope is another left and right of 0; least squares."""
    x = np.linspace(-2, 2, N)
    noise = 0.05 * np.random.default_rng(5).normal(size=N)
    y = np.where(x < 0, 1.5, 0.5) * x + noise
    return x, y, (x @ y) / (x @ x)


def last_epoch(order, decaying):
    """The weight during the last of 60 epochs, less the least-squares one, for every seed."""
    x, y, best = line_through_the_origin()
    rate = lectopt.inverse_time_decay(0.1, 0.01) if decaying else 0.1
    rng = np.random.default_rng(0)
    if order == "sequential":
        visits = np.tile(np.arange(N)[:, None], (EPOCHS, SEEDS))
    else:
        epochs = rng.permuted(np.tile(np.arange(N), (EPOCHS, SEEDS, 1)), axis=-1)
        visits = np.moveaxis(epochs, -1, 1).reshape(EPOCHS * N, SEEDS)
    xs, ys = jnp.asarray(x[visits], jnp.float32), jnp.asarray(y[visits], jnp.float32)
    tx = lectopt.sgd(rate)
    path = descend(tx, jnp.zeros(SEEDS), lambda w, t: xs[t] * (xs[t] * w - ys[t]), EPOCHS * N)
    return np.asarray(path[-N:]) - best


def test_a_fixed_order_makes_sgd_circle():
    """S0-04, S0-05, S0-47, S1-05: the same order in every epoch pulls the weight to the last
    samples seen, a bias that shuffling removes (S0-06); the swing stays, for the rate does."""
    fixed, shuffled = last_epoch("sequential", False), last_epoch("shuffled", False)
    assert np.abs(fixed.mean()) > 0.15
    # 16 independent means over an epoch; each is off by what the last dozen samples happen to be.
    assert np.abs(shuffled.mean()) < 5 * shuffled.mean(axis=0).std() / np.sqrt(SEEDS)
    assert np.abs(shuffled.mean()) < 0.03
    for path in (fixed, shuffled):
        assert (np.ptp(path, axis=0) > 0.5).all()


def test_a_shrinking_rate_ends_the_swing():
    """S0-10, S0-11: with eta_j = eta / (1 + 0.01 j) the swing falls from about 1 to 1-3 %."""
    shuffled = last_epoch("shuffled", True)
    assert np.ptp(shuffled, axis=0).max() < 0.03
    assert np.abs(shuffled[-1]).max() < 0.02


def test_fitting_the_latest_sample_exactly_never_converges():
    """S0-09: the weight takes every value y_i / x_i, in every epoch."""
    x, y, best = line_through_the_origin()
    target = jnp.asarray(y / x, jnp.float32)
    tx = lectopt.sgd(1.0)
    path = descend(tx, jnp.float32(0), lambda w, t: w - target[t % N], 20 * N)
    np.testing.assert_allclose(path[-N:], target, rtol=1e-4)
    assert np.std(path[-N:]) > 0.5


def test_the_more_alike_the_samples_the_more_sgd_gains():
    """S0-08, S1-03: with 1000 samples in 5 clumps, SGD needs tens of times fewer passes than
    gradient descent until the loss is 1.2 times the least; the gain falls with the spread of the
    clumps and does "not entirely vanish"."""
    n, d = 1000, 5
    rng = np.random.default_rng(3)
    scale = np.sqrt([1, 0.5, 0.2, 0.1, 0.05])
    clump, within = rng.normal(size=(5, d)) * scale, rng.normal(size=(n, d)) * scale
    spreads = np.array([0.0, 0.5, 3.0])
    x = clump[np.arange(n) % 5] + spreads[:, None, None] * within
    y = x @ np.ones(d) + 0.1 * rng.normal(size=n)
    best = [np.linalg.lstsq(a, b, rcond=None)[0] for a, b in zip(x, y, strict=True)]
    excess = 0.2 * np.mean((y - np.einsum("snd,sd->sn", x, best)) ** 2, axis=1) / 2
    order = jnp.asarray(rng.permuted(np.tile(np.arange(n), (8, 1)), axis=1).ravel())

    @jax.jit
    @jax.vmap
    def passes(x, y, best, excess):
        H = x.T @ x / n

        def unfinished(w, state):
            return jnp.sum((w - best) * (H @ (w - best))) / 2 > excess

        def one_sample(w, t):
            i = order[t]
            return x[i] * (jnp.sum(x[i] * w) - y[i])

        q = jnp.max(jnp.sum(x**2, axis=1))
        sgd = lectopt.sgd(lectopt.inverse_time_decay(0.3 / q, 1 / 2000))
        gd = lectopt.sgd(1 / jnp.linalg.eigvalsh(H)[-1])
        zero = jnp.zeros(d)
        by_gd = descend(gd, zero, lambda w, t: H @ (w - best), 300, read=unfinished)
        by_sgd = descend(sgd, zero, one_sample, 8 * n, read=unfinished, every=20)
        # A path may rise again, so the first time that it is below counts.
        return 1 + jnp.argmin(by_gd), (1 + jnp.argmin(by_sgd)) * 20 / n

    data = [jnp.asarray(a, jnp.float32) for a in (x, y, np.array(best), excess)]
    by_gd, by_sgd = map(np.asarray, passes(*data))
    assert (by_gd < 300).all() and (by_sgd < 8).all() and (by_gd > 1).all()
    gain = by_gd / by_sgd
    assert gain[0] > gain[1] > gain[2] > 5
    assert gain[0] > 1.5 * gain[2]
