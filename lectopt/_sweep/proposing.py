"""Configurations that a study of Optuna proposes, a tile's worth at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from lectopt._sweep.drawing import draw
from lectopt._sweep.opening import opened
from lectopt._sweep.records import Record
from lectopt._sweep.running import Runner
from lectopt._sweep.space import Configuration, spaces
from lectopt._sweep.store import Store, known_records
from lectopt._sweep.study import Study
from lectopt._sweep.workers import Bench

AT_ONCE = 8  # configurations, by default

Given = tuple[str, Mapping[str, Any]]
GoesOn = Callable[[int, np.ndarray], np.ndarray]


def points(steps: int, every: int) -> list[int]:
    """Where a pruner is asked: at every point of the curves but the last."""
    return [*range(every, steps, every)]


class Left(Exception):
    """It was told to stop."""


class Proposed:
    """Trains what is proposed.

    Args:
        study: What is trained.
        seeds: For every configuration.
        store: What is known.
        width: The lanes of a tile.
        prunes: Whether configurations may be given up.
        accept: Sections in which the directory may differ.
        runner: From programs, what runs them.
    """

    def __init__(
        self,
        study: Study,
        seeds: Sequence[int],
        store: Store,
        width: int,
        prunes: bool,
        accept: Sequence[str],
        runner: Callable[[Bench], Runner],
    ) -> None:
        self.study, self.seeds, self.store, self.accept = study, seeds, store, accept
        self.width, self.make_runner = width, runner
        self.rungs = points if prunes else _none
        self.runner: Runner | None = None
        self.seen: dict[str, Configuration] = {}

    def train(self, given: Sequence[Given], goes_on: GoesOn) -> list[list[Record]]:
        """The records of configurations, by configuration and seed."""
        asked = [Configuration(optimizer, settings) for optimizer, settings in given]
        ones = [*{one.key: one for one in asked}.values()]
        self.study.check(ones)
        self.seen |= {one.key: one for one in ones}
        bench = None if self.runner is None else self.runner.bench
        bench, first, _ = opened(
            self.study, ones, self.seeds, None, self.width, self.store, self.accept, bench,
            self.rungs,
        )  # fmt: skip
        if self.runner is None:
            self.runner = self.make_runner(bench)

        def choose(rung: int, going: Sequence[Configuration], scores: np.ndarray) -> list[bool]:
            group = self.study.group(going[0])
            known = dict(zip((one.key for one in going), scores, strict=True))
            every = np.array([known.get(one.key, np.nan) for one in asked])
            lives = goes_on(self.rungs(group.steps, group.every)[rung], every)
            left = {one.key for one, alive in zip(asked, lives, strict=True) if alive}
            return [one.key in left for one in going]

        self.runner.train(ones, self.seeds, self.rungs, choose, first)
        if self.runner.stop():  # before anything untrue is told: its trials are trained again
            raise Left
        return [self.records(one) for one in asked]

    def records(self, one: Configuration) -> list[Record]:
        """What is known of a configuration."""
        assert self.runner is not None
        steps = self.study.group(one).steps
        wanted = [(one, seed, steps) for seed in self.seeds]
        return known_records(self.store, wanted, self.runner.culled)


def _none(steps: int, every: int) -> list[int]:
    del steps, every
    return []


def example_of(
    study: Study, space: Mapping[str, Any], sampler: Any, samples: int | None, halving: Any
) -> tuple[dict[str, dict[str, Any]], Configuration]:
    """By optimizer, what is searched; and a configuration of it.

    Raises:
        ValueError: The sampler is no study, or does not go with the other arguments.
    """
    if not all(callable(getattr(sampler, name, None)) for name in ("ask", "tell", "get_trials")):
        raise ValueError(f"wanted sampler='sobol', 'random' or an optuna.Study, got {sampler!r}")
    if samples is None:
        raise ValueError("a study proposes for ever; say how many trials there are to be: samples=")
    if halving is not None:
        raise ValueError("a study has a pruner of its own, and needs no halving=")
    axes = spaces(space, study.makers, study.asking_problem)
    name = next(iter(axes))
    return axes, Configuration(name, draw(axes[name], 1)[0] if axes[name] else {})


def proposals(
    study: Study,
    axes: dict[str, dict[str, Any]],
    seeds: Sequence[int],
    samples: Any,
    sampler: Any,
    tile: Any,
    store: Store,
    accept: Sequence[str],
    runner: Callable[[Bench], Runner],
    column: str,
    direction: str,
) -> tuple[list[Record], bool]:
    """The records of all that is proposed, and whether that was all."""
    from optuna.pruners import NopPruner

    from lectopt._sweep.optuna_driver import drive

    width = AT_ONCE if tile == "auto" else tile
    prunes = not isinstance(sampler.pruner, NopPruner)
    trainer = Proposed(study, seeds, store, width, prunes, accept, runner)
    try:
        return drive(sampler, axes, samples, width, trainer.train, column, direction), True
    except Left:
        found = [record for one in trainer.seen.values() for record in trainer.records(one)]
        return found, False
