"""Numbers for the values of a program: what is made alike has the same."""

import hashlib
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np

from lectopt.explain.arrays import is_key
from lectopt.explain.flat import FOLDS, Flat, Given
from lectopt.explain.placing import reordered
from lectopt.explain.primitives import POINTWISE as BY_PLACE

ALL, NONE = -2, -1  # of owners: several leaves, no leaf


SHAPES = frozenset({"shape", "new_sizes", "dimensions", "sizes", "limit_indices", "slice_sizes"})


IDLE = frozenset({"sharding", "out_sharding", "name", "preferred_element_type", "weak_type"})


POINTWISE = BY_PLACE.keys() | {"select_n", "integer_pow", "convert_element_type", "round", "rem"}


PLAIN = POINTWISE | {
    "broadcast_in_dim", "transpose", "squeeze", "expand_dims", "dim_as_value", "dot_general",
    "slice", "split", "concatenate",
}  # fmt: skip
MOVES = frozenset({"copy", "copy_p", "stop_gradient", "optimization_barrier"})


UNITS = {"add": 0, "add_any": 0, "mul": 1}


Role = tuple[Any, ...]


class Numbers:
    """Numbers for what is made alike.

    Args:
      shapes: of the leaves.
      apart: whether operations without a formula are alike for leaves of one shape only, so that
        they can be run again.
    """

    def __init__(self, shapes: Sequence[tuple[Any, ...]], apart: bool = False):
        self.shapes, self.apart = shapes, apart
        self._table: dict[Any, int] = {}
        self._limited: set[tuple[str, int, int]] = set()
        self._written: dict[int, tuple[Any, str]] = {}

    def number(self, key: Any) -> int:
        """The number of a key."""
        return self._table.setdefault(key, len(self._table))

    def relative(self, shape: Sequence[Any], leaf: int) -> Any:
        """A shape in terms of the axes of a leaf."""
        own = self.shapes[leaf] if leaf >= 0 else ()
        if leaf >= 0 and self._whole(shape, leaf):
            return "in a row" if len(shape) == 1 else "own"
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
            own = leaf >= 0 and tuple(aval.shape) == tuple(self.shapes[leaf])
            shape = "own" if own else self.relative(aval.shape, leaf)
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
        if name in ("max", "min"):  # once is enough
            given = [x for x in ins if x[1] == NONE]
            for (number, leaf), limit in ((x, y) for x in ins for y in given if x is not y):
                if (name, number, limit[0]) in self._limited:
                    return [(number, leaf)]
        owners = {leaf for _, leaf in ins if leaf >= 0}
        if len(owners) == 1 and not goes_on:
            (leaf,) = owners
            if not reordered(eqn) and self._moves(name, avals, eqn.outvars[0].aval, leaf):
                return [(ins[0][0], leaf)]
            params = tuple(self._params(eqn, avals, leaf))
            key: Any = (name, params, tuple(n for n, _ in ins))
            made = [(self.number((key, k)), leaf) for k in range(len(step.outs))]
            if name in ("max", "min"):
                self._limited |= {(name, made[0][0], n) for n, k in ins if k == NONE}
            return made
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
        name = eqn.primitive.name
        if self.apart and not (name in PLAIN or name.startswith("reduce_")):
            yield str([*(np.shape(x) for x in avals), self.shapes[leaf] if leaf >= 0 else ()])
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
