"""Samples in clumps: how many passes over the data gradient descent and SGD need."""

from __future__ import annotations

from typing import Any

import numpy as np

from lectopt.landscapes import clumpy_data
from lectopt.pictures.gallery import Verdict
from lectopt.pictures.gallery.passes import orders
from lectopt.pictures.style import GREY, style

CLAIM = (
    "“Extreme example: all the training instances are exactly the same”; “as data get increasingly "
    "diverse, the benefits of incremental updates decrease, but do not entirely vanish”. "
    "(CMU 11-785)"
)
SMALL = dict(samples=400, spreads=(0.0, 0.5, 2.0), longest=150)


def measure(
    samples: int = 1000,
    spreads: tuple[float, ...] = (0.0, 0.1, 0.2, 0.5, 1.0, 2.0),
    longest: int = 400,
) -> dict[str, Any]:
    """Passes until the excess loss is a hundredth of the first, each method at its best of 12
    rates; `longest` where it is missed."""
    rates = np.geomspace(1e-3, 0.5, 12)
    passes = {"gradient descent": [], "SGD": []}
    for spread in spreads:
        ground = clumpy_data(5, samples, spread)
        x, y = (np.asarray(part, np.float64) for part in ground.samples)
        start, least = loss(np.zeros((1, 2)), x, y)[0], ground.lowest
        enough = least + 0.01 * (start - least)
        steepest = np.linalg.eigvalsh(x.T @ x / samples).max()
        w = np.zeros((12, 2))
        steps = np.geomspace(0.05, 1.9, 12)[:, None] / steepest
        passes["gradient descent"].append(_until(w, steps, x, y, enough, longest, None))
        order = orders(samples, longest, shuffled=True)
        w = np.zeros((12, 2))
        passes["SGD"].append(_until(w, rates[:, None], x, y, enough, longest, order))
    shown = {spread: np.asarray(clumpy_data(5, samples, spread).samples[0]) for spread in spreads}
    return dict(spreads=spreads, passes=passes, shown=shown)


def loss(w: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Of every row of `w`."""
    return ((w @ x.T - y) ** 2).mean(axis=1) / 2


def _until(
    w: np.ndarray, rate: Any, x: Any, y: Any, enough: float, longest: int, order: Any
) -> float:
    """Passes until the first of the rates is there; of SGD to a sample in the first."""
    for k in range(longest):
        if order is None:
            w = w - rate * ((w @ x.T - y) @ x / len(y))
            if loss(w, x, y).min() <= enough:
                return k + 1
            continue
        for i, row in enumerate(order[k], start=1):
            w = w - rate * (w @ x[row] - y[row])[:, None] * x[row]
            if (k == 0 or i % 50 == 0) and loss(w, x, y).min() <= enough:
                return k + i / len(y)
    return longest


def gains(found: dict[str, Any]) -> np.ndarray:
    """How many times fewer passes SGD needs, by spread."""
    return np.divide(*(np.array(found["passes"][name]) for name in ("gradient descent", "SGD")))


def verdict(found: dict[str, Any]) -> Verdict:
    """The gain is largest for equal samples, and above 1 everywhere."""
    gain = gains(found)
    told = ", ".join(f"{g:.0f} (spread {s:g})" for s, g in zip(found["spreads"], gain, strict=True))
    return Verdict(
        bool(gain[0] > gain[-1] > 1),
        f"until the excess loss is a hundredth of the first, each at its best rate, SGD needs so "
        f"many times fewer passes: {told}.",
    )


def draw(found: dict[str, Any], figure: Any) -> None:
    """Samples without and with spread, and the passes by spread."""
    panels = figure.subplots(1, 3, width_ratios=[1, 1, 1.5])
    for axes, spread in zip(panels, (found["spreads"][0], found["spreads"][-2]), strict=False):
        axes.plot(*found["shown"][spread].T, ".", ms=2, color=GREY)
        axes.set(title=f"samples, spread {spread:g}", xlabel="x₁", ylabel="x₂")
    for k, (name, values) in enumerate(found["passes"].items()):
        panels[2].plot(found["spreads"], values, marker="o", ms=4, label=name, **style(k))
    panels[2].set(yscale="log", xlabel="spread of a clump", title="passes over the data")
    panels[2].legend(fontsize=8)
