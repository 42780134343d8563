"""What programs ask of their leaves beside numbers: sizes that they compare, and names.

A size that is a letter is told to differ from every number that it is compared with; so a proof for
letters says nothing of those numbers, and they are run. Names are only seen to be asked for: then a
proof holds for the names that were read.
"""

import contextlib
import re
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax

from lectopt.explain.arrays import letters_of_sizes
from lectopt.explain.systems import programs, symbolic_like

READS = (
    "__contains__", "__repr__", "__str__", "__format__", "__add__", "__radd__", "startswith",
    "endswith", "lower", "split", "partition", "replace", "find", "index", "count", "strip",
)  # fmt: skip
LONGER = 96  # by which axes are longer: a size between 64 and 128, where programs turn
_watching = threading.Lock()
LIBRARIES = ("jax", "numpy", "optax", "contextlib")


@dataclass
class Asked:
    """The numbers that sizes were compared with, whether sizes were compared with each other, and
    whether a name was looked at."""

    sizes: set[int] = field(default_factory=set)
    order: bool = False
    names: bool = False


def asked(makes: Sequence[Any], params: Any, extra: Mapping[str, Any]) -> Asked:
    """What transformations ask of the leaves of these parameters.

    Args:
      makes: from settings to transformations.
      params: a tree of arrays, which they take.
      extra: further arguments of the updates.
    """
    found = Asked()
    named = _with_names(params, found)
    for make in makes:
        try:
            with _watched(found):
                programs(make, symbolic_like(named), {}, extra)
        except Exception as error:  # it asks which of two sizes is larger, or for a number
            found.order = found.order or "inconclusive" in str(error)
            if found.order:
                numbers = map(int, re.findall(r"\b\d+\b", str(error).split("\n")[0]))
                found.sizes |= {n + more for n in numbers for more in (0, 1)}
            with contextlib.suppress(Exception):
                programs(make, named, {}, extra)
    found.sizes -= {0, 1}
    return found


@contextlib.contextmanager
def _watched(found: Asked) -> Iterator[None]:
    """While programs are traced, note what sizes are compared with; one thread at a time, since the
    comparison is JAX's own."""
    kind: Any = type(letters_of_sizes("aa")[0])

    def watching(one: Any, other: Any) -> Any:
        if not _in_library(sys._getframe(1)):
            found.sizes |= {other} if isinstance(other, int) else set()
            found.order = found.order or isinstance(other, kind)
        return equal(one, other)

    with _watching:
        equal = kind.__eq__
        kind.__eq__ = watching
        try:
            yield
        finally:
            kind.__eq__ = equal


def _in_library(frame: Any) -> bool:
    return frame.f_globals.get("__name__", "").partition(".")[0] in LIBRARIES


def _ours(frame: Any) -> bool:
    """Whether it is JAX that asks, for a program that is traced here."""
    while frame.f_back is not None and _in_library(frame):
        frame = frame.f_back
    return frame.f_globals.get("__name__", "").startswith("lectopt.explain")


def _with_names(params: Any, found: Asked) -> Any:
    """The tree with keys that tell when they are looked at."""

    def noted(name: str) -> Callable[..., Any]:
        def method(self: Any, *args: Any) -> Any:
            found.names = found.names or not _ours(sys._getframe(1))
            return getattr(str, name)(self, *args)

        return method

    def equal(self: Any, other: Any) -> bool:
        found.names = found.names or not _in_library(sys._getframe(1))
        return str.__eq__(self, other)

    methods = {name: noted(name) for name in READS if hasattr(str, name)}
    key: Any = type("Key", (str,), {**methods, "__eq__": equal, "__hash__": str.__hash__})

    def copied(x: Any) -> Any:
        if isinstance(x, dict):
            return {key(k) if isinstance(k, str) else k: copied(v) for k, v in x.items()}
        return x

    return copied(params)


def of_size(params: Any, size: int) -> Any:
    """The shapes of a tree with one axis of every leaf that long: the first of vectors and
    matrices, the last of others."""

    def shaped(x: Any) -> Any:
        shape = list(x.shape)
        if shape:
            shape[0 if len(shape) < 3 else -1] = size
        return jax.ShapeDtypeStruct(tuple(shape), x.dtype)

    return jax.tree.map(shaped, params)


def other_shapes(params: Any) -> Iterator[Any]:
    """The shapes of a tree with the axes in the other order, with axes of equal lengths, and with
    longer vectors and matrices."""
    for change in (
        lambda shape: shape[::-1],
        lambda shape: shape[:1] * len(shape),
        lambda shape: tuple(d + LONGER for d in shape) if len(shape) < 3 else shape,
    ):
        yield jax.tree.map(
            lambda x, change=change: jax.ShapeDtypeStruct(change(tuple(x.shape)), x.dtype), params
        )
