"""Sorted data in the same order every time, and shuffled: where the weight is on average."""

from __future__ import annotations

from typing import Any

import numpy as np

import lectopt
from lectopt.landscapes import line_through_the_origin
from lectopt.pictures.gallery import Verdict
from lectopt.pictures.gallery.passes import descend, orders
from lectopt.pictures.style import style

CLAIM = (
    "“If we loop through the samples in the same order, we may get cyclic behavior”; a random "
    "order avoids it. (CMU 11-785)"
)
SMALL = dict(samples=50, passes=20)


def measure(samples: int = 200, passes: int = 40, rate: float = 0.1) -> dict[str, Any]:
    """The weight after each step of SGD on the line through the origin, in both orders."""
    ground = line_through_the_origin(samples)
    both = {
        name: descend(lectopt.sgd(rate), ground, orders(samples, passes, shuffled))[..., 0]
        for name, shuffled in {"in order": False, "shuffled": True}.items()
    }
    return dict(ways=both, best=ground.minima[0][0])


def bias(way: np.ndarray, best: float) -> float:
    """How far the mean weight of a pass is from the best one, in the later half."""
    return float(abs(way[len(way) // 2 :].mean() - best))


def verdict(found: dict[str, Any]) -> Verdict:
    """The mean of a pass is several times nearer when shuffled."""
    apart = {name: bias(way, found["best"]) for name, way in found["ways"].items()}
    swing = {
        name: np.ptp(way[len(way) // 2 :], axis=1).mean() for name, way in found["ways"].items()
    }
    return Verdict(
        apart["in order"] > 3 * apart["shuffled"],
        f"the mean weight of a pass is {apart['in order']:.3f} from the best one in order and "
        f"{apart['shuffled']:.3f} shuffled. Within a pass it swings by {swing['in order']:.2f} and "
        f"{swing['shuffled']:.2f}: shuffling takes away the bias, a smaller rate the swing.",
    )


def draw(found: dict[str, Any], figure: Any) -> None:
    """The last passes, step by step, and the mean of every pass."""
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=[1.6, 1])
    for k, (name, way) in enumerate(found["ways"].items()):
        left.plot(way[-4:].ravel(), lw=0.9, **style(k))
        right.plot(way.mean(axis=1), lw=1.4, label=name, **style(k))
    for axes in (left, right):
        axes.axhline(found["best"], color="black", lw=0.8, ls=":")
    left.set(xlabel="step of the last four passes", ylabel="weight")
    right.set(xlabel="pass", title="mean of a pass")
    right.legend(loc="lower right")
