"""`optax.contrib` 0.2.8: its names, arguments, defaults and numbers.

They differ from Optax's of complex weights in `simplified_ademamix`, `cocob` and `mechanize`, and
in `muon` with the norm of Schatten, where Optax has squares that should be absolute.
"""

from lectopt.dialects.optax.contrib.averages import (
    sam,
    schedule_free,
    schedule_free_adamw,
    schedule_free_sgd,
)
from lectopt.dialects.optax.contrib.directions import (
    ademamix,
    adopt,
    muon,
    normalize,
    simplified_ademamix,
)
from lectopt.dialects.optax.contrib.distances import cocob, dog, dowg, mechanize, prodigy

__all__ = [
    "ademamix",
    "adopt",
    "cocob",
    "dog",
    "dowg",
    "mechanize",
    "muon",
    "normalize",
    "prodigy",
    "sam",
    "schedule_free",
    "schedule_free_adamw",
    "schedule_free_sgd",
    "simplified_ademamix",
]
