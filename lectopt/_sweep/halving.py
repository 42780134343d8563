"""Successive halving: at each rung the best third goes on (of factor 3), by the problem's metric.

The rungs are at `steps / factor^k`, at points of the curves; so many that the last one keeps one
configuration, or that the first one is at the first point.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lectopt._sweep.space import Configuration


def checked_factor(halving: Any) -> float | None:
    """The factor.

    Raises:
        ValueError: It is no number above 1.
    """
    if halving is None:
        return None
    is_number = isinstance(halving, int | float) and not isinstance(halving, bool)
    if not is_number or not 1 < halving < math.inf:
        raise ValueError(
            f"wanted halving to be None or a factor above 1, such as 3, got {halving!r}"
        )
    return halving


def rungs(factor: float | None, configurations: int) -> Callable[[int, int], list[int]]:
    """From the steps of a training, and those between two points, the rungs before its end."""

    def of(steps: int, every: int) -> list[int]:
        if factor is None:
            return []
        most = max(0, round(math.log(max(configurations, 1), factor)))
        found = {round(steps / factor**k / every) * every for k in range(1, most + 1)}
        return sorted(step for step in found if 0 < step < steps)

    return of


def survivors(factor: float | None, sign: int) -> Any:
    """Which configurations of each optimizer go on: the best, one at least, and none that
    diverged. Ties are decided by the order of the plan."""

    def choose(
        rung: int, configurations: Sequence[Configuration], scores: np.ndarray
    ) -> np.ndarray:
        del rung
        goes_on = np.zeros(len(scores), bool)
        for name in dict.fromkeys(one.optimizer for one in configurations):
            mine = [i for i, one in enumerate(configurations) if one.optimizer == name]
            count = max(1, math.ceil(len(mine) / factor)) if factor else len(mine)
            order = sorted(
                (i for i in mine if np.isfinite(scores[i])), key=lambda i: sign * scores[i]
            )
            goes_on[order[:count]] = True
        return goes_on

    return choose
