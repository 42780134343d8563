"""The one training loop of the theorems, and what they measure on its trajectories.

Seeds are an axis of the parameters: the rules act on every weight alone, so a thousand runs are one
run with a thousand weights.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax

import lectopt


def descend(tx, theta, grad, steps, *, read=lambda theta, state: theta, every=1):
    """`read(theta, state)` after every `every`-th update, stacked.

    `grad(theta, t)`, t = 0, 1, ..., is taken where the optimizer wants it.
    """

    def update(carry, t):
        theta, state = carry
        at = tx.point(theta, state) if isinstance(tx, lectopt.Transformation) else theta
        updates, state = tx.update(grad(at, t), state, theta)
        return (optax.apply_updates(theta, updates), state), None

    def block(carry, first):
        carry, _ = jax.lax.scan(update, carry, first + jnp.arange(every))
        return carry, read(*carry)

    @jax.jit
    def run():
        return jax.lax.scan(block, (theta, tx.init(theta)), every * jnp.arange(steps // every))[1]

    return run()


def responses(tx, gradients, theta=0.0):
    """The updates that a given sequence of gradients (first axis) draws from an optimizer."""
    gradients = jnp.asarray(gradients)
    params = jnp.broadcast_to(jnp.asarray(theta, gradients.dtype), gradients.shape[1:])

    def update(state, g):
        updates, state = tx.update(g, state, params)
        return state, updates

    return jax.jit(lambda: jax.lax.scan(update, tx.init(params), gradients)[1])()


def project(onto):
    """After every update the weights become `onto(weights)`: projected gradient descent."""

    def update(updates, state, params):
        return jax.tree.map(lambda u, p: onto(p + u) - p, updates, params), state

    return optax.GradientTransformation(lambda params: optax.EmptyState(), update)


def ball(radius):
    """The nearest point with Euclidean norm at most `radius`, along the last axis."""

    def onto(theta):
        norm = jnp.sqrt(jnp.sum(theta**2, axis=-1, keepdims=True))
        return theta * jnp.minimum(1.0, radius / jnp.maximum(norm, 1e-30))

    return onto


def log_slope(t, values):
    """The exponent p of the power law `values ~ t^p` that fits best."""
    return np.polyfit(np.log(np.asarray(t, float)), np.log(np.asarray(values, float)), 1)[0]


def variance_slack(seeds, sigmas=5):
    """Relative error, so many standard errors wide, of a variance of normal samples."""
    return sigmas * np.sqrt(2 / seeds)
