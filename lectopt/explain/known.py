"""What is known of numbers at every step: signs, and between what they are."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from lectopt.explain.logic import Facts
from lectopt.explain.terms import (
    INF,
    MINUS_ONE,
    ONE,
    Term,
    add,
    div,
    is_num,
    neg,
    num,
    walk,
)  # fmt: skip

T = Term("sym", "t", (), "int")


MOST = 2**29  # updates: twice as many can be counted in 32 bits


TINY, HUGE = Fraction(1, 10**50), 10**50  # numbers are between them, or 0


LEAST = neg(INF)


LAST = {2**bits - 1 for bits in (15, 31, 63)}


FULL = 2**62  # guards against the ends of 64 bits are left out


def linear(term: Term) -> tuple[Fraction, Fraction] | None:
    """(a, b) of a*t + b, None of anything else."""
    if term is T:
        return Fraction(1), Fraction(0)
    if is_num(term):
        return Fraction(0), term.args[0]
    if term.op not in ("add", "mul", "div"):
        return None
    x, y = map(linear, term.args)
    if x is None or y is None:
        return None
    if term.op == "add":
        return x[0] + y[0], x[1] + y[1]
    if term.op == "mul" and (x[0] == 0 or y[0] == 0):
        return x[0] * y[1] + y[0] * x[1], x[1] * y[1]
    return (x[0] / y[1], x[1] / y[1]) if term.op == "div" and y[0] == 0 and y[1] else None


def line(a: Fraction, b: Fraction) -> Term:
    """a*t + b."""
    return add(num(b), T if a == 1 else Term("mul", num(a), T)) if a else num(b)


@dataclass
class Known(Facts):
    """Facts that know a decay from 1 too; `infinite` are slots that may be so."""

    infinite: set[str] = field(default_factory=set)

    def span(self, term: Term) -> tuple[Fraction, Fraction] | None:
        """Between what a whole number is, None if that is not known."""
        a: Any = term.args
        if term is T:
            return Fraction(1), Fraction(MOST)
        if is_num(term):
            return a[0], a[0]
        if term.op == "sym" and a[0] in self.counters:
            return Fraction(0), Fraction(MOST)
        if term.op == "add" and self._is_rest(term) and is_num(n := term.args[1].args[1].args[0]):
            return Fraction(0), n.args[0] - 1
        if term.op not in ("add", "mul", "ite", "floor", "div"):
            return None
        x, y = self.span(a[-2 if len(a) > 1 else -1]), self.span(a[-1])
        if x is None or y is None:
            return None
        match term.op:
            case "add":
                return x[0] + y[0], x[1] + y[1]
            case "ite":
                return min(x[0], y[0]), max(x[1], y[1])
            case "floor":
                return Fraction(x[0] // 1), Fraction(x[1] // 1)
            case "div":
                return (x[0] / y[0], x[1] / y[0]) if y[0] == y[1] > 0 else None
        ends = [p * q for p in x for q in y]
        return min(ends), max(ends)

    def plainly(self, term: Term) -> bool:
        """Whether a term is at least 0, seen without any search."""
        if term is T or (term.op == "add" and self.below_one(term)):
            return True
        if term.op == "add" and (ends := linear(term)) is not None:
            return min(ends[0] + ends[1], ends[0]) >= 0
        if term.op == "add" and self._is_rest(term):
            return True
        return super().plainly(term)

    def _is_rest(self, term: Term) -> bool:
        """Whether it is what a division by something positive leaves: x - b*floor(x/b)."""
        x, y = term.args
        if y.op != "mul" or y.args[0] is not MINUS_ONE or y.args[1].op != "mul":
            return False
        b, whole = y.args[1].args
        return whole.op == "floor" and whole.args[0] is div(x, b) and self.plainly(b)

    def below_one(self, term: Term) -> bool:
        """Whether it is 1 minus a decay, or minus a power of one."""
        first, second = term.args
        if first is not ONE or second.op != "mul" or second.args[0] is not MINUS_ONE:
            return False
        x = second.args[1]
        base = x.args[0] if x.op == "pow" else x
        fraction = is_num(base) and 0 < base.args[0] < 1
        unit = base.op == "sym" and base.args[0] in self.unit
        return (fraction or unit) and (x.op != "pow" or self.plainly(x.args[1]))


def names_in(terms: Iterable[Term]) -> set[str]:
    """The names of the symbols in terms, also in sums and whole arrays."""
    return {x.args[0] for x in walk(*terms, inside=True) if x.op == "sym"}
