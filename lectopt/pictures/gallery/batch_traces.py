"""The loss by update and by pass: the whole set, one sample, and a mini-batch at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

from lectopt.pictures.gallery import Verdict
from lectopt.pictures.gallery.oscillation import gradient, loss
from lectopt.pictures.style import style

CLAIM = (
    "Batch gradient descent is “guaranteed to converge”; SGD has “heavy fluctuations, may never "
    "converge”; mini-batches are between them and are “usually the choice”. (ISI)"
)
SMALL = dict(samples=256, passes=6)
WAYS = {"batch": None, "SGD, 1 sample": 1, "mini-batch of 32": 32}


def measure(samples: int = 1024, passes: int = 20, rate: float = 0.5) -> dict[str, Any]:
    """Logistic regression, at one rate: the excess of the whole set's loss after each update."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(samples, 10))
    y = np.sign(x @ np.linspace(-1, 1, 10) + rng.logistic(size=samples))
    best = np.zeros(10)
    for _ in range(2000):
        best -= gradient(best, x, y)
    least, ways = loss(best, x, y), {}
    for name, batch in WAYS.items():
        rng, w, excess = np.random.default_rng(1), np.zeros(10), []
        for _ in range(passes):
            for rows in np.split(rng.permutation(samples), samples // (batch or samples)):
                excess.append(loss(w, x, y) - least)
                w = w - rate * gradient(w, x[rows], y[rows])
        ways[name] = np.array([*excess, loss(w, x, y) - least])
    return dict(ways=ways, passes=passes)


def verdict(found: dict[str, Any]) -> Verdict:
    """Batch falls at every update; the others do not, SGD the least; after the same passes the
    mini-batch is lowest."""
    last = {name: way[len(way) // 2 :] for name, way in found["ways"].items()}
    batch, sgd, mini = (last[name] for name in WAYS)
    falls = bool((np.diff(found["ways"]["batch"]) < 0).all())
    return Verdict(
        falls and sgd.std() > 3 * mini.std() and mini.mean() < min(batch[-1], sgd.mean()),
        f"at one rate and {found['passes']} passes batch descent falls at "
        f"{'every update' if falls else 'most updates'}, to {batch[-1]:.2g} above the least loss. "
        f"In the later half SGD is {sgd.mean():.2g} ± {sgd.std():.1g} above it, and mini-batches "
        f"{mini.mean():.2g} ± {mini.std():.1g}.",
    )


def draw(found: dict[str, Any], figure: Any) -> None:
    """By update, and by pass over the samples."""
    left, right = figure.subplots(1, 2, sharey=True)
    for k, (name, way) in enumerate(found["ways"].items()):
        look = dict(lw=0.8 if k == 1 else 1.5, **style(k))
        left.plot(np.arange(len(way))[: 20 * found["passes"]], way[: 20 * found["passes"]], **look)
        right.plot(np.linspace(0, found["passes"], len(way)), way, label=name, **look)
    left.set(yscale="log", xlabel="update", title="loss of the whole set, above the least")
    right.set(xlabel="pass over the samples")
    right.legend(fontsize=8)
