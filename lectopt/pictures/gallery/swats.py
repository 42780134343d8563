"""SWATS against Adam and SGD: what each reaches on digits that it has not seen."""

from __future__ import annotations

from typing import Any

import numpy as np

import lectopt
from lectopt.pictures.gallery import Verdict
from lectopt.pictures.gallery.digits_nets import samples, trained
from lectopt.pictures.style import style

CLAIM = (
    "Adam does well in the initial portion of training, SGD generalises better, and SWATS, “which "
    "switches from Adam to SGD”, closes the gap. (STAT 479, after Keskar and Socher 2017)"
)
SMALL = dict(points=4, every=25, rates=2, seeds=1)
GRIDS = {"sgd": (0.01, 1.0), "adam": (3e-4, 3e-2), "swats": (3e-4, 3e-2)}


def measure(
    points: int = 30, every: int = 40, rates: int = 5, seeds: int = 3, count: int = 500
) -> dict[str, Any]:
    """Of each at the rate with the least mean test loss at the end: losses and errors by seed."""
    data, found, chosen = samples(count), {}, {}
    for name, (low, high) in GRIDS.items():
        grid = np.geomspace(low, high, rates)
        runs = [
            trained(getattr(lectopt, name), grid, data, points=points, every=every, seed=seed)
            for seed in range(seeds)
        ]
        ends = np.mean([run["test"][:, -1] for run in runs], axis=0)
        best = int(ends.argmin())
        chosen[name] = grid[best]
        found[name] = {k: np.stack([run[k][best] for run in runs]) for k in runs[0]}
    return dict(found=found, rates=chosen, every=every)


def verdict(found: dict[str, Any]) -> Verdict:
    """The gap between Adam and SGD at the end, if there is one, and where SWATS is."""
    early = {
        k: v["train"][:, 1 + v["train"].shape[1] // 10].mean() for k, v in found["found"].items()
    }
    end = {k: v["test"][:, -1].mean() for k, v in found["found"].items()}
    wrong = {k: v["error"][:, -1] for k, v in found["found"].items()}
    order = ("adam", "sgd", "swats")
    same = np.allclose(*(found["found"][k]["train"] for k in ("swats", "adam")), rtol=1e-3)
    switched = " SWATS, at the same rate, has not switched and is Adam to the end." if same else ""
    told = ", ".join(f"{end[k]:.3f} and {100 * wrong[k].mean():.1f} % ({k})" for k in order)
    return Verdict(
        bool(
            early["adam"] < early["sgd"]
            and end["sgd"] < end["adam"]
            and end["swats"] - end["sgd"] < (end["adam"] - end["sgd"]) / 2
        ),
        f"a tenth of the way the training losses are {early['adam']:.3f} (adam) and "
        f"{early['sgd']:.3f} (sgd). At the end the test losses and the shares of wrong digits are "
        f"{told}, each at the best of its rates.{switched}",
    )


def draw(found: dict[str, Any], figure: Any) -> None:
    """Training and test loss."""
    panels = figure.subplots(1, 2)
    for axes, what in zip(panels, ("train", "test"), strict=True):
        for k, (name, one) in enumerate(found["found"].items()):
            steps = np.arange(one[what].shape[1]) * found["every"]
            label = f"{name}, rate {found['rates'][name]:.2g}"
            axes.plot(steps, one[what].mean(axis=0), lw=1.5, label=label, **style(k))
            axes.fill_between(
                steps, one[what].min(axis=0), one[what].max(axis=0), alpha=0.15, lw=0,
                color=style(k)["color"],
            )  # fmt: skip
        axes.set(
            yscale="log",
            xlabel="update",
            title=f"{what} loss",
        )
    panels[0].legend(fontsize=8)
