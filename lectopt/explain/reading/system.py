"""An optimizer as a system of equations: how it starts, and what one update does."""

import functools as ft
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lectopt.explain.algebra.conditions import rebuilt
from lectopt.explain.algebra.names import Name
from lectopt.explain.reading.calls import Record
from lectopt.explain.reading.places import Dims, Layout
from lectopt.explain.reading.states import State
from lectopt.explain.reading.tracing import Programs


@dataclass(frozen=True)
class System:
    """The equations of an optimizer. Symbols are as `names.Name` writes them.

    `equations` are the definitions of one update, in order; `updates` what it adds to each leaf of
    the parameters; `points` where the gradient is taken, `evaluations` what is to be evaluated,
    if not at the parameters. Leaves have labels, "" if there is only one.
    """

    programs: Programs
    symbols: Mapping[str, str]  # "params", "gradient", "value", "update" -> letter
    settings: Mapping[Any, str]  # letter -> setting
    states: tuple[State, ...]
    equations: Mapping[Any, Any]
    updates: Mapping[str, Any]
    points: Mapping[str, Any]
    evaluations: Mapping[str, Any]
    extra: Mapping[str, Any]  # further arguments of update -> symbol
    calls: Mapping[Any, Record]
    draws: Mapping[Any, str]
    layout: Layout
    places: Mapping[Any, Dims]

    def parameter(self, leaf: str, time: str = "t-1") -> Any:
        """The symbol of a leaf of the parameters."""
        return Name(self.symbols["params"], leaf).symbol(time)

    def gradient(self, leaf: str) -> Any:
        """The symbol of a leaf of the gradient."""
        return Name(self.symbols["gradient"], leaf).symbol()

    def unfolded(self, expr: Any, draws: bool = False) -> Any:
        """`expr` with all definitions put in: by the settings, the old state and the gradient; with
        `draws`, those of random numbers too."""
        return rebuilt(expr, self._definitions_with_draws if draws else self._definitions)

    @ft.cached_property
    def _definitions(self) -> dict[Any, Any]:
        drawn = {symbol: symbol for symbol in self.draws}
        return _unfolded(self.equations, drawn)

    @ft.cached_property
    def _definitions_with_draws(self) -> dict[Any, Any]:
        return _unfolded(self.equations, {})


def _unfolded(equations: Mapping[Any, Any], known: dict[Any, Any]) -> dict[Any, Any]:
    for symbol, definition in equations.items():
        if symbol not in known:
            known[symbol] = rebuilt(definition, known)
    return known
