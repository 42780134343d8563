"""Leaves of the parameters that are treated alike, found in one pass over a program.

Every value is numbered by what makes it. A value of one leaf is numbered by its operation and the
numbers of its operands, and inputs by their roles ("the gradient", "slot mu"), not by their leaf;
its shape is written relative to the leaf's own. A value of several leaves is numbered by its
operands together with the leaves that they belong to.

So if the new state and the update of two leaves have the same numbers, they are the same functions
of the leaf's own gradient, weights and slots, and of values that the whole tree has in common; and
by induction over the updates, whatever is proved of the one, with what it has in common with all
left as it is, is so of the other.
"""

import hashlib
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from lectopt.explain.arrays import is_key
from lectopt.explain.flat import FOLDS, Flat, Given, flat
from lectopt.explain.primitives import POINTWISE as BY_PLACE
from lectopt.state_search import names, owners

ALL, NONE = -2, -1  # of owners: several leaves, no leaf
SHAPES = frozenset({"shape", "new_sizes", "dimensions", "sizes", "limit_indices", "slice_sizes"})
IDLE = frozenset({"sharding", "out_sharding", "name", "preferred_element_type", "weak_type"})
POINTWISE = BY_PLACE.keys() | {"select_n", "integer_pow", "convert_element_type", "round", "rem"}
MOVES = frozenset({"copy", "copy_p", "stop_gradient", "optimization_barrier"})
UNITS = {"add": 0, "add_any": 0, "mul": 1}

Role = tuple[Any, ...]


class Numbers:
    """Numbers for what is made alike; `shapes` are those of the leaves."""

    def __init__(self, shapes: Sequence[tuple[Any, ...]]):
        self.shapes = shapes
        self._table: dict[Any, int] = {}
        self._written: dict[int, tuple[Any, str]] = {}

    def number(self, key: Any) -> int:
        """The number of a key."""
        return self._table.setdefault(key, len(self._table))

    def relative(self, shape: Sequence[Any], leaf: int) -> Any:
        """A shape in terms of the axes of a leaf."""
        own = self.shapes[leaf] if leaf >= 0 else ()
        if leaf >= 0 and self._whole(shape, leaf):
            return "own" if tuple(shape) == tuple(own) else "in a row"
        if leaf >= 0 and _single(shape):
            return "one number"
        return tuple(
            ("axis", *(k for k, e in enumerate(own) if e is d or e == d))
            if leaf >= 0 and d != 1 and any(e is d or e == d for e in own)
            else str(d)
            for d in shape
        )

    def _whole(self, shape: Sequence[Any], leaf: int) -> bool:
        """Whether an array of this shape has the places of a leaf, in its shape or in a row."""
        own = tuple(self.shapes[leaf])
        if tuple(shape) == own:
            return True
        plain = all(isinstance(d, int) for d in (*own, *shape))
        return plain and tuple(shape) == (math.prod(own),)

    def given(self, value: Any) -> int:
        """The number of a value that stands in the program."""
        if is_key(value):
            value = jax.random.key_data(value)
        array = np.asarray(value)
        if array.ndim == 0:
            if array == 0 or array == 1:
                return self.number(("unit", int(array)))
            return self.number(("given", str(array), str(array.dtype)))
        if array.size and (array == array.flat[0]).all():
            if array.flat[0] == 0 or array.flat[0] == 1:
                return self.number(("unit", int(array.flat[0])))
            return self.number(("given", str(array.flat[0]), str(array.dtype)))
        mark = hashlib.sha256(array.tobytes()).hexdigest()
        return self.number(("table", mark, array.shape, str(array.dtype)))

    def run(
        self,
        program: Flat,
        inputs: Sequence[tuple[Role, int]],
        drawn: Mapping[int, tuple[Role, int]] | None = None,
    ) -> dict[int, tuple[int, int]]:
        """The number and the owner of every value of a program.

        Args:
          program: the steps.
          inputs: the role and the leaf of every input, `NONE` if it belongs to none.
          drawn: those of values that are random, by number.
        """
        given = dict(zip(program.inputs, inputs, strict=True)) | dict(drawn or {})
        found: dict[int, tuple[int, int]] = {}
        made = {ref: step.eqn.primitive.name for step in program.steps for ref in step.outs}
        uses = Counter(x for step in program.steps for x in step.ins if isinstance(x, int))
        for ref, (role, leaf) in given.items():
            aval = program.avals[ref]
            shape = self.relative(aval.shape, leaf)
            found[ref] = self.number(("input", role, shape, str(aval.dtype))), leaf
        for step in program.steps:
            if step.outs and step.outs[0] in given:
                continue
            ins = [
                (self.given(x.value), NONE) if isinstance(x, Given) else found[x] for x in step.ins
            ]
            avals = [program.aval(x) for x in step.ins]
            # A sum over leaves goes on with the next leaf, and does not become that leaf's.
            goes_on = step.eqn.primitive.name in FOLDS and any(
                n[1] == ALL and uses[x] == 1 and made.get(x) == step.eqn.primitive.name
                for x, n in zip(step.ins, ins, strict=True)
                if isinstance(x, int)
            )
            found.update(zip(step.outs, self._made(step, ins, avals, goes_on), strict=True))
        return found

    def _made(
        self, step: Any, ins: list[tuple[int, int]], avals: Any, goes_on: bool
    ) -> list[tuple[int, int]]:
        eqn, name = step.eqn, step.eqn.primitive.name
        if name in UNITS:  # x + 0 and 1*x are x
            unit = self.number(("unit", UNITS[name]))
            others = [x for x in ins if x[0] != unit]
            if len(others) == 1 and len(ins) == 2:
                return others
        owners = {leaf for _, leaf in ins if leaf >= 0}
        if len(owners) == 1 and not goes_on:
            (leaf,) = owners
            if self._moves(name, avals, eqn.outvars[0].aval, leaf):
                return [(ins[0][0], leaf)]
            params = tuple(self._params(eqn, avals, leaf))
            key: Any = (name, params, tuple(n for n, _ in ins))
            return [(self.number((key, k)), leaf) for k in range(len(step.outs))]
        if name == "broadcast_in_dim" and _single(np.shape(avals[0])):
            return [ins[0]]  # a number for all places is that number
        key = (name, tuple(self._params(eqn, avals, NONE)), tuple(ins))
        owner = ALL if owners or any(leaf == ALL for _, leaf in ins) else NONE
        if eqn.effects or "callback" in name:
            key = (key, step.outs)
        return [(self.number((key, k)), owner) for k in range(len(step.outs))]

    def _moves(self, name: str, avals: Any, out: Any, leaf: int) -> bool:
        """Whether an operation leaves the places of a leaf as they are."""
        if name in MOVES:
            return True
        if name in ("reshape", "squeeze", "expand_dims", "broadcast_in_dim"):
            if _single(avals[0].shape):
                return _single(out.shape) or self._whole(out.shape, leaf)
            return all(self._whole(x.shape, leaf) for x in (avals[0], out))
        return False

    def _params(self, eqn: Any, avals: Any, leaf: int) -> Any:
        shape = tuple(np.shape(avals[0])) if avals else ()
        whole = leaf >= 0 and self._whole(shape, leaf)
        every = "axes" in eqn.params and whole and len(eqn.params["axes"]) == len(shape)
        if not every and eqn.primitive.name not in POINTWISE:
            yield tuple(self.relative(np.shape(x), leaf) for x in avals)
        for key, value in sorted(eqn.params.items()):
            if key in IDLE:
                continue
            if key in SHAPES and isinstance(value, tuple):
                yield key, self.relative(value, leaf)
            elif key == "axes" and every:
                yield key, "all"
            else:
                yield key, self._text(value)

    def _text(self, value: Any) -> Any:
        if isinstance(value, int | float | str | type(None)):
            return value
        if isinstance(value, tuple) and all(isinstance(x, int | str) for x in value):
            return value
        if id(value) not in self._written:  # programs inside it are long to write
            text = re.sub(r" at 0x[0-9a-f]+", "", str(value))
            marks = [hashlib.sha256(np.asarray(x).tobytes()).hexdigest() for x in _tables(value)]
            self._written[id(value)] = value, text + "".join(marks)
        return self._written[id(value)][1]


def _single(shape: Sequence[Any]) -> bool:
    return all(isinstance(d, int) and d == 1 for d in shape)


def _tables(value: Any) -> Any:
    """The tables in a program, which its text leaves out."""
    for inner in value if isinstance(value, tuple | list) else (value,):
        for x in getattr(inner, "consts", ()):
            key = is_key(x)
            yield jax.random.key_data(x) if key else x


def alike(
    leaves: int,
    programs: Sequence[tuple[Flat, Mapping[int, tuple[int, int]], Sequence[tuple[Role, int]]]],
    numbers: Numbers,
) -> list[tuple[int, ...]]:
    """The leaves that are treated alike, as tuples of their indices.

    Args:
      leaves: how many there are.
      programs: each with the numbers of its values, and the role and the leaf of every output.
      numbers: that gave them.
    """
    kinds: dict[int, list[Any]] = {k: [] for k in range(leaves)}
    for program, found, outputs in programs:
        for ref, (role, leaf) in zip(program.outputs, outputs, strict=True):
            if leaf >= 0:
                given = isinstance(ref, Given)
                number, owner = (numbers.given(ref.value), NONE) if given else found[ref]
                kinds[leaf].append(
                    (role, number if owner in (leaf, NONE, ALL) else (number, owner))
                )
    classes: dict[Any, list[int]] = {}
    for leaf, kind in kinds.items():
        classes.setdefault(tuple(kind), []).append(leaf)
    return list(map(tuple, classes.values()))


def groups(
    make: Any,
    params: Any,
    numbers: Mapping[str, Any] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> list[tuple[int, ...]]:
    """The leaves of parameters that `make(numbers)` treats alike, as tuples of their indices.

    Args:
      make: from settings to a transformation.
      params: a tree of arrays or of their shapes.
      numbers: the settings that are symbols, with their values.
      extra: further arguments of `update`.
    """
    functions = {k: v for k, v in (extra or {}).items() if callable(v)}
    arrays = {k: v for k, v in (extra or {}).items() if k not in functions}
    like = jax.tree.map(lambda x: jax.ShapeDtypeStruct(np.shape(x), jnp.result_type(x)), params)
    h = {k: jnp.asarray(v) for k, v in sorted((numbers or {}).items())}

    def made(h: Any) -> Any:
        return optax.with_extra_args_support(make(h))

    def update(h: Any, grads: Any, state: Any, params: Any, arrays: Any) -> Any:
        return made(h).update(grads, state, params, **arrays, **functions)

    init, state = jax.make_jaxpr(lambda h, p: made(h).init(p), return_shape=True)(h, like)
    program = jax.make_jaxpr(update)(h, like, state, like, arrays)
    return groups_of(init, program, state, params, len(h))


def groups_of(init: Any, update: Any, state: Any, params: Any, settings: int) -> list[Any]:
    """The same for programs that are traced: `init(numbers, params)` and
    `update(numbers, gradients, state, params, extra)`, which put out arrays alone."""
    weights = jax.tree.leaves(params)
    slots = owned(state, params)
    count = len(weights)
    table = Numbers([tuple(np.shape(x)) for x in weights])
    given = [(("setting", k), NONE) for k in range(settings)]
    leaves = [(("weight",), k) for k in range(count)]
    moves = [(("move",), k) for k in range(count)]
    first, later = flat(init), flat(update)
    entries = [(("slot", *role), leaf) for role, leaf in slots]
    inputs = [*given, *((("gradient",), k) for k in range(count)), *entries, *leaves]
    rest = len(later.inputs) - len(inputs)
    inputs += [(("extra", k), NONE) for k in range(rest)]
    programs = [
        (first, table.run(first, [*given, *leaves]), entries),
        (later, table.run(later, inputs), [*moves, *entries]),
    ]
    return alike(count, programs, table)


def owned(state: Any, params: Any) -> list[tuple[tuple[str, ...], int]]:
    """For every array of a state what it is called, and the index of its leaf, `NONE` if it has
    none."""
    paths = [names(path) for path, _ in jax.tree_util.tree_leaves_with_path(params)]
    index = {path: k for k, path in enumerate(paths)}
    known = owners(state, paths)
    found = []
    for path, _ in jax.tree_util.tree_leaves_with_path(state):
        place = names(path)
        before, owner = known.get(place, (place, None))
        after = place[len(before) + len(owner or ()) :] if owner is not None else ()
        found.append(((*before, "/", *after), NONE if owner is None else index[owner]))
    return found


def kept(params: Any, leaves: Sequence[int]) -> Any:
    """The tree with these leaves alone; in the place of others is nothing, so that paths stay."""
    flat_leaves, treedef = jax.tree.flatten(params)
    wanted = set(leaves)
    return treedef.unflatten([x if k in wanted else None for k, x in enumerate(flat_leaves)])


@dataclass(frozen=True)
class Sample:
    """Some leaves of every group, in a tree of its own, and the groups that they stand for."""

    params: Any
    groups: tuple[tuple[int, ...], ...]


def sample(params: Any, found: Sequence[tuple[int, ...]], each: int = 2) -> Sample:
    """Leaves that stand for the groups: of each the first and others of other shapes."""
    shapes = [tuple(np.shape(x)) for x in jax.tree.leaves(params)]
    chosen: list[int] = []
    for group in found:
        different = {shapes[k]: k for k in reversed(group)}
        first = list(dict.fromkeys([group[0], *sorted(different.values()), *group]))
        chosen += first[:each]
    return Sample(kept(params, chosen), tuple(found))
