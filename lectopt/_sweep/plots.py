"""Learning-rate sensitivity: what an optimizer reaches, as a function of its learning rate.

One panel per optimizer, all on the same axes: its median over the seeds with their range, in front
of the other optimizers in grey, its best rate, and the rates where it diverges.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np

from lectopt._sweep.configurations import Configuration, Direction, best_of
from lectopt._sweep.tables import atomic_path

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# From the palette of Okabe and Ito, which the colour-blind can tell apart.
LINE, DIVERGED, BEST, OTHERS = "#0072B2", "#D55E00", "black", "#C8C8C8"
GROUPS = 16  # of rates that were drawn together with other settings


class Curve(NamedTuple):
    """What is drawn of an optimizer; the arrays have one entry per rate, in rising order."""

    rates: np.ndarray
    low: np.ndarray
    median: np.ndarray
    high: np.ndarray
    bad: np.ndarray
    best: tuple[float, float] | None


def sensitivity(
    configurations: Mapping[str, Sequence[Configuration]],
    column: str,
    direction: Direction,
    seeds: Sequence[int],
    x: str,
    path: str | Path | None,
) -> Figure:
    """See `SweepResult.plot_sensitivity`."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError('plots need matplotlib: pip install "lectopt[demo]"') from error
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
    figure = Figure(figsize=(width, 1.2 + 2.4 * rows), dpi=150, layout="constrained")
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for ax, name in zip(grid.flat, curves, strict=False):
        _panel(ax, name, curves, bad_edge=0.04 if direction == "maximize" else 0.96)
    for i, ax in enumerate(grid.flat):
        ax.set_visible(i < len(curves))
        ax.tick_params(labelbottom=i + columns >= len(curves))  # below it there is no panel
    _scale_rates(grid[0, 0], np.concatenate([curve.rates for curve in curves.values()]))
    drawn = np.concatenate([[curve.low, curve.high] for curve in curves.values()], axis=1)
    _scale_metric(grid[0, 0], drawn, direction)
    figure.supxlabel(x.replace("_", " "), fontsize=11)
    figure.supylabel(column.replace("_", " "), fontsize=11)
    _legend(figure, len(seeds), others=len(curves) > 1, columns=max(2, int(width // 2)))
    if path is not None:
        with atomic_path(path) as temporary:
            figure.savefig(temporary)
    return figure


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
    return Curve(rates, low, median, high, np.isnan(median), best)


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
    ax.set_title(name, loc="left", fontsize=10, fontweight="bold")
    if own.best is not None:
        ax.plot(*own.best, "*", color=BEST, markersize=9, markeredgecolor="white", zorder=4)
        rate, value = own.best
        ax.set_title(f"{value:.3g} at {rate:.2g}", loc="right", fontsize=8.5)
    ax.grid(color="0.92", linewidth=0.6)
    ax.set_axisbelow(True)
    ax.tick_params(labelsize=8, color="0.6")
    for side in ax.spines:
        ax.spines[side].set_visible(side in ("left", "bottom"))
        ax.spines[side].set_color("0.6")


def _scale_rates(ax: Any, rates: np.ndarray) -> None:
    """Logarithmic over more than a decade; linear around 0 where there is one."""
    positive = rates[rates > 0]
    if rates.min() < 0 or not len(positive) or positive.max() < 10 * positive.min():
        return
    if len(positive) == len(rates):
        ax.set_xscale("log")
    else:  # 0 stands one decade below the least of the others
        ax.set_xscale("symlog", linthresh=positive.min(), linscale=1)


def _scale_metric(ax: Any, values: np.ndarray, direction: Direction) -> None:
    """Spread the good end of the metric, where the optimizers differ.

    Between 0 and 1, and larger is better (accuracies): as log(a / (1 - a)), on which 0.95 and 0.98
    are as far apart as 0.8 and 0.9. Positive, and smaller is better (losses): as a logarithm.
    """
    values = values[np.isfinite(values)]
    if values.size == 0 or values.min() <= 0:
        return
    if direction == "minimize":
        if values.max() > 3 * values.min():
            ax.set_yscale("log")
        if 3 * values.min() < values.max() < 100 * values.min():  # powers of ten would be too few
            from matplotlib.ticker import LogLocator, StrMethodFormatter

            ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    elif values.max() < 1:
        ax.set_yscale("logit")
        ticks = [0.001, 0.01, 0.1, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999]
        shown = [tick for tick in ticks if values.min() <= tick <= values.max()]
        ax.set_yticks(shown, [f"{tick:g}" for tick in shown])
    ax.minorticks_off()


def _legend(figure: Figure, seeds: int, others: bool, columns: int) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    label = f"median of {seeds} seeds" if seeds > 1 else "one seed"
    handles: list[Any] = [Line2D([], [], color=LINE, linewidth=1.8, label=label)]
    if seeds > 1:
        handles.append(Patch(color=LINE, alpha=0.25, linewidth=0, label="lowest to highest seed"))
    handles += [
        Line2D([], [], color=BEST, marker="*", linestyle="", markersize=9, label="best mean"),
        Line2D([], [], color=DIVERGED, marker="x", linestyle="", label="a seed diverged"),
    ]
    if others:
        handles.append(Line2D([], [], color=OTHERS, linewidth=0.8, label="the other optimizers"))
    figure.legend(
        handles=handles,
        loc="outside upper center",
        ncols=min(columns, len(handles)),
        frameon=False,
        fontsize=9,
    )
