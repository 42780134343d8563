"""Momentum's steps: longer where the gradient keeps its sign, shorter where it flips."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import lectopt
from lectopt.pictures.gallery import Verdict
from lectopt.pictures.style import style

CLAIM = (
    "Momentum's steps “get longer in directions where gradient retains the same sign” and “become "
    "shorter where it keeps flipping”. (CMU 11-785; Liège: up to 1 / (1 - α) times)"
)
SMALL = dict(steps=60)
DECAYS = (0.5, 0.9, 0.95)


def measure(steps: int = 250, rate: float = 0.1) -> dict[str, Any]:
    """The updates for the gradients `(1, (-1)^k)`, as shares of the rate."""

    def run(decay: Any) -> Any:
        tx = lectopt.momentum(rate, decay)
        w = jnp.zeros(2)

        def step(state: Any, k: Any) -> Any:
            updates, state = tx.update(jnp.stack([1.0, 1.0 - 2.0 * (k % 2)]), state, w)
            return state, updates / rate

        return jax.lax.scan(step, tx.init(w), jnp.arange(steps))[1]

    return dict(updates=np.asarray(jax.jit(jax.vmap(run))(jnp.asarray(DECAYS))))


def lengths(found: dict[str, Any]) -> np.ndarray:
    """What both directions come to, of shape (decays, 2)."""
    return np.abs(found["updates"][:, -1])


def verdict(found: dict[str, Any]) -> Verdict:
    """`1 / (1 - decay)` and `1 / (1 + decay)`, as the geometric series says."""
    decays = np.array(DECAYS)
    expected = np.stack([1 / (1 - decays), 1 / (1 + decays)], axis=1)
    left = np.abs(lengths(found) / expected - 1).max()
    told = "; ".join(
        f"decay {d:g}: {a:.2f} and {b:.3f}"
        for d, (a, b) in zip(DECAYS, lengths(found), strict=True)
    )
    allowed = max(DECAYS) ** found["updates"].shape[1]  # what the series has not summed yet
    return Verdict(
        bool(left < 1.01 * allowed + 1e-5),
        f"as shares of the rate the steps come to, along one sign and along flipping ones, {told}: "
        f"1 / (1 - decay) and 1 / (1 + decay), to {left:.0e}.",
    )


def draw(found: dict[str, Any], figure: Any) -> None:
    """The way for one decay, with its steps as arrows, and the lengths by update."""
    left, right = figure.subplots(1, 2)
    for k, (name, updates) in enumerate(
        {"gradient descent": np.stack([-np.ones(12), -((-1.0) ** np.arange(12))], axis=1),
         "momentum, decay 0.9": found["updates"][1][:12]}.items()
    ):  # fmt: skip
        way = np.concatenate([[[0, 0]], np.cumsum(updates, axis=0)])
        left.plot(-way[:, 0], way[:, 1], marker="o", ms=3, lw=1.3, label=name, **style(k))
    left.set(xlabel="along the lasting sign", ylabel="along the flipping one")
    left.set_title("twelve steps, in rates")
    left.legend(fontsize=8)
    for k, (decay, updates) in enumerate(zip(DECAYS, np.abs(found["updates"]), strict=True)):
        right.plot(updates[:, 0], lw=1.4, label=f"decay {decay:g}", **style(k))
        right.plot(updates[:, 1], lw=1.4, **style(k))
        for end in (1 / (1 - decay), 1 / (1 + decay)):
            right.axhline(end, color="black", lw=0.6, ls=":")
    right.set(yscale="log", xlim=(0, 80), xlabel="update", title="length; dotted: 1 / (1 ∓ decay)")
    right.legend(fontsize=8)
