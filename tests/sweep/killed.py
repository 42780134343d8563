"""A sweep that is made to be killed: `python -m tests.sweep.killed DIRECTORY`."""

import sys

import jax
import numpy as np

from lectopt import momentum, sgd, sweep
from tests.sweep.logistic import PROBLEM


def train(directory):
    makers, space = {"sgd": sgd, "momentum": momentum}, {"learning_rate": np.logspace(-3, 0, 12)}
    return sweep(
        PROBLEM, makers, space, 3000, seeds=3, eval_every=500, tile=2, halving=3,
        directory=directory, progress=False,
    )  # fmt: skip


if __name__ == "__main__":
    jax.config.update("jax_disable_most_optimizations", True)
    print("complete" if train(sys.argv[1]).complete else "broken")
