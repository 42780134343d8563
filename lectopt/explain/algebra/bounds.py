"""What is known of the size of an expression: the interval it lies in.

It decides the guards of an update (`sqrt(v) + eps` is never 0), and rests on the signs of the
symbols: settings are positive unless they are zero, decays lie between 0 and 1, and a statistic
that starts nonnegative and is kept so by its recurrence is nonnegative.
"""

import math
from typing import Any, NamedTuple

import sympy as sp

from lectopt.explain.algebra.cases import Case
from lectopt.explain.algebra.nodes import (
    Absolute,
    Everywhere,
    Largest,
    Maximum,
    Minimum,
    Modulus,
    Sign,
    Total,
    Unit,
    number,
    t,
)

INF = math.inf
COUNTS = 2_000_000_000  # updates; an int32 counter has room for them


class Interval(NamedTuple):
    """From `low` to `high`; `above` and `below` say that the ends themselves do not occur."""

    low: float = -INF
    high: float = INF
    above: bool = False
    below: bool = False

    @property
    def positive(self) -> bool:
        """Whether all of it is above 0."""
        return self.low > 0 or (self.low == 0 and self.above)

    @property
    def nonnegative(self) -> bool:
        """Whether nothing of it is below 0."""
        return self.low >= 0

    def negated(self) -> "Interval":
        """The interval of the negative."""
        return Interval(-self.high, -self.low, self.below, self.above)


ANY = Interval()
POSITIVE = Interval(0, INF, True)
NONNEGATIVE = Interval(0, INF)
UNIT = Interval(0, 1, True, True)


def bounds(expr: Any) -> Interval:
    """An interval that contains every value of `expr`."""
    value = number(expr)
    if value is not None:
        return Interval(value, value)
    if expr.is_Symbol:
        return _symbol(expr)
    args = expr.args
    if isinstance(expr, sp.Add):
        low = high = 0.0
        above = below = False
        for interval in map(bounds, args):
            low, high = low + interval.low, high + interval.high
            above, below = above or interval.above, below or interval.below
        return Interval(low, high, above, below)
    if isinstance(expr, sp.Mul):
        return _product([bounds(arg) for arg in args])
    if isinstance(expr, sp.Pow):
        return _power(*args)
    if isinstance(expr, sp.exp):
        return POSITIVE
    if isinstance(expr, Absolute | sp.Abs):
        return POSITIVE if bounds(args[0]).positive else NONNEGATIVE
    if isinstance(expr, Sign | sp.cos | sp.sin | sp.tanh):
        return Interval(-1, 1)
    if isinstance(expr, Modulus):
        return Interval(0, bounds(args[1]).high)
    if isinstance(expr, Case):
        return _hull(bounds(args[1]), bounds(args[2]))
    if isinstance(expr, Maximum):
        a, b = map(bounds, args)
        above = max((a.low, a.above), (b.low, b.above))[1]
        return Interval(max(a.low, b.low), max(a.high, b.high), above, a.below and b.below)
    if isinstance(expr, Minimum):
        a, b = map(bounds, args)
        below = min((a.high, not a.below), (b.high, not b.below))[1]
        return Interval(min(a.low, b.low), min(a.high, b.high), a.above and b.above, not below)
    if isinstance(expr, Everywhere):
        return bounds(args[0])
    if isinstance(expr, Total | Largest):
        inner = bounds(args[0])
        return POSITIVE if inner.positive else NONNEGATIVE if inner.nonnegative else ANY
    return ANY


def _symbol(symbol: Any) -> Interval:
    if symbol == t:
        return Interval(1, COUNTS)
    if isinstance(symbol, Unit):
        return UNIT
    high = COUNTS if symbol.is_integer else INF
    if symbol.is_positive:
        return Interval(0, high, True)
    if symbol.is_nonnegative:
        return Interval(0, high)
    return ANY


def _product(intervals: list[Interval]) -> Interval:
    """Of intervals that do not contain both signs."""
    if all(i.nonnegative for i in intervals):
        lows, highs = ([i[end] for i in intervals] for end in (0, 1))
        low, high = (0.0 if 0 in ends else math.prod(ends) for ends in (lows, highs))
        above = any(i.above for i in intervals) if low else all(i.positive for i in intervals)
        return Interval(low, high, above, any(i.below for i in intervals))
    signed = [i.negated() if i.high <= 0 else i for i in intervals]
    if all(i.nonnegative for i in signed):
        flips = sum(i.high <= 0 for i in intervals)
        size = _product(signed)
        return size.negated() if flips % 2 else size
    return ANY


def _power(base: Any, exponent: Any) -> Interval:
    inner, power = bounds(base), bounds(exponent)
    if inner.low >= 0 and inner.high <= 1 and power.positive:
        return Interval(0, 1, inner.positive, inner.below or inner.high < 1)
    if inner.positive:
        return POSITIVE
    if exponent.is_Integer and inner.negated().positive:
        return POSITIVE if exponent.is_even else POSITIVE.negated()
    root = exponent.is_Rational and exponent.q == 2  # what has no root is no number
    if root or inner.nonnegative or (exponent.is_integer and exponent.is_even):
        return NONNEGATIVE
    return ANY


def _hull(a: Interval, b: Interval) -> Interval:
    low, high = min(a.low, b.low), max(a.high, b.high)
    above = all(i.above or i.low > low for i in (a, b))
    below = all(i.below or i.high < high for i in (a, b))
    return Interval(low, high, above, below)
