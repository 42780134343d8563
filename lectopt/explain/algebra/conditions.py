"""Conditions: which of them can be decided, and what is left of the others.

Formulas are about real numbers. What the bounds of two expressions decide is decided, and what only
guards against overflow or underflow is left out; so a guard like `v + eps == 0` vanishes.
"""

import math
from collections.abc import Mapping
from typing import Any

import sympy as sp
from sympy.core.relational import Relational
from sympy.logic.boolalg import Boolean

from lectopt.explain.algebra.bounds import bounds
from lectopt.explain.algebra.cases import Case
from lectopt.explain.algebra.nodes import Maximum, Minimum, Sign, constant, in_order, number

# A guard against overflow and underflow says nothing of the numbers between them.
TINY, HUGE = 1e-50, 1e50
FLIPPED = {sp.Lt: sp.Gt, sp.Gt: sp.Lt, sp.Le: sp.Ge, sp.Ge: sp.Le}


def compare(relation: Any, a: Any, b: Any) -> Any:
    """`a relation b`, decided where the sizes of the two decide it."""
    if relation is sp.Ne:
        return sp.Not(compare(sp.Eq, a, b))
    if number(a) is not None and number(b) is None and relation in FLIPPED:
        return compare(FLIPPED[relation], b, a)
    limit = number(b)
    if limit is not None and limit > HUGE and finite(a):
        return sp.true if relation in (sp.Lt, sp.Le) else sp.false
    if limit is not None and 0 < limit < TINY and bounds(a).nonnegative:
        relation, b = {sp.Ge: sp.Gt, sp.Lt: sp.Le}.get(relation, relation), sp.S.Zero
    if isinstance(a, Case) and number(b) is not None and number(a.args[1]) is not None:
        question: Any = a.args[0]
        yes, no = (compare(relation, x, b) for x in a.args[1:])
        return sp.And(question, yes) | sp.And(sp.Not(question), no)
    if b == 0 and relation is not sp.Eq:
        a, relation = _stripped(a, relation)
    gap = bounds(a - b)
    below, above = gap.negated(), gap
    if relation is sp.Eq:
        if below.positive or above.positive:
            return sp.false
        return _equal(a, b)
    if relation in (sp.Gt, sp.Ge):
        below, above = above, below
    strict = relation in (sp.Lt, sp.Gt)
    if below.positive or (not strict and below.nonnegative):
        return sp.true
    if above.positive or (strict and above.nonnegative):
        return sp.false
    if not strict and above.nonnegative:
        return _equal(a, b)
    if strict and below.nonnegative:
        return sp.Not(_equal(a, b))
    a, b = _shifted(a, b)
    if number(b) is not None and a.as_coeff_Mul()[0] == -1:  # -t < -2 is t > 2
        a, b, relation = -a, -b, FLIPPED[relation]
    return relation(a, b, evaluate=False)


def finite(expr: Any) -> bool:
    """Whether an expression is no infinity: only statistics that start as one may be."""
    return not expr.has(sp.oo, -sp.oo) and all(s.is_real for s in expr.free_symbols)


def _stripped(a: Any, relation: Any) -> tuple[Any, Any]:
    """`a` without factors that do not decide its sign, and with that the relation to 0."""
    direction, a = decisive(a)
    return a, FLIPPED[relation] if direction < 0 else relation


def decisive(x: Any) -> tuple[int, Any]:
    """The sign of the known factors of a product, and the product of the others, which decide."""
    factors = [y for f in sp.Mul.make_args(x) for y in sp.Mul.make_args(_signless(f))]
    known = [f for f in factors if bounds(f).positive or bounds(f).negated().positive]
    direction = (-1) ** sum(not bounds(f).positive for f in known)
    return direction, sp.Mul(*(f for f in factors if f not in known))


def _signless(x: Any) -> Any:
    return x.args[0] if isinstance(x, Sign) else x


def _shifted(a: Any, b: Any) -> tuple[Any, Any]:
    """Two sides with the integers on the right: `t - 1 < 5` is `t < 6`."""
    if isinstance(a, sp.Add) and b.is_Integer:
        shift, rest = a.as_coeff_Add()
        if shift.is_Integer:
            return rest, b - shift
    return a, b


def _equal(a: Any, b: Any) -> Any:
    """`a = b`; of a product that is 0, one factor is, and what has sign 1 is positive."""
    if a == b:
        return sp.true
    if isinstance(a, Sign) and b in (1, -1):
        inside: Any = a.args[0]
        return compare(sp.Gt, b * inside, sp.S.Zero)
    a, b = _shifted(a, b)
    if number(a) is not None and number(b) is not None:
        return sp.true if number(a) == number(b) else sp.false
    if b == 0 and isinstance(a, sp.Pow) and bounds(a.exp).positive:
        return _equal(a.base, b)
    if b == 0 and isinstance(a, sp.Mul):
        doubtful = [x for x in a.args if not bounds(x).positive and number(x) is None]
        if 0 < len(doubtful) < len(a.args):
            return _equal(sp.Mul(*doubtful), b)
    return sp.Eq(a, b, evaluate=False)


def rebuilt(expr: Any, mapping: Mapping[Any, Any]) -> Any:
    """`expr` with symbols replaced, and the conditions on them decided again."""
    known: dict[Any, Any] = dict(mapping)

    def again(expr: Any) -> Any:
        if expr not in known:
            args = [again(arg) for arg in expr.args]
            if all(a is b for a, b in zip(args, expr.args, strict=True)):
                known[expr] = expr
            elif isinstance(expr, Relational):
                known[expr] = compare(type(expr), *args)
            elif isinstance(expr, sp.Add | sp.Mul) and all(number(x) is not None for x in args):
                numbers = [number(x) or 0 for x in args]
                joined = sum(numbers) if isinstance(expr, sp.Add) else math.prod(numbers)
                known[expr] = constant(joined)
            elif isinstance(expr, Maximum | Minimum):
                known[expr] = (maximum if isinstance(expr, Maximum) else minimum)(*args)
            else:
                known[expr] = expr.func(*args)
        return known[expr]

    return again(expr)


def maximum(a: Any, b: Any) -> Any:
    """The larger of two, where that is not known; `max(0, sign(x))` asks whether `x > 0`."""
    if {type(a), type(b)} == {type(sp.S.Zero), Sign}:
        x = a if isinstance(a, Sign) else b
        return Case(compare(sp.Gt, x.args[0], sp.S.Zero), sp.S.One, sp.S.Zero)
    gap = bounds(a - b)
    return a if gap.nonnegative else b if gap.negated().nonnegative else Maximum(*in_order(a, b))


def minimum(a: Any, b: Any) -> Any:
    """The smaller of two, where that is not known."""
    for x, y in ((a, b), (b, a)):
        if (number(x) or 0) > HUGE and finite(y):
            return y
    gap = bounds(a - b)
    return b if gap.nonnegative else a if gap.negated().nonnegative else Minimum(*in_order(a, b))


def both(a: Any, b: Any) -> Any:
    """`a and b`: where one of them says what a symbol is, the other is asked of that value; what
    is below 0 is not 0."""
    for x, y in ((a, b), (b, a)):
        if isinstance(x, sp.Lt | sp.Gt) and isinstance(y, sp.Ne) and x.args == y.args:
            return x
        if isinstance(x, sp.Eq) and x.lhs.is_Symbol and number(x.rhs) is not None:
            return sp.And(x, rebuilt(y, {x.lhs: x.rhs}))
    return sp.And(a, b)


def truth(x: Any) -> Any:
    """A number as a condition: whether it is not 0."""
    return x if isinstance(x, Boolean) and not _numeric(x) else compare(sp.Ne, x, sp.S.Zero)


def _numeric(x: Any) -> bool:
    return isinstance(x, sp.Symbol) and x.is_real is True
