"""Batch normalisation: its gradient, and where epsilon stands."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

pytestmark = pytest.mark.usefixtures("x64")


def normalised(u, gamma, beta, eps=1e-5):
    mean, var = jnp.mean(u, axis=0), jnp.var(u, axis=0)
    return gamma * (u - mean) / jnp.sqrt(var + eps) + beta


def test_the_gradient_through_batch_normalisation():
    """S1-33: dL/du_b = gamma / (B s) (B d_b - sum d - u_hat_b sum(d u_hat)), with d = dL/du'."""
    rng = np.random.default_rng(0)
    u, d, B, eps = rng.normal(size=8), rng.normal(size=8), 8, 1e-5
    gamma, beta = 1.7, -0.3
    by_jax = jax.grad(lambda u: jnp.sum(d * normalised(u, gamma, beta)))(jnp.asarray(u))
    s = np.sqrt(u.var() + eps)
    u_hat = (u - u.mean()) / s
    by_hand = gamma / (B * s) * (B * d - d.sum() - u_hat * (d * u_hat).sum())
    np.testing.assert_allclose(by_jax, by_hand, rtol=1e-10)


def test_flax_takes_epsilon_into_the_root():
    """S1-32 divides by sigma + eps in training and by sigma in testing, S2-12 by
    sqrt(sigma^2 + eps): three times apart for sigma = 1e-3; Flax does the latter, and gamma
    multiplies elementwise (S2-12 prints gamma^T x)."""
    u = 1e-3 * np.random.default_rng(0).normal(size=(64, 2))
    gamma, beta = jnp.array([1.5, 0.5]), jnp.array([0.0, 1.0])
    layer = nn.BatchNorm(use_running_average=False, epsilon=1e-5, param_dtype=jnp.float64)
    variables = layer.init(jax.random.key(0), u)
    variables = variables | {"params": {"scale": gamma, "bias": beta}}
    out, _ = layer.apply(variables, jnp.asarray(u), mutable=["batch_stats"])
    mean, var = u.mean(axis=0), u.var(axis=0)
    inside = np.asarray(gamma) * (u - mean) / np.sqrt(var + 1e-5) + np.asarray(beta)
    np.testing.assert_allclose(out, inside, rtol=1e-6, atol=1e-9)
    outside = np.asarray(gamma) * (u - mean) / (np.sqrt(var) + 1e-5) + np.asarray(beta)
    assert np.std(outside[:, 0]) / np.std(inside[:, 0]) > 3
