"""The two compositions: one after another, and side by side.

A composition of rules for one weight is again one, and runs as one program per kind of leaf
(`segments`). A member that looks at the whole tree cuts a chain into such segments.
"""

import functools as ft
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax

from lectopt.programs import Expression, InTurn, SideBySide, reference
from lectopt.segments import ByLeaf, Change, Layout, Place, Segment, as_by_leaf
from lectopt.sharing import Again, Shared, walk
from lectopt.transformation import Context, State, Transformation
from lectopt.values import call_text, key_of


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

    def mapped(self, change: Change) -> "Chain":
        """See `ByLeaf`."""
        parts, written = [change(part) for part in self.parts], None
        if self.written is not None:
            written = tuple(change(part) for part in self.written[0]), self.written[1]
        return Chain.of(parts, self.name, written, **self.settings)

    def expression(self, layout: Layout, place: Place) -> Expression:
        """See `ByLeaf`."""
        return InTurn(tuple(as_by_leaf(part).expression(layout, place) for part in self.parts))

    @ft.cached_property
    def runs(self) -> list[Any]:
        """The members, those in a row that are rules for one weight as one segment."""
        groups = itertools.groupby(self.parts, key=lambda part: part.by_leaf)
        runs: list[Any] = []
        for by_leaf, parts in groups:
            runs += [Segment([as_by_leaf(p) for p in parts])] if by_leaf else list(parts)
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
        shared = Shared()
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

    def mapped(self, change: Change) -> "Parallel":
        """See `ByLeaf`."""
        members = {k: change(part) for k, part in zip(self.labels, self.parts, strict=True)}
        return Parallel.of(self.name, self.combine, members, self.written)

    def expression(self, layout: Layout, place: Place) -> Expression:
        """See `ByLeaf`."""
        parts = [
            as_by_leaf(part).expression(layout, (*place, self.name, label))
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
        made = (self.name, key_of(self.combine), self.labels)
        return (*made, *(part._key_among(seen) for part in self.parts))

    def _text(self, names: dict[int, str]) -> str:
        for part in walk(self):
            if isinstance(part, Again) and id(part.original) not in names:
                name, number = part.original.keys[0], len(names) + 1
                taken = name in names.values()
                names[id(part.original)] = f"{name}_{number}" if taken else name
        return call_text(self.name, [p._text(names) for p in self.parts[: self.written]])
