"""The primitives of JAX that look at other places: axes, sums, products, slices, tables.

Every rule takes an equation, its operands and the type of its result, and makes the array, or None
where it has no formula.
"""

import math
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from lectopt.explain.arrays import (
    Array,
    Index,
    aggregate,
    array,
    bound,
    dimension,
    gathered,
    generic,
    opaque,
    sort_of,
)  # fmt: skip
from lectopt.explain.rewriting import walk
from lectopt.explain.terms import ONE, ZERO, Term, is_num, ite, less, mul, num

REDUCTIONS = {f"reduce_{kind}": kind for kind in ("sum", "max", "min", "and", "or", "prod")}
LONGEST_TABLE = 64  # of numbers that are looked up, as cases


def _broadcast(eqn: Any, x: list[Array], out: Any) -> Array:
    axes, shape = eqn.params["broadcast_dimensions"], x[0].shape

    def at(i: Index) -> Term:
        stretched = [shape[j] == 1 and out.shape[d] != 1 for j, d in enumerate(axes)]
        return x[0].at(tuple(ZERO if s else i[d] for s, d in zip(stretched, axes, strict=True)))

    return array(out.shape, out.dtype, at)


def _transpose(eqn: Any, x: list[Array], out: Any) -> Array:
    turned = eqn.params["permutation"]
    places = [turned.index(axis) for axis in range(len(turned))]
    return array(out.shape, out.dtype, lambda i: x[0].at(tuple(i[p] for p in places)))


def _reshape(eqn: Any, x: list[Array], out: Any) -> Array | None:
    """Where only axes of length 1 come or go."""
    if reordered(eqn):
        return None
    long = [[k for k, d in enumerate(shape) if d != 1] for shape in (x[0].shape, out.shape)]
    if [x[0].shape[k] for k in long[0]] != [out.shape[k] for k in long[1]]:
        return None
    place = dict(zip(*long, strict=True))

    def at(i: Index) -> Term:
        return x[0].at(tuple(i[place[k]] if k in place else ZERO for k in range(len(x[0].shape))))

    return array(out.shape, out.dtype, at)


def reordered(eqn: Any) -> bool:
    """Whether a reshape takes the axes in another order."""
    return eqn.primitive.name == "reshape" and eqn.params.get("dimensions") is not None


def _reduce(eqn: Any, x: list[Array], out: Any) -> Array | None:
    if sort_of(out.dtype) == "int" and not _counts(x[0], out):  # a sum of others may wrap
        return None
    return aggregate(REDUCTIONS[eqn.primitive.name], x[0], tuple(eqn.params["axes"]))


def _counts(x: Array, out: Any) -> bool:
    """Whether an array holds only 0 and 1, of which there are fewer than 32 bits can count."""
    entry = x.at(generic(x.shape))
    bits = jnp.iinfo(out.dtype).bits >= 32
    return bits and entry.op == "ite" and {entry.args[1], entry.args[2]} <= {ZERO, ONE}


def _product(eqn: Any, x: list[Array], out: Any) -> Array | None:
    (left, right), (batch, _) = eqn.params["dimension_numbers"]
    if batch or sort_of(out.dtype) != "real":
        return None
    # A product of products would be a sum of sums of sums: it stays a function of whole arrays.
    if any(y.op == "agg" for z in x for y in walk(z.at(generic(z.shape)), inside=True)):
        if all(len(z.shape) > 1 for z in x):
            return None
    a, b = x
    free = [[k for k in range(len(y.shape)) if k not in c] for y, c in ((a, left), (b, right))]

    def at(i: Index) -> Term:
        summed = bound(len(left), i)

        def entry(y: Array, kept: list[int], axes: Any, index: Index) -> Term:
            place = dict(zip(kept, index, strict=True)) | dict(zip(axes, summed, strict=True))
            found = y.at(tuple(place[k] for k in range(len(y.shape))))
            return ite(found, ONE, ZERO) if found.sort == "bool" else found

        cut = len(free[0])
        body = mul(entry(a, free[0], left, i[:cut]), entry(b, free[1], right, i[cut:]))
        over = [(k.args[0], a.shape[axis]) for k, axis in zip(summed, left, strict=True)]
        return gathered("sum", body, over)

    return array(out.shape, out.dtype, at)


def _looked_up(eqn: Any, x: list[Array], out: Any) -> Array | None:
    """An entry of a short vector of numbers, by a count: cases."""
    table, place = x[0], x[1]
    if len(table.shape) != 1 or math.prod(out.shape) != 1 or math.prod(place.shape) != 1:
        return None
    if not isinstance(table.shape[0], int) or table.shape[0] > LONGEST_TABLE:
        return None
    if eqn.primitive.name == "gather" and "CLIP" not in str(eqn.params["mode"]).upper():
        return None
    entries = [table.at((num(k),)) for k in range(table.shape[0])]
    if not all(map(is_num, entries)):
        return None
    at = place.at((ZERO,) * len(place.shape))
    value = entries[-1]
    for k in range(len(entries) - 2, -1, -1):
        if entries[k] is not entries[k + 1]:
            value = ite(less(at, num(k + 1)), entries[k], value)
    return array(out.shape, out.dtype, lambda i: value)


def _split(eqn: Any, x: list[Array], out: Any) -> Array:
    """In one part."""
    return x[0]


def _concatenate(eqn: Any, x: list[Array], out: Any) -> Array:
    return _concatenated(eqn.params["dimension"], x, out)


def _concatenated(axis: int, x: list[Array], out: Any) -> Array:
    if len(x) == 1:
        return x[0]
    whole = opaque(f"concatenate {axis}", x, out.shape, out.dtype)

    def at(i: Index) -> Term:
        place = i[axis]
        if not is_num(place) or not all(isinstance(y.shape[axis], int) for y in x):
            return whole.at(i)
        k = int(place.args[0])
        for y in x:
            if k < y.shape[axis]:
                return y.at((*i[:axis], num(k), *i[axis + 1 :]))
            k -= y.shape[axis]
        return whole.at(i)

    return array(out.shape, out.dtype, at, (axis, tuple(x)))


def _stack(eqn: Any, x: list[Array], out: Any) -> Array:
    axis = eqn.params["axis"]

    def part(y: Array) -> Array:
        shape = (*y.shape[:axis], 1, *y.shape[axis:])
        return array(shape, y.dtype, lambda i: y.at((*i[:axis], *i[axis + 1 :])))

    return _concatenated(axis, [part(y) for y in x], out)


def _slice(eqn: Any, x: list[Array], out: Any) -> Array | None:
    """Along every axis all places or one."""
    p, old = eqn.params, x[0].shape
    one = [d == 1 for d in out.shape]
    if not all(
        k or (s == 0 and d == e)
        for k, s, d, e in zip(one, p["start_indices"], out.shape, old, strict=True)
    ):
        return None

    def at(i: Index) -> Term:
        pairs = zip(one, p["start_indices"], i, strict=True)
        return x[0].at(tuple(num(s) if k else j for k, s, j in pairs))

    return array(out.shape, out.dtype, at)


def _size(eqn: Any, x: list[Array], out: Any) -> Array:
    return array((), out.dtype, lambda i: dimension(eqn.params["dim"]))


PLACING: dict[str, Callable[..., Any]] = {
    "broadcast_in_dim": _broadcast, "transpose": _transpose,
    "squeeze": _reshape, "expand_dims": _reshape, "reshape": _reshape, "dot_general": _product,
    "gather": _looked_up, "dynamic_slice": _looked_up, "dim_as_value": _size,
    "concatenate": _concatenate, "stack": _stack, "slice": _slice, "split": _split,
    **dict.fromkeys(REDUCTIONS, _reduce),
}  # fmt: skip
