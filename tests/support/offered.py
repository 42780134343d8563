"""Everything that lectopt offers: its modules, and their functions."""

import importlib.util
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lectopt.settings import Scalar, domains

_PATH = Path(__file__).parents[2] / "docs" / "stubs.py"
_SPEC = importlib.util.spec_from_file_location("stubs", _PATH)
assert _SPEC and _SPEC.loader
stubs: Any = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(stubs)

MODULES = {module.__name__: module for module in stubs.public_modules()}


def functions() -> dict[tuple[str, str], Callable[..., Any]]:
    """The public functions by module and name, each where it is found first."""
    found: dict[int, tuple[str, str]] = {}
    for place, module in MODULES.items():
        for name in module.__all__:
            thing = getattr(module, name)
            if inspect.isfunction(thing):
                found.setdefault(id(thing), (place, name))
    return {where: getattr(MODULES[where[0]], where[1]) for where in found.values()}


FUNCTIONS = functions()


def numbers_of(function: Any) -> dict[str, bool]:
    """The arguments that are numbers, and whether they may be schedules."""
    hints = {k: function.__annotations__.get(k) for k in inspect.signature(function).parameters}
    numeric = {k: hint for k, hint in hints.items() if domains(hint)[0]}
    return {k: getattr(hint, "__origin__", None) != Scalar for k, hint in numeric.items()}
