"""What a sweep found, as those who take part in a race."""

from __future__ import annotations

from typing import Any

from lectopt.landscapes import Landscape
from lectopt.pictures.racers import Racer


def of_result(
    result: Any, landscape: Landscape | None, steps: int | None
) -> tuple[list[Racer], Landscape, int]:
    """The best configuration of each optimizer, the landscape they were swept on, the steps.

    Raises:
      ValueError: the result was read from a directory, it is not of a landscape, or an optimizer
        has diverged in every configuration.
    """
    if result.rebuild is None:
        raise ValueError(
            "the optimizers are not known of a result that was read from a directory; make the "
            "call of sweep again, which returns a finished sweep, and race that"
        )
    best = result.best()
    settings = [name for name in best.columns if name in _settings(result)]
    runners = []
    for row in best.to_dict("records"):
        name = str(row["optimizer"])
        if row[result.problem_metric] != row[result.problem_metric]:
            raise ValueError(f"{name!r} has diverged in every configuration")
        given = {k: row[k] for k in settings if row[k] is not None and row[k] == row[k]}
        problem, optimizer, planned = result.rebuild(name, given)
        landscape = getattr(problem.evaluate, "landscape", None) if landscape is None else landscape
        if landscape is None:
            raise ValueError(
                "a race is on a landscape, and the sweep was not of one; write "
                "race(result, landscape), or pictures.curves(result)"
            )
        steps = planned if steps is None else steps
        said = ", ".join(f"{k} {_number(v)}" for k, v in given.items())
        runners.append(Racer(f"{name}, {said}" if said else name, optimizer))
    assert landscape is not None and steps is not None
    return runners, landscape, steps


def _settings(result: Any) -> list[str]:
    """The columns between `optimizer` and `seed`."""
    columns = list(result.table().columns)
    return columns[columns.index("optimizer") + 1 : columns.index("seed")]


def _number(value: Any) -> str:
    return f"{value:.2g}" if isinstance(value, float) else str(value)
