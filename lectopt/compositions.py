"""What transformations are made of one another: in turn, side by side, named, masked, from Optax.

A composition of rules for one weight is again one, and runs as one program per kind of leaf
(`segments`). A member that looks at the whole tree cuts a chain into such segments.
"""

import functools as ft
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from lectopt.programs import Again as AgainExpression
from lectopt.programs import Expression, InTurn, Only, SideBySide, reference
from lectopt.segments import ByLeaf, Layout, Place, Segment, picks
from lectopt.transformation import Context, State, Transformation
from lectopt.trees import dtype_of, is_none, wide_dtype
from lectopt.values import call_text, key_of

AnyTransformation = optax.GradientTransformation


class Chain(ByLeaf):
    """One after another, in one record.

    `written` is how a chain prints that has a name of its own, as `debiased(ema(0.9))`: the members
    that are written, and the settings.
    """

    written: tuple[tuple[Transformation, ...], Mapping[str, Any]] | None

    @classmethod
    def of(
        cls,
        parts: Sequence[Transformation],
        name: str = "chain",
        written: tuple[tuple[Transformation, ...], Mapping[str, Any]] | None = None,
        **settings: Any,
    ) -> "Chain":
        """A chain of these members.

        Raises:
          ValueError: two members would keep their state under the same name.
        """
        owners: dict[str, Transformation] = {}
        for part in parts:
            for key in part.keys:
                if key in owners:
                    raise ValueError(
                        f"{owners[key]!r} and {part!r} would both keep their state under {key!r}. "
                        "Name them with keywords, as in chain(fast=ema(0.9), slow=ema(0.99))."
                    )
                owners[key] = part
        return cls(
            name=name,
            settings=settings,
            written=written,
            parts=tuple(parts),
            keys=tuple(owners),
            counted=any(part.counted for part in parts),
            by_leaf=all(part.by_leaf for part in parts),
        )

    def with_parts(self, parts: Sequence[Transformation]) -> "Chain":
        """The same with other members."""
        return Chain.of(parts, self.name, None, **self.settings)

    def expression(self, layout: Layout, place: Place) -> Expression:
        """See `ByLeaf`."""
        return InTurn(tuple(_by_leaf(part).expression(layout, place) for part in self.parts))

    @ft.cached_property
    def runs(self) -> list[Any]:
        """The members, those in a row that are rules for one weight as one segment."""
        groups = itertools.groupby(self.parts, key=lambda part: part.by_leaf)
        runs: list[Any] = []
        for by_leaf, parts in groups:
            runs += [Segment([_by_leaf(p) for p in parts])] if by_leaf else list(parts)
        return runs

    def start(self, params: Any) -> State:
        """See `Transformation`."""
        return {k: entry for part in self.parts for k, entry in part.start(params).items()}

    def step(self, updates: Any, state: State, now: Context) -> tuple[Any, State]:
        """See `Transformation`."""
        new: State = {}
        for run in [self.segment] if self.by_leaf else self.runs:
            updates, own = run.step(updates, state, now)
            new |= own
        return updates, new

    def point_at(self, params: Any, state: State, count: Any) -> Any:
        """See `Transformation`."""
        for part in self.parts:
            params = part.point_at(params, state, count) if part.looks_ahead else params
        return params

    def _key_among(self, seen: dict[int, int]) -> Any:
        # A name of its own changes how a chain prints, and not what it is.
        keys = [part._key_among(seen) for part in self.parts]
        return ("chain", *(k for key in keys for k in (key[1:] if key[0] == "chain" else (key,))))

    def _text(self, names: dict[int, str]) -> str:
        parts, settings = (self.parts, {}) if self.written is None else self.written
        given = [f"{k}={v!r}" for k, v in settings.items()]
        return call_text(self.name, [*(part._text(names) for part in parts), *given])


class Parallel(ByLeaf):
    """All fed the same gradient, and what comes out combined leaf by leaf."""

    combine: Callable[..., Any]
    labels: tuple[str, ...]
    written: int  # how many of its members are written when it prints

    @classmethod
    def of(
        cls,
        name: str,
        combine: Callable[..., Any],
        members: Mapping[str, Transformation],
        written: int | None = None,
    ) -> "Parallel":
        """A combination whose members keep their state under their labels, below its name.

        Raises:
          ValueError: members share a moment, but are no rules for one weight all the way to it.
        """
        shared = _Shared()
        parts = tuple(shared.once(part) for part in members.values())
        return cls(
            name=name,
            settings={},
            combine=combine,
            labels=tuple(members),
            written=len(parts) if written is None else written,
            parts=parts,
            keys=(name,),
            counted=any(part.counted for part in parts),
            by_leaf=all(part.by_leaf for part in parts),
        )

    def with_parts(self, parts: Sequence[Transformation]) -> "Parallel":
        """The same with other members."""
        members = dict(zip(self.labels, parts, strict=True))
        return Parallel.of(self.name, self.combine, members, self.written)

    def expression(self, layout: Layout, place: Place) -> Expression:
        """See `ByLeaf`."""
        parts = [
            _by_leaf(part).expression(layout, (*place, self.name, label))
            for label, part in zip(self.labels, self.parts, strict=True)
        ]
        return SideBySide(reference(self.combine), tuple(parts))

    def start(self, params: Any) -> State:
        """See `Transformation`."""
        records = zip(self.labels, (part.start(params) for part in self.parts), strict=True)
        entry = {label: record for label, record in records if record}
        return {self.name: entry} if entry else {}

    def step(self, updates: Any, state: State, now: Context) -> tuple[Any, State]:
        """See `Transformation`."""
        if self.by_leaf:
            return self.segment.step(updates, state, now)
        old, outs, entry = state.get(self.name, {}), [], {}
        for label, part in zip(self.labels, self.parts, strict=True):
            out, own = part.step(updates, old.get(label, {}), now)
            outs.append(out)
            entry |= {label: own} if own else {}
        return jax.tree.map(self.combine, *outs), ({self.name: entry} if entry else {})

    def _key_among(self, seen: dict[int, int]) -> Any:
        return (self.name, key_of(self.combine), *(part._key_among(seen) for part in self.parts))

    def _text(self, names: dict[int, str]) -> str:
        for part in _walk(self):
            if isinstance(part, Again) and id(part.original) not in names:
                name, number = part.original.keys[0], len(names) + 1
                taken = name in names.values()
                names[id(part.original)] = f"{name}_{number}" if taken else name
        return call_text(self.name, [p._text(names) for p in self.parts[: self.written]])


class Again(ByLeaf):
    """A rule that stands in another member of the same combination too: one moment, kept there."""

    original: Transformation

    def expression(self, layout: Layout, place: Place) -> Expression:
        """See `ByLeaf`."""
        return AgainExpression(layout.index(self.original))  # pyright: ignore[reportArgumentType]

    def start(self, params: Any) -> State:
        """See `Transformation`."""
        return {}

    def _key_among(self, seen: dict[int, int]) -> Any:
        return ("again", seen.get(id(self.original), -1))

    def _text(self, names: dict[int, str]) -> str:
        return names.get(id(self.original)) or self.original._text(names)


class _Shared:
    """Finds the moments that several members share."""

    def __init__(self) -> None:
        self.seen: set[int] = set()

    def once(self, tx: Transformation) -> Transformation:
        """`tx`, with a reference in the place of what an earlier member has."""
        own = {id(part) for part in _walk(tx) if not part.parts and part.keys}
        shared, self.seen = own & self.seen, own | self.seen
        return _referring(tx, shared) if shared else tx


def _referring(tx: Transformation, shared: set[int]) -> Transformation:
    if id(tx) in shared:
        return Again(
            name="again", settings={}, original=tx, parts=(), keys=(), counted=tx.counted,
            by_leaf=True,
        )  # fmt: skip
    if not tx.parts:
        return tx
    if not (tx.by_leaf and isinstance(tx, Chain | Parallel | Named | Masked)):
        if not any(id(part) in shared for part in _walk(tx)):
            return tx
        raise ValueError(
            f"{tx!r} shares a moment with another member, but is no rule for one weight. Write the "
            "moment twice, with two calls."
        )
    changed = tx.with_parts([_referring(part, shared) for part in tx.parts])
    if isinstance(tx, Chain) and tx.written is not None and isinstance(changed, Chain):
        parts = tuple(_referring(part, shared) for part in tx.written[0])
        changed.__dict__["written"] = (parts, tx.written[1])
    return changed


def _walk(tx: Transformation) -> Iterator[Transformation]:
    yield tx
    for part in tx.parts:
        yield from _walk(part)


class Named(ByLeaf):
    """A member that keeps its state under a name of its own."""

    def expression(self, layout: Layout, place: Place) -> Expression:
        """See `ByLeaf`."""
        return _by_leaf(self.parts[0]).expression(layout, (*place, *self.keys))

    @classmethod
    def of(cls, key: str, part: Transformation) -> "Named":
        """`part` under the name `key`.

        Raises:
          ValueError: the name is that of the counter.
        """
        if key == "count":
            raise ValueError("The name 'count' belongs to the step counter. Write another keyword.")
        return cls(
            name=part.name, settings={}, parts=(part,), keys=(key,), counted=part.counted,
            by_leaf=part.by_leaf,
        )  # fmt: skip

    def with_parts(self, parts: Sequence[Transformation]) -> "Named":
        """The same with another member."""
        (part,) = parts
        return Named.of(self.keys[0], part)

    def start(self, params: Any) -> State:
        """See `Transformation`."""
        entry = self.parts[0].start(params)
        return {self.keys[0]: entry} if entry else {}

    def step(self, updates: Any, state: State, now: Context) -> tuple[Any, State]:
        """See `Transformation`."""
        if self.by_leaf:
            return self.segment.step(updates, state, now)
        updates, entry = self.parts[0].step(updates, state.get(self.keys[0], {}), now)
        return updates, ({self.keys[0]: entry} if entry else {})

    def point_at(self, params: Any, state: State, count: Any) -> Any:
        """See `Transformation`."""
        return self.parts[0].point_at(params, state.get(self.keys[0], {}), count)

    def _key_among(self, seen: dict[int, int]) -> Any:
        return ("named", self.keys, self.parts[0]._key_among(seen))

    def _text(self, names: dict[int, str]) -> str:
        return f"{self.keys[0]}={self.parts[0]._text(names)}"


class Masked(ByLeaf):
    """A transformation of the leaves that a mask picks; the others stay as they are."""

    mask: Any

    @classmethod
    def of(cls, part: Transformation, mask: Any) -> "Masked":
        """`part` on the leaves that `mask` picks."""
        return cls(
            name="masked", settings=dict(mask=mask), mask=mask, parts=(part,), keys=part.keys,
            counted=part.counted, by_leaf=part.by_leaf,
        )  # fmt: skip

    def with_parts(self, parts: Sequence[Transformation]) -> "Masked":
        """The same with another member."""
        (part,) = parts
        return Masked.of(part, self.mask)

    def expression(self, layout: Layout, place: Place) -> Expression:
        """See `ByLeaf`."""
        layout.masks.append(self.mask)
        return Only(len(layout.masks) - 1, _by_leaf(self.parts[0]).expression(layout, place))

    def start(self, params: Any) -> State:
        """The state, with None for the leaves that are left out."""
        return self.parts[0].start(self._picked(params, params))

    def step(self, updates: Any, state: State, now: Context) -> tuple[Any, State]:
        """See `Transformation`."""
        if self.by_leaf:
            return self.segment.step(updates, state, now)
        picked = self._picked(updates, now.params)
        out, new = self.parts[0].step(picked, state, now)
        kept = jax.tree.map(lambda o, u: u if o is None else o, out, updates, is_leaf=is_none)
        return kept, new

    def point_at(self, params: Any, state: State, count: Any) -> Any:
        """See `Transformation`."""
        where = self.parts[0].point_at(self._picked(params, params), state, count)
        return jax.tree.map(lambda w, p: p if w is None else w, where, params, is_leaf=is_none)

    def _picked(self, tree: Any, params: Any) -> Any:
        leaves, treedef = jax.tree.flatten(tree, is_leaf=is_none)
        pairs = zip(leaves, picks(self.mask, tree, params), strict=True)
        return treedef.unflatten([leaf if yes else None for leaf, yes in pairs])


class Foreign(Transformation):
    """An Optax transformation, its state under its name."""

    foreign: Any

    @classmethod
    def of(cls, tx: AnyTransformation) -> "Foreign":
        """`tx` as a member."""
        function: Any = tx.update
        home = getattr(function, "__module__", type(tx).__module__).split(".")[0]
        name = getattr(function, "__qualname__", type(tx).__name__).split(".")[0]
        return cls(
            name=f"{home}.{name}",
            settings={},
            foreign=tx,
            parts=(),
            keys=(f"{home}_{name}",),
            counted=False,
            by_leaf=False,
        )

    def start(self, params: Any) -> State:
        """See `Transformation`."""
        entry = self.foreign.init(_wide(params))
        return {} if isinstance(entry, optax.EmptyState) else {self.keys[0]: entry}

    def step(self, updates: Any, state: State, now: Context) -> tuple[Any, State]:
        """See `Transformation`."""
        tx, key = optax.with_extra_args_support(self.foreign), self.keys[0]
        entry = state.get(key, optax.EmptyState())
        params = None if now.params is None else _wide(now.params)
        updates, entry = tx.update(updates, entry, params, **now.extra)
        return updates, ({key: entry} if key in state else {})

    def _key_among(self, seen: dict[int, int]) -> Any:
        return (self.name, self.foreign)

    def _text(self, names: dict[int, str]) -> str:
        return f"{self.name}(...)"


def as_transformation(member: AnyTransformation) -> Transformation:
    """A member of a composition: a transformation of this library, or one of Optax in its shell.

    Raises:
      TypeError: `member` is not a gradient transformation.
    """
    if isinstance(member, Transformation):
        return member
    if not (hasattr(member, "init") and hasattr(member, "update")):
        call = f"{member.__name__}(...)" if callable(member) else "a call such as ema(0.9)"  # pyright: ignore
        raise TypeError(f"Expected a gradient transformation, got {member!r}. Write {call}.")
    return Foreign.of(member)


def _by_leaf(part: Transformation) -> ByLeaf:
    assert isinstance(part, ByLeaf) and part.by_leaf
    return part


def _wide(params: Any) -> Any:
    """Parameters as wide as the updates a foreign member gets: its state then keeps its dtype."""

    def wide(leaf: Any) -> Any:
        dtype = wide_dtype(dtype_of(leaf))
        if isinstance(leaf, jax.ShapeDtypeStruct):
            return leaf.update(dtype=dtype)
        return jnp.asarray(leaf, dtype) if jnp.issubdtype(dtype_of(leaf), np.inexact) else leaf

    return jax.tree.map(wide, params)
