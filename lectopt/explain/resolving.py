"""What is known at every step decides conditions: counters, signs, and numbers that never move.

A counter is `t - 1` before update t; the update itself shows that, by induction. A guard against
the last number of a counter, or against a negative sum of squares, then says nothing and goes.
"""

import functools as ft
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lectopt.explain.known import LAST, TINY, Known, T, line, linear
from lectopt.explain.primitives import constant
from lectopt.explain.rewriting import rewrite, walk
from lectopt.explain.terms import (
    FALSE,
    INF,
    LEAVES,
    MAKE,
    MINUS_ONE,
    ONE,
    TRUE,
    ZERO,
    Term,
    add,
    both,
    div,
    either,
    equal,
    is_num,
    ite,
    less,
    mul,
    negate,
    num,
    sub,
)

SHORT = 16  # numbers in a table whose sum is computed
ENDLESS = frozenset(f"wrap {kind}{bits}" for kind in ("int", "uint") for bits in (32, 64))
WIDE = ("cast float64 float32", "cast int64 float32", "cast int32 float32")


def _finite(x: Term) -> tuple[Term, Term] | None:
    """The condition under which a term is infinite, and the term where it is not."""
    a = x.args
    if x.op == "ite" and INF in a[1:]:
        return (a[0], a[2]) if a[1] is INF else (negate(a[0]), a[1])
    if x.op == "sqrt":
        found = _finite(a[0])
        return None if found is None else (found[0], Term("sqrt", found[1]))
    if x.op == "add":
        for one, other in (a, a[::-1]):
            if (found := _finite(one)) is not None:
                return found[0], add(found[1], other)
    return None


def _by_cases(name: str, a: Term, b: Term) -> Term:
    """A comparison with a number of what conditions choose among numbers."""
    for x, y, left in ((a, b, True), (b, a, False)):
        if is_num(y) and x.op == "ite" and _all_numbers(x):
            c, yes, no = x.args
            cases = (_by_cases(name, *((z, y) if left else (y, z))) for z in (yes, no))
            return ite(c, *cases)
    return MAKE[name](a, b)


def _all_numbers(x: Term) -> bool:
    return is_num(x) or (x.op == "ite" and all(map(_all_numbers, x.args[1:])))


def _at(body: Term, index: str, place: int) -> Term:
    """What is summed at one place."""
    return rewrite(body, lambda x: num(place) if x.op == "idx" and x.args[0] == index else None, {})


def _counts(x: Term) -> bool:
    """Whether it is a slot and a small number, or how often something is so."""
    if x.op in ("agg", "fn"):
        return True
    if x.op != "add":
        return False
    number = [y for y in x.args if is_num(y) and abs(y.args[0]) <= 2]
    return len(number) == 1 and any(y.op == "sym" and y.sort == "int" for y in x.args)


def _logarithm(x: Term) -> tuple[Term, Term] | None:
    """(b, e) of e*log(b)."""
    if x.op == "mul":
        for y, z in (x.args, x.args[::-1]):
            if y.op == "log":
                return y.args[0], z
    return None


@dataclass
class Resolver:
    """Terms with what is known put in: `values` of symbols by name, `facts` about their signs.

    `narrow` is set when a part of what is resolved is computed in float32.
    """

    values: Mapping[str, Term]
    facts: Known = field(default_factory=Known)
    narrow: bool = False
    tables: Mapping[str, Any] = field(default_factory=dict)
    _memo: dict[Term, Term] = field(default_factory=dict)

    def __call__(self, term: Term) -> Term:
        """The term with all conditions decided that can be."""
        return rewrite(term, self._change, self._memo)

    def _change(self, x: Term) -> Term | None:
        a: Any = x.args
        match x.op:
            case "sym":
                return self.values.get(a[0])
            case "ite":
                condition = self(a[0])
                if condition.op == "bool":
                    return self(a[1] if condition.args[0] else a[2])
                return self._chosen(condition, self(a[1]), self(a[2]))
            case "eq" if a[0].sort == "bool":
                first, second = map(self, a)
                for one, other in ((first, second), (second, first)):
                    if one.op == "bool":
                        return other if one.args[0] else negate(other)
                return equal(first, second)
            case "lt" | "eq":
                made = self._plain(_by_cases(x.op, *map(self, a)))
                if made.op not in ("lt", "eq"):
                    return self(made)
                known = self.facts.decided(made)
                if known is None and made.op == "lt" and made.args[0] is ZERO:
                    if self.facts.plainly(made.args[1]):
                        return negate(equal(ZERO, made.args[1]))
                return made if known is None else TRUE if known else FALSE
            case "fn" if a[0] in WIDE:
                self.narrow = self.narrow or a[0] == WIDE[0]
                return self(a[2])
            case "div":
                return self._quotient(self(a[0]), self(a[1]))
            case "and":
                return self._both(self(a[0]), self(a[1]))
            case "exp" if (found := _logarithm(self(a[0]))) is not None:
                return Term("pow", *found)
            case "mul":
                return self._product(*map(self, a))
            case "sqrt":
                inside = self(a[0])
                return inside if inside in (ZERO, ONE) else Term("sqrt", inside)
            case "pow":
                base, exponent = map(self, a)
                return ONE if base is ONE else Term("pow", base, exponent)
            case "opq" if a[0] in self.tables and a[3] and all(map(is_num, a[3])):
                table, place = self.tables[a[0]], tuple(int(i.args[0]) for i in a[3])
                return None if isinstance(table, tuple) else constant(np.asarray(table)[place])
            case "agg" if a[0] == "sum" and self._is_short(x):
                ((k, size),) = a[2]
                return self(ft.reduce(add, (_at(a[1], k, place) for place in range(size))))
            case "agg" if self(a[1]) is ZERO and a[0] in ("sum", "max", "min"):
                return ZERO
            case "fn" if a[0].startswith("leaves ") and self(a[2]) is ZERO:
                return ZERO
            case "floor":
                inside = self(a[0])
                return num(inside.args[0] // 1) if is_num(inside) else Term("floor", inside)
            case "add":
                made = add(*map(self, a))
                ends = linear(made)
                whole = ends is not None and ends[0] == 1 and ends[1].denominator == 1
                return line(*ends) if ends is not None and whole else self._sum(*map(self, a))
        return None

    def _chosen(self, condition: Term, yes: Term, no: Term) -> Term:
        """`yes if condition else no`, and in both what the condition says of itself; also within
        sums, where it is the same for all that is summed. Guards of counters against the last
        number of their type are left out."""
        if condition.op == "not":
            condition, yes, no = condition.args[0], no, yes
        if self._without_root(condition, yes, no):
            return no
        if no.op == "fn" and no.args[0] in ENDLESS and no.args[2] is yes and _counts(yes):
            return yes
        if condition.op == "lt" and is_num(no) and condition.args[1] is no and no.args[0] in LAST:
            return yes
        yes, no = (self._knowing(x, condition, v) for x, v in ((yes, TRUE), (no, FALSE)))
        if condition.op == "lt" and self.facts.plainly(condition.args[0]):
            yes = self._knowing(yes, equal(ZERO, condition.args[1]), FALSE)  # it is above 0
        if yes.sort == "bool":
            first = self._both(condition, yes)
            second = self._both(negate(condition), no)
            if FALSE in (first, second):
                return second if first is FALSE else first
            if TRUE in (yes, no):
                return either(condition, no) if yes is TRUE else either(negate(condition), yes)
        if condition.op == "eq" and yes is ZERO and ZERO in condition.args:
            if no in condition.args:
                return no  # 0 if x == 0 else x
        return ite(condition, yes, no)

    def _is_short(self, x: Term) -> bool:
        """Whether a sum is over a short table of numbers."""
        ((_, size), *more) = x.args[2]
        tables = [y for y in walk(x.args[1]) if y.op == "opq"]
        plain = all(y.op != "sym" or not y.args[1] for y in walk(x.args[1], inside=True))
        known = all(y.args[0] in self.tables for y in tables)
        short = not more and isinstance(size, int) and size <= SHORT
        return bool(tables) and plain and known and short

    def _plain(self, x: Term) -> Term:
        """A comparison of what is not negative with a tiny number as one with 0."""
        if x.op == "lt":
            a, b = x.args
            if is_num(a) and 0 < a.args[0] < TINY and self.facts.plainly(b):
                return less(ZERO, b)
            if is_num(b) and 0 < b.args[0] < TINY and self.facts.plainly(a):
                return equal(ZERO, a)
        return x

    def _without_root(self, condition: Term, yes: Term, no: Term) -> bool:
        """Whether `no` is `yes` too where a norm is 0, and with it all that is summed."""
        if condition.op != "eq" or ZERO not in condition.args:
            return False
        norm = next((x for x in condition.args if x.op == "sqrt"), None)
        total = norm.args[0] if norm is not None else None
        if total is not None and total.op == "fn" and total.args[0].startswith("leaves sum"):
            total = total.args[2]
        if total is None or total.op != "agg" or total.args[1].op != "mul":
            return False
        root, other = total.args[1].args
        if root is not other:
            return False
        name = root.args[0] if root.op == "sym" else None

        def nothing(x: Term) -> Term | None:
            same = x is root or (name is not None and x.op == "sym" and x.args[0] == name)
            return ZERO if same or x is norm else None

        settle = Resolver({}, self.facts)
        return settle(rewrite(yes, nothing, {})) is settle(rewrite(no, nothing, {}))

    def _product(self, x: Term, y: Term) -> Term:
        """x*y; what is taken once or not at all, as cases."""
        if x is MINUS_ONE and y.op == "add" and y.args[1] is MINUS_ONE:  # -(b^t - 1)
            return sub(ONE, y.args[0])
        for one, other in ((x, y), (y, x)):
            if other.op == "ite" and all(map(is_num, other.args[1:])):
                c, yes, no = other.args
                if is_num(one) or {yes, no} == {ZERO, ONE}:
                    return ite(c, mul(one, yes), mul(one, no))
        return mul(x, y)

    def _sum(self, x: Term, y: Term) -> Term:
        """x + y; of numbers that one condition chooses, as cases."""
        for one, other in ((x, y), (y, x)):
            if other.op == "ite" and is_num(one) and all(map(is_num, other.args[1:])):
                return ite(other.args[0], add(one, other.args[1]), add(one, other.args[2]))
        if x.op == y.op == "ite" and x.args[0] is y.args[0]:
            if ZERO in x.args[1:] and ZERO in y.args[1:]:
                return ite(
                    x.args[0],
                    *(self._sum(p, q) for p, q in zip(x.args[1:], y.args[1:], strict=True)),
                )
        return add(x, y)

    def _quotient(self, above: Term, below: Term) -> Term:
        """above/below; 0 where `below` is infinite."""
        found = _finite(below)
        if above is ZERO and is_num(below) and below is not ZERO:
            return ZERO
        if found is None:
            return div(above, below)
        return ite(found[0], ZERO, self._quotient(above, found[1]))

    def _both(self, p: Term, q: Term) -> Term:
        """p and q; where one says which step it is, the other at that step."""
        for x, y in ((p, q), (q, p)):
            if x.op == "not" and x.args[0].op == y.op == "lt" and x.args[0].args == y.args[::-1]:
                return y  # what is less is not more
        for x, y in ((p, q), (q, p)):
            ends = linear(sub(*x.args)) if x.op == "eq" and x.args[0].sort != "bool" else None
            if ends is not None and ends[0]:
                step = num(-ends[1] / ends[0])
                there = Resolver({}, self.facts)(
                    rewrite(y, lambda z, s=step: s if z is T else None, {})
                )
                if there.op == "bool":
                    return x if there.args[0] else FALSE
        return both(p, q)

    def _knowing(self, term: Term, condition: Term, value: Term) -> Term:
        if term.op in LEAVES or not any(x is condition for x in walk(term, inside=True)):
            return term
        return rewrite(term, lambda x: value if x is condition else None, {})
