"""Terms evaluated in NumPy: an array for every term, with an axis for every index in it."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy as np

from lectopt.explain.arrays import is_key
from lectopt.explain.operations import AGGREGATES, FUNCTIONS
from lectopt.explain.terms import LEAVES, Term

Value = tuple[Any, tuple[str, ...]]  # an array, and the index that each of its axes runs over

TESTS = {"is_finite": np.isfinite, "is_number": lambda x: ~np.isnan(x)}
POINTWISE: dict[str, Callable[..., Any]] = {
    "add": np.add, "mul": np.multiply, "div": np.true_divide,
    "pow": lambda a, b: np.power(np.asarray(a, float), b),
    "ite": np.where, "not": np.logical_not, "lt": np.less, "eq": np.equal, "and": np.logical_and,
    **{name: FUNCTIONS[name].value for name in ("sqrt", "exp", "log", "floor")},
}  # fmt: skip


class Evaluator:
    """Values of terms in the equations of one leaf.

    Args:
      symbol: the array that a symbol of this name is, in the equations of the leaf.
      sizes: the number of places along each axis of the leaf.
      records: how operations without a formula are computed, by name.
      others: the evaluator of another leaf, by its index, which sees it with so many axes; for
        sums over leaves.
      leaves: how many there are.
    """

    def __init__(
        self,
        symbol: Callable[[str], Any],
        sizes: Callable[[Any], int],
        records: Mapping[str, Any],
        others: Callable[[int, int], "Evaluator"],
        leaves: int,
    ):
        self.symbol, self.sizes, self.records = symbol, sizes, records
        self.others, self.leaves = others, leaves
        self._known: dict[Term, Value] = {}

    def __call__(self, term: Term, index: Sequence[str]) -> Any:
        """The value of a term, with these axes."""
        return _laid(self.value(term), index)

    def value(self, term: Term) -> Value:
        """The value of a term, with an axis for every index in it."""
        with np.errstate(all="ignore"):
            stack = [term]
            while stack:
                x = stack[-1]
                waiting = [] if x in self._known else [y for y in _parts(x) if y not in self._known]
                if not waiting:
                    self._known.setdefault(x, self._known.get(x) or self._of(x))
                    stack.pop()
                stack += waiting
        return self._known[term]

    def _of(self, x: Term) -> Value:
        a = x.args
        match x.op:
            case "num":
                return float(a[0]), ()
            case "bool":
                return a[0], ()
            case "sym" if a[0] in ("inf", "nan"):
                return float(a[0]), ()
            case "sym":
                return _looked_up(self.symbol(a[0]), a[1])
            case "agg":
                return self._aggregate(*a)
            case "opq":
                return _looked_up(self._operation(x), a[3])
            case "fn" if a[0].startswith("leaves "):
                return self._over_leaves(x)
            case "fn":
                return self._pointwise(_function(a[0]), a[2:])
        return self._pointwise(POINTWISE[x.op], a)

    def _pointwise(self, function: Callable[..., Any], args: Sequence[Term]) -> Value:
        values = [self.value(y) for y in args]
        index = tuple(dict.fromkeys(k for _, names in values for k in names))
        return function(*(_laid(v, index) for v in values)), index

    def _aggregate(self, kind: str, body: Term, over: Any) -> Value:
        value, names = self.value(body)
        value, summed = np.asarray(value), [k for k, _ in over]
        axes = tuple(k for k, name in enumerate(names) if name in summed)
        out = AGGREGATES[kind].value(value, axis=axes) if axes else value
        missing = math.prod(self.sizes(d) for k, d in over if k not in names)
        if kind == "sum":
            out = out * missing
        elif kind == "prod":
            out = out**missing
        return out, tuple(name for name in names if name not in summed)

    def _over_leaves(self, x: Term) -> Value:
        _, kind, which, rank = x.args[0].split(" ")
        leaves = range(self.leaves) if which == "all" else map(int, which.split(","))
        values = [np.asarray(self.others(k, int(rank)).value(x.args[2])[0]) for k in leaves]
        out = values[0]
        for value in values[1:]:
            out = AGGREGATES[kind].fold(out, value)
        return out, ()

    def _operation(self, x: Term) -> Any:
        """The whole array that an operation without a formula makes."""
        name, _, shapes = x.args[0].rpartition(" of ")
        if name.startswith("concatenate "):
            return self._joined(int(name.split(" ")[1]), shapes.split(";"), x.args[2])
        made = self.records[x.args[0]]
        if not isinstance(made, tuple):
            return made
        eqn, output = made
        inputs = []
        for v, body in zip(eqn.invars, x.args[2], strict=False):
            inputs.append(self._operand(v.aval, body))
        bound = eqn.primitive.get_bind_params(eqn.params)
        functions, params = bound if isinstance(bound, tuple) else ((), bound)  # before JAX 0.9
        out = eqn.primitive.bind(*functions, *inputs, **params)
        out = out[output] if eqn.primitive.multiple_results else out
        return out if is_key(out) else np.asarray(out)

    def _joined(self, axis: int, shapes: Sequence[str], bodies: Sequence[Term]) -> Any:
        """Arrays one after the other."""
        parts = []
        for text, body in zip(shapes, bodies, strict=True):
            shape = [int(d) for d in text.split(",") if d]
            parts.append(self._whole(body, shape))
        return np.concatenate(parts, axis)

    def _whole(self, body: Term, shape: Sequence[int]) -> Any:
        letter = "k" if any(k[0] == "k" for k in body.indices) else "i"
        return np.broadcast_to(self(body, [f"{letter}{k}" for k in range(len(shape))]), shape)

    def _operand(self, aval: Any, body: Term) -> Any:
        if is_key(aval):
            value, names = self.value(body)
            order = sorted(names)
            value = value.transpose([names.index(k) for k in order]) if len(names) > 1 else value
            return jax.numpy.broadcast_to(value, aval.shape) if not names else value
        return self._whole(body, aval.shape).astype(aval.dtype)


def _parts(x: Term) -> list[Term]:
    """The parts that are evaluated for the same leaf."""
    if x.op in LEAVES or (x.op == "fn" and x.args[0].startswith("leaves ")):
        return []
    if x.op == "opq":
        return list(x.args[2])
    return [x.args[1]] if x.op == "agg" else [y for y in x.args if isinstance(y, Term)]


def _function(name: str) -> Callable[..., Any]:
    """A function of numbers by its name: casts and roundings say which."""
    word, *rest = name.split(" ")
    if word == "cast":
        return lambda x: _cast(np.asarray(x), np.dtype(rest[1])).astype(float)
    if word == "wrap":
        return lambda x: np.asarray(x).astype("int64").astype(rest[0])
    if word.startswith("bitwise"):
        return lambda *x: getattr(np, word)(*(np.asarray(y).astype(rest[0]) for y in x))
    if word == "round":
        return np.round if "EVEN" in name else lambda x: np.sign(x) * np.floor(np.abs(x) + 0.5)
    if word == "precision":
        bits = int(rest[0]), int(rest[1])
        return lambda x: np.asarray(jax.lax.reduce_precision(np.asarray(x, float), *bits))
    return TESTS.get(name) or FUNCTIONS[name].value


def _cast(x: Any, new: Any) -> Any:
    """As XLA does it: what a whole number cannot hold becomes the nearest that it can."""
    if x.dtype.kind != "f" or new.kind not in "iu":
        return x.astype(new)
    ends = np.iinfo(new)
    return np.clip(np.trunc(np.nan_to_num(x)), float(ends.min), float(ends.max)).astype(new)


def _laid(value: Value, index: Sequence[str]) -> Any:
    """A value with these axes; those that it does not have are of length 1."""
    array, names = value
    if is_key(array):
        return array
    array = np.asarray(array)
    order = [names.index(k) for k in index if k in names]
    array = array.transpose(order) if order else array
    shape = iter(array.shape)
    return array.reshape([next(shape) if k in names else 1 for k in index])


def _looked_up(array: Any, at: Sequence[Term]) -> Value:
    """The entries of an array at an index: a letter for an axis, a number for one place."""
    names: list[str] = []
    key = is_key(array)
    array = array if key else np.asarray(array)
    for i in at:
        axis = len(names)
        if i.op == "num":
            array = array[(slice(None),) * axis + (int(i.args[0]),)]
        elif i.op == "idx" and i.args[0] not in names:
            names.append(i.args[0])
        elif i.op == "idx":  # the diagonal
            first = names.index(i.args[0])
            array = np.moveaxis(np.diagonal(array, axis1=first, axis2=axis), -1, first)
        else:
            raise ValueError(f"there is no value at the index {i}")
    return array, tuple(names)
