"""`curves`: how a metric went, step by step: median and range over the seeds."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lectopt._sweep.configurations import Configuration, Direction
from lectopt._sweep.result import SweepResult
from lectopt.pictures.chosen import best_configurations, label
from lectopt.pictures.scales import scale_metric
from lectopt.pictures.style import columns, figure, style, styled, write

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def curves(
    result: SweepResult,
    metric: str | None = None,
    *,
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
      direction: which of the metric is best, as for `SweepResult.best`; it decides the scale.
      path: where to write the figure, as a whole; the suffix is the format.

    Returns:
      The figure; in a notebook it shows itself.

    Raises:
      ValueError: there is no such metric, or every configuration has diverged.
      ImportError: matplotlib is missing.
    """
    column, direction = result.judged(metric, direction, "curves")
    chosen = best_configurations(result)
    with styled():
        drawn = figure(6.4, 4.2)
        axes = drawn.subplots()
        shown = []
        for k, one in enumerate(chosen.values()):
            steps, values = _lines(one, column)
            with warnings.catch_warnings():  # where no seed has a number there is none
                warnings.simplefilter("ignore", RuntimeWarning)
                low, median, high = np.nanquantile(values, (0, 0.5, 1), axis=0)
            colour = style(k)["color"]
            axes.fill_between(steps, low, high, color=colour, alpha=0.2, linewidth=0)
            axes.plot(steps, median, lw=1.6, label=label(one), **style(k))
            shown += [low, high]
        scale_metric(axes, np.concatenate(shown), direction)
        axes.set(xlabel="step", ylabel=column.replace("_", " "))
        axes.grid(color="0.92", linewidth=0.6)
        n = max(len(one.records) for one in chosen.values())
        axes.set_title(f"median and range of {n} seeds" if n > 1 else "one seed", fontsize=9.5)
        drawn.legend(
            loc="outside lower center", ncols=columns([label(one) for one in chosen.values()], 6.4)
        )
        if path is not None:
            write(path, drawn.savefig)
    return drawn


def _lines(one: Configuration, column: str) -> tuple[np.ndarray, np.ndarray]:
    """The steps, and the metric of each seed; NaN where it was not measured."""
    records = list(one.records.values())
    steps = max((record.at_steps for record in records), key=len)
    values = np.full((len(records), len(steps)), np.nan)
    for row, record in zip(values, records, strict=True):
        own = record.curves.get(column, ())
        row[: len(own)] = own
    return steps, values
