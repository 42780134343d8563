"""The algorithms that `many_leaves.py` compares, and an Adam by hand: what is possible."""

import functools as ft
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

import lectopt

Maker = Callable[[float], Any]
RATE = 1e-3


class Row(NamedTuple):
    """An algorithm in both libraries, and what its trace and lowering may cost of Optax's."""

    name: str
    lectopt: Maker | None
    optax: Maker
    share: float
    by_hand: Maker | None = None

    def makers(self) -> dict[str, Maker]:
        """What is measured, by column."""
        all_three = {"lectopt": self.lectopt, "optax": self.optax, "by hand": self.by_hand}
        return {column: maker for column, maker in all_three.items() if maker}


def adam_by_hand(rate: float, b1: float = 0.9, b2: float = 0.999, eps: float = 1e-8) -> Any:
    """Adam for comparison: one function a leaf, the corrections once, no guard and no check."""

    @jax.jit
    def leaf(g: Any, mu: Any, nu: Any, c1: Any, c2: Any) -> Any:
        mu, nu = b1 * mu + (1 - b1) * g, b2 * nu + (1 - b2) * (g * g)
        return -rate * (mu / c1) / (jnp.sqrt(nu / c2) + eps), mu, nu

    def init(params: Any) -> Any:
        return jnp.zeros((), jnp.int32), *(jax.tree.map(jnp.zeros_like, params) for _ in "12")

    def update(grads: Any, state: Any, params: Any = None) -> Any:
        count = state[0] + 1
        c1, c2 = (-jnp.expm1(count * np.float32(np.log(b))) for b in (b1, b2))
        treedef = jax.tree.structure(grads)
        columns = map(jax.tree.leaves, (grads, *state[1:]))
        outs = [leaf(*leaves, c1, c2) for leaves in zip(*columns, strict=True)]
        updates, mu, nu = map(treedef.unflatten, zip(*outs, strict=True))
        return updates, (count, mu, nu)

    return optax.GradientTransformation(init, update)


def row(name: str, share: float, *, of: str | None = None, **settings: Any) -> Row:
    """A row of two functions of the same name."""
    ours, theirs = getattr(lectopt, of or name, None), getattr(optax, of or name)
    makers = [maker and ft.partial(maker, **settings) for maker in (ours, theirs)]
    return Row(name, *makers, share, adam_by_hand if name == "adam" else None)


ROWS = [row(name, 1 / 3) for name in ("adam", "adamw", "nadam", "amsgrad", "radam")]
ROWS += [row("momentum", 1 / 2, of="sgd", momentum=0.9), row("sgd", 1.0)]
ROWS += [row(name, 1 / 2) for name in ("rmsprop", "adagrad", "lion", "signum")]
