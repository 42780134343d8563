"""Activations and back-propagated gradients by depth, for four scales of the first weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from lectopt.pictures.gallery import Verdict
from lectopt.pictures.style import style

CLAIM = (
    "Glorot's figures: with the usual small uniform weights activations and gradients die with "
    "depth; with Xavier's variance 2 / (in + out) they do not. (Liège)"
)
SMALL = dict(depth=8, width=64, batch=64)


def measure(depth: int = 20, width: int = 256, batch: int = 256) -> dict[str, Any]:
    """Of nets of tanh layers: the activations of each layer, and the gradient of a random linear
    function of the last one with respect to them."""
    limits = {
        "too small, 0.01": 0.01 * np.sqrt(3),
        "usual, U(±1/√n)": 1 / np.sqrt(width),
        "Xavier": np.sqrt(3 / width),
        "too large, 4 × Xavier": 4 * np.sqrt(3 / width),
    }
    found = {}
    for name, limit in limits.items():
        rng = np.random.default_rng(0)
        weights = rng.uniform(-limit, limit, (depth, width, width))
        layers = [rng.normal(size=(batch, width))]
        for weight in weights:
            layers.append(np.tanh(layers[-1] @ weight))
        gradients = [rng.normal(size=(batch, width))]
        for weight, layer in zip(weights[::-1], layers[:0:-1], strict=True):
            gradients.append((gradients[-1] * (1 - layer**2)) @ weight.T)
        found[name] = dict(layers=layers[1:], gradients=gradients[:0:-1])
    return found


def spread(arrays: list[np.ndarray]) -> np.ndarray:
    """The standard deviation in each layer."""
    return np.array([array.std() for array in arrays])


def verdict(found: dict[str, Any]) -> Verdict:
    """The last activations and the first gradients, usual and Xavier's."""
    usual, xavier = found["usual, U(±1/√n)"], found["Xavier"]
    ends = [(spread(one["layers"])[-1], spread(one["gradients"])[0]) for one in (usual, xavier)]
    (a, g), (better_a, better_g) = ends
    return Verdict(
        bool(better_a > 10 * a and better_g > 10 * g and better_a > 0.1 and better_g > 0.1),
        f"after {len(usual['layers'])} layers of tanh the activations have standard deviation "
        f"{a:.1e} with usual weights and {better_a:.2f} with Xavier's; the gradients, back at the "
        f"first layer, {g:.1e} and {better_g:.2f} of 1.",
    )


def draw(found: dict[str, Any], figure: Any) -> None:
    """Histograms of the last activations, and both spreads by depth."""
    spots = figure.subplot_mosaic([["h0", "h1", "a"], ["h2", "h3", "g"]], width_ratios=[1, 1, 1.7])
    for k, (name, one) in enumerate(found.items()):
        look = style(k)
        axes = spots[f"h{k}"]
        axes.hist(one["layers"][-1].ravel(), bins=41, color=look["color"], density=True)
        axes.set_title(name, fontsize=8.5)
        axes.set_yticks([])
        depth = np.arange(1, len(one["layers"]) + 1)
        spots["a"].plot(depth, spread(one["layers"]), lw=1.5, label=name, **look)
        spots["g"].plot(depth, spread(one["gradients"]), lw=1.5, **look)
    spots["a"].set(yscale="log", title="spread of activations, by layer")
    spots["g"].set(yscale="log", title="spread of gradients", xlabel="layer")
    for name in ("h2", "h3"):
        spots[name].set_xlabel("last activations")
