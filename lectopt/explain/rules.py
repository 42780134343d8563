"""What each elementwise operation of a program is as a formula."""

import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import sympy as sp
from sympy.core.relational import Relational

from lectopt.explain.bounds import bounds
from lectopt.explain.nodes import (
    Absolute,
    Case,
    IsFinite,
    IsNaN,
    Maximum,
    Minimum,
    Sign,
    constant,
    in_order,
    number,
)


# A guard against overflow and underflow says nothing of the numbers between them.
TINY, HUGE = 1e-50, 1e50


def compare(relation: Any, a: Any, b: Any) -> Any:
    """`a relation b`, decided where the sizes of the two decide it."""
    if relation is sp.Ne:
        return sp.Not(compare(sp.Eq, a, b))
    limit = number(b)
    if limit is not None and limit > HUGE and finite(a):
        return sp.true if relation in (sp.Lt, sp.Le) else sp.false
    if limit is not None and 0 < limit < TINY and bounds(a).nonnegative:
        relation, b = {sp.Ge: sp.Gt, sp.Lt: sp.Le}.get(relation, relation), sp.S.Zero
    if isinstance(a, Case) and number(b) is not None and number(a.args[1]) is not None:
        yes, no = (compare(relation, x, b) for x in a.args[1:])
        return sp.And(a.args[0], yes) | sp.And(sp.Not(a.args[0]), no)
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
    return relation(a, b, evaluate=False)


def finite(expr: Any) -> bool:
    """Whether an expression is no infinity: only statistics that start as one may be."""
    return not expr.has(sp.oo, -sp.oo) and all(s.is_real for s in expr.free_symbols)


def _stripped(a: Any, relation: Any) -> tuple[Any, Any]:
    """`a` without factors that do not decide its sign, and with that the relation to 0."""
    flipped = {sp.Lt: sp.Gt, sp.Gt: sp.Lt, sp.Le: sp.Ge, sp.Ge: sp.Le}
    direction, a = _decisive(a)
    return a, flipped[relation] if direction < 0 else relation


def _decisive(x: Any) -> tuple[int, Any]:
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
    """`a = b`; of a product that is 0, one factor is."""
    if a == b:
        return sp.true
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
            elif isinstance(expr, Maximum | Minimum):
                known[expr] = (maximum if isinstance(expr, Maximum) else minimum)(*args)
            else:
                known[expr] = expr.func(*args)
        return known[expr]

    return again(expr)


def maximum(a: Any, b: Any) -> Any:
    """The larger of two, where that is not known."""
    gap = bounds(a - b)
    return a if gap.nonnegative else b if gap.negated().nonnegative else Maximum(*in_order(a, b))


def minimum(a: Any, b: Any) -> Any:
    """The smaller of two, where that is not known."""
    for x, y in ((a, b), (b, a)):
        if (number(x) or 0) > HUGE and finite(y):
            return y
    gap = bounds(a - b)
    return b if gap.nonnegative else a if gap.negated().nonnegative else Minimum(*in_order(a, b))


def power(a: Any, b: Any) -> Any:
    """`a^b`, a root where `b` is half an integer."""
    value = number(b)
    if value is not None and (2 * value).is_integer():
        b = sp.Rational(int(2 * value), 2)
    return a**b


def exponential(x: Any) -> Any:
    """`exp(x)`, a power of `b` where `x` is a multiple of `log(b)`."""
    logs = [f for f in sp.Mul.make_args(x) if isinstance(f, sp.log)]
    if len(logs) == 1 and isinstance(x, sp.Mul):
        return logs[0].args[0] ** sp.Mul(*(f for f in x.args if f is not logs[0]))
    return sp.exp(x)


def sign(x: Any) -> Any:
    """The sign, of a product of signs that of the product."""
    direction, rest = _decisive(x)
    return sp.Integer(direction * (x != 0)) * (Sign(rest) if number(rest) is None else 1)


def absolute(x: Any) -> Any:
    """The absolute value."""
    size = bounds(x)
    return x if size.nonnegative else -x if size.negated().nonnegative else Absolute(x)


def logarithm(x: Any) -> Any:
    """`log(x)`; that of a number stays as it is, for `exp` to meet."""
    return -sp.oo if x == 0 else sp.log(x)


def same(x: Any, *_: Any) -> Any:
    """The value itself."""
    return x


def clamp(low: Any, x: Any, high: Any) -> Any:
    """`x`, but within `low` and `high`."""
    return minimum(maximum(x, low), high)


def truth(x: Any) -> Any:
    """A number as a condition: whether it is not 0."""
    return x if isinstance(x, sp.logic.boolalg.Boolean) and not _numeric(x) else compare(sp.Ne, x, sp.S.Zero)


def _numeric(x: Any) -> bool:
    return isinstance(x, sp.Symbol) and x.is_real is True


def _not_equal(a: Any, b: Any) -> Any:
    return IsNaN(a) if a == b else compare(sp.Ne, a, b)


def _relation(relation: Any) -> Callable[[Any, Any], Any]:
    return lambda a, b: compare(relation, a, b)


FORMULAS: dict[str, Callable[..., Any]] = {
    "add": operator.add,
    "add_any": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
    "neg": operator.neg,
    "pow": power,
    "sqrt": sp.sqrt,
    "rsqrt": lambda x: 1 / sp.sqrt(x),
    "square": lambda x: x**2,
    "exp": exponential,
    "exp2": lambda x: 2**x,
    "expm1": lambda x: exponential(x) - 1,
    "log": logarithm,
    "log1p": lambda x: logarithm(1 + x),
    "abs": absolute,
    "sign": sign,
    "max": maximum,
    "min": minimum,
    "clamp": clamp,
    "tanh": sp.tanh,
    "logistic": lambda x: 1 / (1 + exponential(-x)),
    "sin": sp.sin,
    "cos": sp.cos,
    "floor": sp.floor,
    "ceil": sp.ceiling,
    "lt": _relation(sp.Lt),
    "le": _relation(sp.Le),
    "gt": _relation(sp.Gt),
    "ge": _relation(sp.Ge),
    "eq": _relation(sp.Eq),
    "ne": _not_equal,
    "is_finite": lambda x: sp.true if number(x) is not None else IsFinite(x),
    "and": sp.And,
    "or": sp.Or,
    "not": sp.Not,
    "copy": same,
    "copy_p": same,
    "stop_gradient": same,
    "reduce_precision": same,
}

LOGICAL = ("lt", "le", "gt", "ge", "eq", "ne", "is_finite", "and", "or", "not")
# Operations on numbers are done at once; `log` is left for `exp` to meet.
ON_NUMBERS: dict[str, Callable[..., Any]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "neg": np.negative,
    "pow": np.power,
    "sqrt": np.sqrt,
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "square": np.square,
    "exp": np.exp,
    "sin": np.sin,
    "cos": np.cos,
    "max": np.maximum,
    "min": np.minimum,
    "floor": np.floor,
    "ceil": np.ceil,
    "tanh": np.tanh,
}


def apply(name: str, *args: Any) -> Any:
    """The formula of one operation.

    Raises:
      KeyError: the operation has none.
    """
    formula = FORMULAS[name]
    values = [number(x) for x in args]
    if name in ON_NUMBERS and all(v is not None and np.isfinite(v) for v in values):
        with np.errstate(all="ignore"):
            return constant(float(ON_NUMBERS[name](*values)))
    if name in ("div", "mul") and args[0] in (sp.oo, -sp.oo) and bounds(args[1]).positive:
        return args[0]
    condition = _outwards(name, args)
    if condition is None:
        return formula(*args)
    branches = [
        [x.args[k] if isinstance(x, Case) and x.args[0] == condition else x for x in args]
        for k in (1, 2)
    ]
    return Case(condition, *(apply(name, *branch) for branch in branches))


def _outwards(name: str, args: tuple[Any, ...]) -> Any:
    """The condition of a case that is better outside of an operation, None if there is none.

    An infinite branch goes outwards until it is finite (g / inf); numbers that switch are worked
    out (1 - (1 if c else 0)), and so is what they switch on and off; two cases of one condition are
    one.
    """
    if name in LOGICAL:
        return None
    cases = [x for x in args if isinstance(x, Case)]
    for case in cases:
        branches = case.args[1:]
        if any(x in (sp.oo, -sp.oo) for x in branches):
            return case.args[0]
        alike = [x for x in cases if x.args[0] == case.args[0]]
        rest = [x for x in args if x not in alike]
        numbers = all(number(x) is not None for x in branches)
        switch = name == "mul" and any(x in (0, 1) for x in branches)
        if len(alike) > 1 or (numbers and (switch or all(number(x) is not None for x in rest))):
            return case.args[0]
    return None
