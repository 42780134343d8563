"""How fast momentum converges on a quadratic, for every rate and decay."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import lectopt
from lectopt.landscapes import quadratic
from lectopt.pictures.descents import descend
from lectopt.pictures.gallery import Verdict
from lectopt.pictures.style import COLOURS

CLAIM = (
    "The best rate and decay of momentum on a quadratic of condition κ leave (√κ - 1) / (√κ + 1) "
    "of the error at each step, where gradient descent leaves (κ - 1) / (κ + 1). (STAT 479 refers "
    "to distill.pub/2017/momentum)"
)
SMALL = dict(rates=12, decays=12, steps=400)


def measure(
    condition: float = 30.0, rates: int = 70, decays: int = 60, steps: int = 400
) -> dict[str, Any]:
    """The factor by which the error shrinks a step, from the latter half of `steps`; the curvatures
    are between 1 / κ and 1."""
    ground = quadratic(condition)
    steepest = float(np.linalg.eigvalsh(jax.hessian(ground)(np.zeros(2))).max())
    share, decay = np.linspace(0.05, 4, rates), np.linspace(0, 0.99, decays)

    def factor(rate: Any, decay: Any) -> Any:
        points = descend(lectopt.momentum(rate, decay), ground, steps)["points"]
        far = jnp.linalg.norm(points, axis=1)
        # Rounding ends what can be seen; what oscillates is fitted over a stretch.
        seen = (far > 1e-5 * far[0]) & (far < 1e8) & (jnp.arange(steps + 1) > 0)
        k, logs = jnp.arange(steps + 1.0), jnp.log(jnp.where(seen, far, 1.0))
        seen = seen & (k >= 0.4 * jnp.sum(seen))
        n = jnp.maximum(jnp.sum(seen), 1)
        mean_k, mean = jnp.sum(k * seen) / n, jnp.sum(logs * seen) / n
        return jnp.exp(
            jnp.sum((k - mean_k) * (logs - mean) * seen)
            / jnp.maximum(jnp.sum((k - mean_k) ** 2 * seen), 1e-9)
        )

    lanes = jax.jit(jax.vmap(jax.vmap(factor, (0, None)), (None, 0)))
    found = np.asarray(lanes(jnp.asarray(share / steepest), jnp.asarray(decay)))
    root = np.sqrt(condition)
    return dict(
        share=share, decay=decay, factors=found, condition=condition,
        best=(root - 1) / (root + 1),
        at=((2 / (1 + 1 / root)) ** 2, ((root - 1) / (root + 1)) ** 2),
    )  # fmt: skip


def radius(found: dict[str, Any], share: np.ndarray, decay: np.ndarray) -> np.ndarray:
    """The spectral radius of momentum's two recurrences, of shape (decays, rates)."""
    a, b = np.meshgrid(share, decay)
    roots = [
        np.abs(((1 + b - a * h) + s * np.emath.sqrt((1 + b - a * h) ** 2 - 4 * b)) / 2)
        for h in (1 / found["condition"], 1.0)
        for s in (1, -1)
    ]
    return np.max(roots, axis=0)


def verdict(found: dict[str, Any]) -> Verdict:
    """The measured factors are the spectral radius; the best of the grid is near the proved one."""
    expected, factors = radius(found, found["share"], found["decay"]), found["factors"]
    shown = (expected > 0.6) & (expected < 1.2)
    off = float(np.median(np.abs(factors - expected)[shown]))
    best = factors.flat[expected.argmin()]
    descent = factors[0][expected[0].argmin()]
    k = found["condition"]
    return Verdict(
        bool(off < 0.01 and abs(best - found["best"]) < 0.1 and best < descent - 0.1),
        f"at κ = {k:g} the best of {factors.size} pairs leaves {best:.3f} of the error a step "
        f"({found['best']:.3f} by the formula), gradient descent {descent:.3f} "
        f"({(k - 1) / (k + 1):.3f}). The measured factors are those of the eigenvalues to "
        f"{off:.0e}, in the median.",
    )


def draw(found: dict[str, Any], figure: Any) -> None:
    """The factors as a map, the limit of stability, and the best pair by the formula."""
    axes = figure.subplots()
    shown = np.clip(found["factors"], 0.5, 1.1)
    drawn = axes.pcolormesh(
        found["share"], found["decay"], shown, cmap="cividis", shading="nearest"
    )
    fine = np.linspace(0.05, 4, 800), np.linspace(0, 0.99, 600)
    levels = (0.8, 0.9, 0.95)
    lines = axes.contour(*fine, radius(found, *fine), levels, colors="white", linewidths=1)
    axes.clabel(lines, fontsize=8)
    axes.plot(
        2 * (1 + found["decay"]),
        found["decay"],
        color=COLOURS[1],
        lw=2,
        label="limit of stability, 2 (1 + decay)",
    )
    axes.plot(*found["at"], "*", ms=12, color="white", mec="black", label="best by the formula")
    axes.set(
        xlabel="rate × largest curvature",
        ylabel="decay",
        xlim=(found["share"][0], found["share"][-1]),
    )
    axes.set_title("error left by a step, measured; white: spectral radius")
    figure.colorbar(drawn, ax=axes)
    axes.legend(loc="lower right", fontsize=8, framealpha=0.9, frameon=True)
