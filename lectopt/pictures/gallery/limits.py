"""Gradient descent where it is easy and where it is difficult: four rates and condition numbers."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

import lectopt
from lectopt.landscapes import quadratic
from lectopt.pictures.descents import descend
from lectopt.pictures.gallery import Verdict
from lectopt.pictures.style import GREY, style

CLAIM = (
    "Limitations of gradient descent: too small a rate is slow, too large a one oscillates and "
    "diverges, and in a narrow valley no rate is good; momentum helps there. (Liège)"
)
SMALL = dict(steps=40)
CONDITION = 30.0
# What runs, on which condition number, at which share of the largest stable rate 2 / L.
PANELS = {
    "isotropic": (lectopt.sgd, 1.0, 0.1),
    "small rate": (lectopt.sgd, CONDITION, 0.1),
    "just below 2 / L": (lectopt.sgd, CONDITION, 0.97),
    "above 2 / L": (lectopt.sgd, CONDITION, 1.03),
    "with momentum": (lectopt.momentum, CONDITION, 0.5),
}


def measure(steps: int = 60) -> dict[str, Any]:
    """The paths."""
    paths, values = {}, {}
    for name, (make, condition, share) in PANELS.items():
        ground = quadratic(condition)
        steepest = float(np.linalg.eigvalsh(jax.hessian(ground)(np.zeros(2))).max())
        tx = make(2 * share / steepest) if make is lectopt.sgd else make(share / steepest, 0.8)
        found = jax.jit(lambda tx=tx, ground=ground: descend(tx, ground, steps))()
        paths[name] = np.asarray(found["points"])
        values[name] = np.asarray(found["values"]) / float(found["values"][0])
    return dict(paths=paths, values=values)


def verdict(found: dict[str, Any]) -> Verdict:
    """What is left of the first value."""
    left = {name: float(values[-1]) for name, values in found["values"].items()}
    told = ", ".join(f"{name} {value:.0e}" for name, value in left.items())
    return Verdict(
        left["with momentum"] < 0.05 * min(left["small rate"], left["just below 2 / L"])
        and left["isotropic"] < left["with momentum"]
        and left["above 2 / L"] > 1,
        f"of the value at the start {len(found['values']['isotropic']) - 1} updates leave these "
        f"shares, on quadratics of condition 1 and {CONDITION:g}: {told}.",
    )


def draw(found: dict[str, Any], figure: Any) -> None:
    """The paths over the contours, and the values."""
    spots = figure.subplot_mosaic([["0", "1", "2"], ["3", "4", "v"]])
    for k, (name, path) in enumerate(found["paths"].items()):
        axes, ground = spots[str(k)], quadratic(PANELS[name][1])
        reach = 1.15 * np.abs(ground.start).max()
        x = np.linspace(-reach, reach, 120)
        heights = np.asarray(ground(np.stack(np.meshgrid(x, x), axis=-1)))
        axes.contour(x, x, np.sqrt(heights), levels=14, colors=GREY, linewidths=0.5, alpha=0.6)
        axes.plot(*path.T, marker="o", ms=2.5, lw=1, **style(k))
        axes.set(xlim=(-reach, reach), ylim=(-reach, reach), xticks=[], yticks=[])
        axes.set_title(name, fontsize=9)
        spots["v"].plot(np.maximum(found["values"][name], 1e-12), lw=1.3, **style(k))
    spots["v"].set(yscale="log", ylim=(1e-9, 1e2), xlabel="update", title="share of the value left")
