"""Terms as one writes them: without guards that never act, casts and caps, with `abs`, `max` and
whole powers for what they are."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from lectopt.explain.coding.positive import Positive
from lectopt.explain.induction import LARGEST_START
from lectopt.explain.proving import LARGE, Prover
from lectopt.explain.terms import (
    LEAVES,
    MAKE,
    MINUS_ONE,
    ONE,
    TRUE,
    ZERO,
    Term,
    add,
    assumed,
    both,
    is_num,
    ite,
    less,
    mul,
    neg,
    negate,
    num,
    rewrite,
    total,
    walk,
)  # fmt: skip

WRAPS = ("wrap int32", "wrap int64")
OVERFLOW = "Whole numbers are taken never to overflow."
FLOATS = ("float64", "float32", "float16", "bfloat16")


class Tidier:
    """Terms under these facts.

    Args:
      prover: what is known.
      remarks: what the transformation does and the tidied terms do not, filled in.
    """

    def __init__(self, prover: Prover, remarks: set[str]):
        self.prover, self.remarks, self.positive = prover, remarks, Positive(prover)
        self._settled: dict[Term, Term] = {}
        self._tidy: dict[Term, Term] = {}

    def __call__(self, term: Term) -> Term:
        """The term, tidied."""
        return self.tidy(self.settled(term))

    def settled(self, x: Term) -> Term:
        """The term without conditions that always or never hold, and without casts."""
        if x not in self._settled:
            self._settled[x] = self._settle(x)
        return self._settled[x]

    def _settle(self, x: Term) -> Term:
        if x.op in LEAVES:
            return x
        if x.op == "ite":
            if (whole := self._unwrapped(x)) is not None:
                return self.settled(whole)
            condition = self._decided(self.settled(x.args[0]))
            cases = (
                assumed(y, condition, v) for y, v in zip(x.args[1:], (True, False), strict=True)
            )
            return ite(condition, *_lazily(condition, tuple(cases), self.settled))
        if x.op == "agg" and (condition := _outer_condition(x)) is not None:
            return self.settled(_by_cases(x, condition))
        if x.op == "fn" and x.args[0].startswith("cast "):
            return self._cast(x)
        return _rebuilt(x, self.settled)

    def _unwrapped(self, x: Term) -> Term | None:
        """A whole number that wraps where it does not fit, without that; None if it is none."""
        _, inside, outside = x.args
        if outside.op != "fn" or outside.args[0] not in WRAPS or outside.args[2] is not inside:
            return None
        if self._decided(self.settled(x.args[0])) is not TRUE:
            self.remarks.add(OVERFLOW)
        return inside

    def _cast(self, x: Term) -> Term:
        _, old, new = x.args[0].split()
        inner = self.settled(x.args[2])
        if new in FLOATS:
            self.remarks.add(f"The original rounds to {new} on the way; this does not.")
            return inner
        return Term("fn", "trunc", "real", inner)

    def _decided(self, x: Term) -> Term:
        if x.op in ("bool", "not"):
            return negate(self._decided(x.args[0])) if x.op == "not" else x
        if x.op == "and":
            return both(*map(self._decided, x.args))
        known = self.positive.decided(x)
        known = self.prover.decided(x) if known is None else known
        if known is None and len(list(walk(x))) < LARGE:
            free = freed(x)
            for value, goal in ((True, free), (False, negate(free))):
                if self.prover.always(goal):
                    return Term("bool", value)
        return x if known is None else Term("bool", known)

    def tidy(self, x: Term) -> Term:
        """The term in fewer operations."""
        if x not in self._tidy:
            self._tidy[x] = x if x.op in LEAVES else self._simpler(x)
        return self._tidy[x]

    def _simpler(self, x: Term) -> Term:
        if x.op == "ite" and (found := _pattern(x)) is not None:
            found = _rebuilt(found, self.tidy)
            return self._larger(found) if found.args[0] == "max" else found
        return simplified(_rebuilt(x, self.tidy))

    def _larger(self, x: Term) -> Term:
        """`max(0, x)` of what is never negative is `x`."""
        a, b = x.args[2:]
        if a is ZERO and self.positive.nonnegative(b):
            return b
        return a if b is ZERO and self.positive.nonnegative(a) else x


def _outer_condition(x: Term) -> Term | None:
    """A condition in a sum over places that is the same at all of them."""
    found = (y.args[0] for y in walk(x.args[1]) if y.op == "ite")
    return next((c for c in found if not c.indices), None)


def _by_cases(x: Term, condition: Term) -> Term:
    kind, body, over = x.args
    cases = (gathered_over(kind, assumed(body, condition, v), over) for v in (True, False))
    return ite(condition, *cases)


def gathered_over(kind: str, body: Term, over: tuple[Any, ...]) -> Term:
    """A sum, a maximum, ... of what may be the same at all places."""
    if body.indices or body is ONE or kind not in ("sum", "max", "min"):
        return total(kind, body, over)
    return mul(body, total("sum", ONE, over)) if kind == "sum" else body


def _lazily(
    condition: Term, cases: tuple[Term, ...], change: Callable[[Term], Term]
) -> tuple[Term, ...]:
    """The cases changed, the one that is never taken left."""
    if condition.op != "bool":
        return tuple(map(change, cases))
    taken = change(cases[0] if condition is TRUE else cases[1])
    return taken, taken


def _rebuilt(x: Term, change: Callable[[Term], Term]) -> Term:
    args = [change(y) if isinstance(y, Term) else y for y in x.args]
    return MAKE[x.op](*args) if x.op in MAKE else Term(x.op, *args)


def function(name: str, *args: Term) -> Term:
    """A function that programs have by name."""
    return Term("fn", name, "real", *args)


def _pattern(x: Term) -> Term | None:
    """The largest, smallest, size or sign that cases are."""
    c, a, b = x.args
    if c.op != "lt":
        return None
    low, high = c.args
    if high is ZERO and low is b and a is neg(b):
        return function("abs", b)
    if low is ZERO and a is ONE and b.op == "ite" and b.args[1:] == (MINUS_ONE, ZERO):
        if b.args[0] is less(high, ZERO):
            return function("sign", high)
    if {a, b} == {low, high}:
        return function("max" if a is high else "min", low, high)
    return None


def simplified(x: Term) -> Term:
    """An operation on tidy terms."""
    match x.op:
        case "add":
            return _sum(x)
        case "mul":
            return _product(*x.args)
        case "exp":
            return _exponential(x)
        case "lt" | "eq":
            return _compared(x)
        case "floor" if x.args[0].op == "div":
            return function("floordiv", *x.args[0].args)
        case "floor" if x.args[0].sort == "int":
            return x.args[0]
    return x


def _sum(x: Term) -> Term:
    """Numbers are added up; `a - b*(a // b)` is the remainder."""
    terms, number = split(x)
    for y in terms:
        if (found := _divided(y)) is None:
            continue
        a, b = found
        inner, shift = split(a)
        if len(inner) == 1 and inner[0] in terms:
            terms = [z for z in terms if z is not y and z is not inner[0]]
            terms, number = [function("mod", a, b), *terms], number - shift
            break
    out = num(number)
    for y in terms:
        out = add(out, y)
    return out


def split(x: Term) -> tuple[list[Term], Fraction]:
    """What is added up, and the numbers among it."""
    terms, number, stack = [], Fraction(0), [x]
    while stack:
        y = stack.pop()
        if y.op == "add":
            stack.extend(reversed(y.args))
        elif is_num(y):
            number += y.args[0]
        else:
            terms.append(y)
    return terms, number


def _divided(x: Term) -> tuple[Term, Term] | None:
    """(a, b) of `-b*(a // b)`."""
    if x.op != "mul" or not is_num(x.args[0]):
        return None
    factor, q = x.args
    b = neg(factor)
    if factor is MINUS_ONE and q.op == "mul":
        b, q = q.args
    if q.op == "fn" and q.args[0] == "floordiv" and q.args[3] is b:
        return q.args[2], b
    return None


def _compared(x: Term) -> Term:
    """`3 < 1 + a` is `2 < a`."""
    a, b = x.args
    for one, other, make in ((a, b, MAKE[x.op]), (b, a, lambda p, q: MAKE[x.op](q, p))):
        if is_num(one) and other.op == "add" and is_num(other.args[0]):
            terms, number = split(other)
            return make(num(one.args[0] - number), _sum(add(other, num(-number))))
    return x


def _product(a: Term, b: Term) -> Term:
    """Numbers come first; minus a difference is the difference the other way around."""
    if is_num(b) and not is_num(a):
        a, b = b, a
    if is_num(a) and b.op == "mul" and is_num(b.args[0]):
        return _product(num(a.args[0] * b.args[0].args[0]), b.args[1])
    if a is MINUS_ONE and b.op == "add" and (any(map(is_num, b.args))):
        return _sum(add(_product(a, b.args[0]), _product(a, b.args[1])))
    return mul(a, b)


def _exponential(x: Term) -> Term:
    """`exp(t*log(b))` is `b^t`."""
    inner = x.args[0]
    if inner.op == "mul":
        for base, exponent in (inner.args, inner.args[::-1]):
            if base.op == "log":
                return Term("pow", base.args[0], exponent)
    return x


def freed(x: Term) -> Term:
    """The term with a symbol of which nothing is known for every function of arrays."""

    def change(y: Term) -> Term | None:
        return Term("sym", f"any{y.id}", (), y.sort) if y.op in ("agg", "opq", "fn") else None

    return rewrite(x, change, {})


def counts(prover: Prover, symbol: Term, start: Term, after: Term) -> bool:
    """Whether a whole number counts: from a small one, never below 0, by at most 1 an update."""
    large = num(LARGEST_START)
    start, after = freed(start), freed(after)
    grown = less(add(symbol, ONE), after)
    wrong = (less(start, ZERO), less(large, start), less(after, ZERO))
    return all(prover.always(negate(x)) for x in (*wrong, both(grown, less(large, after))))
