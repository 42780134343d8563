"""The weights to use of a training, and what is measured of them."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from lectopt.averaging import AVERAGE
from lectopt.controls.evaluation import SLOW, evaluation_params
from lectopt.state_search import records
from lectopt.training import objective
from lectopt.training.problem import Problem
from lectopt.training.step import Training
from lectopt.trees import dtype_of, is_inexact

BATCHES = 64  # statistics are made anew over so many batches, at most an epoch
PROBE = 1000.0  # how far apart the states are that tell how much of the old one is kept


def to_use(problem: Problem, training: Training, train: Any) -> tuple[Any, Any]:
    """The parameters to evaluate, save and ship, and the model state that belongs to them.

    The running statistics of a BatchNorm are of the parameters that were trained. Where those to
    use are an average of them, they are made anew (`refreshed`); not where the training data is an
    iterable, which cannot be read beside the training.
    """
    params, state, opt_state = training[:3]
    used = evaluation_params(opt_state, params)
    if not problem.streamed and needs_refreshing(training):
        state = refreshed(problem, used, state, train)
    return used, state


def needs_refreshing(training: Training) -> bool:
    """Whether the parameters to use are averages, and there may be statistics of others."""
    averages = any(records(training.opt_state, entry) for entry in (AVERAGE, SLOW))
    floats = any(is_inexact(dtype_of(x)) for x in jax.tree.leaves(training.model_state))
    return averages and floats


def measure(problem: Problem, training: Training, train: Any, split: Any) -> Any:
    """The metrics of a split with the weights to use."""
    params, state = to_use(problem, training, train)
    return objective.metrics(problem, params, split, state)


def refreshed(problem: Problem, params: Any, state: Any, train: Any) -> Any:
    """The model state with its running statistics made anew: the mean over the batches of the
    training data, at most the first 64, of the statistics of each.

    A running statistic is what a call in training changes to `m old + (1 - m) new`, with `new` of
    the batch alone. What changes in another way stays as it is.
    """
    count = min(BATCHES, problem.size // (problem.batch_size or problem.size))
    if problem.sample is not None and problem.batch_size is None:
        count = BATCHES

    def after(state: Any, i: Any) -> Any:
        key = jax.random.fold_in(jax.random.key(0), i)
        if problem.sample is not None:
            batch = problem.sample(train, key, i)
        else:
            size = problem.batch_size or problem.size
            cut = jax.lax.dynamic_slice_in_dim
            batch = jax.tree.map(lambda x: cut(x, i * size, size), train)
        return objective.mean_loss(problem, params, state, batch, key)[1][1]

    zero = _map(jnp.zeros_like, state)
    new = after(zero, 0)
    far = _map(lambda x: 1 + PROBE * jnp.abs(x), new)
    share = _map(lambda a, b, s: (b - a) / s, new, after(far, 0), far)
    kept = _map(jnp.mean, share)
    is_statistic = _map(_is_mixture, new, after(state, 0), state, share, kept)
    begun = _map(lambda x, mixed: jnp.where(mixed, 0, x), state, is_statistic)

    def add(total: Any, i: Any) -> Any:
        return _map(jnp.add, total, after(begun, i)), None

    total = jax.lax.scan(add, zero, jnp.arange(count))[0]
    return _map(
        lambda x, mixed, sum_, m: jnp.where(mixed, sum_ / (count * (1 - m)), x).astype(x.dtype),
        state,
        is_statistic,
        total,
        kept,
    )


def _is_mixture(new: Any, found: Any, old: Any, share: Any, kept: Any) -> Any:
    """Whether a call made of an array what a running statistic becomes."""
    small = 1e-3 * (1 + jnp.abs(found))
    constant = (jnp.abs(share - kept) < 1e-3).all() & (kept >= 0) & (kept < 1)
    return constant & (jnp.abs(found - (new + kept * old)) < small).all()


def _map(function: Any, state: Any, *others: Any) -> Any:
    """`function` of the floating point leaves; the others stay."""

    def leaf(x: Any, *rest: Any) -> Any:
        return function(x, *rest) if is_inexact(dtype_of(x)) else x

    return jax.tree.map(leaf, state, *others)
