"""The stub files beside modules whose functions a decorator has made: `python docs/stubs.py`.

A type checker cannot follow `leafwise`, `schedule` and their kind from a rule to the function that
users call. What it cannot see is read off the running library here, and written where type checkers
and editors look for it; docstrings and definitions they take from the source.
"""

import builtins
import collections.abc
import inspect
import re
import sys
import types
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import optax

import lectopt
from lectopt import combinators, controls, optimizers, primitives, settings

HEADER = "# Written by docs/stubs.py: what decorators make of the functions here.\n"
WIDTH = 100


def public_modules(module: Any = lectopt) -> Iterator[types.ModuleType]:
    """`lectopt`, the packages that it has all of, and the modules that these offer."""
    yield module
    inner = [getattr(module, name) for name in module.__all__]
    for thing in filter(inspect.ismodule, inner):
        yield from public_modules(thing)
    if module is lectopt:
        yield from (combinators, controls, optimizers, primitives)


def is_made(thing: Any) -> bool:
    """Whether it is a function with other arguments than stand in its source."""
    if not inspect.isfunction(thing):
        return False
    source, own = (inspect.signature(f).parameters for f in (inspect.unwrap(thing), thing))
    return [(p.name, p.kind) for p in source.values()] != [(p.name, p.kind) for p in own.values()]


def stub(module: types.ModuleType) -> str:
    """The text of a module's stub file, and nothing if it needs none."""
    offered = {name: getattr(module, name) for name in sorted(module.__all__)}
    made = [thing for thing in offered.values() if is_made(thing)]
    if module is lectopt or not made:
        return ""
    homes = {name: thing.__module__ for name, thing in offered.items() if thing not in made}
    homes |= {name: home for function in made for name, home in imported(function, module)}
    head = ""
    for home in sorted({*homes.values()}):
        own = sorted(name for name in homes if homes[name] == home)
        names = [f"{name} as {name}" if name in offered else name for name in own]  # Jedi wants it
        line = listed(f"from {home} import (", names, ")")
        head += line.replace("(", "").replace(")", "") if line.count("\n") == 1 else line
    names = listed("__all__ = [", [f'"{name}"' for name in module.__all__], "]")
    return f"{HEADER}\n{head}\n{names}\n{''.join(map(declaration, made))}"


def declaration(function: Callable[..., Any]) -> str:
    """The function without its body."""
    signature = inspect.signature(function)
    rows = []
    for p in signature.parameters.values():
        if p.kind is p.KEYWORD_ONLY and "*" not in rows:
            rows.append("*")
        default = "" if p.default is p.empty else f" = {written(p.default)}"
        rows.append(f"{p.name}: {p.annotation}{default}".replace("'", '"'))
    name = function.__name__.split(".")[-1]
    return listed(f"def {name}(", rows, f") -> {signature.return_annotation.__name__}: ...")


def listed(start: str, items: list[str], end: str) -> str:
    """One line if it is not too long, else one for each item."""
    line = start + ", ".join(items) + end
    if len(line) <= WIDTH:
        return line + "\n"
    return start + "\n    " + ",\n    ".join(items) + ",\n" + end + "\n"


def written(default: Any) -> str:
    """A default that a stub may show; of others it says that there is one."""
    plain = default is None or isinstance(default, bool | int | float | str | tuple)
    return repr(default) if plain and repr(default) != "inf" else "..."


def imported(function: Callable[..., Any], module: types.ModuleType) -> Iterator[tuple[str, str]]:
    """What the annotations of a function need, with the modules that have it."""
    signature = inspect.signature(function)
    yield signature.return_annotation.__name__, signature.return_annotation.__module__
    shown = " ".join(repr(p.annotation) for p in signature.parameters.values())
    package = [v for k, v in sorted(sys.modules.items()) if k.startswith(module.__name__)]
    homes = (builtins, collections.abc, typing, settings, *package, optax)
    for name in re.findall(r"\b[A-Za-z_]\w*", re.sub(r"'.*?'", "", shown)):
        home = next(home for home in homes if name in vars(home))
        if home is not builtins:
            yield name, home.__name__


def path_of(module: types.ModuleType) -> Path:
    """Where its stub file is."""
    return Path(str(module.__file__)).with_suffix(".pyi")


if __name__ == "__main__":
    for each in public_modules():
        if text := stub(each):
            path_of(each).write_text(text, "utf-8")
        else:
            path_of(each).unlink(missing_ok=True)
