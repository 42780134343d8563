"""The contours of a landscape, and how much of it a picture shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lectopt.landscapes import Landscape

Window = tuple[tuple[float, float], tuple[float, float]]

LEVELS = 18
LARGEST = 1.6  # a window grows by this at most, to show a path as a whole


def window_of(landscape: Landscape, paths: Sequence[np.ndarray]) -> Window:
    """The landscape's window, made wider up to 1.6 times for paths that would fit then; around
    the start, the minima and the paths where it has none."""
    if landscape.window is not None:
        low, high = np.array(landscape.window, float).T
    else:
        known = np.array([np.ravel(p) for p in (landscape.start, *landscape.minima)], float)
        inside = [p[np.isfinite(p).all(axis=1)] for p in paths]
        tails = [np.quantile(p, (0.02, 0.98), axis=0) for p in inside if len(p)]
        everything = np.concatenate([known, *tails])
        low, high = everything.min(axis=0), everything.max(axis=0)
        margin = 0.2 * np.maximum(high - low, 1e-3)
        low, high = low - margin, high + margin
    middle, half = (low + high) / 2, (high - low) / 2
    for path in paths:
        reach = np.abs(path - middle).max(axis=0) * 1.04
        if np.isfinite(reach).all() and (reach <= LARGEST * (high - low) / 2).all():
            half = np.maximum(half, reach)
    (x0, y0), (x1, y1) = middle - half, middle + half
    return (float(x0), float(x1)), (float(y0), float(y1))


def draw_contours(
    ax: Any, x: np.ndarray, y: np.ndarray, z: np.ndarray, landscape: Landscape
) -> None:
    """Fill contours in grey, closer together where the landscape is low, and mark the minima."""
    height = z
    if landscape.lowest is not None:
        # As a logarithm above the minimum, that begins where the lowest fiftieth of the area is.
        above = np.maximum(z - landscape.lowest, 0)
        height = np.log(above + max(np.quantile(above, 0.02), 1e-9 * above.max(), 1e-300))
    levels = np.linspace(height.min(), height.max(), LEVELS)
    span = height.max() - height.min()
    look = dict(vmin=height.min() - 0.1 * span, vmax=height.max() + 1.9 * span)
    ax.contourf(x, y, height, levels, cmap="Greys", **look)
    ax.contour(x, y, height, levels, colors="white", linewidths=0.5, linestyles="solid")
    for minimum in landscape.minima:
        ax.plot(*np.ravel(minimum), "*", color="black", markersize=11, markeredgecolor="white")
    ax.grid(False)
    ax.set_xlabel(" ", fontsize=8)  # a line that may be needed later
