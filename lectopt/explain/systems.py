"""What a transformation does, as terms: its state at the start, after an update, and the update.

It is read at any one place of every leaf, with symbols for the gradients, the old state, the
parameters, and the settings that are left open. Sizes are symbols too; where a program compares
sizes it is read for the shapes that it was given, and `sizes` says so.
"""

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from lectopt.explain.arrays import Array, generic, letters_of_sizes, sort_of, symbol
from lectopt.explain.interpreting import ON_NARROW, closed, held
from lectopt.explain.terms import Term
from lectopt.look_ahead import take_gradients_as_given

GRADIENT, WEIGHT, EXTRA = "g", "p", "x"


@dataclass(frozen=True)
class Entry:
    """An array of the state: its symbol, the name of its slot, its leaf ("" if it has none), its
    shape and sort; its values at the start and after an update, at any one place."""

    symbol: str
    slot: str
    leaf: str
    shape: tuple[Any, ...]
    sort: str
    start: Term
    next: Term

    @property
    def old(self) -> Term:
        """Its value before the update."""
        return Term("sym", self.symbol, generic(self.shape), self.sort)

    @property
    def many(self) -> bool:
        """Whether it has several entries."""
        return any(d != 1 for d in self.shape)


@dataclass(frozen=True)
class System:
    """A transformation on a tree of parameters: its state, and for every leaf the update, and the
    place where the gradient is taken."""

    entries: tuple[Entry, ...]
    leaves: tuple[str, ...]
    shapes: tuple[tuple[Any, ...], ...]
    moves: tuple[Term, ...]
    points: tuple[Term, ...]
    settings: tuple[str, ...]
    sizes: bool
    text: str

    def terms(self) -> list[Term]:
        """What it computes in an update."""
        return [*self.moves, *self.points, *(e.next for e in self.entries)]

    def changed(self, change: Callable[[Term], Term]) -> "System":
        """The same with other terms."""
        entries = (replace(e, start=change(e.start), next=change(e.next)) for e in self.entries)
        return replace(
            self,
            entries=tuple(entries),
            moves=tuple(map(change, self.moves)),
            points=tuple(map(change, self.points)),
        )


def read(
    make: Any,
    params: Any,
    prefix: str,
    numbers: Mapping[str, Any] | None = None,
    extra: Mapping[str, Any] | None = None,
    symbolic: bool = True,
) -> System:
    """Read `make(numbers)` on these parameters.

    Args:
      make: from settings to a transformation.
      params: a tree of arrays or of their shapes.
      prefix: of the symbols of the state, so that those of two transformations are told apart.
      numbers: the settings that become symbols, with their values.
      extra: further arguments of `update`.
      symbolic: whether sizes shall be symbols if that is possible.
    """
    numbers, extra = dict(numbers or {}), dict(extra or {})
    if symbolic:
        try:
            return _read(make, symbolic_like(params), prefix, numbers, extra, True)
        except Exception:  # it compares sizes, or asks for one: it is read with numbers below
            pass
    return _read(make, _abstract(params), prefix, numbers, extra, False)


def _abstract(tree: Any) -> Any:
    return jax.tree.map(
        lambda x: (
            x
            if isinstance(x, jax.ShapeDtypeStruct)
            else jax.ShapeDtypeStruct(np.shape(x), _dtype(x))
        ),
        tree,
    )


def _dtype(x: Any) -> Any:
    return x.dtype if hasattr(x, "dtype") else jnp.asarray(x).dtype


def symbolic_like(params: Any) -> Any:
    """The tree with a letter for every axis that is longer than 1."""
    letters = map("".join, itertools.product("abcdefghjlmnopqrsuvwyz", repeat=2))
    leaves, treedef = jax.tree.flatten(params)
    names = [[next(letters) if d != 1 else None for d in np.shape(x)] for x in leaves]
    used = [name for row in names for name in row if name]
    dims = dict(zip(used, letters_of_sizes(", ".join(used)), strict=True)) if used else {}
    return treedef.unflatten([
        jax.ShapeDtypeStruct(tuple(dims[name] if name else 1 for name in row), _dtype(x))
        for row, x in zip(names, leaves, strict=True)
    ])  # fmt: skip


@dataclass(frozen=True)
class Traced:
    """The programs of a transformation on these parameters, and the shapes of its state."""

    init: Any
    update: Any
    point: Any
    state: Any
    like: Any
    arrays: Any

    @property
    def text(self) -> str:
        """All three in words; large tables among their constants are left out."""
        return f"{self.init}\n{self.update}\n{self.point}"

    @property
    def consts(self) -> list[Any]:
        """The tables, also those of the programs inside."""
        return list(held([self.init, self.update, self.point]))


def programs(
    make: Any, params: Any, numbers: Mapping[str, Any], extra: Mapping[str, Any]
) -> Traced:
    """Trace `init(numbers, params)`, `update(numbers, gradients, state, params, extra)` and
    `point(numbers, state, params)`.

    Raises:
      ValueError: the state or the update has another structure than it must have.
    """
    like = _abstract(params)
    h = {k: jax.ShapeDtypeStruct((), jnp.float32) for k in sorted(numbers)}
    functions = {k: v for k, v in extra.items() if callable(v)}
    arrays = {k: _abstract(v) for k, v in extra.items() if k not in functions}

    def made(h: Any) -> Any:
        return optax.with_extra_args_support(take_gradients_as_given(make(h)))

    def update(h: Any, grads: Any, state: Any, params: Any, arrays: Any) -> Any:
        return made(h).update(grads, state, params, **arrays, **functions)

    def point(h: Any, state: Any, params: Any) -> Any:
        tx = make(h)
        return tx.point(params, state) if getattr(tx, "looks_ahead", False) else params

    init, state = jax.make_jaxpr(lambda h, p: made(h).init(p), return_shape=True)(h, like)
    program, (moves, after) = jax.make_jaxpr(update, return_shape=True)(
        h, like, state, like, arrays
    )
    if jax.tree.structure(after) != jax.tree.structure(state):
        raise ValueError("its state changes its structure in the first update")
    if jax.tree.structure(moves) != jax.tree.structure(like):
        raise ValueError("what it puts out is no tree like the parameters")
    return Traced(init, program, jax.make_jaxpr(point)(h, state, like), state, like, arrays)


def _read(
    make: Any, like: Any, prefix: str, numbers: dict[str, Any], extra: dict[str, Any], sizes: bool
) -> System:
    traced = programs(make, like, numbers, extra)
    init, program, places = traced.init, traced.update, traced.point
    weights, slots = _paths(like), _paths(traced.state)
    names = {
        "h": sorted(numbers),
        "g": [GRADIENT + k for k in weights],
        "s": [prefix + k for k in slots],
        "p": [WEIGHT + k for k in weights],
        "x": [EXTRA + k for k in _paths(traced.arrays)],
    }
    token = ON_NARROW.set(_are_narrow(like))
    try:
        outs = _run(program, [*names["h"], *names["g"], *names["s"], *names["p"], *names["x"]])
        starts = _run(init, [*names["h"], *names["p"]])
        points = _run(places, [*names["h"], *names["s"], *names["p"]])
    finally:
        ON_NARROW.reset(token)
    n = len(weights)
    first = len(numbers) + n
    avals: list[Any] = [v.aval for v in program.jaxpr.invars[first : first + len(slots)]]
    entries = [
        Entry(
            symbol=prefix + path,
            slot=slot,
            leaf=leaf,
            shape=tuple(aval.shape),
            sort=sort_of(aval.dtype),
            start=_anywhere(start),
            next=_anywhere(out),
        )
        for path, (slot, leaf), aval, start, out in zip(
            slots, split(slots, weights), avals, starts, outs[n:], strict=True
        )
    ]
    return System(
        entries=tuple(entries),
        leaves=tuple(weights),
        shapes=tuple(tuple(x.shape) for x in jax.tree.leaves(like)),
        moves=tuple(map(_anywhere, outs[:n])),
        points=tuple(map(_anywhere, points)),
        settings=tuple(sorted(numbers)),
        sizes=sizes,
        text=traced.text,
    )


def _run(program: Any, names: Sequence[str]) -> list[Array]:
    inputs = program.jaxpr.invars
    return closed(program, [symbol(k, v.aval) for k, v in zip(names, inputs, strict=True)])


def _are_narrow(like: Any) -> bool:
    types = [x.dtype for x in jax.tree.leaves(like)]
    return any(jnp.issubdtype(x, jnp.floating) and x.itemsize < 4 for x in types)


def _anywhere(x: Array) -> Term:
    return x.at(generic(x.shape))


def _paths(tree: Any) -> list[str]:
    return [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_leaves_with_path(tree)]


def split(slots: Sequence[str], weights: Sequence[str]) -> list[tuple[str, str]]:
    """For every array of a state the slot and the leaf that it belongs to: the longest path of a
    leaf that it ends with."""
    ends = sorted((w for w in weights if w), key=len, reverse=True)
    found = ((s, next((w for w in ends if s.endswith(w)), "")) for s in slots)
    return [(s.removesuffix(leaf) if leaf else s, leaf) for s, leaf in found]


def one_program(a: Traced, b: Traced) -> bool:
    """Whether JAX traces the same for both, so that they are the same whatever they compute."""
    if a.text != b.text or "callback" in a.text:
        return False
    pairs = list(zip(a.consts, b.consts, strict=False))
    same = all(np.array_equal(_numbers(x), _numbers(y)) for x, y in pairs)
    return same and len(a.consts) == len(b.consts)


def _numbers(x: Any) -> np.ndarray:
    key = jnp.issubdtype(x.dtype, jax.dtypes.extended)
    return np.asarray(jax.random.key_data(x) if key else x)


def alike(a: Traced, b: Traced) -> bool:
    """Whether two programs have the same operations and about the same numbers, but for casts."""
    (names, numbers), (others, rest) = map(_operations, (a, b))
    if names != others or len(numbers) != len(rest):
        return False
    return bool(np.allclose(numbers, rest, rtol=0.02, atol=0, equal_nan=True))


def _operations(traced: Traced) -> tuple[list[str], list[float]]:
    names = re.findall(r" = (\w+)", traced.text)
    numbers = re.findall(r" (-?[\d.]+(?:e[-+]?\d+)?):\w+\[\]", traced.text)
    return [x for x in names if x != "convert_element_type"], [float(x) for x in numbers]
