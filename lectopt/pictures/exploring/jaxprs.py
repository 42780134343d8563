"""A function's program in JAX, written in JavaScript.

The program is run on arrays of expressions. What moves entries about is run by JAX itself on their
numbers; what does something with them builds expressions; and what depends on no parameter is
computed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import jax
import numpy as np

from lectopt.numerics import double
from lectopt.pictures.exploring.expressions import (
    ATOM,
    COMPARE,
    PRODUCT,
    TERNARY,
    UNARY,
    Builder,
    written,
)

MOVES = frozenset(
    "broadcast_in_dim concatenate copy dynamic_slice expand_dims gather pad reshape rev slice "
    "split squeeze stack transpose unstack".split()
)
CALLS = dict(
    abs="Math.abs", acos="Math.acos", acosh="Math.acosh", asin="Math.asin", asinh="Math.asinh",
    atan="Math.atan", atan2="Math.atan2", atanh="Math.atanh", cbrt="Math.cbrt", ceil="Math.ceil",
    cos="Math.cos", cosh="Math.cosh", exp="Math.exp", expm1="Math.expm1", floor="Math.floor",
    is_finite="Number.isFinite", log="Math.log", log1p="Math.log1p", max="Math.max",
    min="Math.min", sign="Math.sign", sin="Math.sin", sinh="Math.sinh", sqrt="Math.sqrt",
    tan="Math.tan", tanh="Math.tanh",
)  # fmt: skip
COMPARISONS = {"eq": "===", "ne": "!==", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
# Text, how tightly it holds together, and how tightly its parts have to.
OTHERS: dict[str, tuple[str, int, tuple[int, ...]]] = {
    "div": ("{}/{}", PRODUCT, (PRODUCT, UNARY)),
    "neg": ("-{}", UNARY, (ATOM,)),
    "pow": ("{}**{}", UNARY, (ATOM, UNARY)),
    "square": ("{}**2", UNARY, (ATOM,)),
    "rsqrt": ("1/Math.sqrt({})", PRODUCT, (TERNARY,)),
    "exp2": ("2**{}", UNARY, (UNARY,)),
    "logistic": ("1/(1 + Math.exp(-{}))", PRODUCT, (ATOM,)),
    "and": ("({} && {})", ATOM, (COMPARE + 1, COMPARE + 1)),
    "or": ("({} || {})", ATOM, (COMPARE + 1, COMPARE + 1)),
    "not": ("!{}", UNARY, (ATOM,)),
    "select_n": ("{0} ? {2} : {1}", TERNARY, (ATOM, COMPARE, COMPARE)),
    "clamp": ("Math.min(Math.max({1}, {0}), {2})", ATOM, (TERNARY,) * 3),
}
SAME = frozenset({"stop_gradient", "optimization_barrier", "reduce_precision"})
TOO_MANY = 60_000  # expressions, which would be some megabytes


def javascript(function: Callable[..., Any], example: np.ndarray, name: str) -> str:
    """A JavaScript function of an array of numbers that returns what `function` does: a number, or
    a list of numbers and arrays, which are flat.

    Args:
      function: of an array like `example`.
      example: of any values, with 64 bits.
      name: the function's.

    Raises:
      ValueError: the program uses an operation that has no formula, or is too long.
    """
    build = Builder()
    with double():
        closed, shape = jax.make_jaxpr(function, return_shape=True)(example)
        names = ["x", "y"] if example.size == 2 else [f"p[{k}]" for k in range(example.size)]
        params = np.array([build(text) for text in names], object).reshape(example.shape)
        results = _run(closed.jaxpr, closed.consts, [params], build)
    flat = [x for result in results for x in np.ravel(result)]
    statements, texts = written(flat, "  ")
    taken = ["  const [x, y] = p;"] if example.size == 2 else []
    ends, at = [], 0
    for leaf in jax.tree.leaves(shape):
        own = texts[at : at + leaf.size]
        at += leaf.size
        ends.append(f"[{', '.join(own)}]" if leaf.ndim else own[0])
    single = len(ends) == 1 and not isinstance(shape, tuple)
    end = ends[0] if single else f"[{', '.join(ends)}]"
    return "\n".join([f"function {name}(p) {{", *taken, *statements, f"  return {end};", "}"])


def _run(jaxpr: Any, consts: Sequence[Any], arguments: Sequence[Any], build: Builder) -> list[Any]:
    """The results of a program: arrays of numbers, or of expressions and numbers."""
    values: dict[Any, Any] = dict(zip(jaxpr.constvars, map(np.asarray, consts), strict=True))
    values |= dict(zip(jaxpr.invars, arguments, strict=True))

    def read(x: Any) -> Any:
        return np.asarray(x.val) if hasattr(x, "val") else values[x]

    for equation in jaxpr.eqns:
        given = [read(x) for x in equation.invars]
        found = _applied(equation, given, build)
        if len(build.made) > TOO_MANY:
            raise ValueError(f"its formula has more than {TOO_MANY} terms; take fewer samples")
        values |= dict(zip(equation.outvars, found, strict=True))
    return [read(x) for x in jaxpr.outvars]


def _applied(equation: Any, given: list[Any], build: Builder) -> list[Any]:
    primitive, params = equation.primitive, equation.params
    name = primitive.name
    inner = params.get("jaxpr") or params.get("call_jaxpr") or params.get("fun_jaxpr")
    if inner is not None and name not in ("while", "scan", "cond"):
        return _run(inner.jaxpr, inner.consts, given, build)
    if not any(x.dtype == object for x in given):  # depends on no parameter
        found = primitive.bind(*map(jax.numpy.asarray, given), **params)
        return [np.asarray(x) for x in (found if primitive.multiple_results else [found])]
    if name in MOVES:
        return _moved(primitive, params, given)
    return [np.asarray(_computed(equation, name, params, given, build), object)]


def _moved(primitive: Any, params: Any, given: list[Any]) -> list[Any]:
    """Where JAX moves the entries to, found by moving their numbers."""
    indices = primitive.name in ("gather", "dynamic_slice")
    moved = given[:1] if indices else given
    pool = np.concatenate([np.ravel(x.astype(object)) for x in moved])
    ends = np.cumsum([0, *(x.size for x in moved)])
    places = [
        np.arange(end, dtype=np.int64).reshape(x.shape) + begin
        for x, begin, end in zip(moved, ends, (x.size for x in moved), strict=False)
    ]
    where = primitive.bind(*map(jax.numpy.asarray, [*places, *given[len(moved) :]]), **params)
    return [pool[np.asarray(x)] for x in (where if primitive.multiple_results else [where])]


def _computed(equation: Any, name: str, params: Any, given: list[Any], build: Builder) -> Any:
    binary = {"add": build.add, "add_any": build.add, "sub": build.subtract, "mul": build.multiply}
    if name in binary:
        return _each(binary[name], *given)
    if name in CALLS:
        template = f"{CALLS[name]}({', '.join('{}' for _ in given)})"
        return _each(lambda *x: build(template, *x), *given)
    if name in COMPARISONS:
        template = f"{{}} {COMPARISONS[name]} {{}}"
        levels = (COMPARE + 1, COMPARE + 1)
        return _each(lambda *x: build(template, *x, level=COMPARE, wanted=levels), *given)
    if name == "integer_pow":
        power = f"{{}}**{params['y']}" if params["y"] >= 0 else f"{{}}**({params['y']})"
        return _each(lambda x: build(power, x, level=UNARY, wanted=(ATOM,)), *given)
    if name == "select_n" and len(given) > 3:
        raise _unwritten(name)
    if name in OTHERS:
        template, level, wanted = OTHERS[name]
        return _each(lambda *x: build(template, *x, level=level, wanted=wanted), *given)
    if name in SAME:
        return given[0]
    if name == "convert_element_type":
        return _converted(equation, given[0], build)
    if name == "dot_general":
        return _product(params["dimension_numbers"], given, build)
    if name.startswith("reduce_"):
        return _reduced(name, params, given[0], build)
    raise _unwritten(name)


def _each(function: Callable[..., Any], *given: Any) -> Any:
    return np.frompyfunc(function, len(given), 1)(*(_plain(x) for x in given))


def _plain(x: Any) -> Any:
    """Python's numbers, of which NumPy's would not be written to the last digit."""
    return x if x.dtype == object else np.array(x.tolist(), object)


def _converted(equation: Any, x: Any, build: Builder) -> Any:
    before, after = equation.invars[0].aval.dtype, equation.outvars[0].aval.dtype
    if before.kind == "b" and after.kind != "b":
        return _each(lambda v: build("Number({})", v), x)
    if np.issubdtype(before, np.floating) and np.issubdtype(after, np.integer):
        return _each(lambda v: build("Math.trunc({})", v), x)
    return x


def _product(dimensions: Any, given: Sequence[Any], build: Builder) -> Any:
    """Sums of products over the contracted axes, batches in front, as `dot_general` orders them."""
    x, y = given
    (over_x, over_y), (batch_x, batch_y) = dimensions
    free_x = [a for a in range(x.ndim) if a not in (*over_x, *batch_x)]
    free_y = [a for a in range(y.ndim) if a not in (*over_y, *batch_y)]
    left = np.transpose(_plain(x), (*batch_x, *free_x, *over_x))
    right = np.transpose(_plain(y), (*batch_y, *free_y, *over_y))
    b, n = len(batch_x), len(over_x)
    left = left.reshape(*left.shape[: left.ndim - n], -1)
    right = right.reshape(*right.shape[: right.ndim - n], -1)
    left = left.reshape(*left.shape[:-1], *(1,) * len(free_y), left.shape[-1])
    right = right.reshape(*right.shape[:b], *(1,) * len(free_x), *right.shape[b:])
    return _sum(_each(build.multiply, left, right), (-1,), build.add)


def _reduced(name: str, params: Any, x: Any, build: Builder) -> Any:
    both = {
        "reduce_sum": build.add,
        "reduce_prod": build.multiply,
        "reduce_max": lambda x, y: build("Math.max({}, {})", x, y),
        "reduce_min": lambda x, y: build("Math.min({}, {})", x, y),
        "reduce_and": lambda x, y: build("({} && {})", x, y, wanted=(COMPARE + 1,) * 2),
        "reduce_or": lambda x, y: build("({} || {})", x, y, wanted=(COMPARE + 1,) * 2),
    }
    if name not in both:
        raise _unwritten(name)
    return _sum(x, params["axes"], both[name])


def _sum(x: Any, axes: Sequence[int], both: Callable[[Any, Any], Any]) -> Any:
    axes = tuple(a % x.ndim for a in axes)
    kept = [a for a in range(x.ndim) if a not in axes]
    rows = np.transpose(x, (*kept, *axes)).reshape(*(x.shape[a] for a in kept), -1)
    found = np.empty(rows.shape[:-1], object)
    for place in np.ndindex(found.shape):
        found[place] = reduce(both, rows[place])
    return found


def _unwritten(name: str) -> ValueError:
    return ValueError(
        f"it uses the operation {name}, which has no formula in JavaScript here; write it with "
        "sums, products, powers and functions of numbers"
    )
