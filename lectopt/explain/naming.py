"""Names for parts of formulas: new values of slots, corrected averages, schedules, what recurs.

Nothing is searched for: terms are interned, so a part that is the new value of a slot is that very
term, and is called by its name.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lectopt.explain.aligning import Aligned, aligned_group
from lectopt.explain.counting import piecewise
from lectopt.explain.known import T
from lectopt.explain.letters import parse
from lectopt.explain.letters import symbol as name_of
from lectopt.explain.readings import Group, Reading
from lectopt.explain.rewriting import rewrite, walk
from lectopt.explain.shortening import LETTERS, shortened
from lectopt.explain.terms import LEAVES, MINUS_ONE, ONE, TRUE, Term


@dataclass(frozen=True)
class Lines:
    """The formulas of a group of leaves as they are shown: definitions in order, the update, where
    the gradient is taken and what is evaluated, if elsewhere, and the first values."""

    indices: tuple[int, ...]
    leaves: tuple[str, ...]
    stands: int
    start: Mapping[Term, Term]
    equations: Mapping[Term, Term]
    update: Term
    point: Term | None
    evaluation: Term | None
    members: tuple["Lines", ...] = ()  # of groups that are printed once

    def terms(self) -> list[Term]:
        """All right-hand sides."""
        others = [x for x in (self.point, self.evaluation) if x is not None]
        return [*self.equations.values(), self.update, *others]


class Namer:
    """Names the parts of all groups of a reading."""

    def __init__(self, reading: Reading):
        self.reading = reading
        self.facts = reading.facts
        self.titles = {
            Aligned()(term): Term("sym", name_of(letter, "t"), (), "real")
            for letter, term in reading.titles.items()
            if term.op not in LEAVES
        }
        self.taken = set(reading.taken)

    def lines(self) -> tuple[Lines, list[Lines]]:
        """What belongs to no leaf, and the groups."""
        shared = aligned_group(self.reading.shared)
        groups = [aligned_group(g, self.reading.shapes[g.stands]) for g in self.reading.groups]
        several = len(self.reading.labels) > 1
        if len(groups) == 1:  # what the whole tree has in common speaks of the same formulas
            both = self._definitions([shared, groups[0]])
            update, *elsewhere = both.exprs
            equations, update = shortened(both.equations, update, self._letters(), both.fixed)
            common = {
                s: t for s, t in equations.items() if several and self._is_common(s, t, shared)
            }
            own = {s: t for s, t in equations.items() if s not in common}
            first = _lines(shared, common, shared.update, [None, None])
            group = _lines(groups[0], own, update, elsewhere)
            if not several:
                start = dict(_start(shared, equations)) | dict(_start(groups[0], equations))
                group = replace(group, start=_by_place(start, equations))
                first = replace(first, start={})
            return first, [group]
        common = self._definitions([shared])
        equations, _ = shortened(
            common.equations, TRUE, self._letters(), common.fixed, self._is_global
        )
        self.taken |= {parse(s.args[0])["base"] for s in equations}
        first, lines = _lines(shared, equations, TRUE, [None, None]), []
        for group in groups:
            mine = self._definitions([group], shared)
            update, *elsewhere = mine.exprs
            equations, update = shortened(mine.equations, update, self._letters(), mine.fixed)
            lines.append(_lines(group, equations, update, elsewhere))
        return first, lines

    def _is_common(self, symbol: Term, term: Term, shared: Group) -> bool:
        """Whether a definition belongs to no leaf."""
        base = parse(symbol.args[0])["base"]
        if any(parse(s.args[0])["base"] == base for s in shared.next):
            return True
        return not symbol.args[1] and base not in self._own() and self._is_global(term)

    def _own(self) -> set[str]:
        """The letters of arrays that belong to leaves."""
        symbols = self.reading.symbols
        slots = {s.base for s in self.reading.states if s.leaf >= 0}
        draws = {parse(x)["base"] for x in self.reading.draws}
        return slots | draws | {symbols["params"], symbols["gradient"]}

    def _is_global(self, term: Term) -> bool:
        """Whether a term speaks of no single leaf, but in sums over all leaves."""
        if term.indices:
            return False
        own, stack, seen = self._own(), [term], set()
        while stack:
            x = stack.pop()
            if x in seen or (x.op == "fn" and x.args[0].startswith("leaves ")):
                continue
            seen.add(x)
            if x.op == "sym" and "@" not in x.args[0] and parse(x.args[0])["base"] in own:
                return False
            if x.op == "sym" and x.args[0] == self.reading.counts[0]:
                return False
            stack += (
                [x.args[1]]
                if x.op == "agg"
                else list(x.args[2])
                if x.op == "opq"
                else [y for y in x.args if isinstance(y, Term)]
                if x.op not in LEAVES
                else []
            )
        return True

    def _definitions(self, groups: Sequence[Group], shared: Group | None = None) -> "Named":
        """The formulas of groups in each other's names."""
        names = dict(self.titles)
        for one in [*([shared] if shared else []), *groups]:
            for symbol, term in one.next.items():
                if term.op not in LEAVES and term.sort != "other":
                    names.setdefault(term, symbol)
        last = groups[-1]
        places = [last.point, last.evaluation]
        nexts = {s: t for g in groups for s, t in g.next.items() if s.sort != "other"}
        exprs = [*nexts.values(), last.update, *(x for x in places if x is not None)]
        hats = _hats(exprs, names)
        names = hats | names
        memo: dict[Term, Term] = {}

        def short(term: Term, definition: bool = False) -> Term:
            if not definition:
                return rewrite(term, names.get, memo)
            return rewrite(term, lambda x: None if x is term else names.get(x), {})

        found = {s: short(t, names.get(t) is s) for s, t in nexts.items()}
        found |= {symbol: short(term, True) for term, symbol in hats.items()}
        new = [short(last.update), *(None if x is None else short(x) for x in places)]
        written = [*found.values(), *(x for x in new if x is not None)]
        titles = {s: piecewise(term, self.facts) for term, s in self.titles.items()}
        if shared is None:
            used = {x for t in written for x in walk(t, inside=True)}
            found |= {s: short(t, True) for s, t in titles.items() if s in used or len(groups) == 1}
        late = set(hats.values()) | titles.keys()
        return Named(_ordered(found, late), new, late)

    def _letters(self) -> Iterator[str]:
        names = itertools.chain(LETTERS, (f"{x}{k}" for k in range(2, 1000) for x in LETTERS))
        yield from (x for x in names if x not in self.taken)


@dataclass(frozen=True)
class Named:
    """Definitions in order; the update, and where the gradient is taken and the weights are
    evaluated, if elsewhere; and which definitions are not to be shortened."""

    equations: Mapping[Term, Term]
    exprs: Sequence[Any]
    fixed: set[Term]


def _lines(
    group: Group, equations: Mapping[Term, Term], update: Term, elsewhere: Sequence[Term | None]
) -> Lines:
    return Lines(
        group.indices, group.leaves, group.stands, _start(group, equations), equations, update,
        elsewhere[0], elsewhere[1],
    )  # fmt: skip


def _is_hat(symbol: Term) -> bool:
    return bool(parse(symbol.args[0])["hat"])


def _hats(exprs: Iterable[Term], names: Mapping[Term, Term]) -> dict[Term, Term]:
    """Averages that are divided by 1 - b^t, and what they are to be called."""
    found: dict[Term, Term] = {}
    for x in walk(*exprs, inside=True):
        if x.op != "div" or x in found or not _corrects(x.args[1]):
            continue
        average = names.get(x.args[0])
        if average is not None and average.op == "sym" and not _is_hat(average):
            parts = parse(average.args[0])
            name = name_of(parts["base"], parts["time"], parts["leaf"] or "", True)
            hat = Term("sym", name, average.args[1], "real")
            if hat not in found.values():
                found[x] = hat
    order = list(names.values())
    return dict(sorted(found.items(), key=lambda pair: _place(pair[1], order)))


def _place(hat: Term, order: Sequence[Term]) -> int:
    base = hat.args[0].replace("_hat[", "[", 1)
    return next((k for k, s in enumerate(order) if s.args[0] == base), len(order))


def _corrects(x: Term) -> bool:
    """Whether it is 1 minus a power of t."""
    if x.op != "add" or x.args[0] is not ONE or x.args[1].op != "mul":
        return False
    sign, power = x.args[1].args
    return sign is MINUS_ONE and power.op == "pow" and any(y is T for y in walk(power.args[1]))


def _ordered(definitions: Mapping[Term, Term], late: set[Term]) -> dict[Term, Term]:
    """The definitions, each after those that it uses; corrected averages and schedules where they
    are first needed."""
    found: dict[Term, Term] = {}
    waiting: set[Term] = set()
    by_name = {symbol.args[0]: symbol for symbol in definitions}

    def put(symbol: Term) -> None:
        if symbol in waiting:
            return
        waiting.add(symbol)
        used = {x.args[0] for x in walk(definitions[symbol], inside=True) if x.op == "sym"}
        for name, other in by_name.items():
            if name in used and other is not symbol:
                put(other)
        found[symbol] = definitions[symbol]

    for symbol in definitions:
        if symbol not in late:
            put(symbol)
    for symbol in definitions:
        put(symbol)
    return found


def _start(group: Group, equations: Mapping[Term, Term]) -> dict[Term, Term]:
    """The first values of slots, in the order of their equations, and of what stays as it starts
    if it is used."""
    return _by_place({s: t for s, t in group.start.items() if s.sort != "other"}, equations)


def _by_place(starts: Mapping[Term, Term], equations: Mapping[Term, Term]) -> dict[Term, Term]:
    order: dict[str, int] = {}
    for k, symbol in enumerate(equations):
        if not _is_hat(symbol):
            order.setdefault(parse(symbol.args[0])["base"], k)
    return dict(
        sorted(
            starts.items(), key=lambda pair: order.get(parse(pair[0].args[0])["base"], len(order))
        )
    )
