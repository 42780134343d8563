"""Monitoring: what an optimizer did in its last update, kept in its state.

The record has a fixed structure from `init`, so it travels through `scan`, `vmap`, `cond`,
checkpoints and Flax like every other state, and `metrics` finds it there.
"""

import functools as ft
import os
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import lax

from lectopt.combinators import chain
from lectopt.controls.acting_rate import acting_rate
from lectopt.controls.by_layer import measured_by_layer, norms_by_layer, start_by_layer
from lectopt.lifting import treewise
from lectopt.norms import by_part, norm_by_largest, over, scaled_norm
from lectopt.state_search import Names, records
from lectopt.transformation import State, Transformation
from lectopt.trees import dtype_of, wide_dtype

METRICS = "metrics"  # entry of a state: the record of a monitor
NORMS = ("grad_norm", "update_norm", "param_norm", "update_ratio", "descent_cosine")


def _start(params: Any, inner: Transformation, layers: bool) -> State:
    record: State = {name: jnp.zeros([], jnp.float32) for name in NORMS}
    record |= {"nonfinite": jnp.zeros([], jnp.int32)}
    if acting_rate(inner) is not None:
        record |= {"learning_rate": jnp.zeros([], jnp.float32)}
    if _counted(inner):
        record |= {"clip_fraction": jnp.zeros([], jnp.float32)}
    return record | {"layers": start_by_layer(params)} if layers else record


def _counted(inner: Any) -> bool:
    return any(map(_is_clip, chain(inner).members))


@treewise(metrics=_start, counted=_counted, beside="inner", raw=("layers",))
def monitor(
    updates: Any,
    state: Any,
    params: Any,
    t: Any,
    count: Any,
    *,
    inner: optax.GradientTransformation,
    layers: bool = False,
) -> Any:
    """The same optimizer, with a record of its last update; read it with `metrics`.

    The record holds, over all leaves together:

    - `grad_norm`, `update_norm`, `param_norm`: Euclidean norms of the gradient that comes in, of
      the update that goes out, and of the parameters before it.
    - `update_ratio`: `update_norm / param_norm`, 0 while the parameters are 0.
    - `descent_cosine`: the cosine of the angle between the update and the negative gradient, 0 if
      one of them is 0; a negative one means that the update goes uphill.
    - `nonfinite`: how many numbers of the gradient are infinite or NaN.
    - `learning_rate`: the rate that acts in this update, if it is one number: that of the one
      `scale_by_learning_rate` inside, a schedule read at this update, times what a plateau, a line
      search or a `scale` in the same chain makes of it. It is left out where weights have rates of
      their own (`rprop`, `scale_by_path`, a mask), where two take turns (`switch_when`), and where
      a member cannot be judged: one of Optax behind the rate, or a scale before a rule that is not
      linear.
    - `clip_fraction`: the share of all updates so far that a member of the chain with `clip` in its
      name has made smaller, if there is such a member.
    - with `layers`, `layers/grad_norm/<layer>` and `layers/update_ratio/<layer>`: the same of every
      layer, which is the arrays that share a place but for their own name, such as a kernel and its
      bias.

    Norms are taken in float32 or wider and recorded in float32; the update is the one before it is
    rounded to the dtype of the gradient.

    Args:
      inner: a lectopt or Optax transformation. Members outside it, as in `optax.chain(clip,
        monitor(adam))`, are not seen: the gradient is the one that comes in here.
      layers: whether every layer is measured by itself, too.

    Returns:
      A transformation with the state of `inner` and an entry `metrics`; `update` needs the
      parameters.

    Raises:
      ValueError: a monitor inside would keep its record at the same place, or `update` was not
        given the parameters.
      TypeError: `inner` is not a gradient transformation.

    Source: Liège, visualise training (S1-01).
    """
    gradient, given = updates, _given(updates, params)
    of_layers = [norms_by_layer(gradient), norms_by_layer(params)] if layers else []
    known = [given["grad_norm"], given["param_norm"], *jax.tree.leaves(of_layers)]
    updates = _known_after(known, gradient)
    new, clipped = {}, jnp.bool_(False)
    for member in inner.members:  # pyright: ignore[reportAttributeAccessIssue]
        before = updates
        updates, own = member(updates)
        new |= own
        if _is_clip(member.tx):
            clipped |= _smaller(updates, before)
    record = _measured(gradient, updates, given)
    if "learning_rate" in state.metrics:
        rate: Any = acting_rate(inner.tx)  # pyright: ignore[reportAttributeAccessIssue]
        record["learning_rate"] = jnp.asarray(rate(new, count), jnp.float32)
    if "clip_fraction" in state.metrics:
        share = state.metrics["clip_fraction"]
        record["clip_fraction"] = share + (clipped - share) / t
    if of_layers:
        record["layers"] = measured_by_layer(of_layers[0], updates, of_layers[1])
    return updates, dict(metrics=record, inner=new)


def metrics(opt_state: Any) -> dict[str, jax.Array]:
    """What `monitor` recorded of the last update: `{"grad_norm": ..., ...}`.

    The state may be wrapped as for `evaluation_params`. Under `vmap` every number has the axes of
    the lanes; before the first update all are 0.

    Args:
      opt_state: the state of an optimizer with a `monitor` in it.

    Returns:
      The numbers by name. With several monitors a name begins with what tells the monitor's place
      in the state from the others', as in `head/grad_norm` for `optax.partition({"head":
      monitor(...), "body": monitor(...)}, labels)` or `chain(head=monitor(...), ...)`.

    Raises:
      ValueError: there is no monitor's record in the state.

    Source: Liège, visualise training (S1-01).
    """
    found = recorded(opt_state)
    if not found:
        raise ValueError(
            "metrics: there is no record of a monitor in this state. Write tx = monitor(tx) where "
            "the optimizer is made, and state = tx.init(params)."
        )
    return found


def recorded(opt_state: Any) -> dict[str, jax.Array]:
    """What `metrics` gives; nothing without a monitor."""
    found = {
        place: record
        for place, record in records(opt_state, METRICS).items()
        if (METRICS, NORMS[0]) in record
    }
    return {
        "/".join((*label, *below)): value
        for label, record in zip(_distinct(list(found)), found.values(), strict=True)
        for (entry, *below), value in record.items()
        if entry == METRICS
    }


@ft.partial(jax.jit, inline=True)  # without it, branches are compiled at every uncompiled call
def _given(gradient: Any, params: Any) -> dict[str, Any]:
    """What is measured before the update."""
    wide = [
        jnp.asarray(p, wide_dtype(dtype_of(p)))
        for p in jax.tree.leaves(params)
        if jnp.issubdtype(dtype_of(p), jnp.inexact)
    ]
    gs = jax.tree.leaves(gradient)
    grad_norm, param_norm = (scale * norm for scale, norm in map(scaled_norm, (gs, wide)))
    none = jnp.zeros_like(grad_norm, jnp.int32)
    counted = lax.cond(jnp.isfinite(grad_norm), lambda gs: none, _nonfinite, gs)
    return dict(grad_norm=grad_norm, param_norm=param_norm, nonfinite=counted)


def _known_after(norms: list[Any], tree: Any) -> Any:
    """The same tree, computed with when the norms are known.

    No weight is then written before it has been read, which would take a copy of all of them. XLA
    has dropped an `optimization_barrier` before it decides on copies; what it cannot tell is that
    no norm is negative.
    """
    never = ft.reduce(jnp.logical_or, (norm < 0 for norm in norms))
    return jax.tree.map(lambda x: jnp.where(never, 0, x), tree)


def _measured(gradient: Any, updates: Any, given: dict[str, Any]) -> dict[str, Any]:
    """The record of one update."""
    gs, us = jax.tree.leaves(gradient), jax.tree.leaves(updates)
    grad_norm, param_norm = given["grad_norm"], given["param_norm"]
    scale, norm = norm_by_largest(us)
    update_norm = scale * norm
    inner = _inner([_over(u, scale) for u in us], gs)
    return given | dict(
        update_norm=update_norm,
        update_ratio=jnp.where(param_norm == 0, 0, update_norm / _or_one(param_norm)),
        descent_cosine=-inner / norm / _or_one(grad_norm),
    )


def _nonfinite(leaves: list[Any]) -> Any:
    counts = (jnp.sum(~jnp.isfinite(leaf), dtype=jnp.int32) for leaf in leaves)
    return sum(counts, jnp.int32(0))


def _over(leaf: Any, scale: Any) -> Any:
    return by_part(ft.partial(over, scale=scale), leaf)


def _inner(a: list[Any], b: list[Any]) -> Any:
    """The inner product of real vectors; complex numbers count as two."""
    # Products summed, and not a dot product: it needs no decision where its result is to be placed.
    pairs = zip(a, b, strict=True)
    products = (jnp.real(x) * jnp.real(y) + jnp.imag(x) * jnp.imag(y) for x, y in pairs)
    return sum(map(jnp.sum, products), jnp.zeros([]))


def _or_one(x: Any) -> Any:
    return jnp.where(x == 0, 1, x)


def _smaller(after: Any, before: Any) -> Any:
    """Whether any number has become smaller."""
    pairs = zip(jax.tree.leaves(after), jax.tree.leaves(before), strict=True)
    return sum((jnp.any(abs(a) < abs(b)) for a, b in pairs), jnp.bool_(False))


def _is_clip(tx: Transformation) -> bool:
    return "clip" in tx.name


def _distinct(places: list[Names]) -> list[Names]:
    """What is left of each place without the beginning and the end that all have in common."""
    for _ in range(2):
        common = len(os.path.commonprefix(places))
        places = [place[common:][::-1] for place in places]
    return places
