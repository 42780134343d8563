"""What parts of an explanation are called: operations, groups of leaves, what was read."""

import functools as ft
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from lectopt.explain.arrays import generic, is_key
from lectopt.explain.letters import symbol as name_of
from lectopt.explain.letters import untagged
from lectopt.explain.marks import LOSS
from lectopt.explain.naming import Lines
from lectopt.explain.readings import Reading
from lectopt.explain.styles import decimal
from lectopt.explain.trees import RANKS

SHORT = 8  # numbers in a table that is written out


class Wording:
    """The words of an explanation, for its page."""

    groups: list[Lines]
    given: bool

    @property
    def reading(self) -> Reading:
        """All that was read."""
        raise NotImplementedError

    @property
    def shared(self) -> Lines:
        """The equations of what belongs to no leaf."""
        raise NotImplementedError

    @ft.cached_property
    def calls(self) -> dict[str, str]:
        """What operations without a formula are called."""
        return {name: _called(made) for name, made in self.reading.records.items()}

    @ft.cached_property
    def alone(self) -> set[str]:
        """The names of slots that have not the shape of a leaf."""
        shapes = self.reading.shapes
        other = [s for s in self.reading.states if tuple(s.aval.shape) not in shapes]
        return {untagged(s.name(time)) for s in other for time in ("t-1", "t", "0")}

    def homes(self, lines: Lines | None) -> dict[str, Any]:
        """Where the entries of arrays stand by themselves, and their shapes."""
        reading = self.reading
        found: dict[str, Any] = {}
        shapes = {name_of(s.base, leaf=s.label): tuple(s.aval.shape) for s in reading.states}
        stands = -1 if lines is None else lines.stands
        shapes |= {s.base: tuple(s.aval.shape) for s in reading.states if s.leaf in (-1, stands)}
        for one in [self.shared, *self.groups] if lines is None else [self.shared, lines]:
            for symbol in one.equations:
                base = symbol.args[0].partition("[")[0]
                found[base] = symbol.args[1], shapes.get(base, ())
            for symbol in one.start:
                base = symbol.args[0].partition("[")[0]
                found.setdefault(base, (symbol.args[1], shapes.get(base, ())))
        for label, shape in zip(reading.labels, reading.shapes, strict=True):
            for letter in (reading.symbols["params"], reading.symbols["gradient"]):
                found[f"{letter}@{label}"] = generic(shape), shape
        if lines is not None and lines.stands >= 0:
            shape = reading.shapes[lines.stands]
            for letter in (reading.symbols["params"], reading.symbols["gradient"]):
                found[letter] = generic(shape), shape
        return found

    @property
    def read_on(self) -> str:
        """What the optimizer was read on, in words."""
        shapes = self.reading.shapes
        if self.given and len(shapes) > 1:
            return f"the {len(shapes)} leaves of params"
        ranks = sorted({len(shape) for shape in shapes})
        names = list(map(called_rank, ranks))
        if len(shapes) == 1:
            one = {"vectors": "a vector", "matrices": "a matrix", "scalars": "a scalar"}
            return one.get(names[0], f"an array of {ranks[0]} axes")
        return ", ".join(names[:-1]) + (" and " if len(names) > 1 else "") + names[-1]

    def some(self, indices: str) -> str:
        """What to call leaves by their indices."""
        return self._words(tuple(map(int, indices.split(","))))

    def called(self, group: Lines) -> str:
        """What to call a group: by the ranks of its leaves, if these say which they are, else by
        their names."""
        return self._words(group.indices)

    def _words(self, indices: Sequence[int]) -> str:
        reading = self.reading
        ranks = {len(reading.shapes[k]) for k in indices}
        same = {k for k, shape in enumerate(reading.shapes) if len(shape) in ranks}
        if same == set(indices) and (not self.given or len(indices) > 4):
            return ", ".join(map(called_rank, sorted(ranks)))
        return ", ".join(reading.labels[k] for k in indices)


def called_rank(rank: int) -> str:
    """What arrays with so many axes are called."""
    return RANKS[rank] if rank < len(RANKS) else f"arrays of {rank} axes"


def _called(made: Any) -> str:
    """The name of an operation: its own, or for a loop that of the function in which it stands."""
    if not isinstance(made, tuple):
        short = not is_key(made) and np.ndim(made) == 1 and np.size(made) <= SHORT
        return f"[{', '.join(decimal(float(x)) for x in made)}]" if short else "const"
    eqn, output = made
    part = f".{output + 1}" if len(eqn.outvars) > 1 else ""
    name = eqn.params.get("name") or eqn.primitive.name
    if name == "iota":
        return f"iota {eqn.params['dimension']}"
    if name == LOSS:
        return "L"
    if eqn.primitive.name in ("while", "scan", "cond", "custom_linear_solve"):
        traceback = eqn.source_info.traceback
        for frame in traceback.frames if traceback else ():
            if f"{os.sep}jax{os.sep}" not in frame.file_name:
                parts = [p for p in frame.function_name.split(".") if not p.startswith("<")]
                name = next((p for p in reversed(parts) if p not in ("update_fn", "body")), name)
                break
    return str(name).strip("_") + part
