"""Gradient descent with momentum as it should be, and frames for rules like it."""

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax


def momentum(learning_rate: Any, decay: Any = 0.9) -> optax.GradientTransformationExtraArgs:
    """As it should be."""
    return made(lambda g, m, p: decayed(g, m, learning_rate, decay))


def momentum_twin(g: np.ndarray, n: int, *, learning_rate: float, decay: float) -> Iterator[Any]:
    trace = np.zeros_like(g[0])
    for t in range(n):
        trace = decay * trace + g[t]
        yield -learning_rate * trace


def decayed(g: Any, m: Any, learning_rate: Any, decay: Any) -> Any:
    trace = (decay * m + g).astype(m.dtype)
    return (-learning_rate * trace).astype(g.dtype), trace


def made(
    rule: Callable[..., Any],
    start: Callable[[Any], Any] = jnp.zeros_like,
    name: str = "trace",
) -> optax.GradientTransformationExtraArgs:
    """`rule(g, slot, param) -> (update, slot)`, for every leaf that has a gradient."""

    def init(params: Any) -> Any:
        return {name: jax.tree.map(start, params)}

    def update(updates: Any, state: Any, params: Any = None, **extra: Any) -> Any:
        leaves, treedef = jax.tree.flatten(updates)
        slots = treedef.flatten_up_to(state[name])
        weights = [None] * len(leaves) if params is None else treedef.flatten_up_to(params)
        pairs = [rule(*row) for row in zip(leaves, slots, weights, strict=True)]
        out, new = ([pair[i] for pair in pairs] for i in range(2))
        return treedef.unflatten(out), {name: treedef.unflatten(new)}

    return optax.GradientTransformationExtraArgs(init, update)


def around(learning_rate: Any, after: Callable[[Any, Any, Any], Any], extend: Any = None) -> Any:
    """Momentum whose updates and state go through `after(updates, state, grads)`."""
    inner = momentum(learning_rate)

    def init(params: Any) -> Any:
        return inner.init(params) | (extend(params) if extend else {})

    def update(updates: Any, state: Any, params: Any = None, **extra: Any) -> Any:
        out, new = inner.update(updates, state, params)
        return after(out, state | new, updates)

    return optax.GradientTransformationExtraArgs(init, update)
