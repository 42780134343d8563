"""L-BFGS: the curvature of the loss, from how the gradient has changed over the last steps."""

import functools as ft
from typing import Any, Literal

import jax
import jax.numpy as jnp

from lectopt.lifting import treewise
from lectopt.numerics import sqrt
from lectopt.settings import NonNegative, Scalar, Steps
from lectopt.trees import is_none, leaves_like, wide_dtype

SLOTS = ("last_params", "last_updates", "diff_params_memory", "diff_updates_memory")


def _zeros(params: Any, state_dtype: Any) -> Any:
    def zeros(param: Any) -> Any:
        return jnp.zeros_like(param, dtype=state_dtype or wide_dtype(jnp.result_type(param)))

    return jax.tree.map(zeros, params)


def _memory(params: Any, *, memory_size: Any, state_dtype: Any) -> Any:
    zeros = _zeros(params, state_dtype)
    return jax.tree.map(lambda zero: jnp.stack([zero] * int(memory_size)), zeros)


def _weights(params: Any, *, memory_size: Any) -> Any:
    del params
    return jnp.zeros(int(memory_size), jnp.result_type(float))


@treewise(
    last_params="params",
    last_updates=_zeros,
    diff_params_memory=_memory,
    diff_updates_memory=_memory,
    weights_memory=_weights,
    stored=0,
)
def scale_by_lbfgs(
    updates: Any,
    state: Any,
    params: Any,
    t: Any,
    *,
    memory_size: Steps[Scalar] = 10,
    scale_init_precond: bool = True,
    first_norm: Literal["l2", "l1"] = "l2",
    curvature: Literal["positive", "any"] = "positive",
    least_curvature: NonNegative[Any] = 0.0,
    state_dtype: Any = None,
) -> Any:
    """The gradient times an approximate inverse of the Hessian, made of the last steps `s` and of
    the changes `y` of the gradient over them.

    `H = V^T H V + rho s s^T` with `rho = 1 / <s, y>` and `V = 1 - rho y s^T`, for the pairs that
    are kept, the oldest first; before them `H` is `<s, y> / <y, y>` of the newest pair, and at the
    first update `min(1, 1 / |g|)`.

    Args:
      memory_size: how many pairs are kept, one or more; it shapes the state.
      scale_init_precond: False begins with `H = 1` always.
      first_norm: which norm of the gradient `|g|` is: `"l2"` (Optax) or `"l1"` (PyTorch).
      curvature: of the pairs that are kept: `"positive"`, above `least_curvature`, so that `H`
        makes a descent direction of every gradient; or `"any"` (Optax).
      least_curvature: the least `<s, y>` of a pair that is kept, zero or more; 1e-10 in PyTorch.
      state_dtype: dtype of the pairs.

    Raises:
      ValueError: `update` was not given the parameters.

    Source: Liu and Nocedal 1989; Nocedal and Wright, algorithm 7.4 (two loops).
    """
    del memory_size, state_dtype
    leaves, treedef = jax.tree.flatten(updates, is_leaf=is_none)
    weights = leaves_like(updates, {"params": params}, "params")
    columns = [treedef.flatten_up_to(state[slot]) for slot in SLOTS]
    alive = [i for i, g in enumerate(leaves) if g is not None]
    g, w, last_w, last_g, steps, changes = (
        [column[i] for i in alive] for column in (leaves, weights, *columns)
    )
    s, y = ([a - b for a, b in zip(*pair, strict=True)] for pair in ((w, last_w), (g, last_g)))

    sy = _inner(s, y)
    keep = (t > 1) & ((sy > least_curvature) if curvature == "positive" else True)
    rho, size = state.weights_memory, state.weights_memory.shape[0]
    place = state.stored % size
    rho = _put(rho, place, keep, jnp.where(sy == 0, 0, 1 / jnp.where(sy == 0, 1, sy)))
    steps = [_put(memory, place, keep, new) for memory, new in zip(steps, s, strict=True)]
    changes = [_put(memory, place, keep, new) for memory, new in zip(changes, y, strict=True)]
    stored = state.stored + keep

    newest = (stored - 1) % size
    below = rho[newest] * _inner(*[[memory[newest] for memory in changes]] * 2)
    scale = jnp.where(below == 0, 1, 1 / jnp.where(below == 0, 1, below))
    length = sum(jnp.sum(jnp.abs(x)) for x in g) if first_norm == "l1" else sqrt(_inner(g, g))
    first = 1 / jnp.maximum(1, length)
    scale = jnp.where(t == 1, first, scale) if scale_init_precond else jnp.ones_like(scale)
    direction = _two_loops(g, steps, changes, rho, newest, scale)

    def whole(new: list[Any], old: list[Any]) -> Any:
        found = dict(zip(alive, new, strict=True))
        return treedef.unflatten([found.get(i, x) for i, x in enumerate(old)])

    kept = (w, g, steps, changes)
    slots = {k: whole(new, old) for k, new, old in zip(SLOTS, kept, columns, strict=True)}
    return whole(direction, leaves), slots | dict(weights_memory=rho, stored=stored)


def _inner(a: list[Any], b: list[Any]) -> Any:
    products = (jnp.sum(jnp.real(jnp.conj(x) * y)) for x, y in zip(a, b, strict=True))
    return sum(products, jnp.zeros([]))


def _put(memory: Any, place: Any, keep: Any, new: Any) -> Any:
    return memory.at[place].set(jnp.where(keep, new, memory[place]).astype(memory.dtype))


@ft.partial(jax.jit, inline=True)  # without it, the loops are compiled at every uncompiled call
def _two_loops(
    g: list[Any], steps: list[Any], changes: list[Any], rho: Any, newest: Any, scale: Any
) -> list[Any]:
    """`H g`, from the newest pair to the oldest and back."""
    ages = jnp.arange(rho.shape[0])

    def moved(q: list[Any], by: Any, along: list[Any]) -> list[Any]:
        return [(x + by * d).astype(x.dtype) for x, d in zip(q, along, strict=True)]

    def pair(age: Any) -> Any:
        i = (newest - age) % rho.shape[0]
        return [memory[i] for memory in steps], [memory[i] for memory in changes], rho[i]

    def back(q: list[Any], age: Any) -> Any:
        s, y, weight = pair(age)
        alpha = weight * _inner(s, q)
        return moved(q, -alpha, y), alpha

    def forth(q: list[Any], now: Any) -> Any:
        age, alpha = now
        s, y, weight = pair(age)
        return moved(q, alpha - weight * _inner(y, q), s), None

    q, alphas = jax.lax.scan(back, g, ages)
    q = [(scale * x).astype(x.dtype) for x in q]
    return jax.lax.scan(forth, q, (ages, alphas), reverse=True)[0]
