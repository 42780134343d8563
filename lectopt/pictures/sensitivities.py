"""`sensitivity`: what an optimizer reaches, as a function of its learning rate.

One panel per optimizer, all on the same axes: its median over the seeds with their range, in front
of the other optimizers in grey, its best rate, the rates that are nearly as good, and those where
it diverges.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np

from lectopt._sweep.configurations import Configuration, Direction, best_of, nearly_best
from lectopt._sweep.result import SweepResult
from lectopt.pictures.scales import scale_metric, scale_setting
from lectopt.pictures.style import COLOURS, figure, styled, write

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LINE, DIVERGED = COLOURS[:2]
BEST, OTHERS = "black", "#C8C8C8"
GROUPS = 16  # of rates that were drawn together with other settings


class Curve(NamedTuple):
    """What is drawn of an optimizer; the arrays have one entry per rate, in rising order."""

    rates: np.ndarray
    low: np.ndarray
    median: np.ndarray
    high: np.ndarray
    bad: np.ndarray
    best: tuple[float, float] | None
    near: tuple[float, float] | None  # the ends of the rates that are nearly as good


def sensitivity(
    result: SweepResult,
    metric: str | None = None,
    *,
    x: str = "learning_rate",
    direction: Direction | None = None,
    path: str | Path | None = None,
) -> Figure:
    """Draw how much each optimizer of a sweep depends on its learning rate: a metric after the last
    step, one panel per optimizer. Where it has other settings too, each rate is shown with the best
    of them, chosen as `SweepResult.best` chooses. A bar at the bottom goes from the least to the
    largest rate that comes within 10 % of the best, as `SweepResult.band` has them.

    Args:
      result: of `sweep`.
      metric: by default the problem's own.
      x: the setting on the horizontal axis, a number of every optimizer.
      direction: which of the metric is best, as for `SweepResult.best`.
      path: where to write the figure, as a whole; the suffix is the format.

    Returns:
      The figure; in a notebook it shows itself.

    Raises:
      ValueError: there is no such metric or setting, or no training is done.
      ImportError: matplotlib is missing.
    """
    with styled():
        drawn = _drawn(result, *result.judged(metric, direction), x)
        if path is not None:
            write(path, drawn.savefig)
    return drawn


def _drawn(result: SweepResult, column: str, direction: Direction, x: str) -> Figure:
    configurations, seeds = result.configurations, result.seeds
    if without := [
        name
        for name, own in configurations.items()
        if not all(isinstance(one.settings.get(x), int | float) for one in own)
    ]:
        raise ValueError(f"wanted a number {x!r} in every optimizer, but {without} lack it")
    if not configurations:
        raise ValueError("no training is done yet")
    curves = {
        name: _curve(own, column, direction, seeds, x) for name, own in configurations.items()
    }

    columns = len(curves) if len(curves) <= 3 else math.ceil(math.sqrt(len(curves)))
    rows = math.ceil(len(curves) / columns)
    width = max(1 + 3 * columns, 6)  # of the legend, at least
    drawn = figure(width, 1.2 + 2.4 * rows)
    grid = drawn.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for ax, name in zip(grid.flat, curves, strict=False):
        _panel(ax, name, curves, bad_edge=0.04 if direction == "maximize" else 0.96)
    for i, ax in enumerate(grid.flat):
        ax.set_visible(i < len(curves))
        ax.tick_params(labelbottom=i + columns >= len(curves))  # below it there is no panel
    scale_setting(grid[0, 0].xaxis, np.concatenate([curve.rates for curve in curves.values()]))
    shown = np.concatenate([[curve.low, curve.high] for curve in curves.values()], axis=1)
    scale_metric(grid[0, 0], shown, direction)
    drawn.supxlabel(x.replace("_", " "), fontsize=11)
    drawn.supylabel(column.replace("_", " "), fontsize=11)
    _legend(drawn, len(seeds), others=len(curves) > 1, columns=max(2, int(width // 2)))
    return drawn


def _curve(
    configurations: Sequence[Configuration],
    column: str,
    direction: Direction,
    seeds: Sequence[int],
    x: str,
) -> Curve:
    """The metric by rate, at each rate of its best configuration without a diverged seed."""
    groups = _groups(configurations, x)
    points = []
    for rate, own in groups:
        if all(one.culled and not one.diverged for one in own):
            continue  # how it would have ended is not known
        chosen, _ = best_of(own, column, direction, seeds)
        if chosen is None:
            points.append((rate, np.nan, np.nan, np.nan))
        else:
            low, median, high = np.quantile(chosen.finals(column), [0, 0.5, 1])
            points.append((_rate(chosen, x), low, median, high))
    rates, low, median, high = np.array(sorted(points), float).T
    winner, scores = best_of(configurations, column, direction, seeds)
    best = (
        None if winner is None else (_rate(winner, x), float(scores[configurations.index(winner)]))
    )
    near = None
    if winner is not None:
        good = nearly_best(scores, direction)
        within = [
            _rate(one, x) for one, is_good in zip(configurations, good, strict=True) if is_good
        ]
        near = min(within), max(within)
    return Curve(rates, low, median, high, np.isnan(median), best, near)


def _groups(
    configurations: Sequence[Configuration], x: str
) -> list[tuple[float, list[Configuration]]]:
    """The configurations by rate; where other settings were drawn beside it, so that each rate has
    one configuration of its own, by neighbouring rates, with the middle one of them."""
    by_rate: dict[float, list[Configuration]] = {}
    for one in sorted(configurations, key=lambda one: _rate(one, x)):
        by_rate.setdefault(_rate(one, x), []).append(one)
    others = {repr({k: v for k, v in one.settings.items() if k != x}) for one in configurations}
    if len(by_rate) < len(configurations) or len(others) == 1 or len(by_rate) <= GROUPS:
        return [*by_rate.items()]
    parts = np.array_split(np.arange(len(by_rate)), GROUPS)
    rates, groups = [*by_rate], [*by_rate.values()]
    return [
        (rates[part[len(part) // 2]], [one for i in part for one in groups[i]]) for part in parts
    ]


def _rate(one: Configuration, x: str) -> float:
    return float(cast("float", one.settings[x]))


def _panel(ax: Any, name: str, curves: Mapping[str, Curve], bad_edge: float) -> None:
    for curve in curves.values():
        ax.plot(curve.rates, curve.median, color=OTHERS, linewidth=0.8, zorder=1)
    own = curves[name]
    ax.fill_between(own.rates, own.low, own.high, color=LINE, alpha=0.25, linewidth=0, zorder=2)
    ax.plot(own.rates, own.median, color=LINE, linewidth=1.8, zorder=3)
    # One between two that diverged, or the only one, has no line.
    padded = np.isnan(np.pad(own.median, 1, constant_values=np.nan))
    alone = ~own.bad & padded[:-2] & padded[2:]
    ax.errorbar(
        own.rates[alone],
        own.median[alone],
        [(own.median - own.low)[alone], (own.high - own.median)[alone]],
        fmt="o",
        color=LINE,
        markersize=3.5,
        linewidth=1.2,
        zorder=3,
    )
    ax.plot(
        own.rates[own.bad],
        np.full(own.bad.sum(), bad_edge),
        "x",
        transform=ax.get_xaxis_transform(),  # along an edge, as they have no value
        color=DIVERGED,
        markersize=4.5,
        zorder=3,
    )
    if own.near is not None:
        edge = ax.get_xaxis_transform()
        style = dict(color=BEST, linewidth=3.5, alpha=0.35, marker="s", markersize=3.5, mew=0)
        ax.plot(own.near, (0.015, 0.015), transform=edge, zorder=2, **style)
    # A long name stands above what is said of the best.
    title = f"{name}\n" if len(name) > 18 else name
    ax.set_title(title, loc="left", fontsize=10, fontweight="bold")
    if own.best is not None:
        ax.plot(*own.best, "*", color=BEST, markersize=9, markeredgecolor="white", zorder=4)
        rate, value = own.best
        ax.set_title(f"{value:.3g} at {rate:.2g}", loc="right", fontsize=8.5)
    ax.grid(color="0.92", linewidth=0.6)
    ax.set_axisbelow(True)
    ax.tick_params(labelsize=8)


def _legend(drawn: Figure, seeds: int, others: bool, columns: int) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    label = f"median of {seeds} seeds" if seeds > 1 else "one seed"
    handles: list[Any] = [Line2D([], [], color=LINE, linewidth=1.8, label=label)]
    if seeds > 1:
        handles.append(Patch(color=LINE, alpha=0.25, linewidth=0, label="lowest to highest seed"))
    handles += [
        Line2D([], [], color=BEST, marker="*", linestyle="", markersize=9, label="best mean"),
        Line2D([], [], color=BEST, linewidth=3.5, alpha=0.35, label="within 10 % of it"),
        Line2D([], [], color=DIVERGED, marker="x", linestyle="", label="a seed diverged"),
    ]
    if others:
        handles.append(Line2D([], [], color=OTHERS, linewidth=0.8, label="the other optimizers"))
    drawn.legend(
        handles=handles,
        loc="outside upper center",
        ncols=min(columns, len(handles)),
        fontsize=9,
    )
