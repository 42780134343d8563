"""A program of JAX (a jaxpr) as terms: every equation makes arrays of arrays.

What works place by place is in `primitives`; here is what looks at other places, and what calls
other programs. A primitive without a rule is a function of its whole operands and all its
parameters: two such are equal only if their operands are equal everywhere.
"""

import hashlib
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lectopt.explain.arrays import (
    Array,
    Index,
    aggregate,
    array,
    bound,
    dimension,
    full_name,
    gathered,
    generic,
    is_key,
    opaque,
    sort_of,
)  # fmt: skip
from lectopt.explain.primitives import constant, operation
from lectopt.explain.terms import ONE, ZERO, Term, is_num, ite, less, mul, num, walk

CALLS = frozenset({
    "jit", "pjit", "closed_call", "core_call", "custom_jvp_call", "custom_vjp_call",
    "custom_vjp_call_jaxpr", "remat", "remat2", "checkpoint",
})  # fmt: skip
REDUCTIONS = {f"reduce_{kind}": kind for kind in ("sum", "max", "min", "and", "or", "prod")}
IDLE = frozenset({"sharding", "out_sharding", "name", "jvp_jaxpr_fun", "fwd_jaxpr_thunk", "bwd"})
LONGEST_LOOP = 16  # that is written out
LONGEST_TABLE = 64  # of numbers that are looked up, as cases
_UNKNOWN = itertools.count()
# What computes the functions of whole arrays, by their names, for who wants to run them again.
RECORDED: ContextVar[dict[str, Any] | None] = ContextVar("recorded", default=None)


def interpret(jaxpr: Any, consts: Sequence[Any], args: Sequence[Array]) -> list[Array]:
    """The outputs of a program for these inputs."""
    known = [of_value(c) for c in consts]
    env = dict(zip(jaxpr.constvars, known, strict=True))
    env |= dict(zip(jaxpr.invars, args, strict=True))

    def get(v: Any) -> Array:
        return of_value(v.val) if hasattr(v, "val") else env[v]

    for eqn in jaxpr.eqns:
        outs = equation(eqn, [get(v) for v in eqn.invars])
        env.update(zip(eqn.outvars, outs, strict=True))
    return [get(v) for v in jaxpr.outvars]


def closed(program: Any, args: Sequence[Array]) -> list[Array]:
    """The outputs of a program that has its constants with it."""
    return interpret(program.jaxpr, program.consts, args)


def of_value(value: Any) -> Array:
    """A number or a table of them."""
    if is_key(value):
        name = f"key {jax.random.key_data(value).tolist()}"
        _record(full_name(name, []), value)
        return opaque(name, [], value.shape, value.dtype)
    value = np.asarray(value)
    if value.size and (value == value.flat[0]).all():
        return array(value.shape, value.dtype, lambda i: constant(value.flat[0]))
    print_of = hashlib.sha256(value.tobytes()).hexdigest()
    name = f"table {value.dtype} {print_of}"
    _record(full_name(name, []), value)
    table = opaque(name, [], value.shape, value.dtype)

    def at(index: Index) -> Term:
        if all(map(is_num, index)):
            return constant(value[tuple(int(k.args[0]) for k in index)])
        return table.at(index)

    return array(value.shape, value.dtype, at)


def equation(eqn: Any, x: list[Array]) -> list[Array]:
    """The outputs of one equation for these operands."""
    name, params = eqn.primitive.name, eqn.params
    if name in CALLS and (inner := called(params)) is not None:
        return closed(inner, x) if hasattr(inner, "consts") else interpret(inner, [], x)
    if name in SEVERAL and (outs := SEVERAL[name](eqn, x)) is not None:
        return outs
    if len(eqn.outvars) == 1:
        out = eqn.outvars[0].aval
        rule = operation(name, params, [y.dtype for y in x], out.dtype)
        if rule is not None:
            return [_pointwise(rule, out, x)]
        if name in ONE_OUTPUT and (made := ONE_OUTPUT[name](eqn, x, out)) is not None:
            return [made]
    return unknown(eqn, x)


def called(params: dict[str, Any]) -> Any:
    """The program that a call runs, None if it is not known."""
    return next((params[k] for k in ("jaxpr", "call_jaxpr", "fun_jaxpr") if k in params), None)


def _pointwise(rule: Callable[..., Term], out: Any, x: Sequence[Array]) -> Array:
    return array(out.shape, out.dtype, lambda i: rule(*(y.at(i if y.shape else ()) for y in x)))


def _select(eqn: Any, x: list[Array], out: Any) -> Array:
    return _pointwise(lambda c, *cases: _chosen(c, cases), out, x)


def _chosen(c: Term, cases: Sequence[Term]) -> Term:
    """The case of that number; the first below, the last above."""
    if c.sort == "bool":
        return ite(c, cases[1], cases[0])
    out = cases[-1]
    for k in range(len(cases) - 2, -1, -1):
        out = ite(less(c, num(k + 1)), cases[k], out)
    return out


def _cond(eqn: Any, x: list[Array]) -> list[Array]:
    runs = [closed(branch, x[1:]) for branch in eqn.params["branches"]]
    return [
        _pointwise(lambda c, *cases: _chosen(c, cases), v.aval, [x[0], *cases])
        for v, *cases in zip(eqn.outvars, *runs, strict=True)
    ]


def scanned(p: dict[str, Any], x: Sequence[Any]) -> tuple[list[Any], list[Any], list[Any]]:
    """The operands of a scan: what is constant, what is carried, what is looked at row by row."""
    if "ft_in" in p:
        consts, carry, rows = map(list, p["ft_in"].update(x).unpack())
        return consts, carry, rows
    n, m = p["num_consts"], p["num_consts"] + p["num_carry"]
    return list(x[:n]), list(x[n:m]), list(x[m:])


def _scan(eqn: Any, x: list[Array]) -> list[Array] | None:
    p = eqn.params
    fixed, carry, rows = scanned(p, x)
    if p["length"] > LONGEST_LOOP or len(p["jaxpr"].out_avals) != len(carry) or p["reverse"]:
        return None
    for k in range(p["length"]):
        now = [Array(y.shape[1:], y.dtype, lambda i, y=y, k=k: y.at((num(k), *i))) for y in rows]
        carry = closed(p["jaxpr"], [*fixed, *carry, *now])
    return carry


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
    long = [[k for k, d in enumerate(shape) if d != 1] for shape in (x[0].shape, out.shape)]
    if [x[0].shape[k] for k in long[0]] != [out.shape[k] for k in long[1]]:
        return None
    place = dict(zip(*long, strict=True))

    def at(i: Index) -> Term:
        return x[0].at(tuple(i[place[k]] if k in place else ZERO for k in range(len(x[0].shape))))

    return array(out.shape, out.dtype, at)


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
    if len(x) == 1:
        return x[0]
    axis = eqn.params["dimension"]
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


SEVERAL: dict[str, Callable[..., Any]] = {"cond": _cond, "scan": _scan}
ONE_OUTPUT: dict[str, Callable[..., Any]] = {
    "select_n": _select, "broadcast_in_dim": _broadcast, "transpose": _transpose,
    "squeeze": _reshape, "expand_dims": _reshape, "reshape": _reshape, "dot_general": _product,
    "gather": _looked_up, "dynamic_slice": _looked_up, "dim_as_value": _size,
    "concatenate": _concatenate, "slice": _slice, "split": _split,
    **dict.fromkeys(REDUCTIONS, _reduce),
}  # fmt: skip


def unknown(eqn: Any, x: list[Array]) -> list[Array]:
    """An operation without a rule, as a function of whole arrays."""
    kept = {k: v for k, v in sorted(eqn.params.items()) if k not in IDLE}
    name = f"{eqn.primitive.name} {kept}"
    if eqn.effects or "callback" in eqn.primitive.name:  # it may do anything, and not twice
        name = f"{eqn.primitive.name} {next(_UNKNOWN)}"
    x = [*x, *map(of_value, _held(list(kept.values())))]
    for k in range(len(eqn.outvars)):
        _record(full_name(f"{name}.{k}", x), (eqn, k))
    return [opaque(f"{name}.{k}", x, v.aval.shape, v.aval.dtype) for k, v in enumerate(eqn.outvars)]


def _record(name: str, made: Any) -> None:
    records = RECORDED.get()
    if records is not None:
        records[name] = made


def _held(values: Any) -> Iterator[Any]:
    """The arrays in parameters, which their text leaves out: constants of inner programs."""
    for value in jax.tree.leaves(values, is_leaf=lambda v: hasattr(v, "eqns")):
        if hasattr(value, "consts"):
            yield from value.consts
        inner = getattr(value, "jaxpr", value)
        for eqn in getattr(inner, "eqns", ()):
            yield from (v.val for v in eqn.invars if np.ndim(getattr(v, "val", 0)))
            yield from _held(list(eqn.params.values()))
        if isinstance(value, np.ndarray | jax.Array) and value.ndim:
            yield value
