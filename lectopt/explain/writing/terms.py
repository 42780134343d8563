"""What a term looks like: its sign, its place above or below the line, its digits."""

import math
from typing import Any

import sympy as sp

from lectopt.explain.algebra.nodes import Decimal

LOOSE, SUM, PRODUCT, POWER, ATOM = range(5)  # how tightly an expression holds together
RELATIONS = {sp.Eq: "==", sp.Ne: "!=", sp.Lt: "<", sp.Le: "<=", sp.Gt: ">", sp.Ge: ">="}


def is_pi(value: float) -> bool:
    """Whether a number is π, in float32 or better."""
    return abs(value - math.pi) < 1e-7


def decimal(value: float) -> str:
    """A number with as few digits as tell it from its neighbours in float32."""
    if is_pi(value):
        return "π"
    return next(
        text
        for d in range(1, 18)
        if abs(float(text := f"{value:.{d}g}") - value) <= 6e-8 * abs(value)
    )


def negative(expr: Any) -> bool:
    """Whether it reads with a minus sign in front."""
    coefficient = expr.as_coeff_Mul()[0] if isinstance(expr, sp.Mul) else expr
    return bool(coefficient.is_Number and coefficient.is_negative)


def varies(symbol: Any) -> bool:
    """Whether a symbol is more than a number or the name of an operation."""
    return not isinstance(symbol, Decimal) and "#" not in symbol.name


def divides(factor: Any) -> bool:
    """Whether a factor stands below the line of a fraction."""
    exponent = factor.exp if isinstance(factor, sp.Pow) else sp.S.One
    return bool(exponent.is_Number and exponent.is_negative)


def over(expr: Any) -> tuple[Any, int]:
    """A sum of terms with one denominator, as a numerator and that: `t/10 - 1/10`, `(t - 1)/10`."""
    coefficients: list[Any] = [x.as_coeff_Mul()[0] for x in sp.Add.make_args(expr)]
    denominators = {c.q if c.is_Rational else 1 for c in coefficients}
    (below,) = denominators if len(denominators) == 1 else (1,)
    if not isinstance(expr, sp.Add) or below == 1:
        return expr, 1
    return sp.Add(*(below * x for x in expr.args)), below
