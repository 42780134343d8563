"""What a setting is at run time, and `Value`: things that print, compare and hash by how they were
made.
"""

import functools as ft
import importlib
import sys
import types
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ParamSpec, TypeVar

import jax
import numpy as np
from jax.core import Tracer

P = ParamSpec("P")
T = TypeVar("T")
LINE = 88  # a call that prints longer than this is broken into one argument per line


def is_concrete(value: Any) -> bool:
    """Whether `value` is known now: neither a schedule nor a tracer."""
    return not callable(value) and not isinstance(value, Tracer)


def value_at(setting: Any, count: Any) -> Any:
    """The value of a setting at update number `count` (from 0): schedules are called."""
    return setting(count) if callable(setting) else setting


def key_of(value: Any) -> Any:
    """A hashable stand-in for a setting: equal settings have equal stand-ins.

    Arrays count by value, tracers and plain functions by identity, schedules by their own `==`.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Tracer):
        return ("tracer", id(value))
    if isinstance(value, np.ndarray | np.generic | jax.Array):
        array = np.asarray(value)
        return (str(array.dtype), array.shape, array.tobytes())
    leaves, treedef = jax.tree.flatten(value)
    return value if jax.tree_util.treedef_is_leaf(treedef) else (treedef, *map(key_of, leaves))


def function_key(function: Any) -> Any:
    """A hashable stand-in for a function: that of its text and of what it closes over.

    It is the same in another process, and another one once the text is changed.
    """
    if not isinstance(function, types.FunctionType):
        return function
    cells = [_content(cell) for cell in function.__closure__ or ()]
    inside = [function_key(x) if isinstance(x, types.FunctionType) else key_of(x) for x in cells]
    defaults = (function.__defaults__ or (), *sorted((function.__kwdefaults__ or {}).items()))
    name = (function.__module__, function.__qualname__)
    return (*name, function.__code__, key_of(defaults), *inside)


def _content(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not yet filled
        return None


def shown(value: Any) -> str:
    """How a setting prints: what one would write to get it."""
    if isinstance(value, Tracer):
        return f"<traced {value.dtype}>"
    if isinstance(value, np.ndarray | np.generic | jax.Array) and np.ndim(value) == 0:
        value = np.asarray(value).item()
    if isinstance(value, float) and not np.isfinite(value):
        return f"float('{value}')"
    if isinstance(value, types.FunctionType):
        return value.__qualname__
    return repr(value)


def call_text(name: str, arguments: Iterable[str]) -> str:
    """A call as one would write it, broken over lines if it is long and has calls inside."""
    arguments = list(arguments)
    line = f"{name}({', '.join(arguments)})"
    if len(line) <= LINE or not any("(" in argument for argument in arguments):
        return line
    lines = [argument.replace("\n", "\n    ") for argument in arguments]
    return f"{name}(\n    " + ",\n    ".join(lines) + ",\n)"


def printed_in(namespace: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Let a rule print with the module that has it, as `schedules.shifted(...)`, which evaluates
    among the names of `lectopt`.
    """

    def rename(rule: Callable[P, T]) -> Callable[P, T]:
        rule.__name__ = f"{namespace}.{rule.__name__}"
        return rule

    return rename


class Value:
    """A thing made by calling `name(**settings)`: it prints as that call, and equals what another
    call with equal settings makes.
    """

    __slots__ = ()

    name: str
    settings: Mapping[str, Any]
    defaults: Mapping[str, Any] = types.MappingProxyType({})

    def _key(self) -> Any:
        return (self.name, *((k, key_of(v)) for k, v in sorted(self.settings.items())))

    def _given(self) -> list[str]:
        """The settings that are not the defaults, as they are written."""
        return [
            f"{name}={shown(value)}"
            for name, value in self.settings.items()
            if name not in self.defaults or key_of(value) != key_of(self.defaults[name])
        ]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and self._key() == other._key()

    def __ne__(self, other: object) -> bool:  # a tuple among the bases brings its own
        return not self == other

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        return call_text(self.name, self._given())


class Importable:
    """A rule with all that is needed to run it, pickled by where its public function is found."""

    rule: Callable[..., Any]

    @ft.cached_property
    def key(self) -> Any:
        """What tells the rule from others of its name."""
        return function_key(self.rule)

    def __reduce_ex__(self, protocol: Any) -> Any:
        module = sys.modules.get(self.rule.__module__)
        if self.rule.__module__ == "__main__":  # which another process has not
            return super().__reduce_ex__(protocol)
        for name, thing in vars(module).items() if module else ():
            if getattr(thing, "lifted", None) is self:
                return _imported, (self.rule.__module__, name)
        return super().__reduce_ex__(protocol)  # by value, for those who can


def _imported(module: str, name: str) -> Any:
    return getattr(importlib.import_module(module), name).lifted
