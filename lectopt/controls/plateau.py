"""A learning rate that falls whenever the loss has stopped to: the plateau rule."""

import math
from typing import Annotated, Any, Literal

import jax
import jax.numpy as jnp

from lectopt.lifting import treewise
from lectopt.settings import Numeric, Range, Steps
from lectopt.transformation import State

Factor = Annotated[Numeric, Range(0, 1, False, "what is left of the rate after a reduction", 0.1)]
Scale = Annotated[Numeric, Range(0, 1, True, "a share of the learning rate", 0.01)]
Evaluations = Annotated[
    Numeric, Range(0, math.inf, True, "a number of evaluations; math.inf for no end", 10)
]
Threshold = Annotated[Numeric, Range(0, math.inf, False, "zero or more", 1e-4)]

FOREVER = 2**30  # evaluations: int32 and float32 both have that number


def _start(params: Any, mode: str) -> State:
    del params
    real = jnp.result_type(float)
    counts = ("plateau_count", "cooldown_count", "reductions", "values")
    return {name: jnp.zeros([], jnp.int32) for name in counts} | dict(
        scale=jnp.ones([], real),
        best_value=jnp.full([], jnp.inf if mode == "min" else -jnp.inf, real),
        total=jnp.zeros([], real),
    )


@treewise(plateau=_start)
def reduce_on_plateau(
    updates: Any,
    state: Any,
    value: Any,
    evaluated: Any = True,
    evaluation: Any = None,
    *,
    factor: Factor[Any] = 0.1,
    patience: Evaluations[Any] = 10,
    mode: Literal["min", "max"] = "min",
    threshold: Threshold[Any] = 1e-4,
    threshold_mode: Literal["relative", "absolute"] | None = None,
    cooldown: Evaluations[Any] = 0,
    min_scale: Scale[Any] = 0.0,
    accumulate: Steps[Any] = 1,
    convention: Literal["torch", "keras"] = "torch",
) -> Any:
    """Multiply the updates by a scale that is reduced when the evaluations stop to improve.

    An evaluation is better if it passes the best one so far by more than the threshold. Otherwise
    it is one more in a row of bad ones; when the row is too long, `scale = max(factor scale,
    min_scale)`, and the row begins anew after the cooldown, in which nothing is counted.

    `update` takes `value=`, the loss (or accuracy) at the parameters before the update, and the
    reduction acts on that same update. With `evaluated=False` the value is ignored: for a
    validation loss that is new at some updates only. Where an `evaluation=` is given beside it,
    that is judged in its place: `fit` gives the batch's loss as `value`, and the problem's metric
    on the validation split as `evaluation`.

    Args:
      factor: of a reduction, in [0, 1).
      patience: the row is too long with more than so many bad evaluations (`"torch"`), or with so
        many, but at least one (`"keras"`: one fewer).
      mode: whether the value is to fall or to rise.
      threshold: what counts as better, zero or more.
      threshold_mode: `"relative"`: better by `threshold |best|`, whatever the sign of the value
        (PyTorch takes `threshold best`, which asks for a change for the worse below zero);
        `"absolute"`: by `threshold`. By default as in the convention: relative in PyTorch,
        absolute in Keras.
      cooldown: evaluations after a reduction that are not counted as bad; in Keras it is one
        fewer.
      min_scale: the least scale: the minimum learning rate over the initial one.
      accumulate: the mean of so many values is one evaluation: the updates in an epoch, for
        the training loss.
      convention: whose counting is meant.

    Returns:
      A transformation, to be chained before or after the learning rate. Its state has an entry
      `plateau` with the `scale`, the `best_value`, the `plateau_count` (bad evaluations in a row),
      the `cooldown_count` and the number of `reductions`.

    Raises:
      TypeError: `update` was not given `value`.

    Source: CMU (S0-30: by 10 when the error plateaus); PyTorch's and Keras' `ReduceLROnPlateau`.
    """
    value = value if evaluation is None else evaluation
    if jnp.shape(value) != ():
        raise ValueError(
            f"reduce_on_plateau: value must be one number, got shape {jnp.shape(value)}. "
            "Write for example value=losses.mean()."
        )
    relative = (
        threshold_mode or dict(torch="relative", keras="absolute")[convention]
    ) == "relative"
    if convention == "keras":  # the bad evaluation that reduces is counted in both
        patience, cooldown = jnp.maximum(patience - 1, 0), jnp.maximum(cooldown - 1, 0)
    old, evaluated = state.plateau, jnp.asarray(evaluated)
    read = old | dict(total=old["total"] + value, values=old["values"] + 1)
    due = evaluated & (read["values"] >= accumulate)
    judged = _judged(read, factor, patience, mode, threshold, relative, cooldown, min_scale)
    new = {
        name: jnp.where(due, judged[name], jnp.where(evaluated, read[name], entry))
        for name, entry in old.items()
    }
    scale = new["scale"]
    return jax.tree.map(lambda u: u * scale.astype(u.real.dtype), updates), dict(plateau=new)


def _judged(
    entry: State,
    factor: Any,
    patience: Any,
    mode: str,
    threshold: Any,
    relative: bool,
    cooldown: Any,
    min_scale: Any,
) -> State:
    """The record after the evaluation that is the mean of the values collected in it."""
    current, best = entry["total"] / entry["values"], entry["best_value"]
    gain = best - current if mode == "min" else current - best
    margin = threshold * (jnp.abs(best) if relative else 1)
    better = gain > jnp.where(jnp.isfinite(best), margin, 0)
    cooling = entry["cooldown_count"] > 0
    bad = jnp.where(better | cooling, 0, entry["plateau_count"] + 1)
    reduce = bad > patience
    scale = jnp.where(reduce, jnp.maximum(factor * entry["scale"], min_scale), entry["scale"])
    return dict(
        scale=scale,
        best_value=jnp.where(better, current, best),
        plateau_count=jnp.where(reduce, 0, bad),
        cooldown_count=jnp.where(
            reduce, jnp.minimum(cooldown, FOREVER), entry["cooldown_count"] - cooling
        ),
        reductions=entry["reductions"] + (scale < entry["scale"]),
        total=jnp.zeros_like(entry["total"]),
        values=jnp.zeros_like(entry["values"]),
    )
