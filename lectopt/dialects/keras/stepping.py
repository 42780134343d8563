"""What Keras does around an update besides clipping: a scale of the loss that is divided out,
gradients that are gathered over several calls, weights that are set to their average.
"""

from typing import Any

import jax
import jax.numpy as jnp
import optax

from lectopt.controls.averaging import PARAMS, kept_average
from lectopt.dialects.spelling import formula, local
from lectopt.lifting import leafwise, treewise
from lectopt.settings import Positive, Scalar, Steps
from lectopt.trees import dtype_of, is_none


@leafwise()
@local("keras")
def unscale(g: Any, *, factor: Positive[Any]) -> Any:
    """`g / factor`: the gradient of a loss that was multiplied by it.

    Args:
      factor: above zero.

    Source: `loss_scale_factor` of `keras.optimizers`.
    """
    return g / factor


@formula("keras", raw=("schedule",))
def by_call(count: Any, *, schedule: Any, steps: Steps[Any]) -> Any:
    """A schedule that counts calls, at update number `count`, which the last of so many makes.

    Args:
      schedule: a function of the number of a call, from 0.
      steps: calls to an update.
    """
    return schedule((count + 1) * steps - 1)


def _zeros(params: Any) -> Any:
    return jax.tree.map(lambda p: jnp.zeros_like(p, dtype=dtype_of(p)), params)


@treewise(accumulated=_zeros)
@local("keras")
def accumulate(
    updates: Any,
    state: Any,
    count: Any,
    *,
    inner_optimizer: optax.GradientTransformation,
    steps: Steps[Scalar],
) -> Any:
    """Every so many calls an update with the mean of their gradients, and none in between.

    The inner optimizer counts updates.

    Args:
      inner_optimizer: any transformation.
      steps: calls to an update.

    Source: `gradient_accumulation_steps` of `keras.optimizers`.
    """
    inner: Any = inner_optimizer
    due = (count + 1) % steps == 0

    def either(new: Any, old: Any) -> Any:
        return jax.tree.map(lambda a, b: jnp.where(due, a, b), new, old)

    sums = jax.tree.map(jnp.add, updates, state.accumulated)
    made = count // steps
    moves, after = inner(jax.tree.map(lambda g: g / steps, sums), count=made, t=made + 1)
    zeros = jax.tree.map(jnp.zeros_like, sums)
    return either(moves, jax.tree.map(jnp.zeros_like, moves)), dict(
        accumulated=either(zeros, sums), inner_optimizer=either(after, inner.record)
    )


@treewise(average=PARAMS, share=0.0, last=True)
@local("keras")
def overwrite_with_average(
    updates: Any,
    state: Any,
    params: Any,
    count: Any,
    record: Any,
    *,
    scheme: Any,
    frequency: Steps[Scalar],
    calls: Steps[Scalar] = 1,
) -> Any:
    """`lectopt.average_params`, and every so many updates the average takes the place of the
    weights.

    Args:
      scheme: see there.
      frequency: updates between two times.
      calls: of them for an update; all those of an update that is due overwrite the weights, and
        the average begins with the first update.

    Source: `ema_overwrite_frequency` of `keras.optimizers`.
    """
    updates, new = kept_average(
        updates, state, params, count, record, scheme=scheme, start=calls - 1
    )
    due = (count // calls + 1) % frequency == 0

    def moved(u: Any, average: Any, param: Any) -> Any:
        return None if u is None else jnp.where(due, (average - param).astype(u.dtype), u)

    return jax.tree.map(moved, updates, new["average"], params, is_leaf=is_none), new
