"""The two compositions: one after another, and side by side.

A composition of rules for one weight is again one, and runs as one program per kind of leaf
(`segments`). A member that looks at the whole tree cuts a chain into such segments.
"""

import functools as ft
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import jax

from lectopt.programs import Expression, InTurn, SideBySide, reference
from lectopt.records import Place, under
from lectopt.segments import ByLeaf, Change, Layout, Segment, as_by_leaf
from lectopt.sharing import Again, Shared, walk
from lectopt.transformation import Context, State, Transformation
from lectopt.values import call_text, key_of
from lectopt.wrapping import Masked, Named


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
          ValueError: two members would keep their state under the same name, or one that must be
            last is followed by what changes its updates.
        """
        _check_order(parts)
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

    def entries(self) -> dict[str, Any]:
        """See `Transformation`."""
        return {k: entry for part in self.parts for k, entry in part.entries().items()}

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
        for part in members.values():
            if part.last:
                raise ValueError(f"{name}: {_misplaced(part)}")
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

    def entries(self) -> dict[str, Any]:
        """See `Transformation`."""
        return self._record(part.entries() for part in self.parts)

    def start(self, params: Any) -> State:
        """See `Transformation`."""
        return self._record(part.start(params) for part in self.parts)

    def _record(self, members: Iterable[Any]) -> dict[str, Any]:
        records = zip(self.labels, members, strict=True)
        return under(self.name, {label: record for label, record in records if record})

    def step(self, updates: Any, state: State, now: Context) -> tuple[Any, State]:
        """See `Transformation`."""
        if self.by_leaf:
            return self.segment.step(updates, state, now)
        old, results = state.get(self.name, {}), []
        for label, part in zip(self.labels, self.parts, strict=True):
            results.append(part.step(updates, old.get(label, {}), now))
        outs, records = zip(*results, strict=True)
        return jax.tree.map(self.combine, *outs), self._record(records)

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


def _check_order(parts: Sequence[Transformation]) -> None:
    """Raise ValueError if a member that must be last has one behind it that changes updates."""
    for i, part in enumerate(parts):
        for later in parts[i + 1 :] if part.last else ():
            # Two masks may pick different leaves: what they pick is known only with parameters.
            if not _passes(later) and not (_is_masked(part) and _is_masked(later)):
                raise ValueError(f"chain: {_misplaced(part)} Behind it stands {later!r}.")


def _misplaced(part: Transformation) -> str:
    what = next(p.name for p in walk(part) if p.last and not any(q.last for q in p.parts))
    return (
        f"{what} reads off the updates what becomes of the parameters, so nothing may change them "
        f"afterwards. Write it last, as in chain(sgd(0.1), {what}(...))."
    )


def _passes(part: Transformation) -> bool:
    """Whether updates come out of it as they went in."""
    if part.parts:
        return all(map(_passes, part.parts)) and isinstance(part, Chain | Named | Masked)
    return part.last or part.name in ("identity", "optax.identity")


def _is_masked(part: Transformation) -> bool:
    return isinstance(part, Masked) or (isinstance(part, Named) and _is_masked(part.parts[0]))
