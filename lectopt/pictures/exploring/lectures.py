"""The explorer of the lectures' optimizers and landscapes, which is on the documentation's site."""

from __future__ import annotations

from pathlib import Path

import lectopt
from lectopt import landscapes
from lectopt.pictures.exploring import explorer

MAKERS = [
    lectopt.sgd,
    lectopt.momentum,
    lectopt.nesterov,
    lectopt.adam,
    lectopt.rmsprop,
    lectopt.adagrad,
    lectopt.adadelta,
    lectopt.nadam,
]
GROUNDS = [
    landscapes.long_valley(),
    landscapes.ravine(),
    landscapes.beale(),
    landscapes.rosenbrock(),
    landscapes.himmelblau(),
    landscapes.double_well(),
    landscapes.saddle(),
]


def write(path: str | Path) -> None:
    """The page, as a whole."""
    explorer(MAKERS, GROUNDS, path=path)
