"""Sixty updates of one optimizer at the gradients that the oracles were recorded with."""

import jax
import jax.numpy as jnp

import lectopt
from tests.support.oracles.rows import CURVATURE, STEPS, THETA, noise
from tests.support.training import train, train_by_steps

NOISE = noise()


def grad(theta, t):
    return NOISE[t] + CURVATURE * theta


def path(tx):
    """The parameters after every update, the gradient taken where the optimizer wants it."""
    if isinstance(tx, lectopt.Transformation):
        return train_by_steps(tx, THETA, grad, STEPS)
    push = jnp.asarray(NOISE)
    return jax.jit(
        lambda: train(tx, jnp.asarray(THETA), lambda x, t: push[t] + CURVATURE * x, STEPS)
    )()
