"""What a sweep runs over: the configurations of each optimizer, and the seeds.

Floats are traced: one program trains them all. Whole numbers, texts, bools and None, and floats in
`choice`, are built into a program of their own.
"""

from __future__ import annotations

import functools
import itertools
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lectopt._sweep.asking import Asked
from lectopt._sweep.drawing import draw, list_of
from lectopt.training.streams import random_streams

EXAMPLE = (
    '{"learning_rate": [0.01, 0.1]}, or a distribution such as scipy.stats.loguniform(1e-4, 1)'
)


class Fixed(float):
    """A float that is built into the program."""

    __slots__ = ()

    def __repr__(self) -> str:
        return float.__repr__(self)


def choice(values: Iterable[float]) -> list[float]:
    """Values of a setting that are each built into a program of their own, as whole numbers are:
    for a float on which a maker branches, `{"decay": choice([0.0, 0.9])}`.

    Raises:
        ValueError: They are no numbers.
    """
    listed = list_of(values)
    if not listed or not all(isinstance(x, int | float) for x in listed):
        raise ValueError(
            f"wanted choice of a list of numbers, such as choice([0.0, 0.9]), got {values!r}; "
            "texts, bools and whole numbers need no choice"
        )
    return [Fixed(value) for value in listed]


@dataclass(frozen=True, eq=False)
class Configuration:
    """An optimizer, by its name, and the settings that it and its problem are given."""

    optimizer: str
    settings: Mapping[str, Any]

    def __getstate__(self) -> dict[str, Any]:
        return {"optimizer": self.optimizer, "settings": self.settings}

    @functools.cached_property
    def key(self) -> str:
        """What tells it from the others, in every process: 1, 1.0 and True are three values."""
        return json.dumps([self.optimizer, dict(sorted(self.settings.items()))])

    @functools.cached_property
    def static(self) -> dict[str, Any]:
        """The settings that are built into its program."""
        return {name: x for name, x in self.settings.items() if not is_traced(x)}

    @functools.cached_property
    def traced(self) -> dict[str, float]:
        """The settings that are traced."""
        return {name: x for name, x in self.settings.items() if is_traced(x)}

    @functools.cached_property
    def group(self) -> str:
        """What tells its program from the others."""
        return json.dumps([self.optimizer, dict(sorted(self.static.items())), sorted(self.traced)])

    def __str__(self) -> str:
        settings = ", ".join(f"{name}={value!r}" for name, value in self.settings.items())
        return f"optimizer {self.optimizer!r}" + (f" with {settings}" if settings else "")


def is_traced(value: Any) -> bool:
    """Whether a value is a float that is no `choice`."""
    return isinstance(value, float) and not isinstance(value, Fixed)


def configurations(
    space: Mapping[str, Any],
    makers: Mapping[str, Asked],
    problem: Asked | None,
    samples: int | None,
    sampler: Any,
) -> list[Configuration]:
    """All configurations, optimizer by optimizer.

    Args:
        space: By setting, or by optimizer and setting.
        makers: What the optimizers ask for.
        problem: What the problem asks for, if it is a function.
        samples: How many for each optimizer; None for all combinations.
        sampler: How they are drawn.

    Raises:
        ValueError: The names or the values do not fit.
    """
    found = []
    for name, axes in spaces(space, makers, problem).items():
        if samples is None:
            rows = _grid(axes)
        else:
            rows = draw(axes, samples, sampler) if axes else [{}]
        found += [Configuration(name, row) for row in rows]
    return found


def spaces(
    space: Mapping[str, Any], makers: Mapping[str, Asked], problem: Asked | None
) -> dict[str, dict[str, Any]]:
    """By optimizer and setting, the values or the distribution."""
    if not isinstance(space, Mapping):
        raise ValueError(f"wanted a space such as {EXAMPLE}, got {space!r}")
    nested = [isinstance(values, Mapping) for values in space.values()]
    if not any(nested):
        _refuse_unasked(space, makers, problem)
        own = {name: {k: v for k, v in space.items() if _asks(k, maker, problem)}
               for name, maker in makers.items()}  # fmt: skip
    elif not all(nested) or set(space) != set(makers):
        raise ValueError(
            f"wanted one space for all optimizers, or one for each of {sorted(makers)} by name, "
            f"got entries {sorted(space)}"
        )
    else:
        own = {name: dict(space[name]) for name in makers}
        for name, maker in makers.items():
            _refuse_unasked(own[name], {name: maker}, problem)
    for name, maker in makers.items():
        maker.check({*own[name]})
        if problem is not None:
            problem.check({*own[name]})
    return {name: {k: _axis(name, k, v) for k, v in axes.items()} for name, axes in own.items()}


def _asks(setting: str, maker: Asked, problem: Asked | None) -> bool:
    return setting in maker or (problem is not None and setting in problem)


def _refuse_unasked(
    space: Mapping[str, Any], makers: Mapping[str, Asked], problem: Asked | None
) -> None:
    for setting in space:
        if not any(_asks(setting, maker, problem) for maker in makers.values()):
            everybody = [*makers.values(), *([] if problem is None else [problem])]
            raise ValueError(
                f"nobody asks for {setting!r}, which the space has. "
                f"{'. '.join(map(str, everybody))}. Rename it, or leave it out."
            )


def _axis(optimizer: str, name: str, values: Any) -> Any:
    """The values of a setting, as Python's; or a distribution."""
    where = f"optimizer {optimizer!r}, setting {name!r}"
    if callable(getattr(values, "ppf", None)):
        if isinstance(values, type) or hasattr(values, "_parse_args"):  # of scipy.stats, not frozen
            raise ValueError(
                f"{where}: wanted a distribution with its arguments, such as "
                f"scipy.stats.loguniform(1e-4, 1e-1), got {values!r}"
            )
        return values
    listed = list_of(values)
    if not listed:
        raise ValueError(
            f"{where}: wanted a list or a 1-D array of values, or an object with ppf, got "
            f"{values!r}; write [0.1] for a single value"
        )
    if any(isinstance(x, float) for x in listed):  # 0 among floats is one
        listed = [float(x) if type(x) is int else x for x in listed]
    for x in listed:
        if not (x is None or isinstance(x, bool | int | float | str)):
            raise ValueError(
                f"{where}: wanted numbers, texts, bools or None, got {x!r}. Give it a name, and "
                "let the maker look it up."
            )
        _check_number(where, name, x)
    return [*{(type(x), x): x for x in listed}.values()]


def _check_number(where: str, name: str, x: Any) -> None:
    if isinstance(x, float) and math.isnan(x):
        raise ValueError(f"{where}: wanted numbers, got {x!r}")
    if name == "learning_rate" and isinstance(x, int | float) and x < 0:
        raise ValueError(f"{where}: a negative rate, {x!r}, climbs; wanted 0 or more")


def _grid(axes: Mapping[str, Any]) -> list[dict[str, Any]]:
    for name, values in axes.items():
        if not isinstance(values, list):
            raise ValueError(
                f"{name} is a distribution; say how many configurations to draw: samples=64"
            )
    return [dict(zip(axes, row, strict=True)) for row in itertools.product(*axes.values())]


def listed_seeds(seeds: int | Sequence[int]) -> tuple[int, ...]:
    """The seeds 0, ..., `seeds - 1`, or the ones that are listed.

    Raises:
        ValueError: There are none, one is outside [0, 2**32), or one comes twice.
    """
    given: Any = seeds
    whole = isinstance(given, int | np.integer) and not isinstance(given, bool)
    listed: Any = range(int(given)) if whole else given if _iterable(given) else ()
    found = tuple(listed)
    if not found or len(set(found)) < len(found):
        raise ValueError(f"wanted a positive number of seeds, or distinct integers, got {seeds!r}")
    for seed in found:
        random_streams(seed)
    return tuple(map(int, found))


def _iterable(x: Any) -> bool:
    return isinstance(x, Iterable) and not isinstance(x, str)
