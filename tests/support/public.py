"""Everything that lectopt offers: its modules, their functions, and what these take."""

import importlib.util
import inspect
import re
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import lectopt
from lectopt import averaging
from lectopt.dialects.keras.frame import common
from lectopt.settings import Range, Scalar, domains

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


def _short(place: str, name: str) -> str:
    return ".".join([p for p in place.split(".")[1:] if p not in ("dialects", "lectures")] + [name])


# Those whose arguments are held against ranges, by a name like `adam` or `torch.Adam`.
PUBLIC = {
    _short(place, name): function
    for (place, name), function in FUNCTIONS.items()
    if not place.startswith(("lectopt.testing", "lectopt.dialects.porting"))
    and not function.__module__.startswith(
        ("lectopt.training", "lectopt.landscapes", "lectopt.pictures")
    )
} | {"keras.common": common}


def arguments(function: Any) -> dict[str, str]:
    """What its docstring says of each argument."""
    found = re.search(r"\nArgs:\n(.*?)(?=\n\S|\Z)", inspect.getdoc(function) or "", re.DOTALL)
    texts = re.split(r"^  (?=\*{0,2}\w+: )", found[1] if found else "", flags=re.MULTILINE)
    pairs = (text.partition(":")[::2] for text in texts if text)
    return {name.lstrip("*"): " ".join(text.split()) for name, text in pairs}


def _hints(function: Any) -> dict[str, Any]:
    return {k: function.__annotations__.get(k) for k in inspect.signature(function).parameters}


def ranges_of(function: Any) -> dict[str, Range]:
    """The ranges of its arguments that are numbers."""
    return {k: found[0] for k, hint in _hints(function).items() if (found := domains(hint)[0])}


def numbers_of(function: Any) -> dict[str, bool]:
    """The arguments that are numbers, and whether they may be schedules."""
    hints = {k: hint for k, hint in _hints(function).items() if domains(hint)[0]}

    def fixed(hint: Any) -> bool:
        options = (hint, *typing.get_args(hint))  # of `Steps[Scalar] | None`, too
        return any(getattr(option, "__origin__", None) == Scalar for option in options)

    return {k: not fixed(hint) for k, hint in hints.items()}


# What must be given and has no range: by the name of the argument.
GIVEN: dict[str, Any] = dict(
    adv_optimizer=lectopt.chain(lectopt.normalize(), lectopt.sgd(0.05)),
    base_optimizer=lectopt.sgd(0.1),
    condition=lambda t: t > 2,
    factors={".*": 0.5},
    fast_optimizer=lectopt.sgd(0.1),
    first=lectopt.adam(0.1),
    inner=lectopt.adam(0.1),
    key=0,
    optimizer=lectopt.sgd(0.1),
    scheme=averaging.uniform(),
    factor=0.5,
    second=lectopt.sgd(0.1),
    steps={".*": 2},
)


class Maker(NamedTuple):
    """A public function that makes a transformation, the arguments that it must be given, and the
    ranges of its numbers."""

    name: str
    function: Callable[..., lectopt.Transformation]
    given: dict[str, Any]
    ranges: dict[str, Range]

    def build(self, **settings: Any) -> lectopt.Transformation:
        """What it makes."""
        return self.function(**{**self.given, **settings})


def makers() -> list[Maker]:
    """The public functions that make a transformation of what their annotations suggest."""
    found = []
    for name, function in PUBLIC.items():
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
        if isinstance(made, lectopt.Transformation):
            found.append(Maker(name, function, examples, ranges))
    return found
