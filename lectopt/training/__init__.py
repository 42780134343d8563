"""What is trained, on which data."""

from lectopt.training.data import batch_indices as batch_indices
from lectopt.training.data import digits as digits
from lectopt.training.data import epoch_permutation as epoch_permutation
from lectopt.training.data import split_data as split_data
from lectopt.training.data import standardize as standardize
from lectopt.training.problem import Problem as Problem
from lectopt.training.problem import Streams as Streams
from lectopt.training.problem import random_streams as random_streams
