"""Capacity: the error on the samples falls with the degree, that on new ones has a minimum."""

from __future__ import annotations

from typing import Any

import numpy as np

from lectopt.pictures.gallery import Verdict
from lectopt.pictures.gallery.polynomials import drawn, error, features, fitted, truth
from lectopt.pictures.style import GREY, style

CLAIM = (
    "High bias and low variance, low bias and high variance: the training error falls with "
    "capacity, the generalisation error is a U. (ISI, after deeplearningbook.org)"
)
SMALL = dict(repeats=20)


def measure(repeats: int = 200, samples: int = 25, highest: int = 12) -> dict[str, Any]:
    """By degree, over repeated samples: median errors; squared bias and variance of the fit, as
    medians over the points of the interval."""
    x = np.linspace(-1, 1, 101)
    fresh = drawn(2000, 10_000)
    rows = {"train": [], "test": [], "bias": [], "variance": []}
    for degree in range(highest + 1):
        sets = [drawn(samples, seed) for seed in range(repeats)]
        fits = [fitted(x_seen, y_seen, degree) for x_seen, y_seen in sets]
        lines = np.stack([features(x, degree) @ w for w in fits])
        rows["train"].append(np.median([error(w, *s) for w, s in zip(fits, sets, strict=True)]))
        rows["test"].append(np.median([error(w, *fresh) for w in fits]))
        rows["bias"].append(np.median((lines.mean(axis=0) - truth(x)) ** 2))
        rows["variance"].append(np.median(lines.var(axis=0)))
    return {k: np.array(v) for k, v in rows.items()} | {"data": drawn(samples, 0)}


def verdict(found: dict[str, Any]) -> Verdict:
    """A U with its least value inside."""
    train, test, k = found["train"], found["test"], int(found["test"].argmin())
    shape = 0 < k < len(test) - 1 and test[0] > 2 * test[k] and test[-1] > 2 * test[k]
    return Verdict(
        bool(
            shape
            and (np.diff(train) <= 1e-9).all()
            and found["variance"][-1] > found["variance"][k]
        ),
        f"the median error on the samples falls from {train[0]:.2f} to {train[-1]:.3f}; on new "
        f"ones it is {test[0]:.2f} at degree 0, least at degree {k} with {test[k]:.2f}, and "
        f"{test[-1]:.1f} at degree {len(test) - 1}. The variance rises from "
        f"{found['variance'][1]:.3f} at degree 1 to "
        f"{found['variance'][-1]:.2g}.",
    )


def draw(found: dict[str, Any], figure: Any) -> None:
    """Three degrees on one sample, and the errors by degree."""
    left, right = figure.subplots(1, 2)
    x = np.linspace(-1, 1, 400)
    left.plot(*found["data"], "o", ms=3.5, color=GREY)
    for k, degree in enumerate((1, int(found["test"].argmin()), 12)):
        x_seen, y_seen = found["data"]
        line = features(x, degree) @ fitted(x_seen, y_seen, degree)
        left.plot(x, line, lw=1.4, label=f"degree {degree}", **style(k))
    left.set(ylim=(-2.5, 2.5), xlabel="x", xticks=(-1, 0, 1))
    left.legend(fontsize=8)
    names = dict(
        train="error on the samples", test="on new ones", bias="bias²", variance="variance"
    )
    for k, (name, label) in enumerate(names.items()):
        right.plot(found[name], lw=1.5, label=label, **style(k))
    right.set(yscale="log", xlabel="degree")
    right.legend(fontsize=8)
