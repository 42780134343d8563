"""What is trained, on which data."""

from lectopt.training.data import digits, split_data, standardize
from lectopt.training.order import batch_indices, epoch_permutation
from lectopt.training.problem import Problem
from lectopt.training.streams import Streams, random_streams

__all__ = [
    "Problem",
    "Streams",
    "batch_indices",
    "digits",
    "epoch_permutation",
    "random_streams",
    "split_data",
    "standardize",
]
