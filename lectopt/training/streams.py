"""The random streams of a training, all of its seed alone."""

from __future__ import annotations

from typing import NamedTuple

import jax
import numpy as np


class Streams(NamedTuple):
    """The random streams of a training: its start, its order of the data, its noise (dropout), and
    that of its optimizer."""

    init: jax.Array
    data: jax.Array
    noise: jax.Array
    optimizer: jax.Array


def random_streams(seed: int) -> Streams:
    """The streams of a seed. No optimizer is in them: trainings with the same seed are paired.

    Args:
        seed: In `[0, 2**32)`.

    Raises:
        ValueError: It is no integer of that range.
    """
    whole = isinstance(seed, int | np.integer) and not isinstance(seed, bool)
    if not whole or not 0 <= seed < 2**32:
        raise ValueError(f"wanted a seed that is an integer in [0, 2**32), got {seed!r}")
    return Streams(*jax.random.split(jax.random.key(np.uint32(seed)), 4))
