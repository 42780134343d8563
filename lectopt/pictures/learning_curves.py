"""`curves`: how a metric went, step by step: median and range over the seeds, or how far one
optimizer was from another, seed by seed."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lectopt._sweep.comparing import paired
from lectopt._sweep.configurations import Configuration, Direction
from lectopt._sweep.records import Record
from lectopt._sweep.result import SweepResult
from lectopt._sweep.statistics import FEWEST, interval_of_mean
from lectopt.pictures.chosen import best_configurations, label
from lectopt.pictures.scales import scale_metric
from lectopt.pictures.style import columns, figure, style, styled, write

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH = 6.4


def curves(
    result: SweepResult,
    metric: str | None = None,
    *,
    against: str | None = None,
    direction: Direction | None = None,
    path: str | Path | None = None,
) -> Figure:
    """Draw a metric against the steps: of each optimizer the best configuration of a sweep, chosen
    as `SweepResult.best` chooses by the problem's own metric; its median over the seeds, and the
    range from the lowest to the highest of them as a band.

    Args:
      result: of `sweep`.
      metric: a column of `SweepResult.curves`, `"train_loss"` or `"validation_accuracy"`; by
        default the problem's own.
      against: an optimizer: draw how far the others are from it, as the mean of the differences
        from the same seed, with its 95 % interval (from 5 pairs on). As in `SweepResult.compare`
        the settings are chosen on the even seeds, by the problem's own metric, and drawn are the
        odd ones, without those that diverged.
      direction: which of the metric is best, as for `SweepResult.best`; it decides the scale.
      path: where to write the figure, as a whole; the suffix is the format.

    Returns:
      The figure; in a notebook it shows itself.

    Raises:
      ValueError: there is no such metric or optimizer; every configuration has diverged; or, with
        `against`, there is only one optimizer, or no even or no odd seed.
      ImportError: matplotlib is missing.
    """
    column, direction = result.judged(metric, direction, "curves")
    with styled():
        drawn = figure(WIDTH, 4.2)
        axes = drawn.subplots()
        axes.set(xlabel="step", ylabel=column.replace("_", " "))
        axes.grid(color="0.92", linewidth=0.6)
        if against is None:
            labels = _medians(axes, best_configurations(result), column, direction)
        else:
            labels = _differences(axes, result, column, against)
        drawn.legend(loc="outside lower center", ncols=columns(labels, WIDTH))
        if path is not None:
            write(path, drawn.savefig)
    return drawn


def _medians(
    axes: Any, best: dict[str, Configuration], column: str, direction: Direction
) -> list[str]:
    """Draws median and range of each, and returns what the legend says."""
    shown, labels = [], []
    for k, one in enumerate(best.values()):
        steps, values = lines([*one.records.values()], column)
        with warnings.catch_warnings():  # where no seed has a number there is none
            warnings.simplefilter("ignore", RuntimeWarning)
            low, median, high = np.nanquantile(values, (0, 0.5, 1), axis=0)
        labels.append(label(one))
        axes.fill_between(steps, low, high, color=style(k)["color"], alpha=0.2, linewidth=0)
        axes.plot(steps, median, lw=1.6, label=labels[-1], **style(k))
        shown += [low, high]
    scale_metric(axes, np.concatenate(shown), direction)
    n = max(len(one.records) for one in best.values())
    axes.set_title(f"median and range of {n} seeds" if n > 1 else "one seed", fontsize=9.5)
    return labels


def _differences(axes: Any, result: SweepResult, column: str, against: str) -> list[str]:
    """Draws the mean of the differences of each from one, with its interval."""
    others = [name for name in result.configurations if name != against]
    if against not in result.configurations or not others:
        raise ValueError(
            f"wanted against= one of several optimizers, {list(result.configurations)}, got "
            f"{against!r}"
        )
    chosen, sides = paired(result.configurations, *result.judged(None, None))
    labels, counts = [], set()
    for k, name in enumerate(others, start=1):
        pairs = [
            pair
            for pair in zip(sides[name], sides[against], strict=True)
            if all(record.diverged_at is None for record in pair)
        ]
        if not pairs:
            raise ValueError(
                f"no seed is left on which neither {name} nor {against} diverged; give more seeds"
            )
        (steps, values), (_, base) = (lines(side, column) for side in zip(*pairs, strict=True))
        points = min(values.shape[1], base.shape[1])
        apart = values[:, :points] - base[:, :points]
        ends = np.array([interval_of_mean(now) for now in apart.T])
        labels.append(label(chosen[name]))
        axes.fill_between(steps[:points], *ends.T, color=style(k)["color"], alpha=0.2, linewidth=0)
        axes.plot(steps[:points], apart.mean(axis=0), lw=1.6, label=labels[-1], **style(k))
        counts.add(len(pairs))
    labels.append(label(chosen[against]))
    axes.axhline(0, lw=1.2, label=labels[-1], **style(0))
    axes.set_ylabel(f"{column.replace('_', ' ')}, difference from {against}")
    few = " (too few for an interval)" if max(counts) < FEWEST else ", 95 % interval"
    told = " to ".join(map(str, sorted({min(counts), max(counts)})))
    axes.set_title(f"mean difference over {told} paired seeds{few}", fontsize=9.5)
    return labels


def lines(records: Sequence[Record], column: str) -> tuple[np.ndarray, np.ndarray]:
    """The steps, and the metric of each training; NaN where it was not measured."""
    steps = max((record.at_steps for record in records), key=len)
    values = np.full((len(records), len(steps)), np.nan)
    for row, record in zip(values, records, strict=True):
        own = record.curves.get(column, ())
        row[: len(own)] = own
    return steps, values
