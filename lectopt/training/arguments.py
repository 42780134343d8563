"""What the arguments of `fit` may be, refused in words before anything runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lectopt.training.calling import check_function
from lectopt.training.problem import Problem

POINTS = 20  # evaluations of a run, by default


def check_arguments(
    problem: Any,
    patience: Any,
    callbacks: Any,
    on_nonfinite: Any,
    directory: Any,
    accept_changes: Any,
    progress: Any,
) -> None:
    """Refuse what `fit` cannot do; see there.

    Raises:
        ValueError: Saying what to write.
    """
    if not isinstance(problem, Problem):
        hint = " Call it." if callable(problem) else ""
        raise ValueError(f"wanted a lectopt.Problem, got {problem!r}.{hint}")
    if accept_changes and directory is None:
        raise ValueError("accept_changes is about what a directory holds; give directory=, too")
    if on_nonfinite not in ("stop", "skip", "raise"):
        raise ValueError(
            f"wanted on_nonfinite to be 'stop', 'skip' or 'raise', got {on_nonfinite!r}"
        )
    if progress not in (None, True, False):
        raise ValueError(f"wanted progress to be None, True or False, got {progress!r}")
    if isinstance(accept_changes, str):
        raise ValueError(f"wanted accept_changes=({accept_changes!r},), got {accept_changes!r}")
    if not isinstance(callbacks, Sequence) or not all(map(callable, callbacks)):
        raise ValueError(f"wanted callbacks=[function, ...], got {callbacks!r}")
    for callback in callbacks:
        check_function(callback, "a callback", "run")
    if patience is not None:
        whole("patience", patience)
        if "validation" not in problem.data:
            raise ValueError(
                'patience needs a split to judge by: data={"train": ..., "validation": ...}'
            )


def total_steps(problem: Problem, steps: int | None, epochs: float | None) -> int:
    """The number of updates of the run.

    Raises:
        ValueError: Neither or both are given, or not a positive number.
    """
    if (steps is None) == (epochs is None):
        raise ValueError(f"give steps or epochs, one of them; got steps={steps}, epochs={epochs}")
    if steps is not None:
        return whole("steps", steps)
    if (
        isinstance(epochs, bool)
        or not isinstance(epochs, int | float | np.number)
        or not 0 < epochs < np.inf
    ):
        raise ValueError(f"wanted a positive number of epochs, got {epochs!r}")
    return max(problem.steps(float(epochs)), 1)


def steps_and_every(
    problem: Problem, steps: int | None, epochs: float | None, eval_every: Any
) -> tuple[int, int]:
    """The number of updates of a run, and of those between two evaluations.

    Raises:
        ValueError: An argument does not fit.
    """
    total = total_steps(problem, steps, epochs)
    return total, steps_between(problem, eval_every, total)


def steps_between(problem: Problem, eval_every: Any, total: int) -> int:
    """The number of updates between two evaluations.

    Raises:
        ValueError: It is no such number.
    """
    if eval_every is None:
        return -(-total // POINTS)
    return problem.steps_per_epoch if eval_every == "epoch" else whole("eval_every", eval_every)


def whole(name: str, value: Any) -> int:
    """An integer, at least 1.

    Raises:
        ValueError: It is none.
    """
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
        raise ValueError(f"wanted an integer for {name}, at least 1, got {value!r}")
    return int(value)
