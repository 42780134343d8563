"""`heatmap`: what an optimizer reaches, as a function of two of its settings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lectopt._sweep.configurations import Configuration, Direction, best_of, sign
from lectopt._sweep.result import SweepResult
from lectopt.pictures.scales import scale_setting
from lectopt.pictures.style import COLOURS, figure, styled, write

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LABELS = 8  # numbers along an axis, at most
SPARSE = 0.5  # with a smaller share of its cells known, a grid is drawn as points


def heatmap(
    result: SweepResult,
    x: str = "learning_rate",
    y: str = "weight_decay",
    metric: str | None = None,
    *,
    direction: Direction | None = None,
    limit: Callable[[float], float] | None = None,
    path: str | Path | None = None,
) -> Figure:
    """Draw a metric after the last step over two settings, one panel for each optimizer that has
    both: the mean over the seeds. Where there are other settings too, each cell has the best of
    them. Crosses are configurations of which a seed diverged; the star is the best one.

    A grid is drawn as cells of one size, 0 among them; settings that were drawn from a distribution
    as points.

    Args:
      result: of `sweep`.
      x: a setting of numbers, on the horizontal axis.
      y: another one, on the vertical axis.
      metric: by default the problem's own.
      direction: which of the metric is best, as for `SweepResult.best`.
      limit: what theory allows: from a value of `y` to the largest stable one of `x`, drawn as a
        line. For momentum on a loss of curvature `L` that is
        `lambda decay: 2 * (1 + decay) / L` with `y="decay"`.
      path: where to write the figure, as a whole; the suffix is the format.

    Returns:
      The figure; in a notebook it shows itself.

    Raises:
      ValueError: there is no such metric, or no optimizer has both settings as numbers.
      ImportError: matplotlib is missing.
    """
    column, direction = result.judged(metric, direction)
    having = {
        name: own
        for name, own in result.configurations.items()
        if all(_is_number(one.settings.get(name)) for one in own for name in (x, y))
    }
    if x == y or not having:
        known = {k for own in result.configurations.values() for one in own for k in one.settings}
        raise ValueError(
            f"wanted two settings of numbers that an optimizer has, got x={x!r} and y={y!r}; write "
            f"two of {sorted(known)}"
        )
    cells = {
        name: _cells(own, x, y, column, direction, result.seeds) for name, own in having.items()
    }
    known = np.concatenate([values for _, values in cells.values()])
    known = known[np.isfinite(known)]
    with styled():
        drawn = figure(1 + 3.6 * len(cells), 3.6)
        panels = drawn.subplots(1, len(cells), squeeze=False)[0]
        # Reversed where less is better, so that what is good is bright; the worst tenth of the
        # values is as dark as it gets, so that few bad ones do not make all others look alike.
        ends = np.quantile(sign(direction) * known, (0, 0.9)) if len(known) else (0.0, 1.0)
        low, high = sorted(sign(direction) * np.array(ends))
        if low == high:
            low, high = low - 0.5, high + 0.5
        look = dict(cmap="viridis_r" if direction == "minimize" else "viridis", vmin=low, vmax=high)
        images = [
            _panel(axes, points, values, direction, look, limit)
            for axes, (points, values) in zip(panels, cells.values(), strict=True)
        ]
        for axes, name in zip(panels, cells, strict=True):
            axes.set_title(name, fontweight="bold")
            axes.set_xlabel(x.replace("_", " "))
        panels[0].set_ylabel(y.replace("_", " "))
        extend = "max" if direction == "minimize" else "min"
        drawn.colorbar(images[0], ax=list(panels), label=column.replace("_", " "), extend=extend)
        if path is not None:
            write(path, drawn.savefig)
    return drawn


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def _cells(
    own: Sequence[Configuration],
    x: str,
    y: str,
    column: str,
    direction: Direction,
    seeds: Sequence[int],
) -> tuple[np.ndarray, np.ndarray]:
    """The pairs of settings, of shape `(n, 2)`, and the best mean at each; NaN without one."""
    groups: dict[tuple[Any, Any], list[Configuration]] = {}
    for one in own:
        groups.setdefault((one.settings[x], one.settings[y]), []).append(one)
    values = []
    for group in groups.values():
        winner, scores = best_of(group, column, direction, seeds)
        values.append(np.nan if winner is None else scores[group.index(winner)])
    return np.array(list(groups), float), np.array(values)


def _panel(
    axes: Any,
    points: np.ndarray,
    values: np.ndarray,
    direction: Direction,
    look: dict[str, Any],
    limit: Callable[[float], float] | None,
) -> Any:
    (xs, i), (ys, j) = (np.unique(column, return_inverse=True) for column in points.T)
    whole = len(points) > SPARSE * len(xs) * len(ys)
    bad = ~np.isfinite(values)
    if whole:
        grid = np.full((len(ys), len(xs)), np.nan)
        grid[j, i] = np.where(bad, np.nan, values)
        image = axes.pcolormesh(grid, edgecolors="white", linewidth=0.6, **look)
        places = np.stack([i, j], axis=1) + 0.5
        for axis, numbers in ((axes.xaxis, xs), (axes.yaxis, ys)):
            every = -(-len(numbers) // LABELS)
            axis.set_ticks(np.arange(len(numbers))[::every] + 0.5)
            axis.set_ticklabels([f"{number:.2g}" for number in numbers[::every]])
    else:
        places = points
        image = axes.scatter(*points[~bad].T, c=values[~bad], s=28, **look)
        for axis, numbers in ((axes.xaxis, xs), (axes.yaxis, ys)):
            scale_setting(axis, numbers)
    if limit is not None:
        _limit(axes, limit, xs, ys, whole)
    axes.plot(*places[bad].T, "x", color=COLOURS[1], markersize=4.5)
    if not bad.all():
        best = int(np.nanargmin(np.where(bad, np.nan, sign(direction) * values)))
        axes.plot(*places[best], "*", color="black", markersize=11, markeredgecolor="white")
    return image


def _limit(
    axes: Any, limit: Callable[[float], float], xs: np.ndarray, ys: np.ndarray, whole: bool
) -> None:
    """The largest `x` that theory allows for each `y`; among cells it is placed by its logarithm
    between the two that it lies between, or in the gap before the first and after the last."""
    allowed = np.array([limit(float(y)) for y in ys])
    heights = ys
    if whole:
        below = np.searchsorted(xs, allowed)
        inside = (below > 0) & (below < len(xs))
        low, high = xs[np.clip(below - 1, 0, None)], xs[np.clip(below, None, len(xs) - 1)]
        use_logs = low > 0
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.where(
                use_logs, np.log(allowed / low) / np.log(high / low), (allowed - low) / (high - low)
            )
        allowed = np.where(inside, below - 0.5 + share, np.where(below > 0, len(xs), 0.0))
        heights = np.arange(len(ys)) + 0.5
    axes.plot(allowed, heights, "--", color="black", lw=1.6, label="limit of theory")
