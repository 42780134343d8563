"""The loss of mini-batches and that of the whole set, with a constant and a decaying rate."""

from __future__ import annotations

from typing import Any

import numpy as np

import lectopt
from lectopt.pictures.gallery import Verdict
from lectopt.pictures.style import style

CLAIM = (
    "“Minibatch loss and gradients are approximations”, so the loss oscillates; “decay the "
    "learning rate” to dampen that towards the end of the training. (STAT 479)"
)
SMALL = dict(samples=500, epochs=40)


def measure(samples: int = 2000, epochs: int = 40, batch: int = 20) -> dict[str, Any]:
    """Logistic regression: the loss of each batch, and the excess of the whole set after it."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(samples, 10))
    y = np.sign(x @ np.linspace(-1, 1, 10) + rng.logistic(size=samples))
    steps = epochs * (samples // batch)
    best = np.zeros(10)
    for _ in range(2000):
        best -= gradient(best, x, y)
    least, found = loss(best, x, y), {}
    rates = {
        "constant": np.full(steps, 1.0),
        "1 / (1 + kt)": np.asarray(lectopt.inverse_time_decay(1.0, 30 / steps)(np.arange(steps))),
    }
    for name, schedule in rates.items():
        w, seen, whole = np.zeros(10), [], []
        rng = np.random.default_rng(1)
        orders = np.concatenate([rng.permutation(samples) for _ in range(epochs)])
        for rate, rows in zip(schedule, orders.reshape(steps, batch), strict=True):
            seen.append(loss(w, x[rows], y[rows]))
            w = w - rate * gradient(w, x[rows], y[rows])
            whole.append(loss(w, x, y) - least)
        found[name] = dict(seen=np.array(seen), whole=np.array(whole))
    return dict(found=found, least=least)


def loss(w: np.ndarray, x: np.ndarray, y: np.ndarray) -> float:
    """Mean logistic loss of labels ±1."""
    return float(np.logaddexp(0, -y * (x @ w)).mean())


def gradient(w: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Of the loss."""
    return -(y / (1 + np.exp(y * (x @ w)))) @ x / len(y)


def verdict(found: dict[str, Any]) -> Verdict:
    """The whole set's excess in the last tenth, and what the batches show in both."""
    late = {k: v["whole"][-len(v["whole"]) // 10 :] for k, v in found["found"].items()}
    constant, decaying = late.values()
    swing = [v["seen"][-len(v["seen"]) // 10 :].std() for v in found["found"].values()]
    return Verdict(
        bool(constant.mean() > 5 * decaying.mean() and constant.std() > 5 * decaying.std()),
        f"in the last tenth the whole set's loss is {constant.mean():.1e} ± {constant.std():.0e} "
        f"above the least at a constant rate and {decaying.mean():.1e} ± {decaying.std():.0e} at a "
        f"decaying one. The loss of the batches swings by {swing[0]:.2f} and {swing[1]:.2f}: that "
        "is the samples, and no rate takes it away.",
    )


def draw(found: dict[str, Any], figure: Any) -> None:
    """What the batches show, with a running mean; and the whole set's excess."""
    left, right = figure.subplots(1, 2)
    for k, (name, one) in enumerate(found["found"].items()):
        colour = style(k)["color"]
        left.plot(one["seen"], lw=0.4, color=colour, alpha=0.35)
        width = max(1, len(one["seen"]) // 40)
        mean = np.convolve(one["seen"], np.ones(width) / width, "valid")
        left.plot(np.arange(width - 1, len(one["seen"])), mean, lw=1.5, color=colour)
        right.plot(one["whole"], lw=0.9, color=colour, label=f"{name} rate")
    left.axhline(found["least"], color="black", lw=0.8, ls=":")
    left.set(xlabel="step", title="loss of the batch, and its running mean")
    right.set(yscale="log", xlabel="step", title="loss of the whole set, above the least")
    right.legend()
