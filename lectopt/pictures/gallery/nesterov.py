"""Nesterov's method against momentum: with the same settings, and each at its best."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import lectopt
from lectopt.landscapes import quadratic
from lectopt.pictures.descents import descend
from lectopt.pictures.gallery import Verdict
from lectopt.pictures.style import style

CLAIM = (
    "Nesterov's method against momentum, Hinton's example: “Converges much faster.” (CMU 11-785)"
)
SMALL = dict(conditions=(10.0, 100.0), steps=1500, rates=12, decays=8)
MAKERS = {"momentum": lectopt.momentum, "nesterov": lectopt.nesterov}
ACCURACY = 1e-8  # of the value, relative to the start


def measure(
    conditions: tuple[float, ...] = (10.0, 30.0, 100.0, 300.0),
    steps: int = 1500,
    rates: int = 30,
    decays: int = 20,
) -> dict[str, Any]:
    """Steps to the accuracy on quadratics, at every rate and decay; `steps` where it is missed."""
    grid = np.geomspace(0.05, 4, rates), 1 - np.geomspace(0.5, 0.01, decays)
    taken = {name: [] for name in MAKERS}
    for condition in conditions:
        ground = quadratic(condition)
        for name, maker in MAKERS.items():

            def until(rate: Any, decay: Any, maker: Any = maker, ground: Any = ground) -> Any:
                values = descend(maker(rate, decay), ground, steps)["values"]
                above = ~(values <= ACCURACY * values[0])
                return jnp.max(jnp.where(above, jnp.arange(steps + 1), 0)) + 1

            lanes = jax.jit(jax.vmap(jax.vmap(until, (None, 0)), (0, None)))
            taken[name].append(np.minimum(np.asarray(lanes(*map(jnp.asarray, grid))), steps))
    return dict(conditions=conditions, taken={k: np.array(v) for k, v in taken.items()}, grid=grid)


def verdict(found: dict[str, Any]) -> Verdict:
    """Each at its own best rate and decay."""
    best = {name: taken.min(axis=(1, 2)) for name, taken in found["taken"].items()}
    momentum, nesterov = (list(map(int, best[name])) for name in MAKERS)
    at_same = found["taken"]["momentum"][..., -1] / found["taken"]["nesterov"][..., -1]
    return Verdict(
        bool((best["nesterov"] < best["momentum"]).all()),
        f"with the rate and the decay of each tuned, momentum takes {momentum} steps and "
        f"Nesterov's {nesterov} at conditions {list(map(int, found['conditions']))}. "
        f"At one and the same rate and a decay of 0.99 Nesterov's is up to {at_same.max():.1f} "
        f"times faster.",
    )


def draw(found: dict[str, Any], figure: Any) -> None:
    """Steps by condition at the best settings, and by decay at the best rate."""
    left, right = figure.subplots(1, 2)
    for k, (name, taken) in enumerate(found["taken"].items()):
        left.plot(found["conditions"], taken.min(axis=(1, 2)), "o", label=name, ms=5, **style(k))
        right.plot(1 - found["grid"][1], taken[-1].min(axis=0), lw=1.5, **style(k))
    left.set(xscale="log", yscale="log", xlabel="condition", ylabel="steps to 1e-8 of the start")
    left.set_title("each at its best rate and decay")
    right.set(xscale="log", yscale="log", xlabel="1 - decay")
    right.set_title(f"by decay, at the best rate (condition {found['conditions'][-1]:.0f})")
    left.legend()
