"""Combinators: a combination of transformations is again a transformation.

`chain` is composition (each member gets the output of the one before), `ratio` and `product` feed
every member the same gradient and combine what comes out, `root` takes the square root of a second
moment and puts epsilon in its place. "Smoothing over normalising" is `ratio(ema,
root(mean_square))`: the two terms of the update that the CMU lecture separates.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from lectopt import numerics
from lectopt.lifting import leafwise
from lectopt.settings import EpsPlacement, NonNegative, checked
from lectopt.transformation import Core, Now, State, Transformation
from lectopt.trees import dtype_of, wide_dtype

AnyTransformation = optax.GradientTransformation


def chain(*members: AnyTransformation, **named: AnyTransformation) -> Transformation:
    """Feed each member the output of the one before.

    A chain inside a chain is the same as the longer chain. The state of a member stands in the
    common record under its own field names (`mu`, `nu`, `trace`); a member given by keyword keeps
    its state under that name. So a stateless member can be put anywhere without changing the
    layout.

    Args:
      *members: lectopt or Optax transformations, in order.
      **named: further members, each with the name of its entry in the state.

    Returns:
      Their composition, with one step counter for all of them.

    Raises:
      ValueError: two members would keep their state under the same name.
      TypeError: a member is not a gradient transformation.
    """
    parts: list[Core] = []
    for member in map(as_core, members):
        parts += member.parts if member.name == "chain" and not member.label else [member]
    parts += [_named(name, as_core(member)) for name, member in named.items()]
    _check_distinct(parts)

    def start(params: Any) -> State:
        return {key: entry for part in parts for key, entry in part.start(params).items()}

    def step(updates: Any, state: State, now: Now) -> tuple[Any, State]:
        new: State = {}
        for part in parts:
            updates, own = part.step(updates, state, now)
            new |= own
        return updates, new

    def point(params: Any, state: State, count: Any) -> Any:
        for part in parts:
            params = part.point(params, state, count) if part.point else params
        return params

    return Transformation(
        Core(
            "chain",
            start,
            step,
            keys=tuple(key for part in parts for key in part.keys),
            counted=any(part.counted for part in parts),
            point=point if any(part.point for part in parts) else None,
            parts=tuple(parts),
        )
    )


def ratio(numerator: AnyTransformation, denominator: AnyTransformation) -> Transformation:
    """Divide one transformation of the gradient by another, weight by weight.

    Args:
      numerator: for example `ema(b1)`, or `identity()` for the gradient itself.
      denominator: for example `root(mean_square(b2), eps)`.
    """
    return side_by_side("ratio", jnp.divide, numerator=numerator, denominator=denominator)


def product(first: AnyTransformation, second: AnyTransformation) -> Transformation:
    """Multiply two transformations of the same gradient, weight by weight."""
    return side_by_side("product", jnp.multiply, first=first, second=second)


def variance(mean_square: AnyTransformation, mean: AnyTransformation) -> Transformation:
    """The variance `max(nu - |mu|^2, 0)` from a mean square `nu` and a mean `mu` of the same
    gradient.

    Rounding makes `nu - |mu|^2` negative for a nearly constant gradient; without the maximum its
    root is NaN.
    """
    return side_by_side("variance", _centred, mean_square=mean_square, mean=mean)


def _centred(nu: Any, mu: Any) -> Any:
    return jnp.maximum(nu - numerics.abs_sq(mu), 0)


@checked
def root(
    moment: AnyTransformation,
    eps: NonNegative = 0.0,
    eps_placement: EpsPlacement = "outside",
) -> Transformation:
    """The square root of a second moment `v`, with epsilon where the source puts it.

    Args:
      moment: `mean_square(b2)`, `chain(mean_square(b2), bias_correction(b2))`, `sum_of_squares()`,
        ...
      eps: epsilon; 0 is legal, `ratio` then gives 0 where nothing has been accumulated.
      eps_placement: `"outside"`: `sqrt(v) + eps` (Kingma and Ba, PyTorch, Liège, STAT 479).
        `"inside"`: `sqrt(v + eps)` (CMU, ISI). `"uncorrected"`: `(sqrt(v) + eps) / sqrt(1 - b^t)`,
        epsilon joins the root before the bias correction (Keras' "epsilon hat"); with no bias
        correction it is `"outside"`.
    """
    *before, last = chain(moment).members
    if eps_placement == "uncorrected" and last.core.name == "bias_correction":
        return chain(*before, square_root(eps), last.core.but(of_root=True))
    return chain(moment, square_root(eps, eps_inside=eps_placement == "inside"))


@leafwise()
def square_root(v: Any, *, eps: NonNegative = 0.0, eps_inside: bool = False) -> Any:
    """`sqrt(v) + eps`, or `sqrt(v + eps)` if `eps_inside`; infinite where that would be 0."""
    # Where nothing was accumulated and eps is 0, an infinite root makes 0 of 0/0. The test is on v
    # and not on its root, which XLA would otherwise store instead of fusing it.
    v = jnp.where(v + eps == 0, jnp.inf, v)
    return numerics.sqrt(v + eps) if eps_inside else numerics.sqrt(v) + eps


@leafwise()
def identity(g: Any) -> Any:
    """The gradient itself."""
    return g


def as_core(member: AnyTransformation) -> Core:
    """The core of a lectopt transformation; an Optax transformation is given one.

    Raises:
      TypeError: `member` is not a gradient transformation.
    """
    if isinstance(member, Transformation):
        return member.core
    if not (hasattr(member, "init") and hasattr(member, "update")):
        call = f"{member.__name__}(...)" if callable(member) else "a call such as ema(0.9)"  # pyright: ignore
        raise TypeError(f"Expected a gradient transformation, got {member!r}. Write {call}.")
    tx = optax.with_extra_args_support(member)
    function: Any = member.update
    home, name = function.__module__.split(".")[0], function.__qualname__.split(".")[0]
    key = f"{home}_{name}"

    def start(params: Any) -> State:
        entry = tx.init(_wide(params))
        return {} if isinstance(entry, optax.EmptyState) else {key: entry}

    def step(updates: Any, state: State, now: Now) -> tuple[Any, State]:
        entry = state.get(key, optax.EmptyState())
        params = None if now.params is None else _wide(now.params)
        updates, entry = tx.update(updates, entry, params, **now.extra)
        return updates, ({key: entry} if key in state else {})

    return Core(f"{home}.{name}", start, step, keys=(key,), foreign=member)


def _wide(params: Any) -> Any:
    """Parameters as wide as the updates a foreign member gets: its state then keeps its dtype."""

    def wide(leaf: Any) -> Any:
        dtype = wide_dtype(dtype_of(leaf))
        if isinstance(leaf, jax.ShapeDtypeStruct):
            return leaf.update(dtype=dtype)
        return jnp.asarray(leaf, dtype) if jnp.issubdtype(dtype_of(leaf), np.inexact) else leaf

    return jax.tree.map(wide, params)


def _named(key: str, core: Core) -> Core:
    """`core` with its state under one name of its own."""
    if key == "count":
        raise ValueError("The name 'count' belongs to the step counter. Write another keyword.")

    def start(params: Any) -> State:
        entry = core.start(params)
        return {key: entry} if entry else {}

    def step(updates: Any, state: State, now: Now) -> tuple[Any, State]:
        updates, entry = core.step(updates, state.get(key, {}), now)
        return updates, ({key: entry} if entry else {})

    def point(params: Any, state: State, count: Any) -> Any:
        return core.point(params, state.get(key, {}), count) if core.point else params

    return replace(core, start=start, step=step, keys=(key,), point=core.point and point, label=key)


def _check_distinct(parts: list[Core]) -> None:
    owners: dict[str, Core] = {}
    for part in parts:
        for key in part.keys:
            if key in owners:
                raise ValueError(
                    f"{owners[key]!r} and {part!r} would both keep their state under {key!r}. "
                    "Name them with keywords, as in chain(fast=ema(0.9), slow=ema(0.99))."
                )
            owners[key] = part


def side_by_side(
    name: str, combine: Callable[[Any, Any], Any], **members: AnyTransformation
) -> Transformation:
    """Feed every member the same gradient and combine what comes out, leaf by leaf.

    Args:
      name: of the combination, and of its entry in the state; `members` are the names below it.
      combine: a function of one leaf of each member's output.
      **members: lectopt or Optax transformations.
    """
    cores = {key: as_core(member) for key, member in members.items()}
    combined = jax.jit(combine, inline=True)  # traced once per shape of a leaf
    inner = {key: _named(key, core) for key, core in cores.items()}

    def start(params: Any) -> State:
        entry = {k: v for core in inner.values() for k, v in core.start(params).items()}
        return {name: entry} if entry else {}

    def step(updates: Any, state: State, now: Now) -> tuple[Any, State]:
        outs, entry = [], {}
        for core in inner.values():
            out, own = core.step(updates, state.get(name, {}), now)
            outs.append(out)
            entry |= own
        return jax.tree.map(combined, *outs), ({name: entry} if entry else {})

    return Transformation(
        Core(
            name,
            start,
            step,
            keys=(name,),
            counted=any(core.counted for core in cores.values()),
            parts=tuple(cores.values()),
        )
    )
