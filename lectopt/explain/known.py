"""What is known of numbers at every step: signs, and between what they are."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from lectopt.explain.facts import Facts
from lectopt.explain.rewriting import walk
from lectopt.explain.terms import INF, MINUS_ONE, ONE, ZERO, Term, add, div, is_num, neg, num, sub

T = Term("sym", "t", (), "int")


MOST = 2**29  # updates: twice as many can be counted in 32 bits


TINY, HUGE = Fraction(1, 10**50), 10**50  # numbers are between them, or 0


LEAST = neg(INF)


LAST = {2**bits - 1 for bits in (31, 63)}


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

    def decided(self, condition: Term) -> bool | None:
        """Whether a comparison always or never holds."""
        if condition.op == "bool":
            return condition.args[0]
        if condition.op not in ("lt", "eq"):
            return None
        a, b = condition.args
        if a.sort == "bool" or a.sort == "other":
            return None
        if LEAST in (a, b):
            known = self._infinite(condition, *(INF if x is LEAST else x for x in (a, b)))
            return None if known is None else condition.op == "lt" and a is LEAST
        if INF in (a, b) or (is_num(b) and b.args[0] > HUGE):
            return self._infinite(condition, a, b)
        first, second = self.span(a), self.span(b)
        if first is not None and second is not None:
            (low, high), (least, most) = first, second
            if high < least:
                return condition.op == "lt"
            if low > most or (condition.op == "lt" and low >= most):
                return False
        ends = linear(sub(b, a))
        if ends is not None:
            first, last = ends[0] + ends[1], MOST * ends[0] + ends[1]
            if min(first, last) > 0:
                return condition.op == "lt"
            if max(first, last) < 0 or (condition.op == "lt" and max(first, last) <= 0):
                return False
            return None
        if condition.op == "lt":
            if (is_num(a) and a.args[0] >= FULL) or (is_num(b) and b.args[0] <= -FULL):
                return False
            if b is ZERO and self.plainly(a):
                return False
            if a is ZERO and self.above(b):
                return True
            return False if a is ZERO and self.plainly(neg(b)) else None
        other = b if a is ZERO else a if b is ZERO else None
        return False if other is not None and self.above(other) else None

    def _infinite(self, condition: Term, a: Term, b: Term) -> bool | None:
        """Formulas are of real numbers; what starts as infinity, or nobody knows, may be so."""
        other = b if a is INF else a
        for x in walk(other, inside=True):
            if x is INF or x.op == "opq" or (x.op == "sym" and x.args[0] in self.infinite):
                return None
        return condition.op == "lt" and a is other

    def above(self, term: Term) -> bool:
        """Whether a term is plainly more than 0."""
        a = term.args
        match term.op:
            case "num":
                return a[0] > 0
            case "sym":
                return a[0] in self.positive or a[0] in self.unit or term is T
            case "sqrt":
                return self.above(a[0])
            case "exp":
                return True
            case "pow":
                return self.above(a[0])
            case "mul" | "div":
                return all(map(self.above, a))
            case "add":
                if self.below_one(term):
                    return True
                one = any(map(self.above, a))
                return one and all(self.above(x) or self.plainly(x) for x in a)
            case "ite":
                if a[0].op == "lt" and (a[1], a[2]) == a[0].args[::-1]:  # the larger of two
                    return self.above(a[1]) or self.above(a[2])
                return self.above(a[1]) and self.above(a[2])
        return False

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
