"""What a program may ask Python about a tree, and no trace shows: how many leaves there are, in
what, with which names. The numbers and words that stand in its code tell what to try.
"""

import functools as ft
import re
import types
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

import jax.numpy as jnp

from lectopt.transformation import Transformation
from lectopt.wrapping import Foreign

DEPTH = 12  # closures within closures
LIBRARIES = ("jax", "jaxlib", "numpy", "optax", "lectopt", "functools", "builtins")
MOST = 150  # leaves that are tried
NUMBERS = 4  # of them
WORDS = 8  # that are tried as names
ASKING = frozenset({
    "leaves", "tree_leaves", "structure", "tree_structure", "flatten", "tree_flatten", "len",
    "isinstance", "type", "hasattr", "num_leaves", "enumerate", "count",
})  # fmt: skip


class Literals:
    """The whole numbers and the words in the code of transformations, the names it speaks of, and
    the arguments that may be left out; of libraries only what they were given."""

    def __init__(self, transformations: Iterable[Any]):
        self.numbers: set[int] = set()
        self.words: list[str] = []
        self.names: set[str] = set()
        self.optional: set[str] = set()
        seen: dict[int, Any] = {}
        waiting = deque((x, 0) for x in transformations)
        while waiting:  # what is nearest comes first
            thing, depth = waiting.popleft()
            if isinstance(thing, int) and not isinstance(thing, bool):
                self.numbers.add(thing)
            elif isinstance(thing, str):
                self.words += [x for x in re.findall(r"[A-Za-z_]\w+", thing) if x not in self.words]
            elif id(thing) not in seen and depth < DEPTH:
                seen[id(thing)] = thing  # which keeps it, and so its number
                waiting += [(x, depth + 1) for x in self._inside(thing)]

    def _inside(self, thing: Any) -> Iterator[Any]:
        match thing:
            case ft.partial():
                yield from (thing.func, *thing.args, *thing.keywords.values())
            case Transformation():
                yield from (x for x in thing.settings.values() if not isinstance(x, str))
                yield from thing.parts
                yield thing.foreign if isinstance(thing, Foreign) else None
            case dict() if len(thing) <= MOST:
                yield from (*thing, *thing.values())
            case tuple() | list() | set() | frozenset() if len(thing) <= MOST:
                yield from thing
            case re.Pattern():
                yield thing.pattern
            case types.MethodType():
                yield from (thing.__func__, thing.__self__)
            case types.FunctionType():
                yield from self._of_function(thing)
            case _ if hasattr(thing, "__wrapped__"):
                yield thing.__wrapped__
            case _ if not _in_library(type(thing).__module__):
                yield from vars(thing).values() if hasattr(thing, "__dict__") else ()
                yield vars(type(thing)).get("__call__")

    def _of_function(self, function: types.FunctionType) -> Iterator[Any]:
        for cell in function.__closure__ or ():
            try:
                yield cell.cell_contents
            except ValueError:  # not yet filled
                continue
        if _in_library(function.__module__):
            return
        yield from function.__defaults__ or ()
        self.optional |= {k for k, v in (function.__kwdefaults__ or {}).items() if v is None}
        for code in _codes(function.__code__):
            yield from (x for x in code.co_consts if x != function.__doc__)
            self.names |= set(code.co_names)
            used = (function.__globals__.get(k) for k in code.co_names)
            yield from (x for x in used if not isinstance(x, types.ModuleType))

    def trees(self) -> Iterator[Any]:
        """Trees of other numbers of leaves, in other containers, and with the words for names."""
        leaf = jnp.ones(5)
        if self.names & ASKING:
            largest = sorted(n for n in self.numbers if n < MOST)[-NUMBERS:]
            near = {n + k for n in largest for k in (-1, 0, 1)} | {1, 2, 13}
            yield leaf
            yield [leaf, leaf]
            yield from ({f"layer{k:03}": leaf for k in range(n)} for n in sorted(near) if n > 0)
        words = self.words[:WORDS]
        if words:
            yield dict.fromkeys(words, leaf)
            yield {a: {b: leaf for b in words if b != a} or leaf for a in words}


def _codes(code: Any) -> Iterator[Any]:
    """The code of a function and of those inside it."""
    yield code
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            yield from _codes(inner)


def _in_library(module: str | None) -> bool:
    return (module or "").partition(".")[0] in LIBRARIES
