"""A model of two layers and a head, and its training, for settings by path."""

import jax
import jax.numpy as jnp
import numpy as np
import optax

STEPS = 12
PARAMS = {
    "encoder": {"layers": [{"kernel": jnp.ones((3, 2))}, {"kernel": jnp.full((3, 2), 2.0)}]},
    "head": {"kernel": jnp.ones(2), "bias": jnp.zeros(())},
    "frozen": None,
}
NOISE = np.random.default_rng(0).normal(size=(STEPS, 3, 2)).astype(np.float32)


def grads(params, t):
    """Of the right shapes, different at every step and every leaf."""
    return jax.tree.map(lambda p: 0.3 * p + np.sum(NOISE[t], axis=tuple(range(2 - p.ndim))), params)


def path_of(tx, start=0, gradient=grads):
    """Parameters, updates and states after every update, stacked."""
    params, state, path = PARAMS, tx.init(PARAMS), []
    for t in range(start, STEPS):
        updates, state = tx.update(gradient(params, t), state, params)
        params = optax.apply_updates(params, updates)
        path.append((params, updates, state))
    return jax.tree.map(lambda *leaves: np.stack(leaves), *path)


def layer(tree, i):
    return tree["encoder"]["layers"][i]
