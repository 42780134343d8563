"""Derivatives through a training, as learned learning rates and meta-learning take them."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from lectopt.testing import trees
from lectopt.testing.precision import stepwise
from lectopt.testing.registry import check
from lectopt.testing.subject import Subject

_CURVATURE = ((1.0, 2.0), (0.5, 1.5))


def _derivative(subject: Subject, dead: bool) -> tuple[dict[str, Any], Any]:
    """Of the loss after some updates that move: by every float, and by the first weights."""
    curvature = np.array(_CURVATURE, np.float32)
    curvature[0, 0] *= not dead
    start = {"x": jnp.array([[0.0 if dead else 0.6, -1.0], [1.5, 2.0]])}

    def final_loss(settings: dict[str, Any], params: Any) -> Any:
        tx = subject.build(**settings)
        state = tx.init(params)
        for _ in range(subject.idle + 2):
            grads = jax.tree.map(lambda p: p * curvature, params)
            updates, state = subject.update(tx, grads, state, params)
            params = optax.apply_updates(params, updates)
        return jnp.sum(params["x"] ** 2)

    numbers = {k: jnp.asarray(v, jnp.float32) for k, v in subject.floats.items()}
    with stepwise():  # operation by operation, as a compilation takes longer
        return jax.grad(final_loss, argnums=(0, 1))(numbers, start)


@check
def differentiable(subject: Subject) -> None:
    """The loss after a few updates has a finite derivative by every float and by the first weights,
    and its derivative by the learning rate is not zero."""
    by_settings, by_start = _derivative(subject, dead=False)
    trees.finite(by_settings, "the derivative by a setting")
    trees.finite(by_start, "the derivative by the first weights")
    if "learning_rate" in by_settings:
        assert by_settings["learning_rate"] != 0, "the derivative by the learning rate is 0"


@check
def differentiable_at_zero(subject: Subject) -> None:
    """The same with a weight whose gradient is always zero: the derivative of a square root at 0 is
    infinite, and infinity times 0 is NaN."""
    by_settings, by_start = _derivative(subject, dead=True)
    trees.finite(by_settings, "the derivative by a setting")
    trees.finite(by_start, "the derivative by the first weights")
