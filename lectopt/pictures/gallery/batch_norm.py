"""A deep sigmoid network on the digits without and with batch normalisation: updates needed."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

import lectopt
from lectopt.pictures.gallery import Verdict
from lectopt.pictures.gallery.digits_nets import samples, trained
from lectopt.pictures.style import style

CLAIM = (
    "Batch normalisation's results: the same accuracy in many times fewer steps, and it allows "
    "larger rates. (Liège, after Ioffe and Szegedy 2015)"
)
SMALL = dict(points=12, every=25, rates=4)
ENOUGH = 0.1  # share of the test digits that may be wrong


def measure(points: int = 60, every: int = 25, rates: int = 9, depth: int = 3) -> dict[str, Any]:
    """The test error by update and rate, of SGD."""
    data, grid = samples(), np.geomspace(0.01, 30.0, rates)
    both = {
        name: trained(
            lectopt.sgd, grid, data, points=points, every=every, batch=60, normalise=name == "with",
            widths=(64, *[50] * depth, 10), activation=jax.nn.sigmoid, gain=1.0,
        )["error"]
        for name in ("without", "with")
    }  # fmt: skip
    return dict(errors=both, rates=grid, every=every)


def needed(found: dict[str, Any]) -> dict[str, np.ndarray]:
    """Updates until the error is small enough and stays so, by rate; infinite if it is not."""
    taken = {}
    for name, errors in found["errors"].items():
        late = (errors > ENOUGH)[:, ::-1]
        last = np.where(late.any(axis=1), errors.shape[1] - late.argmax(axis=1), 0)
        taken[name] = np.where(last < errors.shape[1], last * found["every"], np.inf)
    return taken


def verdict(found: dict[str, Any]) -> Verdict:
    """Each at its best rate: less than half the updates; and a larger one among the rates that get
    there."""
    taken, rates = needed(found), found["rates"]
    best = {name: values.min() for name, values in taken.items()}
    largest = {name: rates[np.isfinite(v)].max(initial=0) for name, v in taken.items()}
    told = {k: f"{v:.0f}" if np.isfinite(v) else "more than were made" for k, v in best.items()}
    return Verdict(
        bool(best["with"] < best["without"] / 2 and largest["with"] > largest["without"]),
        f"to a test error that stays below {100 * ENOUGH:.0f} % it takes {told['without']} updates "
        f"without and {told['with']} with it, each at its best rate; the largest rates that get "
        f"there are {largest['without']:.2g} and {largest['with']:.2g}.",
    )


def draw(found: dict[str, Any], figure: Any) -> None:
    """The errors at the best rate, and updates by rate."""
    left, right = figure.subplots(1, 2)
    taken = needed(found)
    for k, (name, errors) in enumerate(found["errors"].items()):
        best = int(errors.mean(axis=1).argmin())
        label = f"{name} batch norm, rate {found['rates'][best]:.2g}"
        steps = np.arange(errors.shape[1]) * found["every"]
        left.plot(steps, 100 * errors[best], lw=1.5, label=label, **style(k))
        right.plot(found["rates"], taken[name], marker="o", ms=4, lw=1.5, **style(k))
    left.axhline(100 * ENOUGH, color="black", lw=0.8, ls=":")
    left.set(xlabel="update", title="test error in %, at the best rate", ylim=(0, 100))
    right.set(xscale="log", xlabel="learning rate", title="updates needed")
    left.legend(fontsize=8)
