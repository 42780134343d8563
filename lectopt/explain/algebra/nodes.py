"""The few nodes that the equations need beside SymPy's own.

SymPy's `Piecewise`, `Max` and `Sum` reason about their arguments whenever an expression is rebuilt;
these do only what is cheap and certain. A value of an array stands for the value at one weight: the
letters i, j, ... name its place, and `Total` and `Largest` bind them.
"""

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

import sympy as sp
from sympy.core.relational import Relational
from sympy.logic.boolalg import BooleanFunction

t = sp.Symbol("t", integer=True, positive=True)  # the number of the update, from 1


class Decimal(sp.Symbol):
    """A number that is not an integer, kept as it was written: `0.9 (x + y)` is not expanded."""

    def __new__(cls, value: float) -> "Decimal":
        """The positive number `value`, without the noise of its last digits."""
        return super().__new__(cls, f"{value:.14g}", positive=True)

    @property
    def value(self) -> float:
        """The number itself."""
        return float(self.name)


class Unit(sp.Symbol):
    """A setting between 0 and 1, such as a decay: `1 - b` is positive."""


class _OfNumbers(sp.Expr):
    """A function that is worked out where its arguments are numbers."""

    rule: Callable[..., Any]

    def __new__(cls, *args: Any) -> Any:
        values = [number(arg) for arg in args]
        if None in values:
            return super().__new__(cls, *args)
        return constant(cls.rule(*values))


class Maximum(_OfNumbers):
    """The larger of two."""

    rule = max


class Minimum(_OfNumbers):
    """The smaller of two."""

    rule = min


class Absolute(_OfNumbers):
    """The absolute value. (SymPy's own looks into its argument, and may not come back.)"""

    rule = abs

    def _eval_power(self, expt: Any) -> Any:
        return self.args[0] ** expt if expt.is_even else None


class Sign(_OfNumbers):
    """1, 0 or -1."""

    rule = staticmethod(lambda x: (x > 0) - (x < 0))


class Remainder(_OfNumbers):
    """What division by an integer leaves; it has the sign of what is divided."""

    rule = math.fmod

    def _eval_is_integer(self) -> bool | None:
        return all(arg.is_integer for arg in self.args) or None


class Modulus(_OfNumbers):
    """What division by a positive integer leaves; never negative."""

    rule = operator.mod

    def _eval_is_integer(self) -> bool | None:
        return all(arg.is_integer for arg in self.args) or None


class Stack(sp.Expr):
    """`Stack(p, a, b, ...)`: the value at place 1, 2, ... of the axis with the letter p."""


class _Reduction(sp.Basic):
    """Of a term over the places of one leaf: its letters are bound."""

    @property
    def free_symbols(self) -> set[Any]:
        return self.args[0].free_symbols - set(self.args[1:])

    def __new__(cls, term: Any, *letters: Any) -> Any:
        return term if term in CONSTANT else super().__new__(cls, term, *letters)


WHOLE = sp.Symbol("·")  # in the place of letters: all places of a leaf, however many axes it has
CONSTANT = (sp.S.Zero, sp.true, sp.false)  # for these the sum, the maximum, ... are what they are


class Total(_Reduction, sp.Expr):
    """`Total(term, i, ...)`: over all places i, ... of one leaf of the parameters."""


class Largest(_Reduction, sp.Expr):
    """`Largest(term, i, ...)`: over all places of one leaf."""


class Everywhere(sp.Expr):
    """`Everywhere(Total(...))`: over all leaves of the parameters, not only one; of `Largest`
    too."""


class Call(sp.Expr):
    """What an operation without a formula gives: `Call(name, inputs...)`."""


class IsFinite(BooleanFunction):
    """Whether a value is neither infinite nor NaN."""


class IsNaN(BooleanFunction):
    """Whether a value is NaN."""


class All(_Reduction, BooleanFunction):
    """Whether a condition holds at all places `i, ...`."""


class Some(_Reduction, BooleanFunction):
    """Whether a condition holds at some place `i, ...`."""


class Throughout(BooleanFunction):
    """`Throughout(All(...))`: in all leaves of the parameters; `Throughout(Some(...))`: in any."""


def square_root(expr: Any) -> Any:
    """The root of a product of squares, None of anything else."""
    powers: list[Any] = list(sp.Mul.make_args(expr))
    if all(isinstance(f, sp.Pow) and f.exp.is_Integer and f.exp.is_even for f in powers):
        return sp.Mul(*(f.base ** (f.exp / 2) for f in powers))
    return None


def in_order(*args: Any) -> list[Any]:
    """The arguments of a function for which their order does not matter."""
    return sorted(args, key=sp.default_sort_key)


def replaced(expr: Any, mapping: Mapping[Any, Any]) -> Any:
    """`expr` with parts replaced; relations are left as they stand, which SymPy would ask about
    numbers that it knows too little of."""
    if expr in mapping:
        return mapping[expr]
    if not expr.args:
        return expr
    args = [replaced(arg, mapping) for arg in expr.args]
    if all(a is b for a, b in zip(args, expr.args, strict=True)):
        return expr
    options = {"evaluate": False} if isinstance(expr, Relational) else {}
    return expr.func(*args, **options)


def size(expr: Any, most: int = 10**9) -> int:
    """How many nodes an expression has, counted up to `most`."""
    count, stack = 0, [expr]
    while stack and count < most:
        count += 1
        stack += stack.pop().args
    return count


def number(expr: Any) -> float | None:
    """The value of a constant, None for anything else."""
    if isinstance(expr, Decimal):
        return expr.value
    if isinstance(expr, sp.Integer | sp.Rational | sp.core.numbers.Infinity):
        return float(expr)
    if expr == -sp.oo:
        return -float("inf")
    if isinstance(expr, sp.Mul) and len(expr.args) == 2 and expr.args[0] == -1:
        value = number(expr.args[1])
        return None if value is None else -value
    return None


def constant(value: float | bool) -> Any:
    """The node for a number: integers and infinities are SymPy's own."""
    if isinstance(value, bool):
        return sp.true if value else sp.false
    if value != value:
        return sp.nan
    if abs(value) == float("inf"):
        return sp.oo if value > 0 else -sp.oo
    if float(value).is_integer() and abs(value) < 2**53:
        return sp.Integer(int(value))
    return Decimal(value) if value > 0 else -Decimal(-value)
