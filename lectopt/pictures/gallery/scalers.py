"""Scalers with outliers, and what standardising does to the way of gradient descent."""

from __future__ import annotations

from typing import Any

import numpy as np

from lectopt.pictures.gallery import Verdict
from lectopt.pictures.style import style
from lectopt.training.data import standardize

CLAIM = (
    "“Standardizing the input data feature-wise” makes the variances of the inputs equal; the "
    "figure compares scalers on data with outliers. (Liège, after scikit-learn)"
)
SMALL = dict(samples=200, longest=20_000)
ENOUGH = 1e-6  # of the first excess loss


def measure(samples: int = 500, longest: int = 200_000) -> dict[str, Any]:
    """Two features of unequal scale and place, a few samples far out, by four scalers: the
    condition of linear regression's Hessian, and the updates that gradient descent needs at its
    best constant rate, 2 over the sum of the extreme curvatures."""
    rng = np.random.default_rng(0)
    x = np.stack([rng.normal(5, 1, samples), rng.lognormal(2, 0.7, samples)], axis=1)
    x[: samples // 50, 1] *= 12
    y = (x - x.mean(axis=0)) @ [1.0, 0.05] + rng.normal(size=samples)
    quartiles = np.quantile(x, [0.25, 0.5, 0.75], axis=0)
    scaled = {
        "as it is": x,
        "standardised": standardize({"train": x})[0]["train"].astype(float),
        "min to max": (x - x.min(axis=0)) / np.ptp(x, axis=0),
        "by quartiles": (x - quartiles[1]) / (quartiles[2] - quartiles[0]),
    }
    conditions, taken = {}, {}
    for name, features in scaled.items():
        a = np.column_stack([features, np.ones(samples)])
        values, vectors = np.linalg.eigh(a.T @ a / samples)
        conditions[name] = values[-1] / values[0]
        # The way along each eigenvector is known: the excess loss after k updates in one formula.
        start = vectors.T @ np.linalg.lstsq(a, y, rcond=None)[0]
        k = np.unique(np.geomspace(1, longest, 4000).astype(int))
        factors = np.abs(1 - 2 / (values[0] + values[-1]) * values)
        excess = (factors ** (2 * k[:, None]) * values * start**2).sum(axis=1)
        done = excess <= ENOUGH * (values * start**2).sum()
        taken[name] = int(k[done.argmax()]) if done.any() else longest
    return dict(scaled=scaled, conditions=conditions, taken=taken)


def verdict(found: dict[str, Any]) -> Verdict:
    """Equal variances, and fewer updates; what the outliers do to min and max."""
    inner = np.ptp(np.quantile(found["scaled"]["min to max"][:, 1], [0.05, 0.95]))
    variances = found["scaled"]["standardised"].var(axis=0)
    told = ", ".join(f"{n} {c:.3g} ({found['taken'][n]})" for n, c in found["conditions"].items())
    return Verdict(
        bool(
            np.abs(variances - 1).max() < 1e-4
            and found["taken"]["standardised"] == min(found["taken"].values())
        ),
        f"the condition of the Hessian, and in brackets the updates to {ENOUGH:.0e} of the first "
        f"excess loss: {told}. Standardised variances are 1 to {np.abs(variances - 1).max():.0e}. "
        f"From least to largest, 90 % of the second feature lie in {inner:.2f} of its range.",
    )


def draw(found: dict[str, Any], figure: Any) -> None:
    """The samples by each scaler, and the updates."""
    spots = figure.subplot_mosaic([["0", "1", "u"], ["2", "3", "u"]], width_ratios=[1, 1, 1.1])
    for k, (name, x) in enumerate(found["scaled"].items()):
        spots[str(k)].plot(*x.T, ".", ms=3, alpha=0.6, color=style(k)["color"])
        spots[str(k)].set_title(name, fontsize=9)
    names = [*found["taken"]][::-1]
    colours = [style(k)["color"] for k in range(len(names))][::-1]
    spots["u"].barh(names, [found["taken"][name] for name in names], color=colours)
    spots["u"].set(xscale="log")
    spots["u"].set_title("updates of gradient descent", fontsize=9)
