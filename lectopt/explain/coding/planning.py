"""In which order a program computes: what gets a name, and in which pass over the leaves.

A sum over several leaves needs a pass over them first. Stage `k` of a plan is numbers, of the sums
of earlier passes, then a pass over the leaves; what a leaf needs is computed in the last pass that
does.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from lectopt.explain.coding.local import OWN, Slot
from lectopt.explain.coding.names import Names
from lectopt.explain.coding.rules import Rules
from lectopt.explain.known import T
from lectopt.explain.rewriting import walk
from lectopt.explain.terms import LEAVES, ONE, Term, is_num, mul, neg, sub

LONG = 4  # operations of a number that is written once


@dataclass
class Stage:
    """Named numbers, then for every treatment the named terms of its leaves."""

    numbers: list[Term] = field(default_factory=list)
    passes: list[list[Term]] = field(default_factory=list)


@dataclass
class Plan:
    """`several` if the program is of a dict of leaves and not of one array; `kept` are the terms of
    leaves that are needed after their pass."""

    rules: Rules
    names: Names
    several: bool
    stages: list[Stage]
    kept: set[Term]
    last: int

    def counts(self, terms: Iterable[Term]) -> bool:
        """Whether the number of the update is in these terms."""
        return T in walk(*terms, inside=True)

    def own(self, k: int) -> list[Slot]:
        """The statistics of the leaves of a treatment."""
        leaf = self.rules.treatments[k][0]
        return [s for s in self.rules.leafwise() if leaf in s.next]


def is_array(x: Term) -> bool:
    """Whether it has a value for every place of a leaf."""
    return bool(x.indices)


def planned(rules: Rules) -> Plan:
    """The plan of a program."""
    return _Planner(rules).plan()


class _Planner:
    def __init__(self, rules: Rules):
        self.rules, self.names = rules, Names(rules)
        self.levels: dict[Term, int] = {}
        self.leafy: dict[Term, bool] = {}
        local = rules.local
        self.shared = [s.next[""] for s in rules.shared()]
        self.roots: list[list[Term]] = []
        self.heads: dict[Term, Slot] = {s.next[""]: s for s in rules.shared()}
        for leaf, *_ in rules.treatments:
            slots = [s for s in rules.leafwise() if leaf in s.next]
            self.heads |= {s.next[leaf]: s for s in reversed(slots)}
            self.roots.append([*(s.next[leaf] for s in slots), local.moves[leaf]])
        self.order = _in_order([*self.shared, *sum(self.roots, [])])

    def plan(self) -> Plan:
        for x in self.order:
            self.levels[x], self.leafy[x] = self._level(x), self._is_leafy(x)
        self._name()
        # Leaves are stepped in the last pass: sums over them are of what was there before.
        last = max(self.levels.values(), default=0)
        turns = self._turns(last)
        several = len(self.rules.treatments) > 1 or any(
            x.op == "agg" and x.args[2][0][1] != OWN for x in self.order
        )
        stages = [Stage() for _ in range(last + 1)]
        named = [x for x in self.order if x in self.names.variables]
        for x in named:
            if not self.leafy[x]:
                stages[self.levels[x]].numbers.append(x)
        for row in self.roots:
            mine = set(walk(*row, *self.shared, inside=True))
            for k, stage in enumerate(stages):
                stage.passes.append(
                    [x for x in named if self.leafy[x] and x in mine and turns.get(x) == k]
                )
        return Plan(self.rules, self.names, several, stages, self._kept(turns, last), last)

    def _level(self, x: Term) -> int:
        below = max((self.levels[y] for y in _inner(x)), default=0)
        return below + (x.op == "agg" and x.args[2][0][1] != OWN)

    def _is_leafy(self, x: Term) -> bool:
        if x.op == "sym":
            return x.args[0].endswith("@")
        if x.op == "agg":
            return x.args[2][0][1] == OWN
        return any(self.leafy[y] for y in _inner(x))

    def _name(self) -> None:
        uses = Counter(y for x in self.order for y in set(_inner(x)))
        alone = {y: x for x in self.order for y in _inner(x)}
        plain = set(_unguarded([*self.shared, *sum(self.roots, [])]))
        factors = {
            y
            for x in self.order
            if is_array(x) and x.op != "agg"
            for y in _inner(x)
            if not is_array(y) and not self.leafy[y]
        }
        for x in self.order:
            if x.op in LEAVES or x.op == "agg" and x.args[1] is ONE:
                continue
            slot = self.heads.get(x)
            if slot is not None:
                self.names.of_slot(x, slot)
            elif (hat := self._corrected(x)) is not None:
                self.names.hat(x, hat)
            elif x.op == "agg" and x.args[2][0][1] != OWN:
                if alone[x].op != "sqrt" or uses[x] > 1:
                    self.names.made(x)
            elif x.op == "sqrt" and x.args[0].op == "agg" and not is_array(x):
                self.names.made(x)
            elif is_array(x):
                if uses[x] > 1 and not _short(x):
                    self.names.made(x)
            elif (x in plain or _harmless(x)) and x.sort != "bool":
                length = self._length(x, set())
                if length >= LONG and (uses[x] > 1 or (x in factors and length >= 2 * LONG)):
                    self.names.made(x)

    def _length(self, x: Term, seen: set[Term]) -> int:
        """The number of operations between it and what has a name."""
        if x in seen or x.op in LEAVES or (seen and x in self.names.variables):
            return 0
        seen.add(x)
        return 1 + sum(self._length(y, seen) for y in _inner(x))

    def _corrected(self, x: Term) -> str | None:
        """The name of an average that `x` is, corrected for its start."""
        if x.op != "div" or x.args[0] not in self.names.variables or not is_array(x):
            return None
        if x.args[0] not in self.heads:
            return None
        powers = [y for y in walk(x.args[1]) if y.op == "pow" and y.args[1] is T]
        whole = any(x.args[1] is sub(ONE, y) for y in powers)
        return self.names.variables[x.args[0]] if whole else None

    def _turns(self, last: int) -> dict[Term, int]:
        """The pass in which a named term of a leaf is computed: the last that does."""
        turns: dict[Term, int] = {}

        def need(x: Term, turn: int, top: bool = False) -> None:
            if not top and x in self.names.variables:
                if self.leafy[x]:
                    turns[x] = min(turn, turns.get(x, turn))
                return
            outer = x.op == "agg" and x.args[2][0][1] != OWN
            for y in _inner(x):
                need(y, self.levels[x] - 1 if outer else turn)

        for row in self.roots:
            for x in row:
                need(x, last)
        named = [x for x in self.order if x in self.names.variables]
        for x in reversed(named):
            need(x, turns.get(x, last) if self.leafy[x] else self.levels[x], True)
        return turns

    def _kept(self, turns: dict[Term, int], last: int) -> set[Term]:
        """What is needed after its pass: by a later one, or by a sum over leaves."""
        kept: set[Term] = set()

        def visit(x: Term, turn: int, inside: bool, top: bool = False) -> None:
            if not top and x in self.names.variables:
                if self.leafy[x] and (inside or turns[x] < turn):
                    kept.add(x)
                return
            outer = x.op == "agg" and x.args[2][0][1] != OWN
            for y in _inner(x):
                visit(y, turn, inside or outer)

        for row in self.roots:
            for x in row:
                visit(x, last, False)
        for x in self.names.variables:
            visit(x, turns.get(x, last), False, True)
        return kept


def _inner(x: Term) -> Iterator[Term]:
    if x.op == "agg":
        yield x.args[1]
    elif x.op not in LEAVES:
        yield from (y for y in x.args if isinstance(y, Term))


def _in_order(roots: list[Term]) -> list[Term]:
    """All parts, each after its own, from left to right."""
    found: dict[Term, None] = {}
    stack = [(x, False) for x in reversed(roots)]
    while stack:
        x, done = stack.pop()
        if done:
            found[x] = None
        elif x not in found:
            stack.append((x, True))
            stack.extend((y, False) for y in reversed(list(_inner(x))))
    return list(found)


def _short(x: Term) -> bool:
    """Whether it is as short as a name: a square, or something with a sign or a factor."""
    return (
        x.op == "mul"
        and (x.args[0] is x.args[1] or all(y.op in LEAVES for y in x.args))
        or any(map(is_num, _inner(x)))
        and all(y.op in LEAVES for y in _inner(x))
        or x.op == "mul"
        and x is neg(mul(ONE, x.args[1]))
    )


def _harmless(x: Term) -> bool:
    """Whether a number can be computed though a condition keeps it from being used."""
    return not any(
        y.op in ("div", "sqrt", "pow", "exp", "agg")
        and not (y.op == "div" and is_num(y.args[1]))
        or (y.op == "log" and y.args[0].op not in LEAVES)
        for y in walk(x)
    )


def _unguarded(roots: Iterable[Term]) -> Iterator[Term]:
    """What is computed whatever a condition on numbers says."""
    seen: set[Term] = set()
    stack = list(roots)
    while stack:
        x = stack.pop()
        if x in seen:
            continue
        seen.add(x)
        yield x
        guarded = x.op == "ite" and not is_array(x.args[0])
        stack.extend([x.args[0]] if guarded else _inner(x))
