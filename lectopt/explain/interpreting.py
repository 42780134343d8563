"""A program of JAX (a jaxpr) as terms: every equation makes arrays of arrays.

What works place by place is in `primitives`, what looks at other places in `placing`; here is what
calls other programs. A primitive without a rule is a function of its whole operands and all its
parameters: two such are equal only if their operands are equal everywhere.
"""

import hashlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from types import SimpleNamespace
from typing import Any

import jax
import numpy as np

from lectopt.explain.arrays import (
    Array,
    Index,
    array,
    full_name,
    is_key,
    opaque,
    sort_of,
)  # fmt: skip
from lectopt.explain.placing import PLACING
from lectopt.explain.primitives import constant, narrowed, operation
from lectopt.explain.terms import Term, is_num, ite, less, num

CALLS = frozenset({
    "jit", "pjit", "closed_call", "core_call", "custom_jvp_call", "custom_vjp_call",
    "custom_vjp_call_jaxpr", "remat", "remat2", "checkpoint",
})  # fmt: skip
IDLE = frozenset({"sharding", "out_sharding", "name", "jvp_jaxpr_fun", "fwd_jaxpr_thunk", "bwd"})
LONGEST_LOOP = 16  # that is written out
_UNKNOWN = itertools.count()
# What computes the functions of whole arrays, by their names, for who wants to run them again.
RECORDED: ContextVar[dict[str, Any] | None] = ContextVar("recorded", default=None)
# Whether the weights are of narrow types themselves, as the scope of a proof then says.
ON_NARROW: ContextVar[bool] = ContextVar("on narrow", default=False)

# From a call and its operands to a program to read in its place, or None.
INSTEAD: ContextVar[Callable[[Any, Sequence[Array]], Any] | None] = ContextVar(
    "instead", default=None
)


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
    real = sort_of(value.dtype) != "other"
    if real and value.size and (value == value.flat[0]).all():
        return array(value.shape, value.dtype, lambda i: constant(value.flat[0]))
    print_of = hashlib.sha256(value.tobytes()).hexdigest()
    name = f"table {value.dtype} {print_of}"
    _record(full_name(name, []), value)
    table = opaque(name, [], value.shape, value.dtype)

    def at(index: Index) -> Term:
        if real and all(map(is_num, index)):
            return constant(value[tuple(int(k.args[0]) for k in index)])
        return table.at(index)

    return array(value.shape, value.dtype, at)


def equation(eqn: Any, x: list[Array]) -> list[Array]:
    """The outputs of one equation for these operands."""
    name, params = eqn.primitive.name, eqn.params
    if name in CALLS and (inner := called(params)) is not None:
        instead = INSTEAD.get()
        inner = (instead(eqn, x) if instead else None) or inner
        return closed(inner, x) if hasattr(inner, "consts") else interpret(inner, [], x)
    if name in SEVERAL and (outs := SEVERAL[name](eqn, x)) is not None:
        return outs
    if len(eqn.outvars) == 1:
        out = eqn.outvars[0].aval
        rule = operation(name, params, [y.dtype for y in x], out.dtype)
        if rule is not None:
            return [_rounded(name, _pointwise(rule, out, x))]
        if name in PLACING and (made := PLACING[name](eqn, x, out)) is not None:
            return [_rounded(name, made)]
    return unknown(eqn, x)


def _rounded(name: str, made: Array) -> Array:
    """The array as its type holds it; a program on narrow weights is read in real numbers."""
    rule = None if ON_NARROW.get() else narrowed(name, made)
    return made if rule is None else array(made.shape, made.dtype, lambda i: rule(made.at(i)))


def called(params: dict[str, Any]) -> Any:
    """The program that a call runs, None if it is not known."""
    return next((params[k] for k in ("jaxpr", "call_jaxpr", "fun_jaxpr") if k in params), None)


def _pointwise(rule: Callable[..., Term], out: Any, x: Sequence[Array]) -> Array:
    def at(i: Index) -> Term:
        return rule(*(y.at(i if y.shape else ()) for y in x))

    return array(out.shape, out.dtype, at, _parts(rule, out, x))


def _parts(rule: Callable[..., Term], out: Any, x: Sequence[Array]) -> Any:
    """The parts of what works place by place on arrays that are made of equal parts."""
    made = [y.parts for y in x if y.parts]
    cuts = {(axis, *(tuple(y.shape) for y in parts)) for axis, parts in made}
    if len(cuts) != 1 or len(made) < sum(bool(y.shape) for y in x):
        return None
    each = []
    for row in zip(*(parts for _, parts in made), strict=True):
        rest = iter(row)
        now = [next(rest) if y.parts else y for y in x]
        like = SimpleNamespace(shape=row[0].shape, dtype=out.dtype)
        each.append(_pointwise(rule, like, now))
    return made[0][0], tuple(each)


def _select(eqn: Any, x: list[Array]) -> list[Array]:
    return [_pointwise(lambda c, *cases: _chosen(c, cases), eqn.outvars[0].aval, x)]


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


SEVERAL: dict[str, Callable[..., Any]] = {"cond": _cond, "scan": _scan, "select_n": _select}


def unknown(eqn: Any, x: list[Array]) -> list[Array]:
    """An operation without a rule, as a function of whole arrays."""
    kept = {k: v for k, v in sorted(eqn.params.items()) if k not in IDLE}
    name = f"{eqn.primitive.name} {kept}"
    if eqn.effects or "callback" in eqn.primitive.name:  # it may do anything, and not twice
        name = f"{eqn.primitive.name} {next(_UNKNOWN)}"
    types = ",".join(str(y.dtype) for y in x)  # whole numbers end, and short ones are rounded
    x = [*x, *map(of_value, held(list(kept.values())))]
    outs = []
    for k, v in enumerate(eqn.outvars):
        whole = f"{name} {types} {v.aval.dtype}.{k}"
        _record(full_name(whole, x), (eqn, k))
        outs.append(opaque(whole, x, v.aval.shape, v.aval.dtype))
    return outs


def _record(name: str, made: Any) -> None:
    records = RECORDED.get()
    if records is not None:
        records[name] = made


def held(values: Any) -> Iterator[Any]:
    """The arrays in parameters, which their text leaves out: constants of inner programs."""
    for value in jax.tree.leaves(values, is_leaf=lambda v: hasattr(v, "eqns")):
        if hasattr(value, "consts"):
            yield from value.consts
        inner = getattr(value, "jaxpr", value)
        for eqn in getattr(inner, "eqns", ()):
            yield from (v.val for v in eqn.invars if np.ndim(getattr(v, "val", 0)))
            yield from held(list(eqn.params.values()))
        if isinstance(value, np.ndarray | jax.Array) and value.ndim:
            yield value
