"""`race`: several optimizers descend one landscape, each at its own tuned rate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lectopt.landscapes import Landscape
from lectopt.pictures.descents import Descent, bottom, named, run
from lectopt.pictures.filming import MOVING, film, spread
from lectopt.pictures.style import GREY, columns, figure, style, styled, write

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def race(
    racers: Any,
    landscape: Landscape,
    steps: int = 150,
    *,
    look_ahead: bool = False,
    averages: bool = False,
    path: str | Path | None = None,
) -> Figure:
    """Draw the paths of optimizers over the contours of a landscape, and their values by step.

    All begin at the landscape's start, and no gradient is clipped. A maker is run at the best of
    200 rates from 1e-4 to 10, evenly spaced in their logarithm: the one with the least geometric
    mean, over the steps, of the value above the least one (on a landscape without a minimum: that
    falls out of the window first). What each rate came to is the small panel. A transformation
    that is built already runs as it is.

    Args:
      racers: makers or transformations: a dict by name, a list, or one; or a `SweepResult`, of
        which each optimizer takes part with its best settings.
      landscape: of two parameters.
      steps: number of updates, 1 or more.
      look_ahead: also draw where gradients were taken, for methods that look ahead.
      averages: also draw the parameters that one would use in the end, where they are others.
      path: where to write the picture; `.gif` and `.mp4` (which needs ffmpeg) are films.

    Returns:
      The figure, as it is at the end; in a notebook it shows itself.

    Raises:
      ValueError: the landscape has not two parameters, `steps` is no positive whole number, or the
        `SweepResult` was read from a directory.
      TypeError: a racer is no optimizer.
      ImportError: matplotlib is missing.
    """
    if landscape.window is None:
        raise ValueError(
            f"race draws landscapes of two parameters, and {landscape.name} has "
            f"{landscape.start.size}; sweep landscape.problem() and draw its curves"
        )
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
        raise ValueError(f"wanted a positive whole number of steps, got {steps!r}; write steps=150")
    with styled():
        descents = [run(name, racer, landscape, steps) for name, racer in named(racers).items()]
        drawing = Drawing(descents, landscape, look_ahead, averages)
        drawing.show(steps)
        if path is not None and Path(path).suffix in MOVING:
            write(path, lambda to: film(to, drawing.figure, spread(steps), drawing.show))
        elif path is not None:
            write(path, drawing.figure.savefig)
    return drawing.figure


class Drawing:
    """A race on paper, which can be shown as it was at any step."""

    def __init__(
        self, descents: list[Descent], landscape: Landscape, look_ahead: bool, averages: bool
    ) -> None:
        self.descents, self.landscape = descents, landscape
        self.figure = figure(9.6, 4.6)
        map_axes, values, tuning = self._axes(any(d.tried for d in descents))
        self._contours(map_axes)
        self.paths = [
            self._path(map_axes, values, k, d, look_ahead, averages) for k, d in enumerate(descents)
        ]
        self._values(values)
        if tuning is not None:
            self._tuning(tuning)
        self.figure.legend(
            loc="outside lower center",
            ncols=columns([p[0][0].get_label() for p in self.paths], 9.6),
        )

    def _axes(self, tuned: bool) -> tuple[Any, Any, Any]:
        if not tuned:
            left, right = self.figure.subplots(1, 2, width_ratios=[1.25, 1])
            return left, right, None
        spots = self.figure.subplot_mosaic(
            [["map", "values"], ["map", "tuning"]], width_ratios=[1.25, 1], height_ratios=[1.5, 1]
        )
        return spots["map"], spots["values"], spots["tuning"]

    def _contours(self, axes: Any) -> None:
        window = self.landscape.window
        assert window is not None  # `race` has looked
        x, y = (np.linspace(low, high, 200) for low, high in window)
        grid = np.stack(np.meshgrid(x, y), axis=-1)
        height = np.asarray(self.landscape(grid), np.float64)
        # Even steps in the logarithm: a valley's floor has lines of its own.
        levels = np.quantile(np.log1p(height - height.min()), np.linspace(0.01, 0.99, 24))
        shown = np.log1p(height - height.min())
        axes.contour(x, y, shown, levels=np.unique(levels), colors=GREY, linewidths=0.5, alpha=0.6)
        for minimum in self.landscape.minima:
            axes.plot(*minimum, marker="*", markersize=11, color="black", zorder=4)
        axes.plot(*self.landscape.start, marker="o", markersize=5, color="black", zorder=4)
        axes.set(xlim=window[0], ylim=window[1], xlabel="x", ylabel="y")
        axes.set_title(
            f"{self.landscape.name.replace('_', ' ')}, from ●"
            + " to ★" * bool(self.landscape.minima)
        )

    def _path(
        self, axes: Any, values: Any, k: int, d: Descent, look_ahead: bool, averages: bool
    ) -> list[tuple[Any, np.ndarray, np.ndarray]]:
        label = d.name if d.rate is None else f"{d.name}, rate {d.rate:.2g}"
        (way,) = axes.plot([], [], lw=1.4, alpha=0.9, label=label, **style(k))
        (head,) = axes.plot([], [], marker="o", ms=5, color=style(k)["color"], zorder=5)
        (curve,) = values.plot([], [], lw=1.4, **style(k))
        gap = d.values - (self.landscape.lowest or 0.0)
        lines = [(way, *d.points.T), (head, *d.points.T), (curve, np.arange(len(gap)), gap)]
        if averages and not np.array_equal(d.evaluated, d.points):
            (mean,) = axes.plot([], [], lw=2.5, alpha=0.4, color=style(k)["color"])
            lines.append((mean, *d.evaluated.T))
        if look_ahead and not np.array_equal(d.asked, d.points[:-1]):
            (asked,) = axes.plot([], [], "+", ms=4, color=style(k)["color"])
            lines.append((asked, *d.asked.T))
        return lines

    def _values(self, axes: Any) -> None:
        lowest = self.landscape.lowest
        axes.set(xlabel="step", xlim=(0, len(self.descents[0].values) - 1))
        axes.set_title("value" if lowest is None else "value above the least")
        start = float(self.landscape(self.landscape.start))
        if lowest is None:
            low = bottom(self.landscape)
            axes.set_ylim(low, start + 0.2 * (start - low))
            return
        seen = np.concatenate([d.values for d in self.descents]) - lowest
        least = np.min(seen[seen > 0], initial=start - lowest)
        axes.set(yscale="log", ylim=(max(least, 1e-9) / 2, 10 * (start - lowest)))

    def _tuning(self, axes: Any) -> None:
        for k, d in enumerate(self.descents):
            if d.tried is None:
                continue
            rates, came_to = d.tried
            shown = np.where(np.isfinite(came_to), came_to, np.nan)
            axes.plot(rates, shown, lw=1, **style(k))
            axes.plot(d.rate, shown[np.argmin(came_to)], "o", ms=5, color=style(k)["color"])
        axes.set(xscale="log", xlabel="learning rate")
        if self.landscape.lowest is not None:
            start = float(self.landscape(self.landscape.start)) - self.landscape.lowest
            axes.set(yscale="log", ylim=(None, 10 * start))
            axes.set_title("geometric mean over the steps, by rate", fontsize=9.5)
        else:
            axes.set_title("steps until it falls out of the window, by rate", fontsize=9.5)

    def show(self, step: int) -> None:
        """The race after so many steps."""
        for lines in self.paths:
            (_, *_), (head, x, y), *_ = lines
            for line, xs, ys in lines:
                line.set_data(xs[: step + 1], ys[: step + 1])
            head.set_data(x[step : step + 1], y[step : step + 1])
