"""What tells functions from others: their code, and what they refer to.

Two functions with equal marks are traced to the same program. A mark holds code, numbers, texts and
hashes, and refers to everything else weakly, so that nothing is kept alive by it. What is looked at
is what a function closes over, its defaults, and the globals that its code names, in user's code;
the functions of installed packages are what they are called.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import hashlib
import sys
import types
import weakref
from collections.abc import Hashable, Iterator, Mapping
from typing import Any

import jax
import numpy as np
from jax.core import Tracer

MOST = 20_000  # parts of a mark; what has more is not marked

_PLAIN = (bool, int, float, complex, str, bytes, type(None), type(...), slice, range, np.dtype)
_WRAPPERS = (property, staticmethod, classmethod, functools.cached_property)
_NO_CONTENT = {
    "_abc_impl",
    "__dict__",
    "__weakref__",
    "__doc__",
    "__module__",
    "__qualname__",
    "__name__",
}


class Unmarked(Exception):
    """Something is there of which one cannot say whether it is as before."""


class Same:
    """An object as itself, which is not kept alive."""

    __slots__ = ("_hash", "_ref")

    def __init__(self, x: Any) -> None:
        try:
            self._ref = weakref.ref(x)
        except TypeError:
            raise Unmarked(type(x)) from None
        self._hash = id(x)

    def __eq__(self, other: object) -> bool:
        mine = self._ref()
        return isinstance(other, Same) and mine is not None and mine is other._ref()

    def __hash__(self) -> int:
        return self._hash


def mark(*things: Any) -> Hashable:
    """What tells these from others; None if that cannot be said."""
    try:
        return tuple(map(_Marks().of, things))
    except (Unmarked, RecursionError):
        return None


class _Marks:
    def __init__(self) -> None:
        self.seen: dict[int, tuple[int, Any]] = {}  # the objects too, so that ids stay theirs

    def of(self, x: Any) -> Hashable:
        if isinstance(x, _PLAIN) and not isinstance(x, enum.Enum):
            return (type(x), repr(x) if isinstance(x, float | complex | slice) else x)
        if id(x) in self.seen:
            return ("again", self.seen[id(x)][0])
        self.seen[id(x)] = (len(self.seen), x)
        if len(self.seen) > MOST:
            raise Unmarked(MOST)
        return (type(x).__name__, *self._parts(x))

    def _parts(self, x: Any) -> Iterator[Hashable]:
        if isinstance(x, types.ModuleType):
            yield x.__name__
        elif isinstance(x, jax.Array):
            yield Same(x)  # it never changes
        elif isinstance(x, np.ndarray | np.generic):
            yield from _numbers(np.asarray(x))
        elif isinstance(x, types.FunctionType):
            yield from self._function(x)
        elif isinstance(x, types.BuiltinFunctionType | np.ufunc | enum.Enum):
            yield str(x)
        elif isinstance(x, type):
            yield from self._class(x)
        elif isinstance(x, tuple | list | types.MethodType | functools.partial | set | frozenset):
            yield from self._collection(x)
        elif isinstance(x, Mapping) and type(x).__module__ in ("builtins", "collections", "types"):
            yield from ((self.of(name), self.of(value)) for name, value in x.items())
        elif isinstance(x, jax.tree_util.PyTreeDef):
            yield str(x)
        elif isinstance(x, _WRAPPERS):
            names = ("fget", "fset", "fdel") if isinstance(x, property) else ("__func__", "func")
            yield from (self.of(getattr(x, name, None)) for name in names)
        else:
            yield from self._object(x)

    def _collection(self, x: Any) -> Iterator[Hashable]:
        if isinstance(x, set | frozenset):
            yield frozenset(self.of(value) for value in x)
        elif isinstance(x, types.MethodType):
            yield from (self.of(x.__func__), self.of(x.__self__))
        elif isinstance(x, functools.partial):
            yield from map(self.of, (x.func, x.args, x.keywords))
        else:
            yield type(x)
            yield from map(self.of, x)

    def _function(self, x: types.FunctionType) -> Iterator[Hashable]:
        installed = _is_installed(x.__module__)
        if installed and _by_name(x.__module__, x.__qualname__) is x:
            yield Same(x)
            return
        yield x.__code__
        yield self.of(x.__defaults__)
        yield self.of(x.__kwdefaults__)
        for cell in x.__closure__ or ():
            try:
                yield self.of(cell.cell_contents)
            except ValueError:  # not yet filled
                yield None
        if not installed:
            for name in sorted(_names(x.__code__)):
                if name in x.__globals__:
                    yield (name, self.of(x.__globals__[name]))

    def _class(self, x: type) -> Iterator[Hashable]:
        yield Same(x)
        if not _is_installed(x.__module__):
            yield from map(self.of, x.__bases__)
            for name, value in sorted(vars(x).items()):
                if name not in _NO_CONTENT and (name[:2] != "__" or callable(value)):
                    yield (name, self.of(value))

    def _object(self, x: Any) -> Iterator[Hashable]:
        """An object of somebody's class: what it is made of."""
        if isinstance(x, Tracer):
            raise Unmarked(type(x))
        yield self.of(type(x))
        slots = [name for cls in type(x).__mro__ for name in _slots(cls)]
        if dataclasses.is_dataclass(x):
            slots += [field.name for field in dataclasses.fields(x)]
        content = {name: getattr(x, name) for name in slots if hasattr(x, name)}
        content |= getattr(x, "__dict__", {})
        if not content and not all(map(_is_written, type(x).__mro__)):
            raise Unmarked(type(x))  # its content is in C
        for name, value in sorted(content.items()):
            yield (name, self.of(value))


def _numbers(x: np.ndarray) -> Iterator[Hashable]:
    if x.dtype.hasobject:
        raise Unmarked(x.dtype)
    yield x.dtype
    yield x.shape
    yield hashlib.sha256(np.ascontiguousarray(x).view(np.uint8).data if x.size else b"").digest()


def _names(code: types.CodeType) -> set[str]:
    """The names in a function, and in those that it makes."""
    inner = [_names(x) for x in code.co_consts if isinstance(x, types.CodeType)]
    return {*code.co_names}.union(*inner)


def _slots(cls: type) -> list[str]:
    slots = vars(cls).get("__slots__", ())
    names = [slots] if isinstance(slots, str) else [*slots]
    return [name for name in names if name not in _NO_CONTENT]


def _is_written(cls: type) -> bool:
    """Whether a class is Python's."""
    file = getattr(sys.modules.get(cls.__module__), "__file__", None) or ""
    return cls is object or cls.__module__ == "__main__" or file.endswith(".py")


@functools.cache
def _is_installed(module: str | None) -> bool:
    """Whether a module is of a package, and not of the user."""
    if module is None:
        return False
    top = module.partition(".")[0]
    if top == "__main__":
        return False
    if top in sys.stdlib_module_names or top == "lectopt":
        return True
    file = getattr(sys.modules.get(module), "__file__", None) or ""
    return "site-packages" in file or "dist-packages" in file


def _by_name(module: str, name: str) -> Any:
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return found
