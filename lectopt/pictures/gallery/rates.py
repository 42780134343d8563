"""The rates that are proved of gradient descent and SGD, and the slopes that are measured."""

from __future__ import annotations

from typing import Any

import numpy as np

from lectopt.pictures.gallery import Verdict
from lectopt.pictures.style import style

CLAIM = (
    "“SGD convergence”: strongly convex, the error goes like 1/k; convex, like 1/√k; batch "
    "gradient descent like cᵏ. (CMU 11-785)"
)
SMALL = dict(steps=2000, lanes=100)
PROVED = {"SGD, strongly convex, rate 1/k": -1.0, "SGD, convex, rate 1/√k": -0.5}


def measure(steps: int = 20_000, lanes: int = 300, condition: float = 50.0) -> dict[str, Any]:
    """The mean error of many runs: of SGD with unit noise on `w^2 / 2` and, in 20 dimensions, on
    `|w|_1` by its last iterate; and of gradient descent on a quadratic."""
    rng = np.random.default_rng(0)
    points = np.unique(np.geomspace(1, steps, 60).astype(int))
    strong, convex = np.ones(lanes), np.ones((max(lanes // 10, 10), 20))
    errors = {name: [] for name in PROVED}
    for k in range(1, steps + 1):
        strong = strong - (strong + rng.normal(size=lanes)) / k
        noise = rng.normal(size=convex.shape)
        convex = convex - (np.sign(convex) + noise) * 0.5 / np.sqrt(k)
        if k in points:
            errors["SGD, strongly convex, rate 1/k"].append((strong**2).mean() / 2)
            errors["SGD, convex, rate 1/√k"].append(np.abs(convex).sum(axis=1).mean())
    h = np.geomspace(1, condition, 20)
    k = np.arange(400)
    descent = ((1 - 2 / (1 + condition) * h) ** (2 * k[:, None]) * h / 2).sum(axis=1)
    return dict(
        points=points,
        errors={name: np.array(values) for name, values in errors.items()},
        descent=descent,
        factor=((condition - 1) / (condition + 1)) ** 2,
    )


def slopes(found: dict[str, Any]) -> dict[str, float]:
    """Of the logarithms, from the tenth update on, by least squares."""
    late = found["points"] >= 10
    logs = np.log(found["points"][late])
    return {
        name: float(np.polyfit(logs, np.log(values[late]), 1)[0])
        for name, values in found["errors"].items()
    }


def verdict(found: dict[str, Any]) -> Verdict:
    """Within a tenth of what is proved; the factor of descent to a thousandth."""
    slope = slopes(found)
    factor = found["descent"][-1] / found["descent"][-2]
    told = "; ".join(f"{name}: {slope[name]:.2f} ({PROVED[name]:g} proved)" for name in PROVED)
    return Verdict(
        bool(
            all(abs(slope[name] - PROVED[name]) < 0.1 for name in PROVED)
            and abs(factor / found["factor"] - 1) < 1e-3
        ),
        f"fitted slopes in the logarithms: {told}. Gradient descent ends with a factor of "
        f"{factor:.4f} an update, ((κ-1)/(κ+1))² = {found['factor']:.4f} proved.",
    )


def draw(found: dict[str, Any], figure: Any) -> None:
    """The errors with lines of the proved slope."""
    left, right = figure.subplots(1, 2, width_ratios=[1.4, 1])
    slope = slopes(found)
    for k, (name, values) in enumerate(found["errors"].items()):
        colour = style(k)["color"]
        left.plot(
            found["points"], values, "o", ms=3, color=colour, label=f"{name}: {slope[name]:.2f}"
        )
        line = values[-1] * (found["points"] / found["points"][-1]) ** PROVED[name]
        left.plot(found["points"], line, "--", lw=1, color=colour)
    left.set(xscale="log", yscale="log", xlabel="update k")
    left.set_title("mean error, fitted slopes; dashed: proved")
    left.legend(fontsize=8, loc="lower left")
    k = np.arange(len(found["descent"]))
    right.plot(k, found["descent"], lw=1.5, color=style(2)["color"])
    line = found["descent"][-1] * found["factor"] ** (k - k[-1])
    right.plot(k, line, "--", lw=1, color="black")
    right.set(yscale="log", xlabel="update k", title="gradient descent, κ = 50")
