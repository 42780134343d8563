"""The first weights as a slide prints them, uniform in (0, 1), and as it can be meant."""

from __future__ import annotations

from typing import Any

import numpy as np

from lectopt.pictures.gallery import Verdict
from lectopt.pictures.style import style

CLAIM = (
    "“Initialize w := ρ c where ρ ~ U(0, 1)”, with c = √(2 / n) for ReLU and √(1 / n) for tanh, "
    "keeps the signal from vanishing and exploding with depth. (ISI)"
)
SMALL = dict(depth=8, width=64, batch=64)
READINGS = {
    "ρ ~ U(0, 1), as printed": lambda rng, shape: rng.uniform(0, 1, shape),
    "ρ ~ N(0, 1)": lambda rng, shape: rng.normal(size=shape),
}
FUNCTIONS = {"ReLU": (lambda z: np.maximum(z, 0), 2.0), "tanh": (np.tanh, 1.0)}


def measure(depth: int = 20, width: int = 256, batch: int = 256) -> dict[str, Any]:
    """The spread of the activations (root mean square), and of the gradients of a random linear
    function of the last layer, by layer."""
    found = {}
    for reading, draws in READINGS.items():
        for name, (function, gain) in FUNCTIONS.items():
            rng = np.random.default_rng(0)
            weights = draws(rng, (depth, width, width)) * np.sqrt(gain / width)
            layers = [rng.normal(size=(batch, width))]
            for weight in weights:
                layers.append(function(layers[-1] @ weight))
            slopes = [(x > 0) if name == "ReLU" else 1 - x**2 for x in layers[1:]]
            gradients = [rng.normal(size=(batch, width))]
            for weight, slope in zip(weights[::-1], slopes[::-1], strict=True):
                gradients.append((gradients[-1] * slope) @ weight.T)
            found[reading, name] = dict(
                activations=[np.sqrt(np.mean(x**2)) for x in layers[1:]],
                gradients=[np.sqrt(np.mean(g**2)) for g in gradients[:0:-1]],
            )
    return found


def kept(one: dict[str, Any]) -> bool:
    """Neither the last activations nor the first gradients are a thousand times off 1."""
    return all(1e-3 < x < 1e3 for x in (one["activations"][-1], one["gradients"][0]))


def verdict(found: dict[str, Any]) -> Verdict:
    """As printed, and with normal numbers."""
    told = "; ".join(
        f"{reading}, {name}: {one['activations'][-1]:.1g} and {one['gradients'][0]:.1g}"
        for (reading, name), one in found.items()
    )
    printed = [one for (reading, _), one in found.items() if "printed" in reading]
    return Verdict(
        all(map(kept, printed)),
        f"after {len(printed[0]['activations'])} layers the activations, and the gradients back at "
        f"the first, are: {told}. U(0, 1) has a mean of 1/2; with ρ ~ N(0, 1) the claim "
        f"{'holds' if all(map(kept, set_of(found, 'N(0, 1)'))) else 'fails as well'}.",
    )


def set_of(found: dict[str, Any], word: str) -> list[dict[str, Any]]:
    """What was found with one reading."""
    return [one for (reading, _), one in found.items() if word in reading]


def draw(found: dict[str, Any], figure: Any) -> None:
    """Both by layer."""
    left, right = figure.subplots(1, 2, sharey=True)
    for k, ((reading, name), one) in enumerate(found.items()):
        for axes, what in ((left, "activations"), (right, "gradients")):
            values = np.maximum(one[what], 1e-30)
            layers = np.arange(1, len(values) + 1)
            axes.plot(layers, values, lw=1.5, label=f"{reading}: {name}", **style(k))
    left.set(yscale="log", xlabel="layer", title="size of the activations")
    right.set(xlabel="layer", title="size of the gradients")
    right.legend(fontsize=7.5)
