"""The gradients of single samples as a fan with their mean, far from the best line and near it."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lectopt.pictures.gallery import Verdict
from lectopt.pictures.style import style

CLAIM = (
    "“The individual training instances contribute different directions to the overall gradient”, "
    "which is their mean. (CMU 11-785)"
)
SMALL = dict(samples=60)
FAR, AWAY = 1.5, 0.1  # shares of the way from the best line to the start


def measure(samples: int = 200) -> dict[str, Any]:
    """Of a line through noisy points: the gradient of each sample's loss, `jax.vmap(jax.grad)`, and
    that of the mean loss."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=samples)
    y = 1 + 0.8 * x + 0.7 * rng.normal(size=samples)

    def loss(w: Any, x: Any, y: Any) -> Any:
        return (w[0] * x + w[1] - y) ** 2 / 2

    best = np.polyfit(x, y, 1)
    fans = {}
    for name, share in {"far from the best line": FAR, "near it": AWAY}.items():
        w = jnp.asarray(best + share * np.array([-1.0, -0.7]))
        each = jax.jit(jax.vmap(jax.grad(loss), (None, 0, 0)))(w, jnp.asarray(x), jnp.asarray(y))
        whole = jax.jit(jax.grad(lambda w: loss(w, x, y).mean()))(w)
        fans[name] = np.asarray(each), np.asarray(whole)
    return dict(fans=fans)


def against(each: np.ndarray, whole: np.ndarray) -> float:
    """The share of the samples whose gradient is more than a right angle from the mean."""
    return float((each @ whole < 0).mean())


def verdict(found: dict[str, Any]) -> Verdict:
    """The mean is the gradient, to rounding; and the fan opens towards the best line."""
    off = max(
        np.abs(each.mean(axis=0) - whole).max() / np.abs(each).max()
        for each, whole in found["fans"].values()
    )
    shares = [against(*fan) for fan in found["fans"].values()]
    return Verdict(
        bool(off < 1e-6 and 0 < shares[0] < shares[1]),
        f"the mean of the samples' gradients is the gradient of the mean loss to {off:.0e} of the "
        f"largest. {100 * shares[0]:.0f} % of them point more than a right angle away from it far "
        f"from the best line, and {100 * shares[1]:.0f} % near it.",
    )


def draw(found: dict[str, Any], figure: Any) -> None:
    """The steps that single samples ask for, and their mean."""
    panels = figure.subplots(1, 2)
    for axes, (name, (each, whole)) in zip(panels, found["fans"].items(), strict=True):
        for u, v in -each[:60]:
            axes.plot([0, u], [0, v], lw=0.7, alpha=0.6, **style(0))
        arrow = dict(arrowstyle="-|>", color=style(1)["color"], lw=2.5, shrinkA=0, shrinkB=0)
        axes.annotate("", -whole, (0, 0), arrowprops=arrow, zorder=5)
        axes.plot([], [], lw=0.7, label="a sample", **style(0))
        axes.plot([], [], lw=2.5, label="their mean", color=style(1)["color"])
        axes.set(title=f"downhill, {name}", xlabel="slope")
        axes.set_aspect("equal", adjustable="datalim")
    panels[0].set_ylabel("offset")
    panels[0].legend(fontsize=8, loc="upper left")
