"""Gradients of single samples and of micro-batches: where, of which samples, and their moments."""

from __future__ import annotations

import copy
import weakref
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lectopt.norms import plain_norm
from lectopt.numerics import abs_sq
from lectopt.training import checking, objective
from lectopt.training.data import count_samples
from lectopt.training.problem import Problem
from lectopt.training.run import Best, Run
from lectopt.training.starting import filled, parts_of
from lectopt.training.streams import random_streams
from lectopt.trees import dtype_of, wide_dtype

SAMPLES = 1024  # so many are drawn, by default


def place(problem: Problem, at: Any) -> tuple[Any, Any]:
    """The parameters and the model state of a `Run`, its `best`, or a dict.

    Raises:
        ValueError: It says neither, or they are not of the problem.
    """
    if isinstance(at, Run | Best):
        return at.params, at.model_state
    given = parts_of(at)
    wanted = ("params", "model_state") if problem.stateful else ("params",)
    if missing := [name for name in wanted if given.get(name) is None]:
        raise ValueError(f"wanted a Run, or a dict of {wanted}; {missing} is missing")
    begun = jax.eval_shape(problem.start, jax.random.key(0))
    params = filled(begun[0], given["params"], "params")
    return params, filled(begun[1], given.get("model_state") or {}, "model_state")


def drawn(problem: Problem, data: Any, samples: int | None, seed: int) -> Any:
    """Samples of a split, drawn without replacement, in a random order.

    Raises:
        ValueError: There is no such split, or too few samples.
    """
    if isinstance(data, str):
        if data not in problem.data:
            raise ValueError(f"there is no split {data!r}; there are {sorted(problem.data)}")
        data = problem.data[data]
    if checking.is_stream(data):
        raise ValueError("samples of an iterable cannot be drawn; give data=(x, y), a batch of it")
    n = count_samples(data)
    wanted = min(n, SAMPLES) if samples is None else samples
    if not isinstance(wanted, int | np.integer) or isinstance(wanted, bool) or not 0 < wanted <= n:
        raise ValueError(f"wanted samples from 1 to {n}, got {samples!r}")
    chosen = np.asarray(jax.random.permutation(random_streams(seed).data, n)[:wanted])
    return jax.tree.map(lambda x: jnp.asarray(x[chosen]), data)


_COMPILED: weakref.WeakKeyDictionary[Problem, dict[Any, Any]] = weakref.WeakKeyDictionary()


def compiled(problem: Problem, function: Callable[..., Any], *settings: int) -> Any:
    """`function(problem, *settings, ...)`, compiled once for as long as the problem lives.

    It is given the problem without its data, so that the program keeps neither of them alive.
    """
    programs = _COMPILED.setdefault(problem, {})
    if (function, settings) not in programs:
        light = copy.copy(problem)
        object.__setattr__(light, "data", {})
        programs[function, settings] = jax.jit(partial(function, light, *settings))
    return programs[function, settings]


def moments(
    problem: Problem, at_once: int, params: Any, state: Any, parts: Any, key: jax.Array
) -> tuple[Any, Any]:
    """The mean gradient of parts of the data, and the sum of squares of the differences from it.

    Args:
        problem: Whose loss is measured.
        at_once: So many gradients are in memory at a time.
        params: Where.
        state: The model state, the same for every part.
        parts: The samples, of shape `(parts, samples, ...)`.
        key: Of the noise; every part has its own.
    """
    count = count_samples(parts)

    def add(carry: Any, chunk: Any) -> Any:
        seen, mean, squares = carry
        index = chunk * at_once + jnp.arange(at_once)
        counts = index < count  # the last chunk goes beyond the end

        def one(i: Any) -> Any:
            part = jax.tree.map(lambda x: x[jnp.minimum(i, count - 1)], parts)
            return _gradient(problem, params, state, part, jax.random.fold_in(key, i))

        gradients, new = jax.vmap(one)(index), counts.sum()

        def total(x: Any) -> Any:
            """The sum over the gradients that count."""
            return jnp.where(counts.reshape(-1, *[1] * (x.ndim - 1)), x, 0).sum(0)

        # Chan, Golub and LeVeque 1979: two sets of samples, each with its mean, are merged.
        own = jax.tree.map(lambda g: total(g) / new, gradients)
        away = jax.tree.map(jnp.subtract, own, mean)
        squares = jax.tree.map(
            lambda q, g, m, d: (
                q + total(abs_sq(g - m[None])) + abs_sq(d) * (seen * new / (seen + new))
            ),
            *(squares, gradients, own, away),
        )
        mean = jax.tree.map(lambda m, d: m + d * (new / (seen + new)), mean, away)
        return (seen + new, mean, squares), None

    zero = jax.tree.map(lambda x: jnp.zeros(jnp.shape(x), wide_dtype(dtype_of(x))), params)
    start = (jnp.zeros([]), zero, jax.tree.map(jnp.real, zero))
    (_, mean, squares), _ = jax.lax.scan(add, start, jnp.arange(-(-count // at_once)))
    return mean, squares


def change_of_gradient(
    problem: Problem, before: Any, after: Any, state: Any, batch: Any, key: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """The length of what the gradient changes by between two places, and of the way."""

    def length(a: Any, b: Any) -> jax.Array:
        differences = jax.tree.map(lambda x, y: _wide(x) - _wide(y), a, b)
        return plain_norm(jax.tree.leaves(differences))

    old, new = (_gradient(problem, params, state, batch, key) for params in (before, after))
    return length(new, old), length(after, before)


def samples_are_coupled(
    problem: Problem, params: Any, state: Any, batch: Any, key: jax.Array
) -> jax.Array:
    """Whether the loss of a sample depends on the others of its batch.

    Where it does not, a batch of the samples `a` and `b` and one of `b` and `a` have together the
    loss of `a` and `a` and of `b` and `b`, with whatever noise for each place in the batch.
    """
    half = max(1, min(4, count_samples(batch) // 2))
    a, b = (jax.tree.map(lambda x, i=i: x[i * half : (i + 1) * half], batch) for i in (0, 1))

    def loss(*halves: Any) -> jax.Array:
        both = jax.tree.map(lambda *x: jnp.concatenate(x), *halves)
        return _wide(objective.mean_loss(problem, params, state, both, key)[0])

    mixed, alone = (loss(a, b), loss(b, a)), (loss(a, a), loss(b, b))
    sizes = sum(map(jnp.abs, (*mixed, *alone)))
    dtypes = [dtype_of(x) for x in jax.tree.leaves(params)]
    rounding = max(float(jnp.finfo(dtype).eps) for dtype in dtypes) ** 0.5
    return jnp.abs(sum(mixed) - sum(alone)) > rounding * sizes


def _gradient(problem: Problem, params: Any, state: Any, batch: Any, key: jax.Array) -> Any:
    """Of the mean loss over a batch, in wide floats."""

    def loss(params: Any) -> jax.Array:
        return objective.mean_loss(problem, params, state, batch, key)[0]

    return jax.tree.map(lambda x: jnp.conj(_wide(x)), jax.grad(loss)(params))


def _wide(x: Any) -> jax.Array:
    return jnp.asarray(x, wide_dtype(dtype_of(x)))
