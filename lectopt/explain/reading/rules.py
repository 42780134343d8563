"""What each elementwise operation of a program is as a formula."""

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import sympy as sp

from lectopt.explain.algebra.bounds import bounds
from lectopt.explain.algebra.cases import Case
from lectopt.explain.algebra.conditions import both, compare, decisive, maximum, minimum
from lectopt.explain.algebra.nodes import Absolute, IsFinite, IsNaN, Sign, constant, number


def power(a: Any, b: Any) -> Any:
    """`a^b`, a root where `b` is half an integer."""
    value = number(b)
    if value is not None and (2 * value).is_integer():
        b = sp.Rational(int(2 * value), 2)
    return a**b


def exponential(x: Any) -> Any:
    """`exp(x)`, a power of `b` where `x` is a multiple of `log(b)`; None if `b` may be negative."""
    logs = [f for f in sp.Mul.make_args(x) if isinstance(f, sp.log)]
    if any(not bounds(f.args[0]).nonnegative for f in logs):
        return None
    if len(logs) == 1 and isinstance(x, sp.Mul):
        return logs[0].args[0] ** sp.Mul(*(f for f in x.args if f is not logs[0]))
    return sp.exp(x)


def sign(x: Any) -> Any:
    """The sign, of a product of signs that of the product."""
    direction, rest = decisive(x)
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
    "expm1": lambda x: None if (power := exponential(x)) is None else power - 1,
    "log": logarithm,
    "log1p": lambda x: logarithm(1 + x),
    "abs": absolute,
    "sign": sign,
    "max": maximum,
    "min": minimum,
    "clamp": clamp,
    "tanh": sp.tanh,
    "logistic": lambda x: None if (power := exponential(-x)) is None else 1 / (1 + power),
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
    "and": both,
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


def _infinite(x: Any) -> bool:
    """Whether a branch, or a branch of it, is infinite."""
    if isinstance(x, Case):
        return any(map(_infinite, x.args[1:]))
    return x in (sp.oo, -sp.oo)


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
        if any(map(_infinite, branches)):
            return case.args[0]
        alike = [x for x in cases if x.args[0] == case.args[0]]
        rest = [x for x in args if x not in alike]
        numbers = all(number(x) is not None for x in branches)
        switch = name == "mul" and any(x in (0, 1) for x in branches)
        if len(alike) > 1 or (numbers and (switch or all(number(x) is not None for x in rest))):
            return case.args[0]
    return None
