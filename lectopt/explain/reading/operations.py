"""Operations that move places, add over them, or choose: what is not done place by place."""

import functools as ft
from collections.abc import Callable
from typing import Any

import sympy as sp

from lectopt.explain.algebra.bounds import bounds
from lectopt.explain.algebra.cases import Case
from lectopt.explain.algebra.conditions import compare, maximum, rebuilt, truth
from lectopt.explain.algebra.nodes import All, Largest, Modulus, Remainder, Some, Stack
from lectopt.explain.reading.jaxprs import wraps
from lectopt.explain.reading.places import Layout, Value, distinct, reshaped, unified
from lectopt.explain.reading.rules import apply

Operation = Callable[[Layout, Any, list[Value]], Value | None]


JOINS: dict[Any, Callable[[Any, Any], Any]] = {Largest: maximum, All: sp.And, Some: sp.Or}


def choice(condition: Any, yes: Any, no: Any, logical: bool) -> Any:
    """`yes` if `condition` else `no`, for numbers or for conditions."""
    if logical:
        return sp.Or(sp.And(condition, yes), sp.And(sp.Not(condition), no))
    return Case(condition, yes, no)


def _convert(layout: Layout, eqn: Any, xs: list[Value]) -> Value | None:
    """A change of type: true is 1, a float loses its fraction."""
    (x,) = xs
    old, new = (v.aval.dtype.kind for v in (eqn.invars[0], eqn.outvars[0]))
    if old == "b" and new != "b":
        return Value(Case(x.expr, sp.S.One, sp.S.Zero), x.dims)
    if new == "b" and old != "b":
        return Value(truth(x.expr), x.dims)
    if wraps(eqn.outvars[0].aval.dtype) and eqn.invars[0].aval.dtype != eqn.outvars[0].aval.dtype:
        return None
    if old not in "iu" and new in "iu" and not x.expr.is_integer:
        return Value(sp.floor(x.expr), x.dims) if bounds(x.expr).nonnegative else None
    return None if "c" in (old, new) else x


def _broadcast(layout: Layout, eqn: Any, xs: list[Value]) -> Value | None:
    (x, *rest), shape = xs, eqn.params["shape"]
    if rest:
        return None
    old = eqn.invars[0].aval.shape
    dims: list[str | None] = [None] * len(shape)
    for k, axis in enumerate(eqn.params["broadcast_dimensions"]):
        dims[axis] = x.dims[k] if old[k] == shape[axis] else None
    return Value(x.expr, tuple(dims))


def _reshape(layout: Layout, eqn: Any, xs: list[Value]) -> Value | None:
    x = xs[0]
    dims = reshaped(layout, x.dims, eqn.invars[0].aval.shape, eqn.outvars[0].aval.shape)
    return None if dims is None else Value(x.expr, dims)


def _transpose(layout: Layout, eqn: Any, xs: list[Value]) -> Value | None:
    (x,) = xs
    return Value(x.expr, tuple(x.dims[k] for k in eqn.params["permutation"]))


def _concatenate(layout: Layout, eqn: Any, xs: list[Value]) -> Value | None:
    """Of one array, or of arrays of size 1."""
    axis = eqn.params["dimension"]
    if len(xs) == 1 or any(v.aval.shape[axis] != 1 for v in eqn.invars):
        return _whole(layout, eqn, xs)
    return _joined(layout, eqn, xs, axis, 1)


def _stack(layout: Layout, eqn: Any, xs: list[Value]) -> Value | None:
    return _joined(layout, eqn, xs, eqn.params["axis"], 0)


def _joined(layout: Layout, eqn: Any, xs: list[Value], axis: int, drop: int) -> Value | None:
    """Arrays along a new axis, which takes the place of `drop` old ones."""
    dims = unified([x.dims for x in xs])
    if dims is None:
        return None
    letter = layout.letter(len(xs))
    dims = distinct((*dims[:axis], letter, *dims[axis + drop :]))
    if dims is None:
        return None
    logical = eqn.outvars[0].aval.dtype.kind == "b"
    exprs = [Case(x.expr, sp.S.One, sp.S.Zero) if logical else x.expr for x in xs]
    stack = Stack(sp.Symbol(letter), *exprs)
    return Value(sp.Ne(stack, 0, evaluate=False) if logical else stack, dims)


def _unstacked(expr: Any, over: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """What is to be reduced over the letters of stacks: an expression for each place; and the
    other letters."""
    stacks = [stack for stack in expr.atoms(Stack) if stack.args[0].name in over]
    if not stacks:
        return [expr], over
    letter = stacks[0].args[0]
    alike = [stack for stack in stacks if stack.args[0] == letter]
    places = [{stack: stack.args[k] for stack in alike} for k in range(1, len(stacks[0].args))]
    return [rebuilt(expr, place) for place in places], {
        k: v for k, v in over.items() if k != letter.name
    }


def _whole(layout: Layout, eqn: Any, xs: list[Value]) -> Value | None:
    """A slice of everything, a part that is all."""
    same = len(xs) == 1 and eqn.invars[0].aval.shape == eqn.outvars[0].aval.shape
    return xs[0] if same and not any(s != 1 for s in eqn.params.get("strides") or ()) else None


def _slice(layout: Layout, eqn: Any, xs: list[Value]) -> Value | None:
    """Of what is stacked, some; of other arrays only all."""
    whole = _whole(layout, eqn, xs)
    if whole is not None:
        return whole
    expr, dims = xs[0].expr, list(xs[0].dims)
    strides = eqn.params["strides"] or [1] * len(dims)
    ends = zip(eqn.params["start_indices"], eqn.params["limit_indices"], strides, strict=True)
    for axis, kept in enumerate(range(*end) for end in ends):
        letter = dims[axis]
        if letter is None or len(kept) == eqn.invars[0].aval.shape[axis]:
            continue
        stacks = [stack for stack in expr.atoms(Stack) if stack.args[0].name == letter]
        if set(letter) & layout.letters(expr.xreplace(dict.fromkeys(stacks, sp.S.Zero))):
            return None
        dims[axis] = layout.letter(len(kept)) if len(kept) > 1 else None
        parts = {stack: [stack.args[1 + k] for k in kept] for stack in stacks}
        expr = rebuilt(expr, {s: _stacked(dims[axis], part) for s, part in parts.items()})
    found = distinct(tuple(dims))
    return None if found is None else Value(expr, found)


def _stacked(letter: str | None, parts: list[Any]) -> Any:
    return parts[0] if letter is None else Stack(sp.Symbol(letter), *parts)


def _over(layout: Layout, eqn: Any, x: Value) -> tuple[dict[str, Any], list[Any], tuple[Any, ...]]:
    """Of a reduction: the letters that go, with sizes, the sizes without letter, the letters that
    stay."""
    axes, shape = eqn.params["axes"], eqn.invars[0].aval.shape
    over: dict[str, Any] = {}
    alike = []
    for k in axes:
        size = layout.size(shape[k]) or sp.Integer(shape[k])
        letter = x.dims[k]
        if letter is None:
            alike.append(size)
        else:
            sizes = layout.merged.get(letter, (size,))
            over |= dict(zip(letter, map(sp.sympify, sizes), strict=True))
    return over, alike, tuple(d for k, d in enumerate(x.dims) if k not in axes)


def _reduce_sum(layout: Layout, eqn: Any, xs: list[Value]) -> Value | None:
    over, alike, dims = _over(layout, eqn, xs[0])
    exprs, over = _unstacked(xs[0].expr, over)
    return Value(sp.Mul(*alike, sp.Add(*(layout.total(x, over) for x in exprs))), dims)


def _reduce(node: Any, sign: int = 1) -> Operation:
    def rule(layout: Layout, eqn: Any, xs: list[Value]) -> Value | None:
        if node is Largest and eqn.invars[0].aval.dtype == bool:
            return _reduce(Some if sign == 1 else All)(layout, eqn, xs)
        over, _, dims = _over(layout, eqn, xs[0])
        exprs, over = _unstacked(xs[0].expr if node is not Largest else sign * xs[0].expr, over)
        reduced = []
        for expr in exprs:
            letters = [sp.Symbol(x) for x in sorted(set(over) & layout.letters(expr))]
            reduced.append(node(expr, *letters) if letters else expr)
        whole = ft.reduce(JOINS[node], reduced)
        return Value(whole if node is not Largest else sign * whole, dims)

    return rule


def _dot(layout: Layout, eqn: Any, xs: list[Value]) -> Value | None:
    """A product summed over the axes that both sides give up, if those carry the same letters."""
    (contract, batch), (a, b) = eqn.params["dimension_numbers"], xs
    kept = [
        [d for k, d in enumerate(x.dims) if k not in (*contract[side], *batch[side])]
        for side, x in enumerate(xs)
    ]
    pairs = [(a.dims[i], b.dims[j]) for i, j in zip(*contract, strict=True)]
    pairs += [(a.dims[i], b.dims[j]) for i, j in zip(*batch, strict=True)]
    if any(x != y and x and y for x, y in pairs):
        return None
    dims = distinct(
        tuple(a.dims[i] or b.dims[j] for i, j in zip(*batch, strict=True))
        + tuple(kept[0])
        + tuple(kept[1])
    )
    over: dict[str, Any] = {}
    factor = sp.S.One
    for i, j in zip(*contract, strict=True):
        size = layout.size(eqn.invars[0].aval.shape[i]) or sp.Integer(eqn.invars[0].aval.shape[i])
        letter = a.dims[i] or b.dims[j]
        if letter is None:
            factor *= size
        elif len(letter) > 1:
            return None
        else:
            over[letter] = size
    if dims is None or set(over) & {x for d in dims if d for x in d}:
        return None
    exprs = [
        Case(x.expr, sp.S.One, sp.S.Zero) if v.aval.dtype == bool else x.expr
        for x, v in zip(xs, eqn.invars, strict=True)
    ]
    terms, over = _unstacked(apply("mul", *exprs), over)
    return Value(factor * sp.Add(*(layout.total(x, over) for x in terms)), dims)


def _power(layout: Layout, eqn: Any, xs: list[Value]) -> Value | None:
    return Value(xs[0].expr ** eqn.params["y"], xs[0].dims)


def _select(layout: Layout, eqn: Any, xs: list[Value]) -> Value | None:
    which, *cases = xs
    dims = unified([x.dims for x in xs])
    if dims is None:
        return None
    logical = eqn.outvars[0].aval.dtype.kind == "b"
    if eqn.invars[0].aval.dtype.kind == "b":
        return Value(choice(which.expr, cases[1].expr, cases[0].expr, logical), dims)
    expr = cases[-1].expr
    for k, case in reversed(list(enumerate(cases[:-1]))):
        expr = choice(compare(sp.Eq, which.expr, sp.Integer(k)), case.expr, expr, logical)
    return Value(expr, dims)


def _remainder(layout: Layout, eqn: Any, xs: list[Value]) -> Value | None:
    dims = unified([x.dims for x in xs])
    first, second = (bounds(x.expr) for x in xs)
    node = Modulus if first.nonnegative and second.positive else Remainder
    return None if dims is None else Value(node(*(x.expr for x in xs)), dims)


OPERATIONS: dict[str, Operation] = {
    "convert_element_type": _convert,
    "broadcast_in_dim": _broadcast,
    "reshape": _reshape,
    "squeeze": _reshape,
    "expand_dims": _reshape,
    "transpose": _transpose,
    "slice": _slice,
    "concatenate": _concatenate,
    "stack": _stack,
    "split": _whole,
    "reduce_sum": _reduce_sum,
    "reduce_max": _reduce(Largest),
    "reduce_min": _reduce(Largest, -1),
    "reduce_and": _reduce(All),
    "reduce_or": _reduce(Some),
    "dot_general": _dot,
    "integer_pow": _power,
    "select_n": _select,
    "rem": _remainder,
}
