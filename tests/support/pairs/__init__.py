"""Pairs of optimizers of known truth: a judge of `same_update` that does not ask it."""

import numpy as np

from tests.support.pairs import (  # they enter themselves
    chains,
    formulas,
    groups,
    makers,
    momenta,
    numbers,
    rare,
    rules,
    shapes,
    sums,
    wrappers,
)  # fmt: skip
from tests.support.pairs.known import FAMILIES, KnownPair, Witness, drawn

__all__ = ["FAMILIES", "KnownPair", "Witness", "pairs"]


def pairs(seed: int, count: int) -> list[KnownPair]:
    """So many pairs, of each family as many as of another."""
    order = np.random.default_rng(seed).permutation(sorted(FAMILIES))
    return [drawn(order[k % len(order)], (seed, k)) for k in range(count)]
