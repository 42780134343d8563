"""Batch normalisation before and after the non-linearity, and none: the training at every rate."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

import lectopt
from lectopt.pictures.gallery import Verdict
from lectopt.pictures.gallery.digits_nets import samples, trained
from lectopt.pictures.style import style

CLAIM = (
    "“The position of batch normalization relative to the non-linearity is not clear”: before it, "
    "as in the paper, or after it. (Liège)"
)
SMALL = dict(points=4, every=25, rates=2, seeds=2, depth=1)
PLACES = {"none": False, "before": True, "after": "after"}


def measure(
    points: int = 10, every: int = 25, rates: int = 6, depth: int = 3, seeds: int = 6
) -> dict[str, Any]:
    """The mean training loss of ReLU networks over the run, by place, seed and rate of SGD."""
    data, grid = samples(), np.geomspace(0.01, 10.0, rates)
    found = {
        name: np.stack([
            trained(
                lectopt.sgd, grid, data, points=points, every=every, batch=60, normalise=place,
                widths=(64, *[50] * depth, 10), activation=jax.nn.relu, seed=seed,
            )["train"]
            for seed in range(seeds)
        ])
        for name, place in PLACES.items()
    }  # fmt: skip
    return dict(losses=found, rates=grid, every=every)


def best(found: dict[str, Any]) -> dict[str, np.ndarray]:
    """The log loss at the end, at each place's best rate, by seed."""
    ends = {name: np.log(loss[:, :, -1]) for name, loss in found["losses"].items()}
    return {name: end[:, int(end.mean(axis=0).argmin())] for name, end in ends.items()}


def verdict(found: dict[str, Any]) -> Verdict:
    """Neither place is better from every seed."""
    _, before, after = best(found).values()
    told = ", ".join(f"{k} {np.exp(np.median(end)):.2g}" for k, end in best(found).items())
    wins = int((after < before).sum())
    updates = (found["losses"]["none"].shape[2] - 1) * found["every"]
    return Verdict(
        0 < wins < len(before),
        f"of a ReLU network on digits, the training loss after {updates} updates, at the best rate "
        f"of each and in the median of {len(before)} seeds: {told}. After is lower than before "
        f"from {wins} of the {len(before)} seeds.",
    )


def draw(found: dict[str, Any], figure: Any) -> None:
    """The loss by update at the best rate, and the last one by rate."""
    left, right = figure.subplots(1, 2, sharey=True)
    for k, (name, loss) in enumerate(found["losses"].items()):
        ends = np.median(loss[:, :, -1], axis=0)
        way = loss[:, int(np.log(loss[:, :, -1]).mean(axis=0).argmin())]
        steps = np.arange(way.shape[1]) * found["every"]
        left.fill_between(steps, way.min(0), way.max(0), color=style(k)["color"], alpha=0.2, lw=0)
        left.plot(steps, np.median(way, axis=0), lw=1.5, label=name, **style(k))
        right.plot(found["rates"], ends, marker="o", ms=4, lw=1.5, **style(k))
    left.set(yscale="log", xlabel="update", title="training loss, at the best rate")
    right.set(xscale="log", xlabel="learning rate", title="after the last update")
    left.legend(title="batch normalisation")
