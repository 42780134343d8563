"""What is trained, on which data; and one training of it."""

import sys as _sys

from lectopt.display import offer as _offer
from lectopt.training.callbacks import converged, tensorboard
from lectopt.training.data import digits, split_data, standardize
from lectopt.training.fitting import fit
from lectopt.training.order import batch_indices, epoch_permutation
from lectopt.training.problem import Problem
from lectopt.training.resuming import read_run
from lectopt.training.run import Best, Run, Stopped
from lectopt.training.streams import Streams, random_streams

__all__ = [
    "Best",
    "Problem",
    "Run",
    "Stopped",
    "Streams",
    "batch_indices",
    "converged",
    "digits",
    "epoch_permutation",
    "fit",
    "random_streams",
    "read_run",
    "split_data",
    "standardize",
    "tensorboard",
]

_offer(_sys.modules[__name__])
