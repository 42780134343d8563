"""Who asks for which setting: what a function asks for by name, it gets."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lectopt.training.choosing import GIVEN


@dataclass(frozen=True)
class Asked:
    """The names that a function asks for.

    Args:
        function: It.
        where: What it is, for messages.
        required: The names without a default.
        optional: The others.
        anything: Whether it takes any name.
    """

    function: Callable[..., Any]
    where: str
    required: frozenset[str]
    optional: frozenset[str]
    anything: bool

    def __contains__(self, name: str) -> bool:
        return self.anything or name in self.required or name in self.optional

    def of(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Those of the settings that it asks for."""
        return {name: value for name, value in settings.items() if name in self}

    def names(self, name: str) -> bool:
        """Whether it asks for this name, and not for any."""
        return name in self.required or name in self.optional

    def check(self, names: set[str]) -> None:
        """Refuse a space that lacks what the function must be given.

        Raises:
            ValueError: Naming what is missing.
        """
        if missing := sorted(self.required - names - {*GIVEN}):
            told = " and ".join(missing)
            raise ValueError(
                f"{self.where}: {told} must be given, and the space has {sorted(names)}. Write "
                f'{{"{missing[0]}": [...]}} into the space, or fix it with functools.partial. '
                f"{self}"
            )

    def __str__(self) -> str:
        if not callable(self.function):
            return f"{self.where} is made already, and asks for nothing"
        return f"It is {self.where.split(' ')[-1].strip(chr(39))}{inspect.signature(self.function)}"


def asked(function: Callable[..., Any], where: str) -> Asked:
    """What a function asks for.

    Raises:
        ValueError: It has no signature.
    """
    by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{where}: {function!r} does not say what it asks for ({error}); wrap it, "
            "lambda learning_rate: ..."
        ) from error
    return Asked(
        function,
        where,
        frozenset(p.name for p in parameters if p.kind in by_name and p.default is p.empty),
        frozenset(p.name for p in parameters if p.kind in by_name and p.default is not p.empty),
        any(p.kind is p.VAR_KEYWORD for p in parameters),
    )
