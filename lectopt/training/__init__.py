"""What is trained, on which data."""

from lectopt.training.data import batch_indices, digits, epoch_permutation, split_data, standardize
from lectopt.training.problem import Problem, Streams, random_streams

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
