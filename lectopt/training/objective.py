"""What a problem's functions compute: a batch's loss and gradient, a split's metrics."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from lectopt.training import checking
from lectopt.training.calling import described, shapes_of
from lectopt.training.losses import mean_of, over_micro_batches, read_loss
from lectopt.training.measuring import CHUNK, means
from lectopt.trees import dtype_of

if TYPE_CHECKING:
    from lectopt.training.problem import Problem


def mean_loss(
    problem: Problem, params: Any, state: Any, batch: Any, key: jax.Array
) -> tuple[jax.Array, tuple[dict[str, jax.Array], Any]]:
    """The mean loss over a batch, the numbers that it names, and the new model state."""
    inputs = (params, state) if problem.stateful else (params,)
    value, named, new = read_loss(problem.loss(*inputs, batch, key), problem.stateful)
    if not jnp.issubdtype(dtype_of(value), jnp.inexact):
        raise ValueError(f"the loss is {dtype_of(value)}, and must be floating point")
    n = _samples(batch)
    numbers = {k: mean_of(x, f"{k!r}, which the loss names,", n) for k, x in named.items()}
    return mean_of(value, "the loss", n), (numbers, new if problem.stateful else state)


def value(problem: Problem, params: Any, state: Any, batch: Any, key: jax.Array) -> jax.Array:
    """The mean loss over a batch, in micro-batches: what `gradient` is the gradient of."""

    def run(state: Any, batch: Any, key: jax.Array) -> Any:
        value, (_, new) = mean_loss(problem, params, state, batch, key)
        return value, new

    return over_micro_batches(run, state, batch, key, problem.micro_batch)[0]


def gradient(problem: Problem, params: Any, state: Any, batch: Any, key: jax.Array) -> Any:
    """The mean loss over a batch, its gradient, the numbers that it names, and the new state."""

    def run(state: Any, batch: Any, key: jax.Array) -> Any:
        of_loss = jax.value_and_grad(
            lambda p: mean_loss(problem, p, state, batch, key), has_aux=True
        )
        (value, (named, new)), gradient = of_loss(params)
        return (value, gradient, named), new

    (value, gradient, named), state = over_micro_batches(
        run, state, batch, key, problem.micro_batch
    )
    # JAX gives the conjugate of the direction of steepest ascent.
    return value, jax.tree.map(jnp.conj, gradient), named, state


def metrics(problem: Problem, params: Any, split: Any, state: Any) -> dict[str, jax.Array]:
    """What `evaluate` says of a split, or else its loss: one number each."""
    inputs = (params, state) if problem.stateful else (params,)

    def loss(split: Any) -> Any:
        if problem.test_loss is not None:
            return read_loss(problem.test_loss(params, state, split), False)[0]
        return read_loss(problem.loss(*inputs, split, jax.random.key(0)), problem.stateful)[0]

    def measured(split: Any) -> Any:
        if problem.evaluate is None:
            return {"loss": loss(split)}
        found = problem.evaluate(*inputs, split)
        if isinstance(found, Mapping) and problem.metric == "loss" and "loss" not in found:
            return {**found, "loss": loss(split)}
        return found

    return means(measured, split, max(problem.batch_size or 0, CHUNK))


def check(problem: Problem, batch: Any) -> None:
    """Trace the functions, and refuse what a training cannot use: see `Problem.check`."""
    key = jax.random.key(0)
    begun = shapes_of("init(key), or the making of the model,", problem.init, key)
    if problem.stateful and not (isinstance(begun, tuple) and len(begun) == 2):
        raise ValueError("with stateful=True wanted init(key) to return (params, state)")
    params, state = begun if problem.stateful else (begun, {})
    checking.check_params(params)
    called = f"the loss, called with a batch of {described(batch)},"
    loss = functools.partial(mean_loss, problem)
    _, (_, new) = shapes_of(called, loss, params, state, batch, key)
    if differences := sorted(checking.changed_state(state, new)):
        raise ValueError(
            "the loss must return a model state like the one that it is given; "
            f"{'; '.join(differences[: checking.FEW])}"
        )
    for name, split in problem.data.items():
        if checking.is_stream(split):
            continue
        split = jax.eval_shape(lambda x: x, split)
        called = f"the {'loss' if problem.evaluate is None else 'evaluate'}, called with"
        called = f"{called} split {name!r} of {described(split)},"
        found = shapes_of(called, functools.partial(metrics, problem), params, split, state)
        if problem.metric not in found:
            raise ValueError(
                f"there is no metric {problem.metric!r} of split {name!r}; evaluate gives "
                f"{sorted(found)}"
            )


def _samples(batch: Any) -> int | None:
    """The number of samples of a batch, if its arrays have a common first axis."""
    lengths = {x.shape[0] if x.shape else None for x in jax.tree.leaves(batch)}
    return lengths.pop() if len(lengths) == 1 else None
