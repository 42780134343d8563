"""The statistical learning rate against SGD at constant and decaying rates."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import lectopt
from lectopt.pictures.gallery import Verdict
from lectopt.pictures.style import style

CLAIM = (
    "“An original algorithm derivation”: a learning rate from the statistics of the gradient, "
    "which falls to zero by itself, so that none has to be tuned. (TTIC 31230)"
)
SMALL = dict(steps=1000, lanes=50)


def measure(steps: int = 10_000, lanes: int = 300, start: float = 10.0) -> dict[str, Any]:
    """The mean of `w^2 / 2` over many runs with noise of variance 1, and the rates; SGD has the
    constant rate that is best for the last step, of 20, and `1 / t`, the best of all."""
    points = np.unique(np.geomspace(1, steps, 80).astype(int)) - 1
    grid = np.geomspace(1e-4, 0.5, 20)
    makers = {
        "statistical": lambda _: lectopt.snr_sgd(1.0, max_window=math.inf),  # as in the lecture
        "constant": lectopt.sgd,
        "1 / t": lambda _: lectopt.sgd(lectopt.power_decay(1.0, 1.0)),
    }
    gaps, shares = {}, {}
    for name, make in makers.items():

        def run(rate: Any, make: Any = make) -> Any:
            tx = make(rate)

            def step(carry: Any, key: Any) -> Any:
                w, state = carry
                g = w + jax.random.normal(key, (lanes,))
                updates, state = tx.update(g, state, w)
                w = w + updates
                return (w, state), (jnp.mean(w**2) / 2, jnp.median(-updates / g))

            w = jnp.full(lanes, start)
            keys = jax.random.split(jax.random.key(0), steps)
            return jax.lax.scan(step, (w, tx.init(w)), keys)[1]

        rates = grid if name == "constant" else np.ones(1)
        gap, share = (np.asarray(x) for x in jax.jit(jax.vmap(run))(jnp.asarray(rates)))
        best = int(gap[:, -1].argmin())
        gaps[name], shares[name] = gap[best][points], share[best][points]
    return dict(points=points + 1, gaps=gaps, rates=shares)


def verdict(found: dict[str, Any]) -> Verdict:
    """The rate falls tenfold and more, and the loss is below that of the tuned constant rate."""
    end = {k: v[-1] for k, v in found["gaps"].items()}
    late = found["points"] >= 0.1 * found["points"][-1]
    rate = found["rates"]["statistical"]
    slope = np.polyfit(np.log(found["points"][late]), np.log(rate[late]), 1)[0]
    return Verdict(
        bool(end["statistical"] < end["constant"] and slope < -0.7),
        f"its rate falls like t to the power {slope:.2f}. After {found['points'][-1]} updates its "
        f"loss is {end['statistical']:.1e}, with nothing tuned but the curvature known; that of "
        f"SGD {end['constant']:.1e} at the best constant rate for that many updates and "
        f"{end['1 / t']:.1e} at the best decaying one, which stays ahead.",
    )


def draw(found: dict[str, Any], figure: Any) -> None:
    """Losses and rates."""
    left, right = figure.subplots(1, 2)
    for k, (name, gap) in enumerate(found["gaps"].items()):
        left.plot(found["points"], gap, lw=1.5, label=name, **style(k))
        right.plot(found["points"], np.maximum(found["rates"][name], 1e-8), lw=1.5, **style(k))
    left.set(xscale="log", yscale="log", xlabel="update", title="mean loss")
    right.set(xscale="log", yscale="log", xlabel="update", title="rate", ylim=(1e-5, 2))
    left.legend()
