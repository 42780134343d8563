"""What z3 is told of roots, powers, exponentials and sums: what is true of them where they are
defined."""

from collections.abc import Callable, Iterator
from typing import Any

from lectopt.explain.terms import Term, mul
from lectopt.explain.work import z3

Sign = Callable[[Term], bool]
Same = Callable[[Term, Term], bool]


def _root_says(term: Term, x: Any, a: list[Any], nonnegative: Sign) -> Iterator[Any]:
    yield x >= 0
    yield z3.Implies(a[0] >= 0, x * x == a[0])


def _exp_says(term: Term, x: Any, a: list[Any], nonnegative: Sign) -> Iterator[Any]:
    yield x > 0
    yield x >= 1 + a[0]


def _log_says(term: Term, x: Any, a: list[Any], nonnegative: Sign) -> Iterator[Any]:
    yield z3.Implies(a[0] > 0, x <= a[0] - 1)
    yield z3.Implies(a[0] >= 1, x >= 0)


def _pow_says(term: Term, x: Any, a: list[Any], nonnegative: Sign) -> Iterator[Any]:
    base, exponent = a
    unit = z3.And(base > 0, base < 1)
    yield z3.Implies(base > 0, x > 0)
    yield z3.Implies(z3.And(unit, exponent >= 0), x <= 1)
    yield z3.Implies(z3.And(unit, exponent > 0), x < 1)
    yield z3.Implies(z3.And(unit, exponent >= 1), x <= base)
    yield z3.Implies(z3.And(exponent == 0, base > 0), x == 1)


def _fn_says(term: Term, x: Any, a: list[Any], nonnegative: Sign) -> Iterator[Any]:
    if term.args[0] in ("tanh", "erf"):
        yield z3.And(x < 1, x > -1)
        yield z3.And((a[2] > 0) == (x > 0), (a[2] < 0) == (x < 0))
    elif term.args[0] in ("sin", "cos"):
        yield z3.And(x <= 1, x >= -1)


def _agg_says(term: Term, x: Any, a: list[Any], nonnegative: Sign) -> Iterator[Any]:
    if term.args[0] in ("sum", "max", "min", "prod") and nonnegative(term.args[1]):
        yield x >= 0


def largest_says(
    largest: Term, summed: Term, x: Any, y: Any, same: Same, nonnegative: Sign
) -> Iterator[Any]:
    """Of the largest `x` of some numbers and the sum `y` of their squares: max|v|^2 <= Σ v^2, which
    is 0 only if the largest is. An array has one place at least."""
    (kind, body, over), (other, square, spans) = largest.args, summed.args
    if (kind, other) != ("max", "sum") or over != spans:
        return
    cases = body.args[1:] if body.op == "ite" else (body,)
    if all(same(mul(v, v), square) for v in cases):
        yield x * x <= y
        if nonnegative(body):
            yield z3.Implies(x == 0, y == 0)


SAYS: dict[str, Callable[..., Iterator[Any]]] = {
    "sqrt": _root_says, "exp": _exp_says, "log": _log_says, "pow": _pow_says, "fn": _fn_says,
    "agg": _agg_says,
}  # fmt: skip
