"""The training loop of the trajectories: compiled whole, or step by step."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

import lectopt


def train(
    tx: optax.GradientTransformation,
    theta: jax.Array,
    grad: Callable[[Any, Any], Any],
    steps: int,
    value: Callable[[Any, Any], Any] | None = None,
) -> jax.Array:
    """The parameters after every update; `grad(theta, t)` is taken where the optimizer wants it.

    `value(theta, t)` is the loss, for rules that need it.
    """

    def body(carry: Any, t: Any) -> Any:
        theta, state = carry
        at = tx.point(theta, state) if isinstance(tx, lectopt.Transformation) else theta
        extra = {} if value is None else {"value": value(at, t)}
        updates, state = tx.update(grad(at, t), state, theta, **extra)
        theta = optax.apply_updates(theta, updates)
        return (theta, state), theta

    return jax.lax.scan(body, (theta, tx.init(theta)), jnp.arange(steps))[1]


def train_by_steps(
    tx: lectopt.Transformation,
    theta: Any,
    grad: Callable[[Any, Any], Any],
    steps: int,
    value: Callable[[Any, Any], Any] | None = None,
) -> np.ndarray:
    """What `train` returns, for functions of NumPy arrays. Nothing is compiled but the rules, which
    all settings share; for one short training that is sooner done than a program of its own."""
    theta, path = jnp.asarray(theta), []
    state = tx.init(theta)
    for t in range(steps):
        at = np.asarray(tx.point(theta, state))
        extra = {} if value is None else {"value": jnp.asarray(value(at, t))}
        updates, state = tx.update(jnp.asarray(grad(at, t)), state, theta, **extra)
        theta = optax.apply_updates(theta, updates)
        path.append(theta)
    return np.array(path)
