"""A study of Optuna that proposes configurations, many at a time.

It is asked for as many trials as a tile has room for; all of them are trained for all seeds, and it
is told the means. What it decides is kept in its own storage, so that a study can be gone on with;
what was trained stands in the directory of the sweep.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from lectopt._sweep.optuna_spaces import Space, Spaces
from lectopt._sweep.records import Record

Configuration = tuple[str, Mapping[str, object]]
# From the step and the score of each configuration, NaN where a seed diverged, to which go on.
GoesOn = Callable[[int, np.ndarray], np.ndarray]
Train = Callable[[Sequence[Configuration], GoesOn], Sequence[Sequence[Record]]]

MARK = "lectopt"  # the attribute of a trial that says who trains it
STALE = 3600.0  # seconds after which nobody on another machine trains it any more


def drive(
    study: Any,
    spaces: Spaces,
    samples: int,
    at_once: int,
    train: Train,
    column: str,
    direction: str,
) -> list[Record]:
    """Train what a study proposes until it has so many trials of this sweep.

    A trial's value is the mean over the seeds; each seed is in its `user_attrs`. If a seed has
    diverged, the trial is FAIL; if the pruner has ended it, PRUNED, at a step that the records
    have, too. A trial that a killed process has left RUNNING is trained first.

    Args:
        study: An `optuna.Study` of one objective.
        spaces: By optimizer, a list or distribution for each setting.
        samples: How many trials there are to be, those of earlier calls included.
        at_once: How many are asked for before any of them is told.
        train: From configurations to their records, by configuration and seed; it calls the second
            argument at every evaluation, and ends those that do not go on.
        column: What is told, `"<split>_<metric>"`.
        direction: `"minimize"` or `"maximize"`.

    Returns:
        The records of this call.

    Raises:
        ValueError: The study has another direction, or several.
    """
    directions = [one.name.lower() for one in study.directions]
    if directions != [direction]:
        raise ValueError(
            f"the problem wants to {direction} {column}, and the study to {directions}; write "
            f"optuna.create_study(direction={direction!r})"
        )
    space = Space(spaces)
    records: list[Record] = []
    while True:
        trials = [*_abandoned(study)][:at_once]
        room = samples - sum(MARK in one.user_attrs for one in study.get_trials(deepcopy=False))
        while len(trials) < at_once and room > 0:
            trial = space.ask(study)
            trials.append(trial)
            _mark(trial)
            room -= 1
        if not trials:
            return records
        found = _trained(study, trials, space, train, column)
        records += [record for own in found for record in own]


def _trained(
    study: Any, trials: Sequence[Any], space: Space, train: Train, column: str
) -> Sequence[Sequence[Record]]:
    """The records of these trials, whose outcomes the study is told."""
    configurations = [space.configuration(trial) for trial in trials]
    running = np.ones(len(trials), bool)

    def goes_on(step: int, scores: np.ndarray) -> np.ndarray:
        for i in map(int, np.flatnonzero(running & np.isfinite(scores))):
            _mark(trials[i])
            trials[i].report(float(scores[i]), step)
            running[i] = not trials[i].should_prune()
        return running.copy()

    found = train(configurations, goes_on)
    for trial, own in zip(trials, found, strict=True):
        _tell(study, trial, own, column)
    return found


def _tell(study: Any, trial: Any, records: Sequence[Record], column: str) -> None:
    from optuna.trial import TrialState

    finals = {str(record.seed): record.finals.get(column) for record in records}
    diverged = {
        str(record.seed): record.diverged_at for record in records if record.diverged_at is not None
    }
    trial.set_user_attr("seeds", finals)
    if diverged:
        trial.set_user_attr("diverged_at", diverged)
    mean = np.mean([np.nan if x is None else x for x in finals.values()])
    # Another process may have taken it for abandoned, and have told the same.
    if any(record.culled_at is not None for record in records):
        study.tell(trial, state=TrialState.PRUNED, skip_if_finished=True)
    elif diverged or not np.isfinite(mean):
        study.tell(trial, state=TrialState.FAIL, skip_if_finished=True)
    else:
        study.tell(trial, float(mean), skip_if_finished=True)


def _mark(trial: Any) -> None:
    """Say that this process trains it, now."""
    mark = {"host": socket.gethostname(), "process": os.getpid(), "seen": time.time()}
    trial.set_user_attr(MARK, mark)


def _abandoned(study: Any) -> Iterator[Any]:
    """The trials of sweeps that are RUNNING, and that no process trains any more."""
    from optuna.trial import Trial, TrialState

    for frozen in study.get_trials(deepcopy=False, states=[TrialState.RUNNING]):
        mark = frozen.user_attrs.get(MARK)
        if mark is not None and _is_gone(mark):
            trial = Trial(
                study,
                study._storage.get_trial_id_from_study_id_trial_number(
                    study._study_id, frozen.number
                ),
            )
            _mark(trial)
            yield trial


def _is_gone(mark: Mapping[str, Any]) -> bool:
    if time.time() - mark["seen"] > STALE:
        return True
    if mark["host"] != socket.gethostname():
        return False
    if mark["process"] == os.getpid():  # what this process left behind when it was interrupted
        return True
    try:
        os.kill(mark["process"], 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
