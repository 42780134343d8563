"""The rules of a transformation, ready to be written: settings with their defaults, and the leaves
that are treated alike."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from lectopt.explain.coding.leaves import localized
from lectopt.explain.coding.local import (
    AT,
    PARAMS,
    Local,
    Slot,
    Unwritten,
)  # fmt: skip
from lectopt.explain.known import T
from lectopt.explain.operations import FUNCTIONS
from lectopt.explain.readings import Reading
from lectopt.explain.rewriting import walk
from lectopt.explain.terms import Term

TESTS = {"is_finite", "is_number"}  # which are written as conditions


@dataclass(frozen=True)
class Rules:
    """What is written.

    `settings` are those that the program takes, with their defaults, None for those that have none;
    `treatments` are the leaves that obey the same rules, together. If `by_mark`, they are told
    apart by their `marks`: ranks, or shapes if it holds for these only; else by their names.
    `named` says that the names are the user's.
    """

    title: str
    local: Local
    settings: Mapping[str, float | None]
    treatments: tuple[tuple[str, ...], ...]
    marks: Mapping[str, Any]
    sizes: bool
    remarks: frozenset[str]
    by_mark: bool = False
    named: bool = False

    def terms(self) -> list[Term]:
        """All that is computed."""
        slots = [x for s in self.local.slots for x in (*s.start.values(), *s.next.values())]
        return [*slots, *self.local.moves.values(), *self.local.points.values()]

    @property
    def counted(self) -> bool:
        """Whether the number of the update matters."""
        return T in walk(*self.terms(), inside=True)

    @property
    def looks_ahead(self) -> bool:
        """Whether gradients are taken elsewhere than at the parameters."""
        here = Term("sym", PARAMS, (AT,), "real")
        return any(x is not here for x in self.local.points.values())

    def chosen(self, leaves: Iterable[str]) -> tuple[str, tuple[Any, ...]]:
        """How to tell these leaves from the others: ("all", ()), or ("ranks", ...) with those, or
        ("shapes", ...), or ("names", ...)."""
        leaves = tuple(leaves)
        if set(leaves) == set(self.local.leaves):
            return "all", ()
        if self.by_mark:
            kind = "ranks" if self.sizes else "shapes"
            return kind, tuple(sorted({self.marks[k] for k in leaves}))
        return "names", leaves

    def leafwise(self) -> list[Slot]:
        """The statistics that every leaf has, or some."""
        return [s for s in self.local.slots if s.leafwise]

    def shared(self) -> list[Slot]:
        """The statistics of the whole tree."""
        return [s for s in self.local.slots if not s.leafwise]


def rules(title: str, reading: Reading, sizes: bool, settings: Mapping[str, float | None]) -> Rules:
    """The rules that equations are.

    Args:
      title: of the transformation.
      reading: its equations.
      sizes: whether they hold for leaves of all sizes.
      settings: those that are open, with their defaults.

    Raises:
      Unwritten: it holds an operation that has no formula.
    """
    remarks = {_ranges(reading, settings)} if settings else set()
    if reading.narrow:
        remarks.add("The original rounds to float32 on the way; this does not.")
    local = _needed(localized(reading, remarks))
    shapes = dict(zip(reading.labels, reading.shapes, strict=True))
    marks = {k: len(x) for k, x in shapes.items()} if sizes else shapes
    made = Rules(title, local, settings, _treatments(local), marks, sizes, frozenset(remarks))
    written = {k for k, row in FUNCTIONS.items() if row.numpy} | TESTS
    for x in walk(*made.terms(), inside=True):
        if x.op == "fn" and x.args[0] not in written:
            raise Unwritten(f"the function {x.args[0]} has no formula")
    return made


def _ranges(reading: Reading, settings: Iterable[str]) -> str:
    """What is taken of the settings."""
    letters = {name: letter for letter, name in reading.settings.items()}
    unit = [k for k in settings if letters[k] in reading.facts.unit]
    positive = [k for k in settings if letters[k] in reading.facts.positive]
    said = [f"{', '.join(unit)} between 0 and 1"] if unit else []
    said += [f"{', '.join(positive)} positive"] if positive else []
    return f"It takes {' and '.join(said)}." if said else ""


def _needed(local: Local) -> Local:
    """Without what is only written, never read."""
    kept = tuple(s for s in local.slots if _is_read(s, local))
    if len(kept) == len(local.slots):
        return local
    return _needed(replace(local, slots=kept))


def _is_read(slot: Slot, local: Local) -> bool:
    others = [x for s in local.slots if s is not slot for x in s.next.values()]
    own = () if slot.sort == "other" else slot.next.values()
    terms = [*others, *local.moves.values(), *local.points.values(), *own]
    return slot.old in set(walk(*terms, inside=True))


def _treatments(local: Local) -> tuple[tuple[str, ...], ...]:
    groups: dict[Any, list[str]] = {}
    for leaf in local.leaves:
        slots = ((s.name, s.start.get(leaf), s.next.get(leaf)) for s in local.slots if s.leafwise)
        rule = (*slots, local.moves[leaf], local.points[leaf])
        groups.setdefault(rule, []).append(leaf)
    return tuple(map(tuple, groups.values()))
