"""A line that chases the last sample, and one whose rate shrinks."""

from __future__ import annotations

from typing import Any

import numpy as np

import lectopt
from lectopt.landscapes import line_through_the_origin
from lectopt.pictures.gallery import Verdict
from lectopt.pictures.gallery.passes import descend, orders
from lectopt.pictures.style import GREY, style

CLAIM = (
    "“Find a linear regression line (through origin)”: with a constant rate the line chases the "
    "last instance and never settles; shrink the rate and it does. (CMU 11-785)"
)
SMALL = dict(samples=40, passes=10)


def measure(samples: int = 200, passes: int = 20, rate: float = 0.1) -> dict[str, Any]:
    """The slope after each step of SGD in random order, with two schedules."""
    ground = line_through_the_origin(samples)
    order = orders(samples, passes, shuffled=True)
    rates = {"constant": rate, "shrinking": lectopt.inverse_time_decay(rate, 10 / samples)}
    ways = {name: descend(lectopt.sgd(one), ground, order)[..., 0] for name, one in rates.items()}
    return dict(ways=ways, best=ground.minima[0][0], samples=ground.samples)


def swings(found: dict[str, Any]) -> dict[str, float]:
    """By how much the slope still moves within the last pass."""
    return {name: float(np.ptp(way[-1])) for name, way in found["ways"].items()}


def verdict(found: dict[str, Any]) -> Verdict:
    """The swing falls with the rate."""
    swing = swings(found)
    return Verdict(
        swing["constant"] > 5 * swing["shrinking"],
        f"in the last pass the slope moves by {swing['constant']:.2f} at the constant rate and by "
        f"{swing['shrinking']:.3f} at the shrinking one.",
    )


def draw(found: dict[str, Any], figure: Any) -> None:
    """The samples with lines of the last pass, and the slope by step."""
    panels = figure.subplots(1, 3, width_ratios=[1, 1, 1.4])
    x, y = (np.ravel(one) for one in found["samples"])
    for k, (axes, (name, way)) in enumerate(zip(panels, found["ways"].items(), strict=False)):
        axes.plot(x, y, ".", ms=2, color=GREY)
        for slope in way[-1, :: max(1, way.shape[1] // 20)]:
            axes.plot([-2, 2], [-2 * slope, 2 * slope], lw=0.6, color=style(k)["color"])
        axes.set(title=f"{name} rate", ylim=(-3.2, 2.2))
        axes.set_xlabel("x")
        panels[2].plot(way.ravel(), lw=0.8, **style(k))
    panels[2].axhline(found["best"], color="black", lw=0.8, ls=":")
    panels[2].set(xlabel="step", title="slope")
