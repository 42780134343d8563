"""Gradient flow, and the small steps that tend to it."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.integrate import solve_ivp

from lectopt.pictures.gallery import Verdict
from lectopt.pictures.style import GREY, style

CLAIM = (
    "“Gradient flow”: N updates of the whole gradient with rate η/N tend to dΦ/dt = -g, and “the "
    "limit of N batch updates also gives g”; along it the loss does not increase. (TTIC 31230)"
)
SMALL = dict(divisions=(4, 16, 64, 256), lanes=50)
START, NOISE = np.array([-1.4, 1.4]), 1.0


def loss(theta: np.ndarray) -> np.ndarray:
    """A double well, of the last axis."""
    x, y = theta[..., 0], theta[..., 1]
    return (x**2 - 1) ** 2 / 4 + (y - x / 2) ** 2 / 2


def gradient(theta: np.ndarray) -> np.ndarray:
    """Of the loss."""
    x, y = theta[..., 0], theta[..., 1]
    return np.stack([x**3 - x - (y - x / 2) / 2, y - x / 2], axis=-1)


def measure(
    divisions: tuple[int, ...] = (4, 8, 16, 32, 64, 128, 256), until: int = 2, lanes: int = 400
) -> dict[str, Any]:
    """The flow by a Runge-Kutta method, and how far from its end the updates come, whole and with
    the noise of batches (a root mean square over lanes)."""
    flow = solve_ivp(
        lambda _, theta: -gradient(theta), (0, until), START, rtol=1e-10, atol=1e-12,
        dense_output=True,
    )  # fmt: skip
    end = flow.y[:, -1]
    rng = np.random.default_rng(0)
    apart = {"whole gradient": [], "batches": []}
    paths = {}
    for n in divisions:
        theta, noisy = [START], np.tile(START, (lanes, 1))
        for _ in range(n * until):
            theta.append(theta[-1] - gradient(theta[-1]) / n)
            noisy = noisy - (gradient(noisy) + NOISE * rng.normal(size=noisy.shape)) / n
        paths[n] = np.array(theta)
        apart["whole gradient"].append(np.linalg.norm(theta[-1] - end))
        apart["batches"].append(np.sqrt(((noisy - end) ** 2).sum(axis=1).mean()))
    times = np.linspace(0, until, 200)
    return dict(
        divisions=np.array(divisions),
        apart={k: np.array(v) for k, v in apart.items()},
        paths=paths,
        flow=flow.sol(times).T,
        losses=loss(flow.sol(times).T),
    )


def slopes(found: dict[str, Any]) -> dict[str, float]:
    """Of the logarithms, over the larger half of the divisions."""
    half = len(found["divisions"]) // 2
    logs = np.log(found["divisions"][half:])
    return {k: float(np.polyfit(logs, np.log(v[half:]), 1)[0]) for k, v in found["apart"].items()}


def verdict(found: dict[str, Any]) -> Verdict:
    """1/N without noise, 1/√N with it, and a loss that falls."""
    slope = slopes(found)
    rises = float(np.diff(found["losses"]).max())
    return Verdict(
        bool(
            abs(slope["whole gradient"] + 1) < 0.15
            and abs(slope["batches"] + 0.5) < 0.15
            and rises <= 0
        ),
        f"the distance from the flow falls like N to the power {slope['whole gradient']:.2f} with "
        f"the whole gradient and {slope['batches']:.2f} with the noise of batches; along the flow "
        f"the loss falls from {found['losses'][0]:.2f} to {found['losses'][-1]:.3f}, and its "
        f"largest change between two of 200 moments is {rises:.0e}.",
    )


def draw(found: dict[str, Any], figure: Any) -> None:
    """The flow with three divisions over the contours, and the distances."""
    left, right = figure.subplots(1, 2, width_ratios=[1.2, 1])
    x, y = np.linspace(-1.6, 0, 150), np.linspace(-0.8, 1.6, 150)
    heights = loss(np.stack(np.meshgrid(x, y), axis=-1))
    left.contour(x, y, heights, levels=20, colors=GREY, linewidths=0.5, alpha=0.6)
    left.plot(*found["flow"].T, color="black", lw=2, label="flow")
    for k, n in enumerate(found["divisions"][:3]):
        left.plot(*found["paths"][n].T, marker="o", ms=2.5, lw=1, label=f"N = {n}", **style(k))
    left.set(xlabel="x", ylabel="y", title="whole gradients, rate 1/N")
    left.legend(fontsize=8)
    for k, (name, values) in enumerate(found["apart"].items()):
        label = f"{name}: slope {slopes(found)[name]:.2f}"
        right.plot(found["divisions"], values, marker="o", ms=4, label=label, **style(k))
    right.set(xscale="log", yscale="log", xlabel="N", title="distance from the flow at its end")
    right.legend(fontsize=8)
