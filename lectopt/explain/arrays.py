"""Arrays as functions: from an index, a tuple of terms, to the term at that place.

So a transpose, a broadcast or a row against a column change where one looks, and nothing else. A
size may be a symbol of `jax.export.symbolic_shape`, so that a formula that holds for it holds for
all sizes, and 59 is a number.
"""

import ast
import functools as ft
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax import export

from lectopt.explain.terms import (
    ONE,
    Term,
    add,
    both,
    either,
    maximum,
    minimum,
    mul,
    neg,
    num,
    power,
    total,
)  # fmt: skip

Index = tuple[Term, ...]
# Whether sums are to be kept as a program has them, and not split into sums of their terms.
WHOLE_SUMS: ContextVar[bool] = ContextVar("whole sums", default=False)


@dataclass(frozen=True)
class Array:
    """An array: its shape, its type, and the term at an index; if it was made of arrays one after
    the other, the axis and those."""

    shape: tuple[Any, ...]
    dtype: Any
    at: Callable[[Index], Term]
    parts: tuple[int, tuple["Array", ...]] | None = None


def array(
    shape: Sequence[Any],
    dtype: Any,
    term: Callable[[Index], Term],
    parts: tuple[int, tuple[Array, ...]] | None = None,
) -> Array:
    """An array whose entries are computed once."""
    known: dict[Index, Term] = {}

    def at(index: Index) -> Term:
        if index not in known:
            known[index] = term(index)
        return known[index]

    return Array(tuple(shape), dtype, at, parts)


@ft.lru_cache(maxsize=256)  # JAX takes microseconds to say, thousands of times a page
def sort_of(dtype: Any) -> str:
    """Of the entries of an array: "real", "int", "bool", or "other" (a key)."""
    if jnp.issubdtype(dtype, jnp.bool_):
        return "bool"
    if jnp.issubdtype(dtype, jnp.integer):
        return "int"
    return "real" if jnp.issubdtype(dtype, jnp.floating) else "other"


def is_key(x: Any) -> bool:
    """Whether an array holds random keys."""
    return hasattr(x, "dtype") and _is_extended(x.dtype)


@ft.lru_cache(maxsize=256)
def _is_extended(dtype: Any) -> bool:
    return jnp.issubdtype(dtype, jax.dtypes.extended)


def symbol(name: str, aval: Any) -> Array:
    """An array of which nothing is known but its name."""
    return array(aval.shape, aval.dtype, lambda i: Term("sym", name, i, sort_of(aval.dtype)))


def bound(count: int, outer: Index = ()) -> Index:
    """New indices to sum over, beside those of `outer`; the same for the same."""
    names = frozenset().union(*(i.indices for i in outer))
    used = 1 + max((int(name[1:]) for name in names if name[0] == "k"), default=-1)
    return tuple(Term("idx", f"k{used + j}") for j in range(count))


def generic(shape: Sequence[Any]) -> Index:
    """The place that is looked at: any one."""
    return tuple(Term("idx", f"i{axis}") for axis in range(len(shape)))


def opaque(name: str, operands: Sequence[Array], shape: Sequence[Any], dtype: Any) -> Array:
    """A function of whole arrays of which only the name is known."""
    bodies: list[tuple[Term, ...]] = []
    whole = full_name(name, operands)

    def at(index: Index) -> Term:
        if not bodies:
            bodies.append(tuple(x.at(bound(len(x.shape))) for x in operands))
        return Term("opq", whole, sort_of(dtype), bodies[0], index)

    return array(shape, dtype, at)


def full_name(name: str, operands: Sequence[Array]) -> str:
    """The name of a function of whole arrays, with the shapes of these."""
    return f"{name} of " + ";".join(",".join(map(str, x.shape)) for x in operands)


def size(dims: Sequence[Any]) -> Term:
    """The product of sizes."""
    out = ONE
    for d in dims:
        out = mul(out, dimension(d))
    return out


@ft.lru_cache(maxsize=64)
def letters_of_sizes(names: str, limits: tuple[str, ...] = ()) -> tuple[Any, ...]:
    """Sizes that are symbols. The same for the same names, so that what JAX has traced for them is
    found again, and not kept once more for every transformation that is read."""
    return tuple(export.symbolic_shape(names, constraints=limits))


def dimension(d: Any) -> Term:
    """A size as a term: a number, a letter, or a polynomial of letters."""
    if isinstance(d, int):
        return num(d)
    try:
        return _polynomial(ast.parse(str(d).replace("^", "**"), mode="eval").body)
    except (SyntaxError, ValueError):
        return Term("sym", f"|{d}|", (), "int")


def _polynomial(node: ast.AST) -> Term:
    match node:
        case ast.Name(id=name):
            return Term("sym", f"|{name}|", (), "int")
        case ast.Constant(value=int(value)):
            return num(value)
        case ast.UnaryOp(op=ast.USub(), operand=x):
            return neg(_polynomial(x))
        case ast.BinOp(left=x, op=ast.Add(), right=y):
            return add(_polynomial(x), _polynomial(y))
        case ast.BinOp(left=x, op=ast.Sub(), right=y):
            return add(_polynomial(x), neg(_polynomial(y)))
        case ast.BinOp(left=x, op=ast.Mult(), right=y):
            return mul(_polynomial(x), _polynomial(y))
        case ast.BinOp(left=x, op=ast.Pow(), right=ast.Constant(value=int(k))):
            return power(_polynomial(x), k)
    raise ValueError(f"{ast.dump(node)} is no polynomial")


def aggregate(kind: str, x: Array, axes: Sequence[int]) -> Array:
    """The sum, product, largest, smallest, "and", "or" of an array over some of its axes."""
    kept = [axis for axis in range(len(x.shape)) if axis not in axes]
    if x.parts and x.parts[0] in axes:
        each = [aggregate(kind, part, axes) for part in x.parts[1]]
        return array(
            each[0].shape, x.dtype, lambda i: ft.reduce(FOLD[kind], [y.at(i) for y in each])
        )

    def at(index: Index) -> Term:
        names = bound(len(axes), index)
        place = dict(zip(kept, index, strict=True)) | dict(zip(axes, names, strict=True))
        body = x.at(tuple(place[axis] for axis in range(len(x.shape))))
        over = [(k.args[0], x.shape[axis]) for k, axis in zip(names, axes, strict=True)]
        return gathered(kind, body, over)

    return array([x.shape[axis] for axis in kept], x.dtype, at)


FOLD: dict[str, Callable[[Term, Term], Term]] = {
    "sum": add, "prod": mul, "max": maximum, "min": minimum, "and": both, "or": either,
}  # fmt: skip


def gathered(kind: str, body: Term, over: Sequence[tuple[str, Any]]) -> Term:
    """An aggregate of a body over indices: sums are linear, and what does not depend on an index
    stands outside; so equal sums are more often one term.

    Only what is the same at all places leaves a sum: a condition stays within it.
    """
    over = [(k, d) for k, d in over if d != 1]
    names = {k for k, _ in over}
    if not over:
        return body
    if kind != "sum":
        if not body.indices & names and kind in ("max", "min", "and", "or"):
            return body
        return total(kind, body, _spans(over))
    free = [(k, d) for k, d in over if k not in body.indices]
    if free:
        left = [(k, d) for k, d in over if k in body.indices]
        return mul(size([d for _, d in free]), gathered(kind, body, left))
    if WHOLE_SUMS.get():
        return total(kind, body, _spans(over))
    if body.op == "add":
        return add(*(gathered(kind, x, over) for x in body.args))
    if body.op in ("mul", "div"):
        a, b = body.args
        if not b.indices & names:
            return (
                Term("div", gathered(kind, a, over), b)
                if body.op == "div"
                else mul(gathered(kind, a, over), b)
            )
        if body.op == "mul" and not a.indices & names:
            return mul(a, gathered(kind, b, over))
    return total(kind, body, _spans(over))


def _spans(over: Sequence[tuple[str, Any]]) -> tuple[tuple[str, Any], ...]:
    return tuple((k, d if isinstance(d, int) else str(d)) for k, d in over)
