"""Places: which weight of a leaf a formula speaks of.

An array in a program is a formula for *one* of its places, and each of its axes carries a letter
i, j, ... Two arrays can be combined place by place if their axes carry the same letters; whatever
would mix places (a transposed matrix added to itself) has no such formula, and the functions here
return None for it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import sympy as sp

from lectopt.explain.algebra.cases import Case
from lectopt.explain.algebra.nodes import Call, Largest, Stack, Total

LETTERS = "ijklabcd"
MORE = "pqrsuvwxyz"

Dims = tuple[str | None, ...]  # the letter of each axis, None if all its places are the same


class Value(NamedTuple):
    """An array as a formula for one of its places."""

    expr: Any
    dims: Dims = ()


@dataclass
class Layout:
    """The shapes of the leaves, and which letters every symbol depends on.

    `sized` says that the sizes were chosen here, so that a constant equal to a size is that size;
    `counts` are the letters for the size of a leaf and for that of all; `written` are operations
    by their ids, and as text.
    """

    shapes: Mapping[str, tuple[int, ...]]
    sized: bool = False
    counts: tuple[str, str] = ("n", "N")
    places: dict[Any, Dims] = field(default_factory=dict)
    others: dict[int, str] = field(default_factory=dict)
    merged: dict[str, tuple[int, ...]] = field(default_factory=dict)
    written: dict[int, tuple[Any, str]] = field(default_factory=dict)

    def dims(self, shape: Sequence[int]) -> Dims:
        """Letters for the axes of an input: those of the leaf with these sizes."""
        if tuple(shape) in self.shapes.values():
            return tuple(LETTERS[: len(shape)])
        dims: list[str | None] = []
        for size in shape:
            leaf = [
                LETTERS[k]
                for own in self.shapes.values()
                for k, s in enumerate(own[: len(LETTERS)])
                if s == size
            ]
            free = dict.fromkeys(letter for letter in leaf if letter not in dims)
            letter = next(iter(free)) if len(free) == 1 else self.letter(size)
            dims.append(None if size == 1 else letter if letter not in dims else self.letter(-size))
        return tuple(dims)

    def letter(self, size: int) -> str:
        """A letter for an axis that is none of the leaves'."""
        return self.others.setdefault(size, MORE[len(self.others) % len(MORE)])

    def sizes(self, leaf: str) -> dict[str, int]:
        """The size of the axis with each letter, in the formulas of a leaf."""
        others = {letter: abs(size) for size, letter in self.others.items()}
        return others | dict(zip(LETTERS, self.shapes.get(leaf, ()), strict=False))

    def known_sizes(self) -> dict[tuple[str, Any], int]:
        """`(leaf, n) -> size` for every leaf, and N, of all leaves."""
        n, total = (sp.Symbol(x, positive=True) for x in self.counts)
        sizes = {(leaf, n): math.prod(shape) for leaf, shape in self.shapes.items()}
        return sizes | ({("", total): sum(sizes.values())} if len(sizes) > 1 else {})

    def size(self, value: float) -> Any:
        """`n` if the number is the size of a leaf, an expression of it if it is 1/n or so."""
        if not self.sized:
            return None
        for (leaf, n), k in self.known_sizes().items():
            n = sp.Symbol(f"{n.name}@{leaf}", positive=True) if leaf else n
            forms = {k: n, 1 / k: 1 / n, k**0.5: sp.sqrt(n), k**-0.5: 1 / sp.sqrt(n)}
            for number, expr in forms.items():
                if abs(value - number) <= 1e-12 * number:
                    return expr
        return None

    def letters(self, expr: Any) -> set[str]:
        """The places that an expression depends on."""
        if isinstance(expr, Total | Largest):
            bound: Any = expr.args[1:]
            return self.letters(expr.args[0]) - {s.name for s in bound}
        if isinstance(expr, Call):
            return {x for d in self.places.get(expr.args[0], ()) if d for x in d}
        if isinstance(expr, Stack):
            return {str(expr.args[0])}.union(*map(self.letters, expr.args[1:]))
        if expr.is_Symbol:
            return {x for d in self.places.get(expr, ()) if d for x in d}
        return set().union(*map(self.letters, expr.args))

    def total(self, term: Any, over: Mapping[str, Any]) -> Any:
        """The sum of `term` over letters with these sizes; what does not depend on them is moved
        out."""
        if isinstance(term, Case) and not self.letters(term.args[0]) & set(over):
            return Case(term.args[0], *(self.total(x, over) for x in term.args[1:]))
        inside = [x for x in sp.Mul.make_args(term) if self.letters(x) & set(over)]
        outside = [x for x in sp.Mul.make_args(term) if x not in inside]
        bound = self.letters(sp.Mul(*inside))
        outside += [size for letter, size in over.items() if letter not in bound]
        letters = [sp.Symbol(letter) for letter in sorted(over) if letter in bound]
        return sp.Mul(*outside, *([Total(sp.Mul(*inside), *letters)] if letters else inside))


def unified(all_dims: Sequence[Dims]) -> Dims | None:
    """The letters of a combination place by place; None if the places do not correspond."""
    rank = max(map(len, all_dims), default=0)
    whole = [dims for dims in all_dims if len(dims) == rank]
    if any(dims and len(dims) != rank for dims in all_dims):
        return None
    columns = [{letter for letter in axis if letter} for axis in zip(*whole, strict=True)]
    if any(len(column) > 1 for column in columns):
        return None
    return distinct(tuple(next(iter(column), None) for column in columns))


def distinct(dims: Dims) -> Dims | None:
    """`dims` if every letter stands once: a diagonal is no matrix."""
    letters = [x for d in dims if d for x in d]
    return dims if len(set(letters)) == len(letters) else None


def reshaped(layout: Layout, dims: Dims, old: Sequence[int], new: Sequence[int]) -> Dims | None:
    """The letters after a reshape that adds or drops axes of size 1, or joins or parts all axes."""
    solid = [(s, d) for s, d in zip(old, dims, strict=True) if s != 1]
    sizes = [s for s in new if s != 1]
    if [s for s, _ in solid] == sizes:
        letters = iter([d for _, d in solid])
    elif all(d is None for _, d in solid):
        letters = iter([None] * len(sizes))
    elif len(sizes) == 1 and all(d and len(d) == 1 for _, d in solid):
        joined = "".join(d for _, d in solid if d)
        layout.merged[joined] = tuple(s for s, _ in solid)
        letters = iter([joined])
    elif len(solid) == 1 and layout.merged.get(solid[0][1] or "") == tuple(sizes):
        letters = iter(solid[0][1] or "")
    else:
        return None
    return tuple(None if s == 1 else next(letters) for s in new)
