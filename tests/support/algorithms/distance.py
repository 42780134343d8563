"""Rates that are found on the way: DoG, DoWG, COCOB, Polyak's step."""

from functools import partial as part
from typing import Any

import optax

import lectopt
from tests.support import twins
from tests.support.algorithms.algorithm import Algorithm

LETTERS = dict(initial="first", weight_decay="lam")


def optax_dog(learning_rate: Any, initial: Any, **settings: Any) -> Any:
    """Optax's, whose first distance is a pair."""
    return optax.contrib.dog(learning_rate, ("heuristic", initial), **settings)


def optax_dowg(learning_rate: Any, initial: Any, **settings: Any) -> Any:
    """Optax's, with its name for the first distance."""
    return optax.contrib.dowg(learning_rate, initial, **settings)


def polyak_sgd(
    learning_rate: Any, max_learning_rate: Any, f_min: Any, eps: Any, variant: Any = "sps"
) -> lectopt.Transformation:
    """Polyak's step along gradients of any scale."""
    return lectopt.polyak_sgd(max_learning_rate, learning_rate, f_min, eps, variant)


DISTANCE = (
    Algorithm(
        "dog",
        lectopt.dog,
        twins.dog,
        dict(initial=1e-2, eps=1e-3, weight_decay=0.1),
        LETTERS,
        optax=optax_dog,
        source="Ivgi, Hinder and Carmon 2023, Optax",
    ),
    Algorithm(
        "dog/rate",
        part(lectopt.dog, initial_as="rate"),
        part(twins.dog, how="rate"),
        dict(initial=1e-2, eps=1e-3),
        LETTERS,
        source="Optax",
    ),
    Algorithm(
        "dog/distance",
        part(lectopt.dog, initial_as="distance"),
        part(twins.dog, how="distance"),
        dict(initial=1e-2, eps=1e-3),
        LETTERS,
        source="Optax",
    ),
    Algorithm(
        "dowg",
        lectopt.dowg,
        twins.dowg,
        dict(initial=1e-2, eps=1e-3, weight_decay=0.1),
        LETTERS,
        optax=optax_dowg,
        source="Khaled, Mishchenko and Jin 2023, Optax",
    ),
    Algorithm(
        "cocob",
        lectopt.cocob,
        twins.cocob,
        dict(alpha=20.0, eps=1e-2, weight_decay=0.1),
        LETTERS,
        optax=optax.contrib.cocob,
        source="Orabona and Tommasi 2017, Optax",
    ),
    Algorithm(
        "polyak_sgd",
        polyak_sgd,
        twins.polyak,
        dict(max_learning_rate=5.0, f_min=0.9, eps=1e-2),
        dict(max_learning_rate="bound"),
        source="Loizou et al. 2021, Optax",
        any_history=False,  # it divides by |g|^2, so that a small gradient magnifies any rounding
    ),
)
