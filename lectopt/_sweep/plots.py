"""Learning-rate sensitivity: what an optimizer reaches, as a function of its learning rate.

One panel per optimizer, all on the same axes: its median over the seeds with their range, in front
of the other optimizers in grey, its best rate, and the rates where it diverges.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lectopt._sweep.result import Mode, Runs, SweepResult, atomic_path

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# From the palette of Okabe and Ito, which the colour-blind can tell apart.
LINE, DIVERGED, BEST, OTHERS = "#0072B2", "#D55E00", "black", "#C8C8C8"


class Curve(NamedTuple):
    """What is drawn of an optimizer; the arrays have one entry per rate, in rising order."""

    rates: np.ndarray
    low: np.ndarray
    median: np.ndarray
    high: np.ndarray
    diverged: np.ndarray
    best: tuple[float, float] | None


def sensitivity(
    result: SweepResult,
    metric: str = "accuracy",
    split: str = "validation",
    mode: Mode = "max",
    *,
    x: str = "learning_rate",
    path: str | Path | None = None,
) -> Figure:
    """Draw a metric after the last step against the learning rate, one panel per optimizer.

    Where an optimizer has other hyperparameters too, each rate is shown with the best of them. The
    best rate is the one `SweepResult.best` chooses on this split.

    Args:
        result: A sweep, all of whose optimizers have the hyperparameter `x`.
        metric: A metric of the problem.
        split: The split it is measured on.
        mode: Whether `"max"` or `"min"` of the metric is best.
        x: The hyperparameter on the horizontal axis, which is logarithmic.
        path: Where to write the figure, as a whole; the suffix is the format.

    Returns:
        The figure; in a notebook it shows itself.

    Raises:
        ValueError: There is no such metric, split or hyperparameter, or it is not positive.
        ImportError: matplotlib is missing.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError('plots need matplotlib: pip install "lectopt[demo]"') from error
    result.check(metric, split, mode)
    if without := [name for name, run in result.runs.items() if x not in run.hyperparameters]:
        raise ValueError(
            f"wanted the hyperparameter {x!r} in every optimizer, but {without} lack it"
        )
    curves = {name: _curve(run, metric, split, mode, x) for name, run in result.runs.items()}
    rates = np.concatenate([curve.rates for curve in curves.values()])
    if (rates <= 0).any():
        raise ValueError(
            f"wanted positive values of {x!r} for a logarithmic axis, got {min(rates)}"
        )

    columns = len(curves) if len(curves) <= 3 else math.ceil(math.sqrt(len(curves)))
    rows = math.ceil(len(curves) / columns)
    figure = Figure(figsize=(1 + 3 * columns, 1 + 2.2 * rows), dpi=150, layout="constrained")
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for ax, name in zip(grid.flat, curves, strict=False):
        _panel(ax, name, curves, bad_edge=0.04 if mode == "max" else 0.96)
    for ax in grid.flat[len(curves) :]:
        ax.set_visible(False)
    grid[0, 0].set_xscale("log")
    drawn = np.concatenate([[curve.low, curve.high] for curve in curves.values()], axis=1)
    _scale_metric(grid[0, 0], drawn, mode)
    figure.supxlabel(x.replace("_", " "), fontsize=11)
    figure.supylabel(f"{split} {metric}".replace("_", " "), fontsize=11)
    _legend(figure, len(result.seeds))
    if path is not None:
        with atomic_path(path) as temporary:
            figure.savefig(temporary)
    return figure


def _curve(run: Runs, metric: str, split: str, mode: Mode, x: str) -> Curve:
    """The metric by rate, at each rate of its best configuration without a diverged seed."""
    values = run.final[split][metric].astype(float)
    rates = np.unique(run.hyperparameters[x])
    quantiles = np.full((3, len(rates)), np.nan)
    for i, rate in enumerate(rates):
        chosen = run.best(metric, split, mode, among=run.hyperparameters[x] == rate)
        if chosen is not None:
            quantiles[:, i] = np.quantile(values[:, chosen], [0, 0.5, 1])
    winner = run.best(metric, split, mode)
    best = None if winner is None else (run.hyperparameters[x][winner], values[:, winner].mean())
    return Curve(rates, *quantiles, diverged=np.isnan(quantiles[1]), best=best)


def _panel(ax: Any, name: str, curves: Mapping[str, Curve], bad_edge: float) -> None:
    for curve in curves.values():
        ax.plot(curve.rates, curve.median, color=OTHERS, linewidth=0.8, zorder=1)
    own = curves[name]
    ax.fill_between(own.rates, own.low, own.high, color=LINE, alpha=0.25, linewidth=0, zorder=2)
    ax.plot(own.rates, own.median, color=LINE, linewidth=1.8, zorder=3)
    ax.plot(
        own.rates[own.diverged],
        np.full(own.diverged.sum(), bad_edge),
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


def _scale_metric(ax: Any, values: np.ndarray, mode: Mode) -> None:
    """Spread the good end of the metric, where the optimizers differ.

    Between 0 and 1, and larger is better (accuracies): as log(a / (1 - a)), on which 0.95 and 0.98
    are as far apart as 0.8 and 0.9. Positive, and smaller is better (losses): as a logarithm.
    """
    values = values[np.isfinite(values)]
    if values.size == 0 or values.min() <= 0:
        return
    if mode == "min":
        ax.set_yscale("log")
    elif values.max() < 1:
        ax.set_yscale("logit")
        ticks = [0.001, 0.01, 0.1, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999]
        shown = [tick for tick in ticks if values.min() <= tick <= values.max()]
        ax.set_yticks(shown, [f"{tick:g}" for tick in shown])
    ax.minorticks_off()


def _legend(figure: Figure, seeds: int) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles = [
        Line2D(
            [], [], color=LINE, linewidth=1.8, label=f"median of {seeds} seed" + "s" * (seeds > 1)
        ),
        Patch(color=LINE, alpha=0.25, linewidth=0, label="lowest to highest seed"),
        Line2D([], [], color=BEST, marker="*", linestyle="", markersize=9, label="best mean"),
        Line2D([], [], color=DIVERGED, marker="x", linestyle="", label="a seed diverged"),
        Line2D([], [], color=OTHERS, linewidth=0.8, label="the other optimizers"),
    ]
    figure.legend(
        handles=handles, loc="outside upper center", ncols=len(handles), frameon=False, fontsize=9
    )
