"""Gradient flow: what SGD tends to when its rate is divided, and why the loss falls along it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lectopt
from lectopt.training import batch_indices
from tests.support.descent import descend, log_slope

pytestmark = pytest.mark.usefixtures("x64")
H = np.array([0.3, 1.0, 2.0])
START = np.array([1.0, -2.0, 0.5])


def test_descent_with_a_divided_rate_tends_to_the_flow():
    """S3-23: N updates of eta/N with the whole gradient are one unit of time, to O(1/N); with
    batch gradients the limit is the same flow, to O(1/sqrt N)."""
    flow, seeds = np.exp(-H) * START, 400
    parts = np.array([16, 64, 256])
    whole, batch = [], []
    for N in parts:
        noise = np.random.default_rng(N).normal(size=(N, seeds, 3))
        tx = lectopt.sgd(1 / N)
        start = jnp.broadcast_to(START, (seeds, 3))
        noise = jnp.asarray(noise)
        (end,) = descend(tx, start, lambda w, t: H[None] * w + noise[t], N, every=N)  # noqa: B023
        batch.append(np.sqrt(np.mean((np.asarray(end) - flow) ** 2)))
        (end,) = descend(tx, jnp.asarray(START), lambda w, t: H * w, N, every=N)
        whole.append(np.abs(np.asarray(end) - flow).max())
    assert log_slope(parts, whole) == pytest.approx(-1, abs=0.05)
    assert log_slope(parts, batch) == pytest.approx(-0.5, abs=0.05)


def test_batches_of_a_data_set_lead_to_the_same_flow():
    """S3-23, S3-01: also for the gradients of batches drawn from data, on a loss that is not
    quadratic."""
    rng = np.random.default_rng(0)
    x = jnp.asarray(rng.normal(size=(32, 3)))
    y = jnp.sign(x @ jnp.asarray(START))

    def loss(w, x, y):
        return jnp.mean(jnp.log1p(jnp.exp(-y * (x @ w))))

    def end(N, grad):
        return descend(lectopt.sgd(2 / N), jnp.zeros(3), grad, N, every=N)[-1]

    def batch_gradient(w, t):
        batch = batch_indices(jax.random.key(0), t, 32, 4)
        return jax.grad(loss)(w, x[batch], y[batch])

    flow = end(4000, lambda w, t: jax.grad(loss)(w, x, y))
    distances = [np.linalg.norm(end(N, batch_gradient) - flow) for N in (16, 1024)]
    assert distances[1] < distances[0] / 8 and distances[1] < 0.01 * np.linalg.norm(flow)


def test_the_loss_never_increases_along_the_flow():
    """S3-24: dl/dt = -|grad l|^2, also where the loss is not convex; the weights need not stay in
    one basin for that. Momentum, which is no discretised flow, gives no such guarantee (S1-11)."""

    def loss(w):
        x, y = w[0], w[1]
        return (1 - x) ** 2 + 10 * (y - x**2) ** 2 + jnp.sin(3 * x) + 1

    def along(tx, steps):
        def read(w, state):
            return loss(w), jnp.sum(jax.grad(loss)(w) ** 2)

        start = jnp.array([-1.2, 1.0])
        return descend(tx, start, lambda w, t: jax.grad(loss)(w), steps, read=read)

    dt = 1e-4
    value, square = map(np.asarray, along(lectopt.sgd(dt), 20_000))
    falls = -np.diff(value) / dt
    assert (falls >= 0).all()
    trapezoid = (square[1:] + square[:-1]) / 2
    np.testing.assert_allclose(falls, trapezoid, rtol=1e-2)
    assert value[0] - value[-1] == pytest.approx(dt * np.sum(trapezoid), rel=1e-2)

    value, _ = along(lectopt.momentum(1e-3, 0.95), 2000)
    assert (np.diff(value) > 0).any()
