"""Whether two terms are equal: one term, else one fraction, else z3.

An answer holds for all real numbers that the symbols may be (see `logic.Facts`), where nothing is 0
that was cancelled.
"""

import functools as ft
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lectopt.explain.facts import Facts
from lectopt.explain.fractions import Fractions
from lectopt.explain.logic import Logic
from lectopt.explain.polynomials import TooLarge
from lectopt.explain.rewriting import assumed, walk
from lectopt.explain.terms import ZERO, Term, equal, is_num, less, negate
from lectopt.explain.work import Work

# What z3 may do for a question, in its own count, of which a million is about a second.
EQUATION, QUICK = 1_000_000, 200_000
LARGE = 60  # parts of a condition that is not asked on the way
DEEPEST = 4  # cases within cases
LAYERS = ("one term", "fractions", "z3")


@dataclass(frozen=True)
class Answer:
    """`holds` is True, False with z3's `model` of a counterexample, or None: not decided. `layer`
    says who found it, `needs` what must not be 0."""

    holds: bool | None
    layer: str = ""
    needs: frozenset[Term] = frozenset()
    model: Any = None


class Prover:
    """Equality of terms under these facts, where the `given` conditions hold; z3 does no more for
    it than this `work`."""

    def __init__(self, facts: Facts, given: tuple[Term, ...] = (), work: Work | None = None):
        self.facts, self.given = facts, given
        self.work = Work() if work is None else work
        self._cases: dict[Term, tuple[Prover, Prover]] = {}
        self._asking = False
        self._signs: dict[Term, bool] = {}
        self._nonzero: dict[Term, bool] = {}
        self._decided: dict[Term, bool | None] = {}
        self._answers: dict[tuple[Term, Term], Answer] = {}
        self.fractions = self._fractions()

    def _fractions(self) -> Fractions:
        return Fractions(self.nonnegative, self.decided, lambda: self.work.over)

    def equal(self, a: Term, b: Term) -> Answer:
        """Whether the two are equal at any one place."""
        if a is b:
            return Answer(True, LAYERS[0])
        if (a, b) not in self._answers:
            self._answers[a, b] = self._equal(a, b)
        return self._answers[a, b]

    def same(self, a: Term, b: Term) -> bool:
        """Whether the two are known to be equal, whatever is 0; within a question only fractions
        are asked, or there would be questions without end."""
        if self._asking:
            return self._alike(a, b)
        self._asking = True
        try:
            answer = self.equal(a, b)
        finally:
            self._asking = False
        return answer.holds is True and not answer.needs

    def _alike(self, a: Term, b: Term) -> bool:
        """Whether two are one fraction, whatever is 0."""
        (x, first), (y, second) = self._lowest(a), self._lowest(b)
        return x is y and not first | second

    def form(self, term: Term) -> Term:
        """The term in lowest terms, or as it is if it is too large."""
        return self._lowest(term)[0]

    def _lowest(self, term: Term) -> tuple[Term, frozenset[Term]]:
        """The term in lowest terms, and what was cancelled and may be 0."""
        for _ in range(2):  # the second time without the atoms of earlier terms
            try:
                form, cancelled = self.fractions.form(term), self.fractions.needs(term)
                return form, frozenset(x for x in cancelled if not self.nonzero(x))
            except (TooLarge, RecursionError):
                self.fractions = self._fractions()
        return term, frozenset()

    def _equal(self, a: Term, b: Term) -> Answer:
        (x, first), (y, second) = self._lowest(a), self._lowest(b)
        needs = first | second
        if x is y:
            return Answer(True, LAYERS[1], needs | self._lost(a, b))
        model, asked = None, ((x, y, needs), (a, b, frozenset()))
        for one, other, cancelled in asked:
            holds, found = self._ask(equal(one, other))
            if holds:
                return Answer(True, LAYERS[2], cancelled | self._lost(a, b))
            model = found or model
        return self._by_cases(x, y, needs, model)

    def _lost(self, a: Term, b: Term) -> frozenset[Term]:
        """What must not be negative where only one of the two asks for it: a root or a logarithm
        that fell out on the way is no number there."""
        ours, theirs = ({self.form(x) for x in _roots(y)} for y in (a, b))
        open_ones = (x for x in ours ^ theirs if not self.nonnegative(x))
        return frozenset(negate(less(x, ZERO)) for x in open_ones)

    def _ask(self, goal: Term) -> tuple[bool | None, Any]:
        logic = Logic(self.facts, self.nonnegative, self.same, self.work)
        return logic.always(goal, QUICK if self._asking else EQUATION, self.given)

    def _by_cases(self, a: Term, b: Term, needs: frozenset[Term], model: Any) -> Answer:
        """Whether two terms are equal both where a condition in them holds and where not."""
        shallow = len(self.given) < DEEPEST and not self._asking
        condition = _condition(a, b) if shallow else None
        if condition is None:
            return Answer(False if model else None, LAYERS[2], frozenset(), model)
        for prover, value in zip(self._under(condition), (True, False), strict=True):
            answer = prover.equal(*(assumed(x, condition, value) for x in (a, b)))
            if answer.holds is not True:
                return Answer(answer.holds, answer.layer, frozenset(), answer.model or model)
            needs |= answer.needs
        return Answer(True, LAYERS[2], needs)

    def _under(self, condition: Term) -> "tuple[Prover, Prover]":
        if condition not in self._cases:
            self._cases[condition] = (
                Prover(self.facts, (*self.given, condition), self.work),
                Prover(self.facts, (*self.given, negate(condition)), self.work),
            )
        return self._cases[condition]

    def always(self, condition: Term) -> bool:
        """Whether a condition is known to hold."""
        logic = Logic(self.facts, self.nonnegative, self._alike, self.work)
        return logic.always(condition, QUICK, self.given)[0] is True

    def nonnegative(self, term: Term) -> bool:
        """Whether a term is known to be at least 0."""
        if term not in self._signs:
            self._signs[term] = False  # while it is being decided
            self._signs[term] = self.facts.plainly(term) or self.always(negate(less(term, ZERO)))
        return self._signs[term]

    def nonzero(self, term: Term) -> bool:
        """Whether a term is known never to be 0."""
        if term not in self._nonzero:
            self._nonzero[term] = self.always(negate(equal(term, ZERO)))
        return self._nonzero[term]

    def decided(self, condition: Term) -> bool | None:
        """Whether a condition about counters and settings always or never holds."""
        if condition not in self._decided:
            self._decided[condition] = None  # while it is being decided
            self._decided[condition] = self._settled(condition)
        return self._decided[condition]

    def _settled(self, condition: Term) -> bool | None:
        if condition in self.given:
            return True
        if negate(condition) in self.given:
            return False
        parts = list(walk(condition))
        plain = all(x.op not in ("fn", "opq", "agg", "sqrt") for x in parts)
        about = all(x.op != "sym" or self._bounded(x) for x in parts)
        if not (plain and about and condition.op in ("lt", "eq", "and") and len(parts) < LARGE):
            return None
        for value, goal in ((True, condition), (False, negate(condition))):
            if self.always(goal):
                return value
        return None

    @ft.cached_property
    def _names(self) -> set[str]:
        facts = self.facts
        return facts.unit | facts.positive | facts.counters.keys()

    def _bounded(self, x: Term) -> bool:
        return x.args[0] in self._names or x.args[0][0] == "|" or x.sort == "int"


def _roots(term: Term) -> Iterator[Term]:
    """What roots, logarithms and broken powers are taken of."""
    for x in walk(term):
        whole = x.op == "pow" and is_num(x.args[1]) and x.args[1].args[0].denominator == 1
        if x.op in ("sqrt", "log", "pow") and not whole:
            yield x.args[0]


def _condition(a: Term, b: Term) -> Term | None:
    """A condition by which either chooses and that does not itself depend on another choice: the
    outermost, which settles most."""
    found = None
    for x in walk(a, b):
        if x.op == "ite" and not any(y.op == "ite" for y in walk(x.args[0])):
            found = x.args[0]
    return found
