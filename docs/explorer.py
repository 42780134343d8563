"""The explorer of this site: which optimizers and landscapes are on it. `docs/conf.py` writes it
beside the other pages; `python docs/explorer.py explorer.html` writes it alone."""

import sys
from pathlib import Path

import lectopt
from lectopt import landscapes, pictures

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
    pictures.explorer(MAKERS, GROUNDS, path=path)


if __name__ == "__main__":
    write(sys.argv[1])
