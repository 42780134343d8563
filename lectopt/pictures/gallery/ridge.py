"""Ridge regression on a polynomial of high degree: smaller weights, a smoother curve."""

from __future__ import annotations

from typing import Any

import numpy as np

from lectopt.pictures.gallery import Verdict
from lectopt.pictures.gallery.polynomials import drawn, error, features, fitted, truth
from lectopt.pictures.style import GREY, style

CLAIM = (
    "“Regularization: intuition using linear regression”: a penalty on the weights smooths and "
    "prevents overfitting; a large one leaves weights near 0. (ISI)"
)
SMALL = dict(penalties=9, repeats=5)


def measure(
    penalties: int = 25, repeats: int = 40, samples: int = 20, degree: int = 15
) -> dict[str, Any]:
    """Errors on the samples and on new ones, and the size of the weights, by penalty: medians over
    repeated samples."""
    chosen = np.geomspace(1e-8, 1e2, penalties)
    rows = []
    fresh = drawn(2000, 10_000)
    for seed in range(repeats):
        x, y = drawn(samples, seed)
        fits = [fitted(x, y, degree, float(penalty)) for penalty in chosen]
        rows.append([(error(w, x, y), error(w, *fresh), np.linalg.norm(w)) for w in fits])
    train, test, size = np.median(rows, axis=0).T
    one = x, y = drawn(samples, 0)
    curves = [fitted(x, y, degree, p) for p in (1e-8, float(chosen[test.argmin()]), 1e2)]
    return dict(penalties=chosen, train=train, test=test, size=size, curves=curves, data=one)


def verdict(found: dict[str, Any]) -> Verdict:
    """The error on new samples has its least value between, and the weights shrink all the way."""
    test, size, k = found["test"], found["size"], int(found["test"].argmin())
    between = 0 < k < len(test) - 1 and test[0] > 1.5 * test[k] < test[-1]
    return Verdict(
        bool(between and (np.diff(size) < 0).all() and (np.diff(found["train"]) > -1e-9).all()),
        f"the error on new samples is {test[0]:.3g} without a penalty to speak of, {test[k]:.2f} "
        f"at {found['penalties'][k]:.0e} and {test[-1]:.2f} at 1e2; the norm of the weights falls "
        f"from {size[0]:.1f} over {size[k]:.1f} to {size[-1]:.3f}.",
    )


def draw(found: dict[str, Any], figure: Any) -> None:
    """Three fits, and the errors by penalty."""
    left, right = figure.subplots(1, 2)
    x = np.linspace(-1, 1, 400)
    names = ("1e-8", f"{found['penalties'][found['test'].argmin()]:.0e}", "1e2")
    left.plot(*found["data"], "o", ms=3.5, color=GREY)
    left.plot(x, truth(x), color="black", lw=0.8, ls=":")
    for k, (name, weights) in enumerate(zip(names, found["curves"], strict=True)):
        line = features(x, len(weights) - 1) @ weights
        left.plot(x, line, lw=1.4, label=f"penalty {name}", **style(k))
    left.set(ylim=(-2.5, 2.5), xlabel="x", xticks=(-1, 0, 1), title="a polynomial of degree 15")
    left.legend(fontsize=8)
    for k, name in enumerate(("train", "test", "size")):
        label = {"train": "error on the samples", "test": "error on new ones", "size": "|w|"}[name]
        right.plot(found["penalties"], found[name], lw=1.5, label=label, **style(k))
    right.set(xscale="log", yscale="log", xlabel="penalty", title="median over samples")
    right.legend(fontsize=8)
