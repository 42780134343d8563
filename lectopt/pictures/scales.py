"""Axes for settings and for metrics."""

from __future__ import annotations

from typing import Any

import numpy as np

from lectopt._sweep.configurations import Direction


def scale_setting(axis: Any, values: np.ndarray) -> None:
    """Logarithmic over more than a decade; linear around 0 where there is one."""
    positive = values[values > 0]
    if values.min() < 0 or not len(positive) or positive.max() < 10 * positive.min():
        return
    if len(positive) == len(values):
        _set_scale(axis, "log")
    else:  # 0 stands one decade below the least of the others
        _set_scale(axis, "symlog", linthresh=positive.min(), linscale=1)


def scale_metric(ax: Any, values: np.ndarray, direction: Direction) -> None:
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


def _set_scale(axis: Any, kind: str, **how: Any) -> None:
    (axis.axes.set_xscale if axis.axis_name == "x" else axis.axes.set_yscale)(kind, **how)
