"""The trees that pairs are judged on, and the gradients that they are given."""

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


def tree(dtype: Any = jnp.float32, **shapes: tuple[int, ...]) -> dict[str, Any]:
    """Leaves of ones."""
    return {name: jnp.ones(shape, dtype) for name, shape in shapes.items()}


VECTOR = jnp.ones(4)
MATRIX = tree(w=(3, 4))
RANKS = tree(scale=(), bias=(4,), kernel=(3, 4), conv=(2, 2, 3, 4))
NESTED = {"embed": tree(kernel=(3, 4)), "head": tree(kernel=(3, 4), bias=(4,))}
NARROW = {"w": jnp.ones((3, 4), jnp.bfloat16), "b": jnp.ones(4)}
TREES = {"vector": VECTOR, "ranks": RANKS, "nested": NESTED, "narrow": NARROW}

STEPS = 5


def history(random: np.random.Generator, like: Any, kind: str, steps: int = STEPS) -> list[Any]:
    """Weights, then gradients of a kind: "normal", "small", "large", "sparse", "zero"."""
    size = {"small": 1e-3, "large": 1e3, "zero": 0.0}.get(kind, 1.0)

    def drawn(x: Any, size: float) -> Any:
        value = size * random.normal(size=x.shape)
        if kind == "sparse":  # zeros, equal numbers, whole numbers
            value = np.round(value) * random.choice([0, 1], x.shape)
        return jnp.asarray(value, x.dtype)

    weights = jax.tree.map(lambda x: drawn(x, 1.0), like)
    return [weights, *(jax.tree.map(lambda x: drawn(x, size), like) for _ in range(steps))]


FINITE = ("normal", "small", "large", "sparse", "zero")


def not_finite(random: np.random.Generator, like: Any) -> Iterator[list[Any]]:
    """Histories with NaN or infinity in one place or everywhere, in the second gradient."""
    for value in (np.nan, np.inf, -np.inf):
        for everywhere in (True, False):
            weights, first, second, third = history(random, like, "normal", 3)

            def spoilt(x: Any, value: float = value, everywhere: bool = everywhere) -> Any:
                return (
                    jnp.full_like(x, value)
                    if everywhere
                    else x.ravel().at[0].set(value).reshape(x.shape)
                )

            yield [weights, first, jax.tree.map(spoilt, second), third]


def widened(tree: Any) -> Any:
    """The same numbers in float64, where it is switched on."""
    return jax.tree.map(lambda x: jnp.asarray(np.asarray(x, np.float64)), tree)
