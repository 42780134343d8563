"""`plane`: the way of a network's weights, in the plane that it mostly lies in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from lectopt.pictures.style import COLOURS, GREY, figure, styled, write

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plane(
    loss: Callable[[Any], Any],
    iterates: Sequence[Any],
    *,
    points: int = 41,
    path: str | Path | None = None,
) -> Figure:
    """Draw the way of parameters of any number over the loss, in the plane through the last of them
    that keeps most of the way: that of its two largest principal components.

    Between the way and the plane there may be much: the axes say which share of the squared
    distances from the last parameters each of them has, and the contours are the loss in the plane.

    Args:
      loss: from parameters to a number; traceable, and evaluated `points**2` times.
      iterates: parameters in the course of a training, 3 or more trees of one structure.
      points: of the grid along an axis, 2 or more.
      path: where to write the figure, as a whole; the suffix is the format.

    Returns:
      The figure; in a notebook it shows itself.

    Raises:
      ValueError: there are fewer than 3 iterates, of one number or that do not move, or fewer than
        2 points.
      ImportError: matplotlib is missing.

    Source: Li et al. 2018, "Visualizing the Loss Landscape of Neural Nets", section 7.
    """
    if len(iterates) < 3 or points < 2:
        raise ValueError(
            "plane: wanted 3 iterates or more and 2 points or more, got "
            f"{len(iterates)} iterates and points={points!r}; write for example "
            "plane(loss, [params_0, params_10, params_20])"
        )
    flat = [ravel_pytree(params) for params in iterates]
    way = np.array([np.asarray(row, np.float64) for row, _ in flat])
    unravel = flat[-1][1]
    centre = way[-1]
    _, sizes, axes = np.linalg.svd(way - centre, full_matrices=False)
    if way.shape[1] < 2 or not sizes[0] > 0:
        raise ValueError(
            f"plane: {len(way)} iterates of {way.shape[1]} numbers that are all the same, or lie "
            "on a line of one number, have no plane; write iterates of a training"
        )
    shares = sizes**2 / np.sum(sizes**2)
    seen = (way - centre) @ axes[:2].T
    low, high = seen.min(axis=0), seen.max(axis=0)
    room = 0.25 * np.maximum(high - low, 0.1 * np.max(high - low))
    x, y = np.linspace(low - room, high + room, points).T
    grid = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    dtype = flat[-1][0].dtype

    def height(place: Any) -> Any:
        return loss(unravel((centre + place @ axes[:2]).astype(dtype)))

    heights = np.asarray(jax.jit(lambda g: jax.lax.map(height, g))(jnp.asarray(grid)), np.float64)
    with styled():
        drawn = figure(5.6, 4.6)
        panel = drawn.subplots()
        shown = heights.reshape(points, points)
        known = shown[np.isfinite(shown)]
        levels = np.unique(np.quantile(known, np.linspace(0.01, 0.97, 20))) if len(known) else []
        if len(levels) > 1:
            lines = panel.contour(x, y, shown, levels=levels, colors=GREY, linewidths=0.7)
            panel.clabel(lines, levels[::4], fontsize=7, fmt="%.3g")
        panel.plot(*seen.T, lw=1.6, marker=".", ms=4, color=COLOURS[0])
        panel.plot(*seen[0], "o", ms=6, color="black")
        panel.plot(*seen[-1], "*", ms=11, color="black")
        panel.set(
            xlabel=f"first principal component ({100 * shares[0]:.0f} %)",
            ylabel=f"second ({100 * shares[1]:.0f} %)",
            title="the loss in the plane of the way, from ● to ★",
        )
        if path is not None:
            write(path, drawn.savefig)
    return drawn
