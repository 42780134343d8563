"""How much the derivative swings in each direction, and rates divided by that."""

from __future__ import annotations

from typing import Any

import numpy as np

from lectopt.pictures.gallery import Verdict
from lectopt.pictures.style import style

CLAIM = (
    "“Directions in which the derivatives swing more should likely have lower learning rates”, “as "
    "quantified by RMS value”. (CMU 11-785)"
)
SMALL = dict(directions=12, steps=2000)
ENOUGH = 1e-6  # of the first value


def measure(steps: int = 4000, directions: int = 40, condition: float = 100.0) -> dict[str, Any]:
    """Quadratics `sum h w^2 / 2` from a random start: the root mean square of each derivative over
    ten updates of gradient descent near the limit of stability; then the updates needed, at the
    best of many rates, with one rate for all and with the rate divided by the RMS of each."""
    rng = np.random.default_rng(0)
    h = np.geomspace(1, condition, directions)
    start = rng.choice([-1, 1], directions) * rng.uniform(0.5, 1.5, directions)
    w, seen = start.copy(), []
    for _ in range(10):
        seen.append(h * w)
        w = w - 1.9 / condition * h * w
    rms = np.sqrt(np.mean(np.square(seen), axis=0))
    found = {}
    for name, scale in {"one rate": np.ones(directions), "divided by RMS": 1 / rms}.items():
        rates = np.geomspace(0.05, 0.999, 60) * 2 / (scale * h).max()
        k = np.arange(steps + 1)[:, None]
        values = np.stack([
            ((1 - rate * scale * h) ** (2 * k) * h * start**2 / 2).sum(axis=1) for rate in rates
        ])  # fmt: skip
        done = values <= ENOUGH * values[:, :1]
        taken = np.where(done.any(axis=1), done.argmax(axis=1), steps)
        found[name] = dict(taken=int(taken.min()), values=values[taken.argmin()])
    return dict(h=h, rms=rms, found=found)


def verdict(found: dict[str, Any]) -> Verdict:
    """The RMS rises with the curvature, and dividing by it takes fewer updates."""
    one, divided = (each["taken"] for each in found["found"].values())
    agree = float(np.corrcoef(np.log(found["h"]), np.log(found["rms"]))[0, 1])
    return Verdict(
        bool(divided < one and agree > 0.8),
        f"the RMS of a derivative rises with the curvature (their logarithms correlate by "
        f"{agree:.2f}); to {ENOUGH:.0e} of the first value it takes {one} updates with one rate "
        f"for all {len(found['h'])} directions, and {divided} with the rate divided by each RMS.",
    )


def draw(found: dict[str, Any], figure: Any) -> None:
    """The RMS by curvature, and the values."""
    left, right = figure.subplots(1, 2)
    left.plot(found["h"], found["rms"], "o", ms=4, color=style(2)["color"])
    left.set(xscale="log", yscale="log", xlabel="curvature of the direction")
    left.set_title("RMS of the derivative, ten updates")
    for k, (name, one) in enumerate(found["found"].items()):
        shown = one["values"][: int(1.1 * found["found"]["one rate"]["taken"])]
        right.plot(shown / shown[0], lw=1.5, label=name, **style(k))
    right.set(yscale="log", ylim=(ENOUGH / 10, 2), xlabel="update", title="share of the value left")
    right.legend()
