"""Every public function that makes a transformation, called with what its annotations suggest."""

import importlib
import inspect
import types
import typing
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import lectopt
from lectopt import averaging
from lectopt.settings import Range, domains
from lectopt.transformation import Transformation

# What must be given and has no range: by the name of the argument.
GIVEN: dict[str, Any] = dict(
    condition=lambda t: t > 2,
    factors={".*": 0.5},
    fast_optimizer=lectopt.sgd(0.1),
    first=lectopt.adam(0.1),
    inner=lectopt.adam(0.1),
    key=0,
    scheme=averaging.uniform(),
    factor=0.5,
    second=lectopt.sgd(0.1),
    steps={".*": 2},
)


class Maker(NamedTuple):
    """A public function, the arguments that it must be given, and the ranges of its numbers."""

    name: str
    function: Callable[..., Transformation]
    given: dict[str, Any]
    ranges: dict[str, Range]

    def build(self, **settings: Any) -> Transformation:
        """What it makes."""
        return self.function(**{**self.given, **settings})


def modules() -> Iterator[tuple[str, types.ModuleType]]:
    """`lectopt`, the lectures and the dialects, and the namespaces that they offer."""
    places = ("lectopt", "lectopt.lectures", "lectopt.dialects")
    queue = [(place, importlib.import_module(place)) for place in places]
    for name, module in queue:
        yield name, module
        inside = [(k, getattr(module, k)) for k in offered(module)]
        queue += [(f"{name}.{k}", m) for k, m in inside if isinstance(m, types.ModuleType)]


def offered(module: types.ModuleType) -> list[str]:
    """The public names of a module: those of `__all__`, or what it or its package has written."""
    own = vars(module).get("__all__")
    if own is not None:
        return list(own)
    packages = {"lectopt.lectures", "lectopt.dialects"}
    names = [k for k in vars(module) if not k.startswith("_")]
    if module.__name__ in packages:
        return [k for k in names if isinstance(getattr(module, k), types.ModuleType)]
    home = module.__name__
    return [k for k in names if str(getattr(getattr(module, k), "__module__", "")).startswith(home)]


def functions() -> dict[str, Callable[..., Any]]:
    """The public functions, each under the first of its names."""
    found: dict[int, tuple[str, Callable[..., Any]]] = {}
    for where, module in modules():
        for name in offered(module):
            thing = getattr(module, name)
            if callable(thing) and not inspect.isclass(thing):
                found.setdefault(id(thing), (f"{where}.{name}".removeprefix("lectopt."), thing))
    return dict(found.values())


def ranges_of(function: Callable[..., Any]) -> dict[str, Range]:
    """The ranges of its arguments that are numbers."""
    try:
        hints = typing.get_type_hints(function, include_extras=True)
    except NameError:
        return {}
    found = {name: domains(hint)[0] for name, hint in hints.items() if name != "return"}
    return {name: ranges[0] for name, ranges in found.items() if ranges}


def makers() -> list[Maker]:
    """Of those functions the ones that make a transformation of these arguments."""
    found = []
    for name, function in functions().items():
        ranges = ranges_of(function)
        parameters = inspect.signature(function).parameters.values()
        plain = [p for p in parameters if p.kind is not p.VAR_POSITIONAL]
        required = [p.name for p in plain if p.default is p.empty]
        suggested = {k: interval.example for k, interval in ranges.items()} | GIVEN
        examples = {k: suggested[k] for k in required if k in suggested}
        if len(examples) < len(required):
            continue
        try:
            made = function(**examples)
        except (TypeError, ValueError):
            continue
        if isinstance(made, Transformation):
            found.append(Maker(name, function, examples, ranges))
    return found
