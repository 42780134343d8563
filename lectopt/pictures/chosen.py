"""The best configuration of each optimizer of a sweep, and what a legend says of it."""

from __future__ import annotations

import textwrap
from typing import Any

from lectopt._sweep.configurations import Configuration, best_of
from lectopt._sweep.result import SweepResult
from lectopt.training.choosing import chosen
from lectopt.training.streams import random_streams


def best_configurations(result: SweepResult) -> dict[str, Configuration]:
    """By optimizer, by the problem's own metric.

    Raises:
      ValueError: every configuration has diverged, or none is trained.
    """
    column, direction = result.judged(None, None)
    found = {
        name: best_of(own, column, direction, result.seeds)[0]
        for name, own in result.configurations.items()
    }
    best = {name: one for name, one in found.items() if one is not None}
    if not best:
        raise ValueError(
            "no configuration was trained to the end without a divergence; write smaller rates"
        )
    return best


def label(one: Configuration) -> str:
    """Its optimizer and its settings, in lines that fit under a picture."""
    told = (
        f"{key.replace('_', ' ')} {value:.3g}" if isinstance(value, float) else f"{key} {value}"
        for key, value in one.settings.items()
    )
    return textwrap.fill(", ".join([one.optimizer, *told]), 72)


def built(result: SweepResult) -> dict[str, Any]:
    """These configurations as transformations, by label.

    Raises:
      ValueError: the result was read from a directory, without its optimizers.
    """
    if result.rebuild is None:
        raise ValueError(
            "the optimizers are not known of a result that was read from a directory. Make the "
            "call of sweep again, which returns a finished sweep, and race that."
        )
    found = {}
    for name, one in best_configurations(result).items():
        _, optimizer, steps = result.rebuild(name, one.settings)
        make, values = chosen(optimizer, steps, random_streams(0).optimizer)
        found[label(one)] = make(values)
    return found
