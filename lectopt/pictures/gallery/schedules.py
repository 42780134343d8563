"""Step decay, the triangle and snapshot cycles, and what each does to the loss of a noisy bowl."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import lectopt
from lectopt.pictures.gallery import Verdict
from lectopt.pictures.style import style

CLAIM = (
    "The learning rate is a temperature: the loss falls with every drop of the rate, and at the "
    "end of every cycle. (Liège, step decay of ResNets; STAT 479, triangle; TTIC 31230, snapshots)"
)
SMALL = dict(steps=300, lanes=64)


def measure(steps: int = 600, lanes: int = 500, rate: float = 0.5) -> dict[str, Any]:
    """Rates, and the mean loss of many runs of SGD with noisy gradients,
    on `x^2 / 6 + y^2 / 2`."""
    third = steps // 3
    chosen = {
        "step decay": lectopt.step_decay(rate, 0.1, third),
        "triangle": lectopt.triangular(rate / 100, rate, third // 2),
        "snapshots": lectopt.cosine_restarts(rate, 3 * third, 3),
    }
    curvature = np.array([1 / 3, 1.0])
    rates, losses = {}, {}
    for name, schedule in chosen.items():
        rates[name] = np.asarray(jax.jit(jax.vmap(schedule))(jnp.arange(3 * third)))
        rng = np.random.default_rng(0)
        theta, means = np.ones((lanes, 2)), []
        for now in rates[name]:
            theta -= now * (curvature * theta + rng.normal(size=theta.shape))
            means.append((curvature * theta**2 / 2).sum(axis=1).mean())
        losses[name] = np.array(means)
    return dict(rates=rates, losses=losses, third=third)


def verdict(found: dict[str, Any]) -> Verdict:
    """Where the rate is low at the end of a third, against where it is high."""
    third = found["third"]
    few = max(3, third // 20)
    step = found["losses"]["step decay"]
    drops = [step[k * third - few : k * third].mean() for k in (1, 2, 3)]
    ends = {}
    for name in ("triangle", "snapshots"):
        loss, rate = found["losses"][name][third:], found["rates"][name][third:]
        high = loss[rate > 0.9 * rate.max()].mean()
        last = [found["losses"][name][k * third - few : k * third].mean() for k in (2, 3)]
        ends[name] = high / max(last)
    return Verdict(
        bool(drops[0] > 1.5 * drops[1] > 2.25 * drops[2] and min(ends.values()) > 3),
        f"before each drop to a tenth, and at the end, the mean loss is {drops[0]:.3f}, "
        f"{drops[1]:.4f}, {drops[2]:.4f}; at the ends of cycles it is {ends['triangle']:.0f} "
        f"(triangle) and {ends['snapshots']:.0f} times (snapshots) lower "
        f"than at the highest rates.",
    )


def draw(found: dict[str, Any], figure: Any) -> None:
    """The rates above, the losses below."""
    above, below = figure.subplots(2, 3, sharex=True, sharey="row")
    for k, name in enumerate(found["rates"]):
        above[k].plot(found["rates"][name], lw=1.4, **style(k) | {"linestyle": "-"})
        below[k].plot(found["losses"][name], lw=1.2, **style(k) | {"linestyle": "-"})
        above[k].set_title(name)
        below[k].set(yscale="log", xlabel="step")
    above[0].set_ylabel("rate")
    below[0].set_ylabel("mean loss")
