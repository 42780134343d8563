"""What `explain` prints of an optimizer, evaluated beside it on a small tree."""

import re
from typing import Any

import numpy as np
import optax

from tests.support.pairs.running import doubles
from tests.support.pairs.trees import history, tree, widened
from tests.support.printed import Equations, Unreadable

PARAMS = tree(b=(4,), w=(3, 4))
NEAR = 2e-4  # of the largest number of a leaf: float32 and what it is read with


def page_gap(tx: Any, text: str, numbers: Any, kind: str, seed: int = 0) -> float:
    """How far the printed weights are from those of the optimizer.

    The page is arithmetic in float64, the optimizer a program for the types of its leaves, so it
    is run in float32 and in float64, and the page may follow either.

    Raises:
      Unreadable: what is printed cannot be evaluated.
    """
    weights, *gradients = history(np.random.default_rng(seed), PARAMS, kind)
    printed = _printed(text, numbers, weights, gradients)
    gaps = [_gap(printed, _run(tx, weights, gradients))]
    with doubles():
        gaps.append(_gap(printed, _run(tx, widened(weights), widened(gradients))))
    return min(gaps)


def _printed(text: str, numbers: Any, weights: Any, gradients: list[Any]) -> list[Any]:
    page = Equations(text, {k: np.asarray(x, np.float64) for k, x in weights.items()}, numbers)
    for time, now in enumerate(gradients, 1):
        for leaf, g in now.items():
            page.give(time, leaf, g=np.asarray(g, np.float64), L=1.0)
    times = range(1, len(gradients) + 1)
    return [{leaf: page("θ", t, leaf) for leaf in weights} for t in times]


def _run(tx: Any, weights: Any, gradients: list[Any]) -> list[Any]:
    update = optax.with_extra_args_support(tx).update
    state, path = tx.init(weights), []
    for g in gradients:
        moves, state = update(g, state, weights)
        weights = optax.apply_updates(weights, moves)
        path.append(weights)
    return path


def _gap(printed: list[Any], path: list[Any]) -> float:
    largest = 0.0
    for row, weights in zip(printed, path, strict=True):
        for leaf, x in weights.items():
            x = np.asarray(x, np.float64)
            y = np.broadcast_to(row[leaf], x.shape)
            with np.errstate(all="ignore"):
                alike = (x == y) | (np.isnan(x) & np.isnan(y))
                gap = np.where(alike, 0, np.abs(x - y) / (1 + np.max(np.abs(x))))
            largest = max(largest, float(np.nan_to_num(gap, nan=np.inf).max()))
    return largest


def needs_more(text: str) -> bool:
    """Whether the page speaks of what is not given here: a loss, another argument."""
    return re.search("^ *reads (?!params$)", text, re.MULTILINE) is not None


__all__ = ["NEAR", "PARAMS", "Unreadable", "needs_more", "page_gap"]
