"""How far apart two optimizers end on a small problem: logistic regression with features of very
different sizes, some labels wrong, in batches.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from lectopt.combinators import chain
from lectopt.dialects.porting.patterns import flat
from lectopt.lifting import Rule
from lectopt.schedules import step_decay
from lectopt.transformation import Transformation

EXAMPLES, BATCH, STEPS = 64, 16, 100
SIZES = np.geomspace(0.1, 3.2, 8)


def _data() -> tuple[Any, Any]:
    i, j = np.ogrid[1 : EXAMPLES + 1, 1 : SIZES.size + 1]
    features = np.sin(12.9 * i * j + 7.3 * np.sqrt(i * j))
    labels = np.sign(features @ np.cos(np.arange(SIZES.size)))
    labels[::10] *= -1
    return features * SIZES, labels


def distance(a: Any, b: Any, gradient_scale: Any = 1.0, dropped: bool = False) -> float:
    """`|a - b|` after 100 updates, as a share of the way that `a` has made.

    Compared are the points where the gradients are taken.

    Args:
      a: a lectopt transformation.
      b: another one.
      gradient_scale: what the gradients of `b` are multiplied by.
      dropped: let the constant rates of both fall to a tenth after half of the updates.
    """
    features, labels = _data()
    start = jnp.cos(jnp.arange(SIZES.size, dtype=float)) / jnp.asarray(SIZES, float)

    def loss(w: Any, batch: Any) -> Any:
        x, y = batch
        return jnp.mean(jax.nn.softplus(-y * (x @ w)))

    def end(optimizer: Transformation, scale: Any) -> Any:
        tx: Any = falling_late(optimizer) if dropped else optimizer

        def step(carry: Any, t: Any) -> Any:
            w, state = carry
            rows = (t * BATCH + jnp.arange(BATCH)) % EXAMPLES
            batch = jnp.asarray(features, float)[rows], jnp.asarray(labels, float)[rows]
            value, grads = jax.value_and_grad(loss)(tx.point(w, state), batch)
            given = dict(
                value=scale * value, grad=scale * grads, value_fn=lambda w: scale * loss(w, batch)
            )
            updates, state = tx.update(scale * grads, state, w, **given)
            return (optax.apply_updates(w, updates), state), None

        (w, state), _ = jax.lax.scan(step, (start, tx.init(start)), jnp.arange(STEPS))
        return tx.point(w, state)

    ends = jax.jit(lambda: (end(a, 1.0), end(b, gradient_scale)))()
    at_a, at_b = (np.asarray(w, float) for w in ends)
    return float(np.linalg.norm(at_a - at_b) / np.linalg.norm(at_a - np.asarray(start, float)))


def everywhere(tx: Transformation) -> Transformation:
    """`tx` without what goes by a leaf's place in the tree: the problem has one leaf."""
    by_place = ("masked", "unfreeze_gradually")
    members = (p.parts[0] if p.name in by_place else p for p in flat(tx))
    return chain(*(member for member in members if member.name != "scale_by_path"))


def falling_late(tx: Transformation) -> Transformation:
    """`tx` with a rate that falls to a tenth after half of the updates."""

    def member(part: Transformation) -> Transformation:
        if not isinstance(part, Rule) or "learning_rate" not in part.settings:
            return part
        rate = step_decay(part.settings["learning_rate"], 0.1, STEPS // 2)
        return part.replace(learning_rate=rate)

    return chain(*map(member, chain(tx).members))
