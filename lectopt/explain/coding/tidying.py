"""Terms as one writes them: without guards that never act, casts and caps, with `abs`, `max` and
whole powers for what they are."""

from collections.abc import Callable
from typing import Any

from lectopt.explain.coding.positive import Positive
from lectopt.explain.coding.simplifying import pattern, simplified
from lectopt.explain.induction import LARGEST_START
from lectopt.explain.proving import LARGE, Prover
from lectopt.explain.terms import (
    LEAVES,
    MAKE,
    ONE,
    TRUE,
    ZERO,
    Term,
    add,
    assumed,
    both,
    ite,
    less,
    mul,
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
        if x.op == "ite" and (found := pattern(x)) is not None:
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
    """A condition in a sum over places that is the same at all of them, and lets a number stand
    for an array."""
    found = (y.args for y in walk(x.args[1]) if y.op == "ite" and y.indices)
    return next(
        (c for c, *cases in found if not (c.indices or all(y.indices for y in cases))), None
    )


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
