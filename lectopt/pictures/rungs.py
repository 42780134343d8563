"""`rungs`: which configurations of a sweep with halving were given up, and when."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lectopt._sweep.configurations import Configuration, Direction, best_of
from lectopt._sweep.result import SweepResult
from lectopt.pictures.learning_curves import lines
from lectopt.pictures.scales import scale_metric
from lectopt.pictures.style import COLOURS, GREY, figure, styled, write

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BEST, DIVERGED = COLOURS[:2]


def rungs(
    result: SweepResult,
    metric: str | None = None,
    *,
    direction: Direction | None = None,
    path: str | Path | None = None,
) -> Figure:
    """Draw a sweep with `halving`: of every configuration the mean over its seeds by step, one
    panel per optimizer. Grey ends where it was given up, a cross where a seed had diverged; dark
    went to the end, and blue is the best. A dotted line is a rung, and the numbers above say how
    many were left before and after each.

    Args:
      result: of `sweep(..., halving=3)`.
      metric: a column of `SweepResult.curves`; by default the problem's own, which decided.
      direction: which of the metric is best, as for `SweepResult.best`; it decides the scale.
      path: where to write the figure, as a whole; the suffix is the format.

    Returns:
      The figure; in a notebook it shows itself.

    Raises:
      ValueError: nothing was given up, or there is no such metric.
      ImportError: matplotlib is missing.
    """
    column, direction = result.judged(metric, direction, "curves")
    found = result.configurations
    if not any(one.culled for own in found.values() for one in own):
        raise ValueError("no configuration was given up; write sweep(..., halving=3), or curves")
    across = min(3, len(found))
    down = math.ceil(len(found) / across)
    with styled():
        drawn = figure(max(6.0, 1 + 3.4 * across), 0.9 + 2.9 * down)
        panels = drawn.subplots(down, across, sharex=True, sharey=True, squeeze=False).ravel()
        shown = [
            _panel(axes, own, column, result)
            for axes, own in zip(panels, found.values(), strict=False)
        ]
        for k, axes in enumerate(panels):
            axes.set_visible(k < len(found))
            if k + across >= len(found):  # below it there is no panel
                axes.tick_params(labelbottom=True)
                axes.set_xlabel("step")
        _scale_steps(panels[0], found)
        scale_metric(panels[0], np.concatenate(shown), direction)
        for axes, (name, own) in zip(panels, found.items(), strict=False):
            axes.set_title(f"{name}\n{_left(own)}", fontsize=9.5)
        drawn.supylabel(column.replace("_", " "), fontsize=10)
        _legend(drawn, columns=3 + 2 * (across > 1))
        if path is not None:
            write(path, drawn.savefig)
    return drawn


def _panel(axes: Any, own: Sequence[Configuration], column: str, result: SweepResult) -> np.ndarray:
    """Draws one optimizer's configurations, and returns all values."""
    winner, _ = best_of(own, *result.judged(None, None), result.seeds)
    shown = []
    for one in own:
        steps, values = lines([*one.records.values()], column)
        with warnings.catch_warnings():  # where no seed has a number there is none
            warnings.simplefilter("ignore", RuntimeWarning)
            mean = np.nanmean(values, axis=0)
        looks = dict(color=GREY, lw=0.7, alpha=0.7)
        if one is winner:
            looks = dict(color=BEST, lw=2.0, zorder=4)
        elif not one.culled and not one.diverged:
            looks = dict(color="black", lw=1.1, zorder=3)
        axes.plot(steps, mean, **looks)
        finite = np.flatnonzero(np.isfinite(mean))
        if one.diverged and len(finite):
            axes.plot(steps[finite[-1]], mean[finite[-1]], "x", ms=5, color=DIVERGED, zorder=4)
        elif one.culled and len(finite):
            axes.plot(steps[finite[-1]], mean[finite[-1]], ".", ms=4, color=GREY)
        shown.append(mean[finite])
    for step in _rungs(own):
        axes.axvline(step, color="black", lw=0.8, ls=":", zorder=0)
    axes.grid(color="0.92", linewidth=0.6)
    return np.concatenate(shown)


def _scale_steps(axes: Any, found: Mapping[str, Sequence[Configuration]]) -> None:
    """Logarithmic, on which rungs are evenly spaced, and with their numbers."""
    every = [one for own in found.values() for one in own]
    marks = sorted({*_rungs(every), *(r.steps for one in every for r in one.records.values())})
    axes.set_xscale("log")
    axes.minorticks_off()
    axes.set_xticks(marks, [f"{step:g}" for step in marks])
    axes.set_xlim(marks[0] / 1.3, marks[-1] * 1.1)


def _rungs(own: Sequence[Configuration]) -> list[int]:
    """The steps at which something was given up."""
    return sorted({r.culled_at for one in own for r in one.records.values() if r.culled_at})


def _left(own: Sequence[Configuration]) -> str:
    """How many configurations there were before and after each rung: `27 → 9 → 3`."""

    def goes_on(one: Configuration, rung: int) -> bool:
        ends = ((r.culled_at, r.diverged_at) for r in one.records.values())
        return all(end is None or end > rung for pair in ends for end in pair)

    left = [len(own), *(sum(goes_on(one, rung) for one in own) for rung in _rungs(own))]
    return " → ".join(map(str, left))


def _legend(drawn: Figure, columns: int) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=BEST, lw=2.0, label="the best"),
        Line2D([], [], color="black", lw=1.1, label="trained to the end"),
        Line2D([], [], color=GREY, lw=0.7, label="given up"),
        Line2D([], [], color="black", lw=0.8, ls=":", label="rung"),
        Line2D([], [], color=DIVERGED, marker="x", linestyle="", label="a seed diverged"),
    ]
    drawn.legend(handles=handles, loc="outside lower center", ncols=columns, fontsize=8.5)
