"""Line search: how far to go along a direction so that the conditions of Wolfe hold."""

import enum
import functools as ft
import inspect
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import optax

from lectopt.controls.wolfe import Kind, Phi, Slope, check_order, conditions, ray
from lectopt.lifting import treewise
from lectopt.settings import Steps
from lectopt.shards import summed_over, vary_over, varying_axes
from lectopt.signatures import checked
from lectopt.transformation import State, Transformation
from lectopt.trees import is_none, leaves_like


class LineSearchStatus(enum.IntEnum):
    """How a line search ended: `line_search.status` in the state is one of these numbers.

    `FOUND`: both conditions hold at the step. `NO_CURVATURE`: of the steps tried, none satisfied
    both; this one has the least value among those with sufficient decrease. `NO_DECREASE`: none
    had even that, and the step is 0. `NO_DESCENT`: the slope at the start is not negative, or it
    or the value is not finite; the step is 0, and there was no search.
    """

    FOUND = 0
    NO_CURVATURE = 1
    NO_DECREASE = 2
    NO_DESCENT = 3


def _start(params: Any) -> State:
    del params
    real, counts = jnp.result_type(float), ("evaluations", "total_evaluations", "status")
    return {name: jnp.zeros([], jnp.int32) for name in counts} | dict(
        learning_rate=jnp.ones([], real), value=jnp.full([], jnp.inf, real)
    )


@treewise(line_search=_start)
def _scale_by_wolfe_line_search(
    updates: Any,
    state: Any,
    params: Any,
    value: Any,
    grad: Any,
    value_fn: Any,
    *,
    kind: Kind = "weak",
    c1: Slope[Any] = 1e-4,
    c2: Slope[Any] = 0.9,
    max_evaluations: Steps[Any] = 30,
    initial: Literal["one", "keep"] = "one",
    **extra: Any,
) -> Any:
    old, real = state.line_search, jnp.result_type(float)
    phi, origin = _problem(updates, params, value, grad, value_fn, extra)
    descends = jnp.isfinite(origin[0]) & jnp.isfinite(origin[1]) & (origin[1] < 0)
    kept = jnp.where(old["learning_rate"] > 0, old["learning_rate"], 1)
    axes = varying_axes(*origin, kept)
    first = vary_over(axes, kept if initial == "keep" else jnp.ones([], real))
    if kind == "strong" and varying_axes(first):
        raise ValueError(
            "scale_by_wolfe_line_search: the strong search is Optax's, which cannot be another one "
            "in every shard. Give a value that all shards have, as in jax.lax.psum(loss, axis), or "
            'write kind="weak".'
        )
    search = _bisection if kind == "weak" else _zoom
    a, reached, evaluations, status = search(phi, origin, descends, first, c1, c2, max_evaluations)
    status = jnp.where(descends, status, LineSearchStatus.NO_DESCENT)
    moves = status <= LineSearchStatus.NO_CURVATURE
    a = jnp.where(moves, a, 0)
    new = dict(
        learning_rate=a,
        value=jnp.where(moves, reached, origin[0]),
        evaluations=evaluations,
        total_evaluations=old["total_evaluations"] + evaluations,
        status=status,
    )
    return jax.tree.map(lambda d: d * a.astype(d.real.dtype), updates), dict(line_search=new)


@checked
def scale_by_wolfe_line_search(
    kind: Kind = "weak",
    c1: Slope = 1e-4,
    c2: Slope = 0.9,
    max_evaluations: Steps = 30,
    *,
    initial: Literal["one", "keep"] = "one",
) -> Transformation:
    """Scale the updates by a step that satisfies the conditions of Wolfe along them.

    The updates that come in are the direction `d`, minus sign included: `chain(sgd(1.0),
    scale_by_wolfe_line_search())`. The weak search is a bisection: with `low = 0` and `high =
    inf`, a step without sufficient decrease becomes `high`, one with too steep a slope becomes
    `low`, and the next is `2 low` while `high` is infinite, then `(low + high) / 2`. The strong
    search is Optax's zoom.

    `update` takes `value=`, `grad=` (both at the parameters) and `value_fn=`; of the other extra
    arguments, `value_fn` gets those that it names.

    Inside `jax.shard_map` all shards search together where they have one value, as from
    `jax.lax.psum(loss, axis)`, and the weak search goes by itself in every shard where each has a
    value of its own.

    Args:
      kind: of the curvature condition, see `wolfe_conditions`.
      c1: share of the predicted decrease that is enough, in [0, 1).
      c2: share of the slope that may be left, above `c1`.
      max_evaluations: of `value_fn` and its derivative in one update, at most.
      initial: the first step tried: 1, or the one found in the update before.

    Returns:
      A transformation. Its state has an entry `line_search` with the step (`learning_rate`), the
      `value` there, the `evaluations` of the last update and the `total_evaluations` of all, and
      the `status`, a `LineSearchStatus`.

    Raises:
      TypeError: `update` was not given `value`, `grad` or `value_fn`.
      ValueError: the strong search, and shards with values of their own.

    Source: Liège (S1-07, S1-08); Burke, Lewis and Overton for the bisection; Nocedal and Wright,
    algorithms 3.5 and 3.6, for the zoom.
    """
    check_order(c1, c2)
    return _scale_by_wolfe_line_search(kind, c1, c2, max_evaluations, initial)


def _problem(
    updates: Any, params: Any, value: Any, grad: Any, value_fn: Any, extra: Mapping[str, Any]
) -> tuple[Phi, tuple[Any, Any]]:
    """The ray along the updates, and its value and slope at 0."""
    takes = inspect.signature(value_fn).parameters
    everything = any(p.kind is p.VAR_KEYWORD for p in takes.values())
    others = {k: v for k, v in extra.items() if k not in ("value", "grad", "value_fn")}
    passed = {name: x for name, x in others.items() if everything or name in takes}
    leaves = jax.tree.leaves(updates, is_leaf=is_none)
    pairs = zip(leaves, leaves_like(updates, {"grad": grad}, "grad"), strict=True)
    # Gradients of complex weights are conjugated, as Optax wants them.
    products = [jnp.sum(jnp.real(d * jnp.conj(g))) for d, g in pairs if d is not None]
    # Where all shards have one value, it depends on all of them, and so does its slope.
    slope = sum(summed_over(varying_axes(x) - varying_axes(value), x) for x in products)
    real = jnp.result_type(float)
    origin = jnp.asarray(value, real), jnp.asarray(slope, real)
    return ray(value_fn, params, updates, passed), origin


def _bisection(
    phi: Phi, origin: Any, descends: Any, first: Any, c1: Any, c2: Any, max_evaluations: Any
) -> tuple[Any, ...]:
    """A step that satisfies the weak conditions, its value, the evaluations and the status."""

    class Search(NamedTuple):
        low: Any
        high: Any
        a: Any  # to be tried next
        best: Any
        value: Any
        evaluations: Any
        status: Any

    def unfinished(s: Search) -> Any:
        going = (s.status != LineSearchStatus.FOUND) & (s.evaluations < max_evaluations)
        return descends & going

    def attempt(s: Search) -> Search:
        end = jax.value_and_grad(phi)(s.a)
        decrease, curvature = conditions(origin, s.a, end, c1, c2, "weak")
        low = jnp.where(decrease, s.a, s.low)
        high = jnp.where(decrease, s.high, s.a)
        found = decrease & curvature
        better = found | (decrease & (end[0] <= s.value))
        reached = jnp.where(decrease, LineSearchStatus.NO_CURVATURE, s.status)
        return Search(
            low,
            high,
            jnp.where(jnp.isinf(high), 2 * low, (low + high) / 2),
            jnp.where(better, s.a, s.best),
            jnp.where(better, end[0], s.value),
            s.evaluations + 1,
            jnp.where(found, LineSearchStatus.FOUND, reached).astype(s.status.dtype),
        )

    zero, infinity = jnp.zeros_like(first), jnp.full_like(first, jnp.inf)
    none, failed = jnp.int32(0), jnp.int32(LineSearchStatus.NO_DECREASE)
    begin = Search(zero, infinity, first, zero, origin[0], none, failed)
    begin = jax.tree.map(ft.partial(vary_over, varying_axes(first)), begin)
    end = jax.lax.while_loop(unfinished, attempt, begin)
    return end.best, end.value, end.evaluations, end.status


def _zoom(
    phi: Phi, origin: Any, descends: Any, first: Any, c1: Any, c2: Any, max_evaluations: Any
) -> tuple[Any, ...]:
    """The same for the strong conditions: Optax's search, on the ray."""
    search = optax.scale_by_zoom_linesearch(
        jnp.where(descends, max_evaluations, 1),
        slope_rtol=c1,
        curv_rtol=c2,
        approx_dec_rtol=None,  # exactly the conditions, not an approximation near the minimum
        stepsize_precision=0.0,
        initial_guess_strategy="keep",
    )

    def walled(a: Any) -> Any:  # a fall to -inf is no decrease
        value = phi(a)
        return jnp.where(jnp.isfinite(value), value, jnp.inf)

    zero, one = jnp.zeros_like(first), jnp.ones_like(first)
    state: Any = search.init(zero)
    state = state._replace(learning_rate=first)
    state = jax.tree.map(ft.partial(vary_over, varying_axes(first)), state)
    a, state = search.update(one, state, zero, value=origin[0], grad=origin[1], value_fn=walled)
    info = state.info
    found = (info.decrease_error <= 0) & (info.curvature_error <= 0)
    decrease, _ = conditions(origin, a, (state.value, state.grad), c1, c2, "strong")
    partly = jnp.where(decrease, LineSearchStatus.NO_CURVATURE, LineSearchStatus.NO_DECREASE)
    status = jnp.where(found, LineSearchStatus.FOUND, partly)
    return a, state.value, info.num_linesearch_steps, status
