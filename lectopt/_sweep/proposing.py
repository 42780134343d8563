"""Configurations that a study of Optuna proposes, a tile's worth at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from lectopt._sweep.drawing import draw
from lectopt._sweep.opening import opened
from lectopt._sweep.records import Record
from lectopt._sweep.session import Session
from lectopt._sweep.space import Configuration, spaces
from lectopt._sweep.store import known_records
from lectopt._sweep.study import Study

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
        session: The sweep.
        width: The lanes of a tile.
        prunes: Whether configurations may be given up.
    """

    def __init__(self, session: Session, width: int, prunes: bool) -> None:
        self.session = session
        session.tile = width
        self.rungs = points if prunes else _none
        self.seen: dict[str, Configuration] = {}

    def train(self, given: Sequence[Given], goes_on: GoesOn) -> list[list[Record]]:
        """The records of configurations, by configuration and seed."""
        session, study = self.session, self.session.study
        asked = [Configuration(optimizer, settings) for optimizer, settings in given]
        ones = [*{one.key: one for one in asked}.values()]
        study.check(ones)
        self.seen |= {one.key: one for one in ones}
        bench, first, _ = opened(session, ones, None, self.rungs)
        runner = session.runner or session.start(bench)

        def choose(rung: int, going: Sequence[Configuration], scores: np.ndarray) -> list[bool]:
            group = study.group(going[0])
            known = dict(zip((one.key for one in going), scores, strict=True))
            every = np.array([known.get(one.key, np.nan) for one in asked])
            lives = goes_on(self.rungs(group.steps, group.every)[rung], every)
            left = {one.key for one, alive in zip(asked, lives, strict=True) if alive}
            return [one.key in left for one in going]

        runner.train(ones, session.seeds, self.rungs, choose, first)
        if session.stop():  # before anything untrue is told: its trials are trained again
            raise Left
        return [self.records(one) for one in asked]

    def records(self, one: Configuration) -> list[Record]:
        """What is known of a configuration."""
        session = self.session
        assert session.runner is not None
        steps = session.study.group(one).steps
        wanted = [(one, seed, steps) for seed in session.seeds]
        return known_records(session.store, wanted, session.runner.culled)


def _none(steps: int, every: int) -> list[int]:
    del steps, every
    return []


def searched(
    study: Study, space: Mapping[str, Any], sampler: Any, samples: int | None, halving: Any
) -> tuple[int, dict[str, dict[str, Any]], Configuration]:
    """How many trials there are to be; by optimizer, what is searched; and a configuration of it.

    Raises:
        ValueError: The sampler is no study, or does not go with the other arguments.
    """
    if not all(callable(getattr(sampler, name, None)) for name in ("ask", "tell", "get_trials")):
        raise ValueError(
            f"wanted sampler='sobol', 'random' or an optuna.Study, got {sampler!r}. Of one of "
            "Optuna's samplers make a study: optuna.create_study(sampler=...)."
        )
    if samples is None:
        raise ValueError("a study proposes for ever; say how many trials there are to be: samples=")
    if halving is not None:
        raise ValueError("a study has a pruner of its own, and needs no halving=")
    axes = spaces(space, study.makers, study.asking_problem)
    name = next(iter(axes))
    return samples, axes, Configuration(name, draw(axes[name], 1)[0] if axes[name] else {})


def proposals(
    study: Any, count: int, axes: dict[str, dict[str, Any]], session: Session
) -> tuple[list[Record], bool]:
    """The records of all that a study of Optuna proposes, and whether that was all.

    Args:
        study: It.
        count: How many trials there are to be.
        axes: By optimizer, what is searched.
        session: The sweep.
    """
    from optuna.pruners import NopPruner

    from lectopt._sweep.optuna_driver import drive

    width = AT_ONCE if session.tile == "auto" else session.tile
    trainer = Proposed(session, width, prunes=not isinstance(study.pruner, NopPruner))
    try:
        records = drive(study, axes, count, width, trainer.train, session.column, session.direction)
    except Left:
        return [x for one in trainer.seen.values() for x in trainer.records(one)], False
    session.store.finish()
    return records, True
