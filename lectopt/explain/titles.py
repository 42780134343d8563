"""What an optimizer is called: by the path to import it from, or as it prints."""

import functools as ft
import sys
from typing import Any

from lectopt import values as _values
from lectopt.explain.marks import is_key
from lectopt.transformation import Transformation


def title_of(tx_or_maker: Any) -> str:
    """What was given, in a few words."""
    if isinstance(tx_or_maker, ft.partial):
        given = [_shown(x) for x in tx_or_maker.args]
        given += [f"{k}={_shown(v)}" for k, v in tx_or_maker.keywords.items()]
        return f"{title_of(tx_or_maker.func)}({', '.join(given)})"
    if isinstance(tx_or_maker, Transformation):
        return repr(tx_or_maker)
    name = getattr(tx_or_maker, "__name__", None)
    if name is None and hasattr(tx_or_maker, "update"):
        update = tx_or_maker.update
        return getattr(update, "__qualname__", type(tx_or_maker).__name__).split(".")[0]
    return _qualified(tx_or_maker, name) if name else repr(tx_or_maker)


def _qualified(function: Any, name: str) -> str:
    """A function with the shortest public path to it."""
    module, name = getattr(function, "__module__", None) or "", name.rpartition(".")[2]
    root = module.split(".")[0]
    parts = module.split(".")
    for end in range(1, len(parts)):
        path = ".".join(parts[:end])
        if getattr(sys.modules.get(path), name, None) is function:
            return f"{path}.{name}"
    return name if "<" in name or root in ("", "builtins", "__main__") else f"{module}.{name}"


def _shown(value: Any) -> str:
    """A setting in a title."""
    return "key" if is_key(value) else _values.shown(value)
