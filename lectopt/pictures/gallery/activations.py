"""Activation functions: what they do to the gradient by depth, and to the training."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import lectopt
from lectopt.pictures.gallery import Verdict
from lectopt.pictures.gallery.digits_nets import samples, trained
from lectopt.pictures.style import style

CLAIM = (
    "ReLU converges “up to 6 times faster than sigmoid or tanh” and “solves the vanishing gradient "
    "problem”; tanh “optimizes faster” than sigmoid. (ISI)"
)
SMALL = dict(points=10, every=20, rates=3, depth=2, functions=("tanh", "ReLU"))
# With the variance of the first weights, times their inputs, that keeps the signal's.
FUNCTIONS = {
    "sigmoid": (jax.nn.sigmoid, 1.0),
    "tanh": (jnp.tanh, 1.0),
    "ReLU": (jax.nn.relu, 2.0),
    "leaky ReLU": (lambda z: jnp.where(z < 0, 0.001 * z, z), 2.0),
}
ENOUGH = 0.1  # of the training loss


def measure(
    points: int = 60,
    every: int = 20,
    rates: int = 8,
    depth: int = 4,
    functions: tuple[str, ...] = tuple(FUNCTIONS),
) -> dict[str, Any]:
    """The training loss at the best rate of SGD, and the slopes of each function."""
    data, grid = samples(), np.geomspace(0.01, 10.0, rates)
    losses, chosen = {}, {}
    for name in functions:
        function, gain = FUNCTIONS[name]
        found = trained(
            lectopt.sgd, grid, data, points=points, every=every, activation=function, gain=gain,
            widths=(64, *[32] * depth, 10),
        )["train"]  # fmt: skip
        best = int(np.log(found).mean(axis=1).argmin())
        losses[name], chosen[name] = found[best], grid[best]
    z = np.linspace(-5, 5, 401)
    slopes = {
        name: np.asarray(jax.vmap(jax.grad(FUNCTIONS[name][0]))(jnp.asarray(z)))
        for name in functions
    }
    return dict(losses=losses, rates=chosen, every=every, z=z, slopes=slopes)


def needed(found: dict[str, Any]) -> dict[str, float]:
    """Updates to the loss, infinite if it is not reached."""
    taken = {}
    for name, loss in found["losses"].items():
        there = loss <= ENOUGH
        taken[name] = float(there.argmax() * found["every"]) if there.any() else np.inf
    return taken


def verdict(found: dict[str, Any]) -> Verdict:
    """ReLU against both, and tanh against sigmoid."""
    taken = needed(found)
    told = ", ".join(
        f"{name} {n:.0f}" if np.isfinite(n) else f"{name} more than were made"
        for name, n in taken.items()
    )
    steep = ", ".join(f"{name} {slope.max():.2f}" for name, slope in found["slopes"].items())
    slower = [taken[name] for name in ("tanh", "sigmoid") if name in taken]
    return Verdict(
        bool(taken["ReLU"] < slower[0] and slower == sorted(slower)),
        f"updates until the training loss is {ENOUGH}, each at its best rate: {told}. The steepest "
        f"slopes: {steep}.",
    )


def draw(found: dict[str, Any], figure: Any) -> None:
    """The slopes, and the losses."""
    left, right = figure.subplots(1, 2, width_ratios=[1, 1.4])
    for k, (name, loss) in enumerate(found["losses"].items()):
        left.plot(found["z"], found["slopes"][name], lw=1.5, **style(k))
        label = f"{name}, rate {found['rates'][name]:.2g}"
        right.plot(np.arange(len(loss)) * found["every"], loss, lw=1.5, label=label, **style(k))
    left.set(xlabel="z", title="slope")
    right.axhline(ENOUGH, color="black", lw=0.8, ls=":")
    right.set(yscale="log", xlabel="update", title="training loss")
    right.legend(fontsize=8)
