"""Expressions in JavaScript: built once for each value, and written with names for what recurs."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

# How tightly the parts of JavaScript's expressions hold together.
TERNARY, COMPARE, SUM, PRODUCT, UNARY, ATOM = range(6)


class Expression:
    """A number that depends on the parameters.

    Attributes:
      template: the text, with `{}` for each part.
      parts: expressions and numbers.
      level: how tightly the text holds together.
      wanted: how tightly each part has to.
    """

    __slots__ = ("level", "parts", "template", "wanted")

    def __init__(self, template: str, parts: Sequence[Any], level: int, wanted: Sequence[int]):
        self.template, self.parts = template, tuple(parts)
        self.level, self.wanted = level, tuple(wanted)


class Builder:
    """Makes expressions, equal ones once."""

    def __init__(self) -> None:
        self.made: dict[Any, Expression] = {}

    def __call__(
        self, template: str, *parts: Any, level: int = ATOM, wanted: Sequence[int] | None = None
    ) -> Expression:
        """The expression of these parts; they stand between commas if nothing is wanted of them."""
        key = (template, *(id(x) if isinstance(x, Expression) else (x, str(x)) for x in parts))
        if key not in self.made:
            wanted = (TERNARY,) * len(parts) if wanted is None else wanted
            self.made[key] = Expression(template, parts, level, wanted)
        return self.made[key]

    def add(self, x: Any, y: Any) -> Any:
        """`x + y`."""
        if not isinstance(x, Expression) and not isinstance(y, Expression):
            return x + y
        if not isinstance(x, Expression) and x == 0:
            return y
        if not isinstance(y, Expression) and y == 0:
            return x
        if isinstance(y, Expression) and y.template == "-{}":
            return self.subtract(x, y.parts[0])
        return self("{} + {}", x, y, level=SUM, wanted=(SUM, PRODUCT))

    def subtract(self, x: Any, y: Any) -> Any:
        """`x - y`."""
        if not isinstance(x, Expression) and not isinstance(y, Expression):
            return x - y
        if not isinstance(y, Expression) and y == 0:
            return x
        return self("{} - {}", x, y, level=SUM, wanted=(SUM, PRODUCT))

    def multiply(self, x: Any, y: Any) -> Any:
        """`x * y`. Nothing is left out for a factor of 0, as the other may be infinite."""
        if not isinstance(x, Expression) and not isinstance(y, Expression):
            return x * y
        if not isinstance(x, Expression) and x == 1:
            return y
        if not isinstance(y, Expression) and y == 1:
            return x
        return self("{}*{}", x, y, level=PRODUCT, wanted=(PRODUCT, UNARY))


def written(results: Sequence[Any], indent: str) -> tuple[list[str], list[str]]:
    """Statements that name what recurs, and the texts of the results after them."""
    order: list[Expression] = []
    uses: Counter[int] = Counter()
    stack: list[tuple[Any, bool]] = [(x, False) for x in reversed(results)]
    while stack:  # depth first, without recursion: sums over samples are deep
        x, done = stack.pop()
        if not isinstance(x, Expression):
            continue
        if done:
            order.append(x)
            continue
        uses[id(x)] += 1
        if uses[id(x)] == 1:
            stack.append((x, True))
            stack += [(part, False) for part in reversed(x.parts)]
    names, texts, statements = _names(), {}, []
    for x in order:
        parts = [_part(p, want, texts) for p, want in zip(x.parts, x.wanted, strict=True)]
        text = x.template.format(*parts)
        # What is used once stands where it is used, as long as that can be read.
        if x.parts and (uses[id(x)] > 1 or len(text) > 70):
            name = next(names)
            statements.append(f"{indent}const {name} = {text};")
            texts[id(x)] = name, ATOM
        else:
            texts[id(x)] = text, x.level
    return statements, [_part(x, TERNARY, texts) for x in results]


def number(value: Any) -> str:
    """A number or a truth value as JavaScript writes it, to the last digit."""
    if isinstance(value, bool):
        return "true" if value else "false"
    value = float(value)
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)


def _part(x: Any, wanted: int, texts: dict[int, tuple[str, int]]) -> str:
    if isinstance(x, Expression):
        text, level = texts[id(x)]
    else:
        text = number(x)
        level = UNARY if text.startswith("-") else ATOM
    return text if level >= wanted else f"({text})"


def _names() -> Iterator[str]:
    """Short names, without those of the parameters."""
    for length in itertools.count(1):
        for letters in itertools.product("abcdefghijklmnoqrstuvw", repeat=length):
            name = "".join(letters)
            if name not in ("do", "if", "in", "for", "let", "new", "var"):
                yield name
