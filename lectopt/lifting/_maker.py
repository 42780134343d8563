"""What both lifts do alike: from the signature of a rule to the function that users call."""

import functools as ft
import inspect
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from lectopt.display import readable, signature_of
from lectopt.signatures import Signature, say_that_it_makes
from lectopt.transformation import Transformation

KEYWORD = inspect.Parameter.KEYWORD_ONLY


def settings_of(
    rule: Callable[..., Any], helpers: Iterable[Callable[..., Any]] = ()
) -> list[inspect.Parameter]:
    """The keyword-only arguments of a rule, after those that only its helpers have."""
    own = {p.name: p for p in signature_of(rule).parameters.values() if p.kind is KEYWORD}
    found: dict[str, inspect.Parameter] = {}
    for helper in helpers:
        parameters = signature_of(helper).parameters.values()
        found |= {p.name: p for p in parameters if p.kind is KEYWORD and p.name not in own | found}
    return [*found.values(), *own.values()]


def inputs_of(function: Callable[..., Any]) -> dict[str, bool]:
    """What a function asks for by name, besides settings; and whether it must have it."""
    parameters = signature_of(function).parameters.values()
    asked = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    return {p.name: p.default is p.empty for p in asked}


def asked(function: Callable[..., Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Of some values those that a function names."""
    return {k: values[k] for k in signature_of(function).parameters if k in values}


def maker(
    rule: Callable[..., Any],
    settings: Iterable[inspect.Parameter],
    functions: Sequence[Callable[..., Any]],
    lifted: Any,
) -> Callable[..., Transformation]:
    """The public function: from checked settings to what `lifted.make(values, defaults)` makes.

    Args:
      rule: gives it its name and its docstring.
      settings: its arguments.
      functions: whose annotations are theirs.
      lifted: the rule with all that is needed to run it.
    """
    parameters: list[inspect.Parameter] = []
    for p in settings:  # one that must be given may not follow one with a default
        late = p.default is p.empty and any(q.default is not q.empty for q in parameters)
        parameters.append(p if late else p.replace(kind=p.POSITIONAL_OR_KEYWORD))

    def hints() -> dict[str, Any]:
        found: dict[str, Any] = {}
        for function in functions:
            found |= typing.get_type_hints(function, include_extras=True)
        return found

    name = rule.__name__.removeprefix("_")
    parameters.sort(key=lambda p: p.kind)
    signature = Signature(name, lambda: parameters, hints)
    defaults = {p.name: p.default for p in parameters if p.default is not p.empty}

    @ft.wraps(rule)
    def make(*args: Any, **kwargs: Any) -> Transformation:
        values = signature.bind(args, kwargs)
        if values.get("state_dtype") is not None:
            values["state_dtype"] = str(np.dtype(values["state_dtype"]))
        return lifted.make(values, defaults)

    make.__name__ = name
    make.lifted = lifted  # pyright: ignore[reportAttributeAccessIssue]
    shown = readable(lambda: signature.bare.replace(return_annotation=Transformation), *functions)
    make.__signature__ = shown  # pyright: ignore[reportAttributeAccessIssue]
    annotations = {k: v for f in functions for k, v in f.__annotations__.items()}
    names = {p.name for p in parameters}
    own = {k: v for k, v in annotations.items() if k in names}
    make.__annotations__ = own | {"return": Transformation}
    say_that_it_makes(make)
    return make
