"""One configuration of a sweep, trained again with its weights kept."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lectopt._sweep.configurations import Configuration

if TYPE_CHECKING:
    from lectopt._sweep.result import SweepResult
    from lectopt.training.run import Run


def refit(
    result: SweepResult, row: Mapping[str, Any] | None, seed: int, arguments: Mapping[str, Any]
) -> Run:
    """See `SweepResult.refit`."""
    from lectopt.training.fitting import fit

    if result.rebuild is None:
        raise ValueError(
            "the problem is not known of a result that was read from a directory. Make the call of "
            "sweep again, which returns a finished sweep, and refit that."
        )
    name, settings, known = _chosen(result, row)
    problem, optimizer, steps = result.rebuild(name, settings)
    given = dict(arguments)
    if "steps" not in given and "epochs" not in given:
        given["steps"] = steps
        if known is not None:
            given.setdefault("eval_every", int(next(iter(known.records.values())).at_steps[0]))
    return fit(problem, optimizer, seed=seed, **given)


def _chosen(
    result: SweepResult, row: Mapping[str, Any] | None
) -> tuple[str, Mapping[str, object], Configuration | None]:
    """The optimizer and the settings, and the configuration if the sweep has trained it."""
    if row is None:
        best = result.best()
        if not len(best) or best[result.problem_metric].isna().iloc[0]:
            raise ValueError("no configuration was trained to the end without a divergence")
        row = best.to_dict("records")[0]
    if not callable(getattr(row, "keys", None)):
        raise ValueError(
            "wanted a row of table() or best(), such as result.table().iloc[0], or a dict of "
            f"optimizer and settings, got {row!r}"
        )
    given: dict[str, Any] = dict(row)
    only = next(iter(result.configurations)) if len(result.configurations) == 1 else None
    name = str(given.get("optimizer", only))
    if name not in result.configurations:
        raise ValueError(
            f"wanted a row with one of the optimizers {list(result.configurations)}, got "
            f"optimizer={name!r}"
        )
    for one in result.configurations[name]:
        # A column that holds other numbers too, or none, has made 16 of 16.0; what counts is equal.
        if all(_equal(given.get(key), value) for key, value in one.settings.items()):
            return name, one.settings, one
    names = {key for one in result.configurations[name] for key in one.settings}
    return name, {k: v for k, v in given.items() if k in names and not _missing(v)}, None


def _equal(given: Any, value: object) -> bool:
    # Words such as "16" are no numbers, and of arrays and the like only the same object is equal.
    if given is value:
        return True
    plain = (str, bool, int, float, np.generic, type(None))
    return isinstance(given, plain) and isinstance(value, plain) and bool(given == value)


def _missing(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)
