"""The numbers behind the equations: an explanation evaluated as plain NumPy.

Every array is laid out over all place letters (an axis of size 1 for those it does not have), so
that formulas are evaluated as they stand: broadcasting puts places together, `Total` adds over its
letters.
"""

import functools as ft
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy as np
import sympy as sp
from sympy.core.relational import Relational

from lectopt.explain.algebra import nodes
from lectopt.explain.algebra.cases import Case
from lectopt.explain.algebra.names import leaf_of, untagged
from lectopt.explain.algebra.nodes import number
from lectopt.explain.reading.calls import Record
from lectopt.explain.reading.jaxprs import is_key
from lectopt.explain.reading.places import LETTERS, MORE, Dims, Layout

ALPHABET = LETTERS + MORE
RELATIONS: dict[Any, Callable[[Any, Any], Any]] = {
    sp.Eq: np.equal,
    sp.Ne: np.not_equal,
    sp.Lt: np.less,
    sp.Le: np.less_equal,
    sp.Gt: np.greater,
    sp.Ge: np.greater_equal,
}
FUNCTIONS: dict[Any, Callable[..., Any]] = {
    sp.exp: np.exp,
    sp.Abs: np.abs,
    sp.log: np.log,
    nodes.Absolute: np.abs,
    nodes.Sign: np.sign,
    sp.tanh: np.tanh,
    sp.sin: np.sin,
    sp.cos: np.cos,
    sp.floor: np.floor,
    sp.ceiling: np.ceil,
    nodes.Remainder: np.fmod,
    nodes.Modulus: np.mod,
    sp.Not: np.logical_not,
    sp.Equivalent: np.equal,
    sp.Xor: np.not_equal,
    Case: np.where,
    nodes.Maximum: np.maximum,
    nodes.Minimum: np.minimum,
    nodes.IsFinite: np.isfinite,
    nodes.IsNaN: np.isnan,
}
REDUCTIONS: dict[Any, tuple[Callable[..., Any], Callable[..., Any]]] = {
    nodes.Total: (np.sum, np.add),
    nodes.Largest: (np.max, np.maximum),
    nodes.All: (np.all, np.logical_and),
    nodes.Some: (np.any, np.logical_or),
}


def laid_out(array: Any, dims: Dims, merged: Mapping[str, Sequence[int]]) -> Any:
    """An array over all place letters; random keys are left as they are."""
    if hasattr(array, "dtype") and is_key(array):
        return array
    array = np.asarray(array)
    for axis in reversed(range(array.ndim)):
        if dims[axis] is None:  # the same everywhere
            array = np.take(array, 0, axis=axis)
    named = [d for d in dims if d]
    array = array.reshape(
        [s for d, k in zip(named, array.shape, strict=True) for s in merged.get(d, (k,))]
    )
    letters = "".join(named)
    array = array.transpose(np.argsort([ALPHABET.index(x) for x in letters]).astype(int))
    sizes = dict(zip(sorted(letters, key=ALPHABET.index), array.shape, strict=True))
    return array.reshape([sizes.get(x, 1) for x in ALPHABET])


def put_back(value: Any, dims: Dims, aval: Any, merged: Mapping[str, Sequence[int]]) -> Any:
    """The array that an operation is given: `laid_out` backwards."""
    if is_key(aval):
        return value
    value = np.asarray(value)
    letters = "".join(d for d in dims if d)
    sizes = [s for d, k in zip(dims, aval.shape, strict=True) if d for s in merged.get(d, (k,))]
    value = value.reshape([1] * (len(ALPHABET) - value.ndim) + list(value.shape))
    order = [ALPHABET.index(x) for x in letters]
    value = value.transpose(order + [k for k in range(len(ALPHABET)) if k not in order])
    value = np.broadcast_to(value.reshape(value.shape[: len(order)]), sizes)
    solid = [1 if d is None else k for d, k in zip(dims, aval.shape, strict=True)]
    return np.broadcast_to(value.reshape(solid), aval.shape).astype(aval.dtype)


class Evaluator:
    """Values of symbols and formulas, worked out when they are asked for.

    Args:
      given: `(leaf, symbol) -> array`, laid out; what belongs to no leaf has leaf "".
      definitions: for each leaf the symbols that are defined by equations.
      calls: how operations without a formula are computed.
      layout: the sizes of the leaves.
    """

    def __init__(
        self,
        given: Mapping[tuple[str, Any], Any],
        definitions: Mapping[str, Mapping[Any, Any]],
        calls: Mapping[Any, Record],
        layout: Layout,
    ):
        self.known = dict(given)
        self.definitions, self.calls, self.layout = definitions, calls, layout

    def symbol(self, symbol: Any, leaf: str) -> Any:
        """The value of a symbol in the equations of a leaf."""
        leaf, symbol = leaf_of(symbol) or leaf, untagged(symbol)
        for place in ((leaf, symbol), ("", symbol)):
            if place in self.known:
                return self.known[place]
        owner = leaf if symbol in self.definitions.get(leaf, {}) else ""
        self.known[owner, symbol] = self(self.definitions[owner][symbol], leaf)
        return self.known[owner, symbol]

    def __call__(self, expr: Any, leaf: str = "") -> Any:
        """The value of a formula of a leaf."""
        value = number(expr)
        if value is not None:
            return value
        if expr in (sp.true, sp.false):
            return expr == sp.true
        if expr.is_Symbol:
            return self.symbol(expr, leaf)
        if expr is sp.nan or expr is sp.zoo:
            return np.nan
        if isinstance(expr, nodes.Call):
            return self.call(expr, leaf)
        if isinstance(expr, nodes.Everywhere | nodes.Throughout):
            (inner,) = expr.args
            join = REDUCTIONS[type(inner)][1]
            return ft.reduce(join, [self(inner, other) for other in self.definitions if other])
        if isinstance(expr, nodes.Stack):
            flat = np.zeros([1] * len(ALPHABET))  # numbers have no axes yet
            parts = np.broadcast_arrays(flat, *(self(arg, leaf) for arg in expr.args[1:]))[1:]
            return np.concatenate(parts, axis=ALPHABET.index(str(expr.args[0])))
        if type(expr) in REDUCTIONS:
            return self.reduced(expr, leaf)
        with np.errstate(all="ignore"):
            return self.operation(expr, [self(arg, leaf) for arg in expr.args])

    def operation(self, expr: Any, args: list[Any]) -> Any:
        """The value of a node from those of its arguments."""
        if isinstance(expr, sp.Add):
            return ft.reduce(operator.add, args)
        if isinstance(expr, sp.Mul):
            return ft.reduce(operator.mul, args)
        if isinstance(expr, sp.Pow):
            base, exponent = np.asarray(args[0], float), args[1]
            if expr.exp in (sp.S.Half, -sp.S.Half):
                return np.sqrt(base) if expr.exp == sp.S.Half else 1 / np.sqrt(base)
            return np.power(base, exponent)
        if isinstance(expr, sp.And | sp.Or):
            return ft.reduce(np.logical_and if isinstance(expr, sp.And) else np.logical_or, args)
        if isinstance(expr, Relational):
            return RELATIONS[type(expr)](*args)
        return FUNCTIONS[type(expr)](*args)

    def reduced(self, expr: Any, leaf: str) -> Any:
        """A reduction over places; what is the same at all of them is added as often."""
        term, *over = expr.args
        owners = {leaf_of(s) for s in term.free_symbols} - {""}
        owner = owners.pop() if len(owners) == 1 else leaf
        sizes = self.layout.sizes(owner)
        own = LETTERS[: len(self.layout.shapes.get(owner, ()))]
        letters = list(own) if over == [nodes.WHOLE] else [s.name for s in over]
        axes = tuple(ALPHABET.index(x) for x in letters)
        value = np.asarray(self(term, leaf))
        value = value.reshape([1] * (len(ALPHABET) - value.ndim) + list(value.shape))
        alike = [sizes.get(x, 1) for x, k in zip(letters, axes, strict=True) if value.shape[k] == 1]
        times = math.prod(alike) if isinstance(expr, nodes.Total) else 1
        return times * REDUCTIONS[type(expr)][0](value, axis=axes, keepdims=True)

    def call(self, expr: Any, leaf: str) -> Any:
        """One output of an operation without a formula."""
        token, *inputs = expr.args
        record = self.calls[token]
        arrays = [
            put_back(self(x, leaf), dims, aval, self.layout.merged)
            for x, (dims, aval) in zip(inputs, record.inputs, strict=True)
        ]
        out = record.run(*arrays)[record.index]
        out = out if is_key(out) else jax.device_get(out)
        return laid_out(out, record.dims, self.layout.merged)
