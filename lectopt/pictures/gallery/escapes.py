"""SGD's noise and local minima: how many runs leave the shallow well, by batch size and rate."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import lectopt
from lectopt.landscapes import double_well
from lectopt.pictures.gallery import Verdict
from lectopt.pictures.style import style

CLAIM = "Stochastic gradients are noisy, which “helps evade local minima”. (Liège)"
SMALL = dict(runs=60, steps=400)


def measure(
    runs: int = 400,
    steps: int = 1500,
    batches: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 64),
    rates: tuple[float, ...] = (0.05, 0.1, 0.2),
    tilt: float = 0.15,
) -> dict[str, Any]:
    """Of runs that begin in the shallow well, the share that has been in the deep one; the
    noise of a sample's gradient is normal with standard deviation 2."""
    ground = double_well(tilt)

    def end(key: Any, rate: Any, batch: Any) -> Any:
        tx = lectopt.sgd(rate)

        def step(carry: Any, key: Any) -> Any:
            theta, state = carry
            noise = 2 * jax.random.normal(key, (2,)) / jnp.sqrt(batch)
            updates, state = tx.update(jax.grad(ground)(theta) + noise, state, theta)
            theta = theta + updates
            return (theta, state), theta[0]

        theta = jnp.array([0.9, 0.0])
        way = jax.lax.scan(step, (theta, tx.init(theta)), jax.random.split(key, steps))[1]
        return way.min() < -0.5

    keys = jax.random.split(jax.random.key(0), runs)
    lanes = jax.vmap(jax.vmap(jax.vmap(end, (0, None, None)), (None, None, 0)), (None, 0, None))
    left = jax.jit(lanes)(keys, jnp.asarray(rates), jnp.asarray(batches, jnp.float32))
    return dict(left=np.asarray(left).mean(axis=2), batches=batches, rates=rates, steps=steps)


def verdict(found: dict[str, Any]) -> Verdict:
    """Small batches leave, large ones stay; a larger rate helps."""
    left = found["left"]
    told = ", ".join(
        f"{100 * one[0]:.0f} % and {100 * one[-1]:.0f} % at rate {rate:g}"
        for rate, one in zip(found["rates"], left, strict=True)
    )
    middle = left[:, len(found["batches"]) // 2]
    return Verdict(
        bool((left[:, 0] > left[:, -1] + 0.25).all() and middle[-1] > middle[0]),
        f"within {found['steps']} updates these shares of the runs reach the deeper well, with "
        f"batches of {found['batches'][0]} and of {found['batches'][-1]}: {told}.",
    )


def draw(found: dict[str, Any], figure: Any) -> None:
    """The two wells, and who has left the shallow one."""
    left, right = figure.subplots(1, 2, width_ratios=[1, 1.4])
    x = np.linspace(-1.6, 1.6, 200)
    height = np.asarray(double_well(0.15)(np.stack([x, 0 * x], axis=1)))
    left.plot(x, height, color="black", lw=1.4)
    left.plot(
        0.9, float(double_well(0.15)(np.array([0.9, 0.0]))), "o", ms=7, color=style(1)["color"]
    )
    left.set(xlabel="x", title="the wells, and the start")
    for k, (rate, share) in enumerate(zip(found["rates"], found["left"], strict=True)):
        right.plot(
            found["batches"],
            100 * share,
            marker="o",
            ms=4,
            lw=1.5,
            label=f"rate {rate:g}",
            **style(k),
        )
    right.set(
        xscale="log",
        xlabel="samples of a batch",
        title="% of the runs that have left it",
        ylim=(-3, 103),
    )
    right.set_xticks(found["batches"], list(map(str, found["batches"])))
    right.minorticks_off()
    right.legend()
