"""Reading a program: from a jaxpr to named SymPy equations.

The jaxpr is walked with a formula in place of every array. Three ideas make the result read like a
slide: a variable that becomes new state is given its name (`m[t]`) there and then, and what follows
is written with that name; `x[t] / (1 - b^t)` of a named statistic is itself named, `x_hat[t]`; and
a formula stands for *one weight*, its place named by the letters i, j, ..., so that only sums over
places appear as sums. What has no formula becomes a `Call` that remembers how it is computed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import sympy as sp
from jax.extend import core as jex
from sympy.logic.boolalg import Boolean

from lectopt import numerics
from lectopt.explain.algebra.conditions import truth
from lectopt.explain.algebra.names import Name, leaf_of, own
from lectopt.explain.algebra.nodes import Stack, constant, number, size, t
from lectopt.explain.reading.calls import (
    LOSS,
    Record,
    Title,
    call_of,
    constant_of,
    title_of,
    turned,
)
from lectopt.explain.reading.jaxprs import is_key, origins, uses, wraps
from lectopt.explain.reading.operations import OPERATIONS, choice
from lectopt.explain.reading.places import Dims, Layout, Value, unified
from lectopt.explain.reading.rules import FORMULAS, apply

INNER = ("jaxpr", "call_jaxpr", "fun_jaxpr")  # where operations keep the program they run
LONG = 24  # nodes of an expression that gets a letter of its own when it is used twice
FEW = 8  # numbers in an array that is written out
LOOPS = ("while", "scan", "cond")
ARITHMETIC = ("reduce_sum", "dot_general", "integer_pow", "rem")  # and what is elementwise
BITWISE = ("and", "or", "not", "xor")


@dataclass
class Reader:
    """Walks programs and keeps what it has named.

    `equations` are the definitions, in the order of the program; `calls` says how every `Call` is
    computed; `draws` are the symbols that are random, with their distributions; `brief` are symbols
    that only abbreviate, their letters in `abbreviated`.
    """

    layout: Layout
    letter: Callable[[], str] | None = None
    equations: dict[Any, Any] = field(default_factory=dict)
    calls: dict[Any, Record] = field(default_factory=dict)
    draws: dict[Any, str] = field(default_factory=dict)
    abbreviated: dict[Any, str] = field(default_factory=dict)
    brief: set[Any] = field(default_factory=set)

    def walk(
        self,
        closed: Any,
        values: Sequence[Value],
        names: Mapping[Any, Name] | None = None,
        only: set[int] | None = None,
    ) -> list[Value]:
        """The outputs of a program whose inputs are `values`.

        Args:
          closed: a closed jaxpr.
          values: formulas for its inputs.
          names: of the variables that are to be symbols from where they are computed on.
          only: the equations to read, if not all; outputs that need others are NaN.
        """
        jaxpr = closed.jaxpr
        names, used = origins(jaxpr, names or {}), uses(jaxpr)
        env: dict[Any, Value] = dict(zip(jaxpr.invars, values, strict=True))
        for var, const in zip(jaxpr.constvars, closed.consts, strict=True):
            env[var] = self.const(const)

        def read(var: Any) -> Value:
            return self.const(var.val) if isinstance(var, jex.Literal) else env[var]

        for k, eqn in enumerate(jaxpr.eqns):
            if only is None or k in only:
                outs = self.equation(eqn, [read(v) for v in eqn.invars], names)
                for var, value in zip(eqn.outvars, outs, strict=True):
                    if var in names:
                        value = self.named(names[var], self.straight(value, var.aval))
                    elif used[id(var)] > 1:
                        value = self.shorter(value)
                    env[var] = value
        if only is None:
            return [read(v) for v in jaxpr.outvars]
        nothing = Value(sp.nan)
        return [
            read(v) if isinstance(v, jex.Literal) else env.get(v, nothing) for v in jaxpr.outvars
        ]

    def named(self, name: Name, value: Value) -> Value:
        """Give `value` its name, unless it has it already."""
        symbol = name.symbol()
        if value.expr != symbol:
            self.define(symbol, value)
        return Value(symbol, value.dims)

    def shorter(self, value: Value) -> Value:
        """A letter in the place of an expression that is long and will be needed again."""
        expr = value.expr
        if self.letter is None or size(expr, LONG) < LONG:
            return value
        leaves = {leaf_of(s) for s in expr.free_symbols} - {""}
        if len(leaves) > 1 and value.dims:
            return value
        leaf = leaves.pop() if len(leaves) == 1 else ""
        bare = own(expr, leaf)
        if bare not in self.abbreviated:
            self.abbreviated[bare] = self.letter()
        kind = "bool" if isinstance(expr, Boolean) and not expr.is_Symbol else "real"
        named = self.named(Name(self.abbreviated[bare], leaf, kind=kind), value)
        self.brief.add(named.expr)
        return named

    def define(self, symbol: Any, value: Value) -> None:
        """Add the equation `symbol = value`."""
        self.equations[symbol] = value.expr
        self.layout.places[symbol] = value.dims

    def const(self, array: Any) -> Value:
        """A constant: a number, a few of them, or an operation without inputs."""
        shape = np.shape(array)
        data = np.empty(0) if hasattr(array, "dtype") and is_key(array) else np.asarray(array)
        alike = data.size == 1 or (data.size and (data == data.flat[0]).all())
        if alike and data.dtype.kind in "biuf":
            number = data.flat[0].item()
            expr = None if isinstance(number, bool) else self.layout.size(number)
            return Value(constant(number) if expr is None else expr, (None,) * len(shape))
        if len(shape) == 1 and 0 < data.size <= FEW and data.dtype.kind in "iuf":
            letter = self.layout.letter(data.size)
            return Value(Stack(sp.Symbol(letter), *map(constant, data.tolist())), (letter,))
        return self.remember([constant_of(jnp.asarray(array), self.layout)], [])[0]

    def remember(self, records: Sequence[Record], inputs: Sequence[Value]) -> list[Value]:
        """The outputs of an operation without a formula."""
        outs = []
        for record in records:
            self.calls[record.token] = record
            self.layout.places[record.token] = record.dims
            outs.append(Value(record.expression([v.expr for v in inputs]), record.dims))
        return outs

    def opaque(self, eqn: Any, xs: list[Value]) -> list[Value]:
        """An operation that has no formula; of numbers alone it is worked out."""
        records = call_of(eqn, [x.dims for x in xs], self.layout)
        arrays = [_array(x, v.aval) for x, v in zip(xs, eqn.invars, strict=True)]
        if arrays and not any(array is None for array in arrays):
            return [self.const(array) for array in records[0].run(*arrays)]
        return self.remember(records, xs)

    def equation(self, eqn: Any, xs: list[Value], names: Mapping[Any, Name]) -> list[Value]:
        """The outputs of one operation."""
        name = eqn.primitive.name
        title = title_of(eqn)
        if title is not None:
            return [self.titled(title, eqn, xs)]
        body: Any = next((eqn.params[key] for key in INNER if key in eqn.params), None)
        formula = numerics.FORMULAS.get(str(eqn.params.get("name")))
        if formula is not None:
            body = jax.make_jaxpr(formula)(*(v.aval for v in eqn.invars))
        if body is not None and name not in LOOPS and eqn.params.get("name") != LOSS:
            body = body if hasattr(body, "consts") else jex.ClosedJaxpr(body, ())
            if len(body.jaxpr.invars) == len(xs):
                pairs = zip(body.jaxpr.outvars, eqn.outvars, strict=True)
                made = {v for inner in body.jaxpr.eqns for v in inner.outvars}
                inner = {i: names[o] for i, o in pairs if o in names and i in made}
                return self.walk(body, xs, inner)
        if any(is_key(v.aval) for v in (*eqn.invars, *eqn.outvars)):
            return self.opaque(eqn, xs)
        if name == "optimization_barrier":
            return xs
        if name == "cond" and len(eqn.params["branches"]) == 2:
            return self.branches(eqn, xs)
        rule = OPERATIONS.get(name)
        if name in ARITHMETIC and wraps(eqn.outvars[0].aval.dtype):
            return self.opaque(eqn, xs)
        straight = [self.straight(x, v.aval) for x, v in zip(xs, eqn.invars, strict=True)]
        for inputs in (xs, straight):
            out = rule(self.layout, eqn, inputs) if rule else self.elementwise(eqn, inputs)
            if out is not None and len(eqn.outvars) == 1:
                return [out]
        return self.opaque(eqn, xs)

    def straight(self, x: Value, aval: Any) -> Value:
        """An array whose axes carry the letters of its shape; one that is turned is so by an
        operation: `g + transposed(g)`."""
        own = self.layout.dims(aval.shape)
        if all(a is None or a == b for a, b in zip(x.dims, own, strict=True)):
            return x
        return self.remember([turned(x.dims, aval, self.layout)], [x])[0]

    def titled(self, title: Title, eqn: Any, xs: list[Value]) -> Value:
        """A schedule, defined by an equation of its own, or a random draw."""
        if not title.draw:
            value = self.walk(eqn.params["jaxpr"], xs)[0]
            before = self.equations.get(Name(title.letter).symbol(), value.expr)
            # At another step it is another number: the letter is that of the first.
            return self.named(Name(title.letter), value) if before == value.expr else value
        shape = eqn.outvars[0].aval.shape
        leaves = [leaf for leaf, own in self.layout.shapes.items() if own == shape]
        leaf = leaves[0] if len(leaves) == 1 else ""
        number = sum(leaf_of(symbol) == leaf for symbol in self.draws) + 1
        name = Name(title.letter + (str(number) if number > 1 else ""), leaf)
        drawn = self.named(name, self.opaque(eqn, xs)[0])
        self.draws[drawn.expr] = title.draw
        return drawn

    def branches(self, eqn: Any, xs: list[Value]) -> list[Value]:
        """`lax.cond`: both branches, and when each is taken."""
        no, yes = (self.walk(branch, xs[1:]) for branch in eqn.params["branches"])
        outs = []
        for var, a, b in zip(eqn.outvars, yes, no, strict=True):
            dims = unified([a.dims, b.dims])
            if dims is None:
                return self.opaque(eqn, xs)
            logical = var.aval.dtype.kind == "b"
            outs.append(Value(choice(truth(xs[0].expr), a.expr, b.expr, logical), dims))
        return outs

    def elementwise(self, eqn: Any, xs: list[Value]) -> Value | None:
        """An operation on every place by itself; None if it is not, or has no formula."""
        name, exprs = eqn.primitive.name, [x.expr for x in xs]
        dims = unified([x.dims for x in xs])
        if name not in FORMULAS or dims is None:
            return None
        dtype = eqn.invars[0].aval.dtype
        kind = dtype.kind
        if (name in BITWISE and kind != "b") or kind == "c" or wraps(dtype):
            return None
        if kind == "b" and name in ("eq", "ne"):
            return Value((sp.Equivalent if name == "eq" else sp.Xor)(*exprs), dims)
        try:
            whole = apply(name, *exprs)
        except RecursionError:  # SymPy's tanh(-x - y) may look for its sign for ever
            return None
        if whole is None:
            return None
        if name != "div":
            return Value(whole, dims)
        if kind in "iu":
            return Value(whole if whole.is_integer else sp.floor(whole), dims)
        a, b = exprs
        return self.quotient(whole, a, b, dims)

    def quotient(self, whole: Any, a: Any, b: Any, dims: Dims) -> Value:
        """`a / b`, named if it is a corrected average: `x_hat[t] = x[t] / (1 - b^t)`."""
        rest = 1 - b
        if not (isinstance(rest, sp.Pow) and rest.exp == t and a in self.equations):
            return Value(whole, dims)
        hat = Name.of(a).hat().symbol()
        if self.equations.get(hat, whole) != whole:
            return Value(whole, dims)
        self.define(hat, Value(whole, dims))
        return Value(hat, dims)


def _array(value: Value, aval: Any) -> Any:
    """The array of a formula that is a number, or a few in a row; None if it is none."""
    several = isinstance(value.expr, Stack)
    numbers = [number(x) for x in (value.expr.args[1:] if several else [value.expr])]
    if None in numbers or is_key(aval) or (several and aval.shape != (len(numbers),)):
        return None
    return jnp.broadcast_to(jnp.asarray(numbers if several else numbers[0], aval.dtype), aval.shape)
