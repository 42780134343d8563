"""Five methods on the digits, each at the best of several rates: the plots of Adam's paper."""

from __future__ import annotations

from typing import Any

import numpy as np

import lectopt
from lectopt.pictures.gallery import Verdict
from lectopt.pictures.gallery.digits_nets import samples, trained
from lectopt.pictures.style import style

CLAIM = (
    "Adam's plots: its training cost falls faster than that of AdaGrad, RMSProp and SGD with "
    "Nesterov's momentum. (Liège, after Kingma and Ba 2015)"
)
SMALL = dict(points=4, every=15, rates=3, methods=("adagrad", "adam"))


def measure(
    points: int = 20,
    every: int = 20,
    rates: int = 7,
    methods: tuple[str, ...] = ("sgd", "nesterov", "adagrad", "rmsprop", "adam"),
) -> dict[str, Any]:
    """The training loss of each at the rate with the least geometric mean of it over the run."""
    data, found, chosen = samples(), {}, {}
    grid = np.geomspace(1e-3, 1.0, rates)
    for name in methods:
        loss = trained(getattr(lectopt, name), grid, data, points=points, every=every)["train"]
        best = int(np.log(loss).mean(axis=1).argmin())
        found[name], chosen[name] = loss[best], grid[best]
    return dict(losses=found, rates=chosen, every=every)


def verdict(found: dict[str, Any]) -> Verdict:
    """Adam's loss at the end, and its mean over the run, are the least."""
    means = {k: float(np.exp(np.log(v).mean())) for k, v in found["losses"].items()}
    ends = {k: v[-1] for k, v in found["losses"].items()}
    told = ", ".join(
        f"{k} {means[k]:.3f} ({ends[k]:.4f})" for k in sorted(means, key=means.__getitem__)
    )
    return Verdict(
        min(means, key=means.__getitem__) == "adam" == min(ends, key=ends.__getitem__),
        "a net of 32 hidden units, each method at the best of its rates: the geometric mean of "
        f"the training loss over the run (in brackets, its end) is {told}.",
    )


def draw(found: dict[str, Any], figure: Any) -> None:
    """The losses."""
    axes = figure.subplots()
    for k, (name, loss) in enumerate(found["losses"].items()):
        label = f"{name}, rate {found['rates'][name]:.2g}"
        axes.plot(np.arange(len(loss)) * found["every"], loss, lw=1.5, label=label, **style(k))
    axes.set(yscale="log", xlabel="update", ylabel="training loss")
    axes.legend()
