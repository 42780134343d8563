"""The empirical risk as shaded area and as error lines: how far it swings with the samples."""

from __future__ import annotations

from typing import Any

import numpy as np

from lectopt.pictures.gallery import Verdict
from lectopt.pictures.style import GREY, style

CLAIM = (
    "“Sample estimate approximates the shaded area with the average length of the error lines”; "
    "its variance is that of one sample divided by their number. (CMU 11-785)"
)
SMALL = dict(repeats=300)


def truth(x: np.ndarray) -> np.ndarray:
    """What is approximated."""
    return np.sin(3 * x) + 0.5 * x


def model(x: np.ndarray) -> np.ndarray:
    """At some weight."""
    return 0.8 * x


def measure(repeats: int = 4000, numbers: tuple[int, ...] = (1, 3, 10, 30, 100)) -> dict[str, Any]:
    """The mean squared error over N random places, many times over."""
    rng = np.random.default_rng(0)
    means = {}
    for n in numbers:
        x = rng.uniform(-2, 2, (repeats, n))
        means[n] = ((model(x) - truth(x)) ** 2).mean(axis=1)
    x = np.linspace(-2, 2, 20_001)
    return dict(means=means, risk=float(((model(x) - truth(x)) ** 2).mean()))


def verdict(found: dict[str, Any]) -> Verdict:
    """The mean is the risk, and the slope of the variance is -1."""
    numbers = np.array(list(found["means"]))
    variances = np.array([means.var() for means in found["means"].values()])
    slope = np.polyfit(np.log(numbers), np.log(variances), 1)[0]
    off = max(
        abs(m.mean() - found["risk"]) / (m.std() / np.sqrt(len(m))) for m in found["means"].values()
    )
    return Verdict(
        bool(abs(slope + 1) < 0.05 and off < 4),
        f"the variance falls with the number of samples to the power {slope:.3f} (-1 claimed), "
        f"from {variances[0]:.2f} with one to {variances[-1]:.4f} with {numbers[-1]}; every mean "
        f"is within {off:.1f} standard errors of the area, {found['risk']:.3f}.",
    )


def draw(found: dict[str, Any], figure: Any) -> None:
    """The area, two draws of error lines, and the swing by number of samples."""
    panels = figure.subplots(1, 3)
    x = np.linspace(-2, 2, 400)
    rng = np.random.default_rng(1)
    for axes, n in zip(panels, (1, 10), strict=False):
        axes.fill_between(x, truth(x), model(x), color=GREY, alpha=0.25, lw=0)
        axes.plot(x, truth(x), color=style(0)["color"], lw=1.5)
        axes.plot(x, model(x), color=style(1)["color"], lw=1.5)
        at = rng.uniform(-2, 2, n)
        axes.vlines(at, truth(at), model(at), color="black", lw=1.5)
        axes.set(title=f"{n} sample{'s' * (n > 1)}", xlabel="x", yticks=[])
    numbers = list(found["means"])
    panels[2].violinplot(list(found["means"].values()), showextrema=False, widths=0.8)
    panels[2].axhline(found["risk"], color="black", lw=0.8, ls=":")
    panels[2].set_xticks(range(1, len(numbers) + 1), [str(n) for n in numbers])
    panels[2].set(xlabel="number of samples", title="estimate; dotted: area")
