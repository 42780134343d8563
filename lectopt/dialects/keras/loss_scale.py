"""Keras' LossScaleOptimizer: a loss that is multiplied by as much as half precision takes."""

from typing import Any

import jax
import jax.numpy as jnp
import optax

from lectopt.dialects.spelling import Name, local, spelled
from lectopt.lifting import treewise
from lectopt.settings import Positive, Scalar, Steps
from lectopt.transformation import Transformation


def _scale(params: Any, *, initial_scale: Any) -> Any:
    del params
    return jnp.asarray(initial_scale, jnp.float32)


@treewise(dynamic_scale=_scale, step_counter=0, made=0)
@local("keras")
def scale_dynamically(
    updates: Any,
    state: Any,
    *,
    inner_optimizer: optax.GradientTransformation,
    initial_scale: Positive[Scalar] = 2.0**15,
    dynamic_growth_steps: Steps[Scalar] = 2000,
) -> Any:
    """`LossScaleOptimizer`, with its arguments.

    Args:
      inner_optimizer: any transformation; it counts the updates that it makes.
      initial_scale: see there.
      dynamic_growth_steps: see there.
    """
    inner: Any = inner_optimizer
    scale = state.dynamic_scale
    finite = jnp.array([jnp.all(jnp.isfinite(g)) for g in jax.tree.leaves(updates)]).all()
    grads = jax.tree.map(lambda g: jnp.where(finite, g, 0) / scale.astype(g.real.dtype), updates)
    moves, after = inner(grads, count=state.made, t=state.made + 1)
    kept = jax.tree.map(lambda new, old: jnp.where(finite, new, old), after, inner.record)
    grown = state.step_counter == dynamic_growth_steps - 1
    return jax.tree.map(lambda m: jnp.where(finite, m, 0), moves), dict(
        dynamic_scale=jnp.where(finite, jnp.where(grown, 2 * scale, scale), scale / 2),
        step_counter=jnp.where(finite & ~grown, state.step_counter + 1, 0),
        made=state.made + finite,
        inner_optimizer=kept,
    )


@spelled()
def LossScaleOptimizer(
    inner_optimizer: optax.GradientTransformation,
    initial_scale: Positive[Scalar] = 2.0**15,
    dynamic_growth_steps: Steps[Scalar] = 2000,
    name: Name = None,
) -> Transformation:
    """Divide the gradients by a scale that the loss was multiplied by, and find that scale.

    The loss is multiplied by `state["dynamic_scale"]`. Where all gradients are finite they are
    divided by it and given to the inner optimizer; after `dynamic_growth_steps` such updates the
    scale doubles. Otherwise nothing moves, and it is halved.

    Args:
      inner_optimizer: any transformation.
      initial_scale: first value of the scale, above zero.
      dynamic_growth_steps: updates between two doublings, one or more.
      name: not needed.
    """
    return scale_dynamically(inner_optimizer, initial_scale, dynamic_growth_steps)
