"""`race`: optimizers side by side on a landscape, each at its own tuned rate."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lectopt.landscapes import Landscape
from lectopt.pictures import films, style
from lectopt.pictures.contours import Window, draw_contours, window_of
from lectopt.pictures.descents import Descent, along, descent, floor, last_tenth, surface
from lectopt.pictures.racers import Racer, racers
from lectopt.pictures.results import of_result

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def race(
    optimizers: Any,
    landscape: Landscape | None = None,
    steps: int | None = None,
    *,
    points: bool = False,
    averages: bool = False,
    path: str | Path | None = None,
) -> Figure:
    """Let optimizers race: their paths on the contours, and the value against the steps.

    A maker runs at its own best rate, which is printed: of 200 rates between 1e-4 and 10, evenly
    spaced in their logarithm, the one whose largest value in the last tenth of the steps is the
    least; what each rate reached is drawn too. A transformation runs as it is. All begin at the
    landscape's start, without noise; gradients are not clipped, and numbers have 64 bits. A
    landscape of one parameter is drawn as its graph; of more than two, only the values are drawn.

    Args:
      optimizers: a dict of makers and transformations by their names, a sequence of them, one of
        them, or the `SweepResult` of a landscape's problem, whose best configurations race.
      landscape: where; of a result it is known.
      steps: how many, 1 or more; 150 by default, or as many as in the result.
      points: whether to draw where the gradients of look-ahead methods are taken, as dots.
      averages: whether to draw what is evaluated in place of the parameters, where an optimizer
        keeps an average or a base point, as thin lines.
      path: where to write the picture, as a whole; the suffix is the format: ".gif" is a film, and
        ".mp4" one for which ffmpeg must be installed.

    Returns:
      The figure; in a notebook it shows itself.

    Raises:
      TypeError: one of the optimizers is neither a maker nor a transformation.
      ValueError: an argument does not fit, or a maker diverges at every rate.
      ImportError: matplotlib is missing.
    """
    with style.styled():
        style.check_path(path, films=True)
        if hasattr(optimizers, "best"):
            runners, landscape, steps = of_result(optimizers, landscape, steps)
        else:
            runners = racers(optimizers)
        steps = 150 if steps is None else steps
        if landscape is None or not isinstance(landscape, Landscape):
            raise ValueError(
                f"wanted a landscape to race on, got {landscape!r}; write for example "
                "lectopt.landscapes.long_valley()"
            )
        if isinstance(steps, bool) or not isinstance(steps, int | np.integer) or steps < 1:
            raise ValueError(f"wanted steps of 1 or more, got {steps!r}; write steps=150")
        found = [descent(one, landscape, int(steps)) for one in runners]
        drawn = Race(runners, found, landscape, points, averages)
        drawn.at(int(steps))
        if path is not None and Path(path).suffix.lower() in style.FILMS:
            films.write(drawn, int(steps), Path(path))
        else:
            style.save(drawn.figure, path)
        return drawn.figure


class Race:
    """The figure, whose lines can be drawn up to any step.

    Attributes:
      figure: it.
    """

    def __init__(
        self,
        runners: Sequence[Racer],
        found: Sequence[Descent],
        landscape: Landscape,
        points: bool,
        averages: bool,
    ):
        self._grown: list[tuple[Any, np.ndarray, np.ndarray, bool]] = []
        self._above: list[Any] = []
        self.landscape, self.found = landscape, found
        self._shows = points, averages
        tuned = [one for one in found if one.rate is not None]
        wide = landscape.start.size <= 2
        self.figure = style.figure(9.6 if wide else 5.6, 4.6)
        shape = self.figure.add_gridspec(
            2 if tuned else 1,
            2 if wide else 1,
            width_ratios=(1.25, 1) if wide else None,
            height_ratios=(1.7, 1) if tuned else None,
        )
        if wide:
            ground = self.figure.add_subplot(shape[:, 0])
            (self._graph if landscape.start.size == 1 else self._contours)(ground)
        self._values(self.figure.add_subplot(shape[0, -1]))
        if tuned:
            self._rates(self.figure.add_subplot(shape[1, -1]))
        self.figure.legend(
            *self._entries, loc="outside lower center", ncols=2 if len(found) < 5 else 3
        )

    @property
    def moving(self) -> list[Any]:
        """What changes from step to step, the lowest first, and what is above it."""
        return sorted([line for line, *_ in self._grown] + self._above, key=lambda x: x.zorder)

    def at(self, step: int) -> None:
        """Draw the race after this many steps."""
        for line, x, y, whole in self._grown:
            shown = slice(0, step + 1) if whole else slice(step, step + 1)
            line.set_data(x[shown], y[shown])

    def _grow(self, ax: Any, x: np.ndarray, y: np.ndarray, number: int, **how: Any) -> Any:
        """A line that grows with the steps, with a dot at its end unless it has markers."""
        how = dict(color=style.colour(number), linestyle=style.dashes(number), zorder=3) | how
        (line,) = ax.plot([], [], **how)
        self._grown.append((line, x, y, True))
        if not how.get("marker"):
            look = dict(marker="o", markersize=5.5, markeredgecolor="white", linestyle="")
            (end,) = ax.plot([], [], color=how["color"], zorder=5, clip_on=True, **look)
            self._grown.append((end, x, y, False))
        return line

    def _contours(self, ax: Any) -> None:
        paths = [one.path.reshape(len(one.path), 2) for one in self.found]
        window = window_of(self.landscape, paths)
        draw_contours(ax, *surface(self.landscape, window), self.landscape)
        for number, (one, path) in enumerate(zip(self.found, paths, strict=True)):
            self._grow(ax, path[:, 0], path[:, 1], number)
            self._beside(ax, one, number)
        start = np.ravel(self.landscape.start)
        look = dict(color="white", markeredgecolor="black", markersize=7, zorder=6)
        self._above += ax.plot(*start, "o", **look)
        ax.set(xlim=window[0], ylim=window[1], title=_title(self.landscape.name))
        self._say_who_leaves(ax, window, paths)

    def _beside(self, ax: Any, one: Descent, number: int) -> None:
        points, averages = self._shows
        if points and one.points is not None:
            where = one.points.reshape(len(one.points), 2)
            look = dict(marker=".", markersize=4, linestyle="", alpha=0.7, zorder=2)
            self._grow(ax, where[:, 0], where[:, 1], number, **look)
        if averages and one.averages is not None:
            where = one.averages.reshape(len(one.averages), 2)
            self._grow(ax, where[:, 0], where[:, 1], number, linewidth=0.8, marker=",")

    def _say_who_leaves(self, ax: Any, window: Window, paths: Sequence[np.ndarray]) -> None:
        """Paths end at the frame, so the picture says which of them go on outside of it."""
        said = []
        for one, path in zip(self.found, paths, strict=True):
            low, high = np.array(window).T
            outside = ~((path >= low) & (path <= high)).all(axis=1)
            if outside.any():
                said.append(f"{one.name}: step {outside.argmax()}")
        if said:
            more = [*said[:3], f"{len(said) - 3} more"] if len(said) > 4 else said
            ax.set_xlabel(f"first outside the picture: {', '.join(more)}", fontsize=8)

    def _graph(self, ax: Any) -> None:
        """The graph of a landscape of one parameter, and the descents on it."""
        reached = np.concatenate([one.path.ravel() for one in self.found])
        near = [*reached[np.isfinite(reached)], *np.ravel(self.landscape.minima)]
        width = max(np.ptp(near), 1e-3)
        start = float(self.landscape.start.ravel()[0])
        ends = [max(min(near), start - 3 * width), min(max(near), start + 3 * width)]
        x = np.linspace(ends[0] - 0.15 * width, ends[1] + 0.15 * width, 400)
        y = along(self.landscape, x.reshape(-1, *self.landscape.start.shape))
        ax.plot(x, y, color="0.75", linewidth=3, zorder=1)
        for number, one in enumerate(self.found):
            look = dict(marker="o", markersize=4, linewidth=0.8)
            self._grow(ax, one.path.ravel(), one.values, number, **look)
        ax.set(title=_title(self.landscape.name), xlabel="parameter", ylabel="value")

    def _values(self, ax: Any) -> None:
        """The value against the steps, above the minimum where that is known."""
        lowest = self.landscape.lowest
        curves = [one.values - (lowest or 0.0) for one in self.found]
        lines = []
        for number, (one, curve) in enumerate(zip(self.found, curves, strict=True)):
            steps = np.arange(len(curve))
            lines.append(self._grow(ax, steps, curve, number))
            if self._shows[1] and one.averages is not None:
                below = along(self.landscape, one.averages) - (lowest or 0.0)
                self._grow(ax, steps, below, number, linewidth=0.8, marker=",")
        labels = [_label(one) for one in self.found]
        self._entries = lines, labels
        self._scale(ax, np.concatenate(curves))
        above = lowest is not None and lowest != 0
        ax.set(title="Value above the minimum" if above else "Value", xlabel="step")
        # Once all have left the picture, nothing is to be seen.
        seen = [np.flatnonzero(curve >= ax.get_ylim()[0]) for curve in curves]
        last = max([steps[-1] for steps in seen if len(steps)], default=0)
        ax.set_xlim(0, 1.02 * min(last + 2, len(curves[0]) - 1))

    def _rates(self, ax: Any) -> None:
        """What each tried rate reached, and the one that was taken."""
        tuned = [(k, one) for k, one in enumerate(self.found) if one.rate is not None]
        curves = [np.asarray(one.reached) - (self.landscape.lowest or 0.0) for _, one in tuned]
        self._scale(ax, np.concatenate(curves))
        low, high = ax.get_ylim()
        for (number, one), reached in zip(tuned, curves, strict=True):
            look: dict[str, Any] = dict(color=style.colour(number))
            ax.plot(one.tried, reached, linestyle=style.dashes(number), linewidth=1.2, **look)
            best = np.clip(reached[np.asarray(one.tried) == one.rate][0], low, high)
            look |= dict(markersize=11, markeredgecolor="white", clip_on=False, zorder=5)
            ax.plot([one.rate], [best], "*", **look)
        ax.set_xscale("log")
        ax.minorticks_off()
        ax.set_title("Tuned: 200 rates, log-spaced from 1e-4 to 10", fontsize=9)
        last = last_tenth(len(self.found[0].path) - 1)
        worst = "at the last step" if last == 1 else f"worst of the\nlast {last} steps"
        ax.set_ylabel(worst, fontsize=8.5)
        ax.set_xlabel("rate")

    def _scale(self, ax: Any, values: np.ndarray) -> None:
        """The vertical axis for these values, without those that are far above the start, or, on
        a logarithmic axis, below the precision of the start's."""
        first = self.found[0].values[0] - (self.landscape.lowest or 0.0)
        values = values[np.isfinite(values)]
        if self.landscape.lowest is not None and first > 0:
            ax.set_yscale("log")
            low = max(values[values > 0].min(initial=first), 1e-16 * first)
            ax.set_ylim(low / 3, min(values.max(), 1e3 * first) * 3)
        else:
            low = max(values.min(), floor(self.landscape))
            span = max(first - low, 1e-3 * abs(first), 1e-300)
            ax.set_ylim(low - 0.05 * span, min(values.max(), first + span) + 0.05 * span)
        ax.minorticks_off()


def _label(one: Descent) -> str:
    finite = np.isfinite(one.values)
    return one.label if finite.all() else f"{one.label}: diverges, step {(~finite).argmax()}"


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()
