"""Passes of stochastic gradient descent over the samples of a landscape, one at a time."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from lectopt.landscapes import Landscape


def orders(samples: int, passes: int, shuffled: bool, seed: int = 0) -> np.ndarray:
    """Which sample each step takes, of shape `(passes, samples)`."""
    rng = np.random.default_rng(seed)
    once = np.arange(samples)
    return np.stack([rng.permutation(samples) if shuffled else once for _ in range(passes)])


def descend(tx: Any, ground: Landscape, order: np.ndarray) -> np.ndarray:
    """The parameters after each step, of the shape of `order` and theirs."""
    samples = jax.tree.map(jnp.asarray, ground.samples)
    params = jnp.asarray(ground.start, jnp.float32)

    def loss(theta: Any, k: Any) -> Any:
        return ground.formula(theta, jax.tree.map(lambda x: x[k][None], samples))[0]

    def step(carry: Any, k: Any) -> Any:
        params, state = carry
        updates, state = tx.update(jax.grad(loss)(params, k), state, params)
        params = optax.apply_updates(params, updates)
        return (params, state), params

    @jax.jit
    def run(order: Any) -> Any:
        return jax.lax.scan(step, (params, tx.init(params)), order.ravel())[1]

    return np.asarray(run(order)).reshape(*order.shape, *params.shape)
