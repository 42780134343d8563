"""The lectures' films, as pictures: the methods on Beale's function, in a valley, from a saddle."""

from __future__ import annotations

from typing import Any

import numpy as np

import lectopt
from lectopt import landscapes
from lectopt.pictures.descents import bottom, run
from lectopt.pictures.gallery import Verdict
from lectopt.pictures.style import GREY, style

CLAIM = (
    "The films of Beale's function, a long valley and a saddle point show plain gradient descent "
    "behind the methods with momentum or scaled steps. (CMU 11-785, after A. Radford)"
)
SMALL = dict(steps=40, grounds=("long_valley",))
MAKERS = (lectopt.sgd, lectopt.momentum, lectopt.nesterov, lectopt.rmsprop, lectopt.adam)


def measure(
    steps: int = 80, grounds: tuple[str, ...] = ("beale", "long_valley", "saddle")
) -> dict[str, Any]:
    """The paths, each at the best of 200 rates, and what these came to."""
    found = {}
    for name in grounds:
        ground = getattr(landscapes, name)()
        found[name] = {m.__name__: run(m.__name__, m, ground, steps) for m in MAKERS}
    return dict(paths=found)


def scores(paths: dict[str, Any]) -> dict[str, float]:
    """The geometric mean of the value over the run, or the updates until it is out of sight."""
    return {name: float(np.min(d.tried[1])) for name, d in paths.items()}


def verdict(found: dict[str, Any]) -> Verdict:
    """Plain descent is last on each."""
    told, last = [], True
    for ground, paths in found["paths"].items():
        score = scores(paths)
        order = sorted(score, key=score.__getitem__)
        last &= order[-1] == "sgd"
        told.append(
            f"{ground.replace('_', ' ')}: " + ", ".join(f"{k} {score[k]:.1g}" for k in order)
        )
    return Verdict(
        last,
        "each at the best of 200 rates, the mean value above the least (of the saddle: updates "
        f"until it is left): {'; '.join(told)}.",
    )


def draw(found: dict[str, Any], figure: Any) -> None:
    """The paths."""
    panels = figure.subplots(1, len(found["paths"]), squeeze=False)[0]
    for axes, (name, paths) in zip(panels, found["paths"].items(), strict=True):
        ground = getattr(landscapes, name)()
        x, y = (np.linspace(low, high, 150) for low, high in ground.window)
        heights = np.asarray(ground(np.stack(np.meshgrid(x, y), axis=-1)))
        shown = np.log1p(heights - min(bottom(ground), heights.min()))
        axes.contour(x, y, shown, levels=16, colors=GREY, linewidths=0.5, alpha=0.6)
        for k, (racer, one) in enumerate(paths.items()):
            axes.plot(*one.points.T, lw=1.4, alpha=0.9, label=racer, **style(k))
        axes.plot(*ground.start, marker="o", ms=5, color="black")
        for minimum in ground.minima:
            axes.plot(*minimum, marker="*", ms=10, color="black")
        axes.set(xlim=ground.window[0], ylim=ground.window[1], title=name.replace("_", " "))
    panels[-1].legend(fontsize=8)
