"""What programs ask of their leaves beside numbers: sizes that they compare.

A size that is a letter is told to differ from every number that it is compared with; so a proof for
letters says nothing of those numbers, and they are run. Where a program takes a size as text, or
looks it up, or compares a formula of it, a proof holds for the shapes that were read alone.
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

LONGER = 96  # by which axes are longer: a size between 64 and 128, where programs turn
TEXTS = ("__hash__", "__str__", "__repr__", "__format__")
_watching = threading.Lock()
LIBRARIES = ("jax", "numpy", "contextlib")


@dataclass
class Asked:
    """The numbers that sizes were compared with, whether sizes were compared with each other, and
    whether they were asked for in a way of which nothing is known."""

    sizes: set[int] = field(default_factory=set)
    order: bool = False
    somehow: bool = False


def asked(makes: Sequence[Any], params: Any, extra: Mapping[str, Any]) -> Asked:
    """What transformations ask of the leaves of these parameters.

    Args:
      makes: from settings to transformations.
      params: a tree of arrays, which they take.
      extra: further arguments of the updates.
    """
    found = Asked()
    for make in makes:
        try:
            with _watched(found):
                programs(make, symbolic_like(params), {}, extra)
        except Exception as error:  # it asks which of two sizes is larger, or for a number
            found.order = found.order or "inconclusive" in str(error)
            if found.order:
                found.sizes |= {n + more for n in _numbers(error) for more in (0, 1)}
    found.sizes -= {0}
    return found


def _numbers(message: Any) -> set[int]:
    return set(map(int, re.findall(r"\b\d+\b", str(message).split("\n")[0])))


@contextlib.contextmanager
def _watched(found: Asked) -> Iterator[None]:
    """While programs are traced, note what sizes are compared with; one thread at a time, since the
    comparison is JAX's own."""
    kind: Any = type(letters_of_sizes("aa")[0])
    own = {name: getattr(kind, name) for name in ("__eq__", *TEXTS)}

    def compared(one: Any, other: Any) -> Any:
        if not _in_library(sys._getframe(1)):
            formula = re.fullmatch(r"\w+(\*\w+)*", text := own["__str__"](one)) is None
            found.sizes |= {other} if isinstance(other, int) else set()
            found.sizes |= _numbers(text) if formula else set()
            found.order = found.order or isinstance(other, kind)
            found.somehow = found.somehow or formula
        return own["__eq__"](one, other)

    def told(name: str) -> Callable[..., Any]:
        def method(self: Any, *args: Any) -> Any:
            found.somehow = found.somehow or not _in_library(sys._getframe(1))
            return own[name](self, *args)

        return method

    with _watching:
        kind.__eq__ = compared
        for name in TEXTS:
            setattr(kind, name, told(name))
        try:
            yield
        finally:
            for name, method in own.items():
                setattr(kind, name, method)


def _in_library(frame: Any) -> bool:
    return frame.f_globals.get("__name__", "").partition(".")[0] in LIBRARIES


def of_size(params: Any, size: int) -> Iterator[Any]:
    """The shapes of a tree with one axis of every leaf that long: the first of vectors and
    matrices, the last of others; with the other axes as they are, and of length 1."""
    for other in (None, 1):

        def shaped(x: Any, other: Any = other) -> Any:
            shape = [other or d for d in x.shape]
            if shape:
                shape[0 if len(shape) < 3 else -1] = size
            return jax.ShapeDtypeStruct(tuple(shape), x.dtype)

        yield jax.tree.map(shaped, params)


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
