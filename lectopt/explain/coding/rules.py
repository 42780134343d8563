"""The rules of a transformation, ready to be written: tidy terms, settings with their defaults, a
counter `t`, and the leaves that are treated alike."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from lectopt.explain.coding.leaves import localized
from lectopt.explain.coding.local import (
    AT,
    PARAMS,
    SETTING,
    Local,
    Slot,
    Unwritten,
)  # fmt: skip
from lectopt.explain.coding.operations import TABLE
from lectopt.explain.coding.tidying import Tidier, counts
from lectopt.explain.logic import Facts
from lectopt.explain.proving import Prover
from lectopt.explain.systems import System
from lectopt.explain.terms import ONE, Term, add, is_num, num, rewrite, walk

T = Term("sym", "t", (), "int")


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
        return "names", tuple(map(label, leaves))

    def leafwise(self) -> list[Slot]:
        """The statistics that every leaf has, or some."""
        return [s for s in self.local.slots if s.leafwise]

    def shared(self) -> list[Slot]:
        """The statistics of the whole tree."""
        return [s for s in self.local.slots if not s.leafwise]


def rules(
    title: str,
    system: System,
    settings: Mapping[str, float | None],
    unit: Iterable[str],
    positive: Iterable[str],
) -> Rules:
    """The rules that a system is.

    Args:
      title: of the transformation.
      system: with its settings as `SETTING + name`.
      settings: those, with their defaults.
      unit: the settings between 0 and 1.
      positive: the other ones that are positive.

    Raises:
      Unwritten: it holds an operation that has no formula.
    """
    remarks: set[str] = set()
    local, facts = _tidied(localized(system), unit, positive, remarks)
    local = _needed(_counted(local, facts))
    shapes = dict(zip(system.leaves, system.shapes, strict=True))
    marks = {k: len(x) for k, x in shapes.items()} if system.sizes else shapes
    labels = [label(leaf) for leaf in system.leaves]
    if len(set(labels)) < len(labels):
        raise Unwritten("two leaves have one name")
    if settings:
        remarks.add(_ranges(list(unit), list(positive)))
    made = Rules(
        title,
        local,
        settings,
        _treatments(local),
        marks,
        system.sizes,
        frozenset(remarks),
    )
    _check(made)
    return made


def _ranges(unit: list[str], positive: list[str]) -> str:
    """What is taken of the settings."""
    said = [f"{', '.join(unit)} between 0 and 1"] if unit else []
    said += [f"{', '.join(positive)} positive"] if positive else []
    return f"It takes {' and '.join(said)}." if said else ""


def _tidied(
    local: Local, unit: Iterable[str], positive: Iterable[str], remarks: set[str]
) -> tuple[Local, Facts]:
    """The terms under what is always so of the state: taken to be so, until that carries itself."""
    facts = Facts(
        unit={SETTING + k for k in unit},
        positive={SETTING + k for k in positive},
        nonnegative={s.name for s in local.slots if s.sort == "real"},
        counters={s.name: 0 for s in local.slots if s.sort == "int" and not s.leafwise},
    )
    while True:
        tidy = Tidier(Prover(facts), remarks)
        weak = {s.name for s in local.slots if not _carried(s, facts, tidy)}
        if not weak:
            return _changed(local, tidy), facts
        counters = {k: v for k, v in facts.counters.items() if k not in weak}
        facts = replace(facts, nonnegative=facts.nonnegative - weak, counters=counters)


def _carried(slot: Slot, facts: Facts, tidy: Tidier) -> bool:
    """Whether what is taken to be so of an entry is so at the start and after an update."""
    if slot.name in facts.counters:
        return counts(tidy.prover, slot.old, tidy(slot.start[""]), tidy(slot.next[""]))
    if slot.name in facts.nonnegative:
        terms = {*slot.start.values(), *slot.next.values()}
        return all(tidy.positive.nonnegative(tidy(x)) for x in terms)
    return True


def _changed(local: Local, change: Callable[[Term], Term]) -> Local:
    def all_of(terms: Mapping[str, Term]) -> dict[str, Term]:
        return {k: change(x) for k, x in terms.items()}

    slots = (replace(s, start=all_of(s.start), next=all_of(s.next)) for s in local.slots)
    return Local(tuple(slots), local.leaves, all_of(local.moves), all_of(local.points))


def _counted(local: Local, facts: Facts) -> Local:
    """With `t` for what counts the updates, and without what never changes."""
    values: dict[Term, Term] = {}
    for s in local.slots:
        if s.leafwise:
            continue
        start, after = s.start[""], s.next[""]
        if s.sort == "int" and is_num(start) and after is add(ONE, s.old):
            values[s.old] = add(num(start.args[0] - 1), T)
        elif after is s.old and (is_num(start) or start.op == "bool"):
            values[s.old] = start
    if not values:
        return local
    kept = replace(local, slots=tuple(s for s in local.slots if s.old not in values))
    tidy = Tidier(Prover(replace(facts, counters={**facts.counters, T.args[0]: 1})), set())
    return _changed(kept, lambda x: tidy(rewrite(x, values.get, {})))


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


def _check(made: Rules) -> None:
    """Raises Unwritten if a function has no formula."""
    for x in walk(*made.terms(), inside=True):
        if x.sort == "other":
            raise Unwritten("it keeps a key of random numbers")
        if x.op == "fn" and x.args[0] not in TABLE:
            raise Unwritten(f"the function {x.args[0]} has no formula")


def word(path: str) -> str:
    """The last name of a path in a tree."""
    names = re.findall(r"[A-Za-z_]\w*", path)
    return names[-1] if names else "state"


def label(path: str) -> str:
    """A path in a tree as one name."""
    return ".".join(re.findall(r"\w+", path))
