"""What is trained, on which data; and one training of it."""

import sys as _sys

from lectopt.display import offer as _offer
from lectopt.training.callbacks import converged, tensorboard
from lectopt.training.data import digits, split_data, standardize
from lectopt.training.diagnosing import Diagnosis, Verdict, diagnose
from lectopt.training.fitting import fit
from lectopt.training.order import batch_indices, epoch_permutation, stratified_batches
from lectopt.training.problem import Problem
from lectopt.training.range_test import RangeTest, learning_rate_range_test
from lectopt.training.resuming import read_run
from lectopt.training.run import Best, Run, Stopped
from lectopt.training.statistics import (
    GradientStatistics,
    gradient_drift,
    gradient_statistics,
)
from lectopt.training.streams import Streams, random_streams

__all__ = [
    "Best",
    "Diagnosis",
    "GradientStatistics",
    "Problem",
    "RangeTest",
    "Run",
    "Stopped",
    "Streams",
    "Verdict",
    "batch_indices",
    "converged",
    "diagnose",
    "digits",
    "epoch_permutation",
    "fit",
    "gradient_drift",
    "gradient_statistics",
    "learning_rate_range_test",
    "random_streams",
    "read_run",
    "split_data",
    "standardize",
    "stratified_batches",
    "tensorboard",
]

_offer(_sys.modules[__name__])
