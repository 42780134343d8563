"""The marks of plain text: what stands for a sum, a root, a norm; and the digits of numbers."""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from lectopt.explain.formulas import (
    HALF,
    Number,
    Total,
    negated_sum,
    product,
    simple,
)
from lectopt.explain.letters import parse
from lectopt.explain.operations import AGGREGATES

LOOSE, SUM, PRODUCT, POWER, ATOM = range(5)  # how tightly a formula holds together


def decimal(value: float) -> str:
    """A number with as few digits as tell it from its neighbours in float32."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    return next(
        text
        for d in range(1, 18)
        if abs(float(text := f"{value:.{d}g}") - value) <= 6e-8 * abs(value)
    )


class Marks:
    """How the parts of a formula are put down; `time` is the letter of the step number."""

    time = "t"
    names: dict[str, str] = {k: row.text for k, row in AGGREGATES.items() if row.text}
    infinity, leaf = "inf", "leaf"

    def _symbol(self, name: str) -> str:
        parts = parse(name)
        time = f"[{parts['time'].replace('t', self.time)}]" if parts["time"] else ""
        leaf = f"{{{parts['leaf']}}}" if parts["leaf"] else ""
        return parts["base"] + (parts["hat"] or "") + leaf + time

    def _number(self, value: float) -> str:
        return decimal(value)

    def _parentheses(self, text: str) -> str:
        return f"({text})"

    def _relation(self, mark: str) -> str:
        return mark

    def _raised(self, base: str, exponent: str) -> str:
        return f"{base}^{exponent}"

    def _root(self, text: str) -> str:
        return f"sqrt({text})"

    def _bars(self, text: str) -> str:
        return f"‖{text}‖"

    def _subscript(self, text: str) -> str:
        return f"_{text}"

    def _at(self, text: str, index: Sequence[str]) -> str:
        return f"{text}[{', '.join(index)}]"

    def _word(self, word: str) -> str:
        return word

    def _name(self, name: str) -> str:
        return name


def inverse(value: float) -> Fraction | None:
    """The short decimal that 1 is divided by, if the quotient is none."""
    text = decimal(value) if value else "0"
    short = decimal(1 / value) if value else "0"
    exact = abs(float(text) - value) <= 1e-14 * value
    return (
        None
        if exact or len(short) > 6 or abs(float(short) * value - 1) > 1e-14
        else Fraction(short)
    )


def negative(x: Any) -> bool:
    """Whether it reads with a minus sign in front."""
    if negated_sum(x) is not None:
        return False
    return product(x).number.value < 0


def apart(x: Number) -> tuple[list[Any], list[Any]]:
    """The size of a number as factors above and below the line."""
    value, shown = abs(x.value), x.decimal
    if shown and (below_one := inverse(float(value))) is not None:
        return [], [Number(below_one, True)]
    if shown:
        return [Number(value, True)] if value != 1 else [], []
    top, bottom = (Number(Fraction(k)) for k in value.as_integer_ratio())
    return [top] if top.value != 1 else [], [bottom] if bottom.value != 1 else []


def divides(exponent: Any) -> bool:
    """Whether a power stands below the line of a fraction."""
    return isinstance(exponent, Fraction) and exponent < 0


def root_of(x: Any) -> Any:
    """What a plain root is of, None of anything else."""
    p = product(x)
    if p.number.value == 1 and len(p.powers) == 1:
        ((base, exponent),) = p.powers
        if exponent == HALF and not isinstance(base, Total):
            return base
    return None


def square_root(x: Any) -> Any:
    """The root of a product of squares, None of anything else."""
    p = product(x)
    top, bottom = (math.isqrt(abs(k)) for k in p.number.value.as_integer_ratio())
    if p.number.value != Fraction(top, bottom) ** 2:
        return None
    if not all(isinstance(e, Fraction) and e.denominator == 1 and e % 2 == 0 for _, e in p.powers):
        return None
    return simple(
        Number(Fraction(top, bottom), p.number.decimal), [(b, e / 2) for b, e in p.powers]
    )
