"""Formulas as they are written: sums and products of many, cases, functions by their names.

A product is a coefficient and powers, a sum is products. Nothing is expanded or factored: only what
stands there is put together.
"""

import math
from collections.abc import Iterable
from fractions import Fraction
from typing import Any, NamedTuple

HALF = Fraction(1, 2)


class Number(NamedTuple):
    """A number; `decimal` if it is to be written as one and not as a fraction."""

    value: Fraction
    decimal: bool = False


class Symbol(NamedTuple):
    """An entry of an array; `at` its index if it stands somewhere else than its array does."""

    name: str
    at: tuple[str, ...] = ()


class Product(NamedTuple):
    """A coefficient times powers: bases and exponents, which are fractions or formulas."""

    number: Number
    powers: frozenset[tuple[Any, Any]]


class Sum(NamedTuple):
    """Of products."""

    parts: frozenset[Any]


class Cases(NamedTuple):
    """`yes if condition else no`."""

    condition: Any
    yes: Any
    no: Any


class Relation(NamedTuple):
    """`left mark right`, with "==", "!=", "<", "<=", ">", ">="."""

    mark: str
    left: Any
    right: Any


class Logic(NamedTuple):
    """Several conditions with "and" or "or" between, or one after "not"."""

    word: str
    args: tuple[Any, ...]


class Total(NamedTuple):
    """A sum, or the largest, ..., over the places that `axes` names, "leaf" for all of a leaf, or
    over the leaves in `leaves`: "all", or some; "" for one."""

    kind: str
    body: Any
    axes: str
    leaves: str = ""


class Function(NamedTuple):
    """A function with a name; `opaque` if its arguments are only what it depends on."""

    name: str
    args: tuple[Any, ...]
    opaque: bool = False


NOTHING, UNIT = Number(Fraction(0)), Number(Fraction(1))


PI = Symbol("π")


AXES = "ijklabcd"


def product(x: Any) -> Product:
    """Anything as a product."""
    if isinstance(x, Product):
        return x
    return Product(x, frozenset()) if isinstance(x, Number) else simple_power(x)


def simple_power(x: Any, exponent: Any = Fraction(1)) -> Product:
    """A base to an exponent, as a product."""
    return Product(UNIT, frozenset({(x, exponent)}))


def simple(number: Number, powers: Iterable[tuple[Any, Any]]) -> Any:
    """A product, or what is left of it."""
    powers = frozenset((b, e) for b, e in powers if e != 0)
    if number.value == 0 or not powers:
        return number
    if len(powers) == 1:
        ((base, exponent),) = powers
        if exponent == 1 and number.value == 1:
            return base
    return Product(number, powers)


def negated_sum(x: Any) -> Sum | None:
    """`-(a + b)` as a sum, None of anything else."""
    if not isinstance(x, Product) or x.number.value != -1 or len(x.powers) != 1:
        return None
    ((base, exponent),) = x.powers
    if exponent != 1 or not isinstance(base, Sum):
        return None
    return Sum(frozenset(times(Number(Fraction(-1)), y) for y in base.parts))


def scaled(a: Number, b: Number) -> Number:
    """a*b of two numbers."""
    return Number(a.value * b.value, a.decimal or b.decimal)


def times(a: Any, b: Any) -> Any:
    """a*b."""
    p, q = product(a), product(b)
    powers: dict[Any, Any] = {}
    for base, exponent in (*p.powers, *q.powers):
        if base not in powers:
            powers[base] = exponent
        else:
            powers[base] = plus(powers[base], exponent)
    return simple(scaled(p.number, q.number), powers.items())


def over(a: Any, b: Any) -> Any:
    """a/b."""
    return times(a, to_power(b, Fraction(-1)))


def to_power(a: Any, exponent: Any) -> Any:
    """a to a power; products by their factors if it is whole."""
    if isinstance(exponent, Number):
        exponent = exponent.value
    if isinstance(exponent, Fraction) and exponent.denominator == 1:
        p = product(a)
        if p.number.value != 0 or exponent > 0:
            number = Number(p.number.value ** int(exponent), p.number.decimal)
            return simple(number, [(b, _scale(e, exponent)) for b, e in p.powers])
        return simple_power(a, exponent)
    if exponent == HALF and isinstance(a, Number) and a.value >= 0:
        ends = [math.isqrt(k) for k in a.value.as_integer_ratio()]
        if Fraction(*ends) ** 2 == a.value:
            return Number(Fraction(*ends), a.decimal)
    if exponent == HALF and isinstance(a, Product):
        return _root(a)
    return simple(UNIT, [(a, exponent)])


def _root(x: Product) -> Any:
    """The root of a product; of a sum of squares over a number of places the norm over a root."""
    totals = [(b, e) for b, e in x.powers if isinstance(b, Total) and e == 1]
    rest = [(b, e) for b, e in x.powers if (b, e) not in totals]
    sizes = all(isinstance(b, Symbol) and _is_size(b.name) for b, _ in rest)
    if len(totals) != 1 or not sizes or x.number.value <= 0:
        return simple_power(x, HALF)
    number = simple(x.number, rest)
    if isinstance(number, Number) and number.value.numerator == 1:  # 1/sqrt(59), not sqrt(1/59)
        root = simple_power(Number(1 / number.value), -HALF)
    else:
        root = (
            to_power(number, HALF) if not isinstance(number, Symbol) else simple_power(number, HALF)
        )
        root = simple(UNIT, [(b, e * HALF) for b, e in rest]) if x.number == UNIT else root
    return times(simple_power(totals[0][0], HALF), root)


def _is_size(name: str) -> bool:
    return name in ("n", "N") or name.startswith("n_")


def _scale(exponent: Any, k: Fraction) -> Any:
    return exponent * k if isinstance(exponent, Fraction) else times(Number(k), exponent)


def plus(a: Any, b: Any) -> Any:
    """a + b; also of exponents."""
    if isinstance(a, Fraction) and isinstance(b, Fraction):
        return a + b
    a, b = (Number(x) if isinstance(x, Fraction) else x for x in (a, b))
    parts: dict[Any, Number] = {}
    for x in (a, b):
        x = negated_sum(x) or x
        for y in x.parts if isinstance(x, Sum) else (x,):
            p = product(y)
            old = parts.get(p.powers, NOTHING)
            parts[p.powers] = Number(old.value + p.number.value, old.decimal or p.number.decimal)
    kept = [simple(n, powers) for powers, n in parts.items() if n.value != 0]
    if not kept:
        return NOTHING
    return kept[0] if len(kept) == 1 else Sum(frozenset(kept))


FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}


OPPOSITE = {"<": ">=", ">": "<=", "<=": ">", ">=": "<", "==": "!=", "!=": "=="}


def negated(x: Any) -> Any:
    """The opposite of a condition."""
    if isinstance(x, Relation):
        return x._replace(mark=OPPOSITE[x.mark])
    if isinstance(x, Logic) and x.word == "not":
        return x.args[0]
    if isinstance(x, Logic):
        word = "or" if x.word == "and" else "and"
        return Logic(word, tuple(map(negated, x.args)))
    return Logic("not", (x,))


def is_negation(x: Any) -> bool:
    """Whether a condition says what is not so."""
    return (isinstance(x, Relation) and x.mark in ("!=",)) or (
        isinstance(x, Logic) and x.word == "not"
    )


def clipped(x: Function) -> Any:
    """The larger or smaller of several, flat."""
    args: list[Any] = []
    for y in x.args:
        args += y.args if isinstance(y, Function) and y.name == x.name else [y]
    return Function(x.name, tuple(dict.fromkeys(args)))


def modulus(x: Any) -> Any:
    """A sum in which `a - n*floor(a/n)` is `a mod n`."""
    if not isinstance(x, Sum):
        return x
    for part in x.parts:
        p = product(part)
        whole = [b for b, e in p.powers if isinstance(b, Function) and b.name == "floor" and e == 1]
        if len(whole) != 1 or p.number.value >= 0:
            continue
        n = simple(scaled(p.number, Number(Fraction(-1))), p.powers - {(whole[0], Fraction(1))})
        rest = _sum(y for y in x.parts if y is not part)
        inside = whole[0].args[0]
        if times(n, inside) == rest or _expanded(n, inside) == rest:
            return Function("mod", (rest, n))
    return x


def _expanded(n: Any, x: Any) -> Any:
    p = product(x)
    for base, exponent in p.powers:
        if len(p.powers) == 1 and isinstance(base, Sum) and exponent == 1:
            return _sum(times(times(n, p.number), y) for y in base.parts)
    return times(n, x)


def _sum(parts: Iterable[Any]) -> Any:
    out: Any = NOTHING
    for part in parts:
        out = plus(out, part)
    return out


def symbols(x: Any) -> set[str]:
    """The names of the symbols in a formula."""
    if isinstance(x, Symbol):
        return {x.name}
    found: set[str] = set()
    if isinstance(x, tuple | frozenset):
        for y in x:
            found |= symbols(y)
    return found
