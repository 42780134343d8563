"""Dropout: test loss and error of a wide network on few digits, by the share of units kept."""

from __future__ import annotations

from typing import Any

import numpy as np

import lectopt
from lectopt.pictures.gallery import Verdict
from lectopt.pictures.gallery.digits_nets import samples, trained
from lectopt.pictures.style import style

CLAIM = (
    "Dropout, “fix a probability p, usually between 0.6 and 0.8, but can be as aggressive as 0.5 "
    "too”, regularises: a network that overfits does better on new samples. (ISI)"
)
SMALL = dict(points=4, every=40, seeds=1, width=64, kept=(0.5, 1.0))


def measure(
    points: int = 12,
    every: int = 60,
    seeds: int = 3,
    width: int = 150,
    kept: tuple[float, ...] = (0.5, 0.6, 0.7, 0.8, 1.0),
    count: int = 200,
) -> dict[str, Any]:
    """Losses and errors of Adam on `count` digits, by kept share and seed."""
    data = samples(count)
    runs = [
        trained(
            lambda: lectopt.adam(2e-3), kept, data, points=points, every=every, dropout=True,
            widths=(64, width, width, 10), seed=seed,
        )
        for seed in range(seeds)
    ]  # fmt: skip
    found = {k: np.stack([run[k] for run in runs]) for k in runs[0]}
    return dict(found=found, kept=np.array(kept), every=every)


def verdict(found: dict[str, Any]) -> Verdict:
    """At the end: the test loss and error with the best p below 1, and without dropout, seed by
    seed."""
    loss, error = (found["found"][k][..., -1] for k in ("test", "error"))
    best = int(loss[:, :-1].mean(axis=0).argmin())
    better = (loss[:, best] < loss[:, -1]) & (error[:, best] <= error[:, -1])
    means = [100 * error[:, k].mean() for k in (-1, best)]
    return Verdict(
        bool(better.all()),
        f"at the end the test loss is {loss[:, -1].mean():.3f} and {means[0]:.1f} % are wrong "
        f"without dropout; with p = {found['kept'][best]:g}, the best, {loss[:, best].mean():.3f} "
        f"and {means[1]:.1f} %. Both are better for {better.sum()} of {len(better)} seeds.",
    )


def draw(found: dict[str, Any], figure: Any) -> None:
    """Losses by update for least, best and all kept; and both by p."""
    left, right = figure.subplots(1, 2)
    loss, error = (found["found"][k].mean(axis=0) for k in ("test", "error"))
    steps = np.arange(loss.shape[1]) * found["every"]
    for k, p in enumerate(found["kept"]):
        left.plot(steps, loss[k], lw=1.4, label=f"p = {p:g}", **style(k))
    left.set(xlabel="update", title="test loss", yscale="log")
    left.legend(fontsize=8)
    every = 100 * found["found"]["error"][..., -1]
    right.plot(found["kept"], every.T, ".", ms=5, color=style(0)["color"], alpha=0.5)
    right.plot(found["kept"], 100 * error[:, -1], lw=1.5, **style(0))
    right.set(xlabel="share of units kept, p", title="wrong at the end, in %, by seed")
