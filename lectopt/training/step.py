"""One step of a training: the only place where a gradient becomes an update.

`fit` and every lane of a sweep take this step, so that what is true of one is true of the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import optax

from lectopt.controls.monitoring import recorded
from lectopt.numerics import abs_sq
from lectopt.training import objective
from lectopt.training.acting import learning_rate
from lectopt.training.problem import Problem
from lectopt.trees import dtype_of, is_inexact, wide_dtype

TINY = 1e-6  # the least scale of a loss

Record = dict[str, jax.Array]


class Training(NamedTuple):
    """A training under way."""

    params: Any
    model_state: Any
    opt_state: Any
    evaluation: jax.Array  # what the problem's metric was at the last evaluation
    scale: jax.Array  # of its loss: see `take_step`; 0 as long as it is not known
    stopped_at: jax.Array  # the step whose update was not made, nor any after it; or -1


# What becomes of a step after which something is not finite, or whose loss is above the bound:
# "stop": it is noted, and made; who runs the steps goes back to the one before it, and nothing is
#   kept twice. "freeze": it is not made, nor any after it. "skip": it is not made.
BadStep = Literal["stop", "freeze", "skip"]


def begin(params: Any, model_state: Any, opt_state: Any) -> Training:
    """A training before its first step."""
    zero = jnp.zeros(())
    begun = Training(params, model_state, opt_state, zero, zero, jnp.array(-1, jnp.int32))
    return jax.tree.map(_strongly_typed, begun)


class Attempt(NamedTuple):
    """A step that may be made: `moved` is parameters, model state and optimizer state after it."""

    loss: jax.Array
    named: dict[str, jax.Array]
    gradient: Any
    updates: Any
    moved: tuple[Any, Any, Any]


def attempt(
    problem: Problem,
    tx: optax.GradientTransformation,
    training: Training,
    batch: Any,
    key: jax.Array,
    evaluated: Any,
) -> Attempt:
    """What one more update would be.

    The gradient is taken at `tx.point(params, state)` where the optimizer has a `point`. Every
    `update` is given `value`, `grad` and `value_fn`, of the batch; with a validation split also
    `evaluation`, the problem's metric there, and whether it has been `evaluated` since the last
    update.
    """
    params, state, opt_state = training[:3]

    def value_fn(params: Any, evaluation: Any = None, evaluated: Any = None) -> jax.Array:
        del evaluation, evaluated  # a line search passes on what it does not know
        return objective.value(problem, params, state, batch, key)

    point = getattr(tx, "point", _at_params)(params, opt_state)
    loss, gradient, named, new_state = objective.gradient(problem, point, state, batch, key)
    extra: dict[str, Any] = dict(value=loss, grad=gradient, value_fn=value_fn)
    if "validation" in problem.data:
        extra |= dict(evaluation=training.evaluation, evaluated=evaluated)
    updates, new_opt_state = optax.with_extra_args_support(tx).update(
        gradient, opt_state, params, **extra
    )
    moved = (optax.apply_updates(params, updates), new_state, new_opt_state)
    return Attempt(loss, named, gradient, updates, moved)


def take_step(
    problem: Problem,
    tx: optax.GradientTransformation,
    training: Training,
    batch: Any,
    key: jax.Array,
    step: jax.Array,
    evaluated: Any,
    factor: Any,
    bad_step: BadStep,
    shared: Sequence[bool] = (),
) -> tuple[Training, Record]:
    """The training after one more update (see `attempt`), and the numbers of the step.

    A step is bad if its loss, or a parameter or number of the model state after it, is not finite,
    or if its loss is above `factor` times the scale of the loss: the absolute loss plus the norm of
    the gradient, what a move by 1 would change, at the first step where this is not 0 (at least
    1e-6). The scale is of a point that no update has left yet, so that nothing that a training does
    later raises it. `shared` says which leaves of the optimizer's state go on in any case, as all
    trainings side by side have them in common.
    """
    loss, named, gradient, updates, moved = attempt(problem, tx, training, batch, key, evaluated)
    grad_norm, (update_norm, finite) = _norm(gradient), _norm_and_finite(updates, moved[0])
    now = jnp.abs(loss.astype(float)) + grad_norm.astype(float)
    scale = jnp.where(training.scale == 0, now, training.scale)
    bound = factor * jnp.maximum(scale, TINY)
    good = jnp.isfinite(loss) & (loss <= bound) & finite & _all_finite(moved[1])
    alive = training.stopped_at < 0
    made = True if bad_step == "stop" else alive & good
    params, state, scale = jax.tree.map(
        lambda new, old: _choose(made, new, old),
        (*moved[:2], scale),
        (*training[:2], training.scale),
    )
    old_leaves, structure = jax.tree.flatten(training.opt_state)
    opt_state = structure.unflatten(
        _choose(True if common else made, new, old)
        for common, new, old in zip(
            shared or [False] * len(old_leaves), jax.tree.leaves(moved[2]), old_leaves, strict=True
        )
    )
    ends = alive & ~good if bad_step != "skip" else False
    stopped_at = jnp.where(ends, step, training.stopped_at)
    record = dict(
        loss=loss,
        **named,
        grad_norm=grad_norm,
        update_norm=update_norm,
        skipped=alive & ~good,
    )
    rate = learning_rate(tx, training.opt_state, moved[2], step)
    if rate is not None:
        record["learning_rate"] = rate
    record = recorded(moved[2]) | record  # what a monitor inside the optimizer says, too
    record = {name: jnp.asarray(x, float) for name, x in record.items()}
    after = Training(params, state, opt_state, training.evaluation, scale, stopped_at)
    return after, record


def not_finite(attempt: Attempt) -> dict[str, Any]:
    """Which parts of a step have numbers that are not finite, each leaf by itself."""
    parts = dict(
        loss=attempt.loss,
        gradient=attempt.gradient,
        update=attempt.updates,
        parameter=attempt.moved[0],
        state=attempt.moved[1],
    )
    return jax.tree.map(
        lambda x: ~jnp.isfinite(x).all() if is_inexact(dtype_of(x)) else False, parts
    )


def record_names(
    problem: Problem, tx: optax.GradientTransformation, training: Training, batch: Any, key: Any
) -> list[str]:
    """What the numbers of a step are, without tracing one."""

    def named(training: Training, batch: Any, key: Any) -> Any:
        params, state = training[:2]
        return objective.mean_loss(problem, params, state, batch, key)[1][0]

    names = ["loss", *jax.eval_shape(named, training, batch, key), "grad_norm", "update_norm"]
    rate = learning_rate(tx, training.opt_state, training.opt_state, jnp.int32(0))
    names += ["skipped", *(["learning_rate"] if rate is not None else [])]
    return [*dict.fromkeys([*names, *recorded(training.opt_state)])]


def _norm(tree: Any) -> jax.Array:
    # One that scales where squares overflow would have a branch, which copies all leaves. A product
    # of a leaf with itself is faster than a sum of squares, where the leaf is in memory anyway.
    return _root(_product_with_itself(x) for x in jax.tree.leaves(tree) if _is_number(x))


def _norm_and_finite(updates: Any, params: Any) -> tuple[jax.Array, jax.Array]:
    """The norm of the updates, and whether the parameters after them are finite.

    In one pass, which makes the updates once more: 0 times a parameter adds nothing to a square, or
    makes it NaN. An infinite sum is one of large squares.
    """
    leaves = [x for x in jax.tree.leaves(updates) if _is_number(x)]
    moved = [x for x in jax.tree.leaves(params) if _is_number(x)]
    if [x.shape for x in leaves] != [x.shape for x in moved]:  # some have no update
        return _norm(updates), _all_finite(params)
    pairs = zip(leaves, moved, strict=True)
    norm = _root(jnp.sum(_wide(abs_sq(x)) + _wide(0 * _part_sum(p))) for x, p in pairs)
    return norm, ~jnp.isnan(norm)


def _root(sums: Iterable[jax.Array]) -> jax.Array:
    return jnp.sqrt(sum((jnp.asarray(x, float) for x in sums), jnp.zeros(())))


def _product_with_itself(x: jax.Array) -> jax.Array:
    if jnp.iscomplexobj(x):
        return _product_with_itself(x.real) + _product_with_itself(x.imag)
    axes = (*range(x.ndim),)
    whole = ((axes, axes), ((), ()))
    return jax.lax.dot_general(
        x, x, whole, precision="highest", preferred_element_type=wide_dtype(dtype_of(x))
    )


def _part_sum(x: jax.Array) -> jax.Array:
    return x.real + x.imag if jnp.iscomplexobj(x) else x


def _wide(x: jax.Array) -> jax.Array:
    return x.astype(wide_dtype(dtype_of(x)))


def _is_number(x: Any) -> bool:
    return is_inexact(dtype_of(x))


def _at_params(params: Any, state: Any) -> Any:
    del state
    return params


def _all_finite(tree: Any) -> jax.Array:
    leaves = [x for x in jax.tree.leaves(tree) if is_inexact(dtype_of(x))]
    return jnp.array([jnp.isfinite(x).all() for x in leaves]).all()


def _choose(condition: Any, new: jax.Array, old: jax.Array) -> jax.Array:
    """`new` or `old`, in the dtype of `old`: traced hyperparameters must not widen a state."""
    chosen = new if condition is True else jnp.where(condition, new, old)
    return chosen if chosen.dtype == old.dtype else chosen.astype(old.dtype)


def _strongly_typed(x: Any) -> jax.Array:
    """A weakly typed state would be strongly typed after a block, and compile a second program."""
    x = jnp.asarray(x)
    is_key = jnp.issubdtype(x.dtype, jax.dtypes.prng_key)
    return x if is_key else jax.lax.convert_element_type(x, x.dtype)
