"""Spaces as Optuna's distributions: what a study suggests, and what that means here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from lectopt._sweep.drawing import is_discrete, list_of, quantile_function


class Suggestion(NamedTuple):
    """One setting of a space, as Optuna knows it.

    Args:
        distribution: Optuna's.
        value: From what Optuna suggests to the value of the setting.
    """

    distribution: Any
    value: Callable[[Any], object]


def suggestion(name: str, distribution: object) -> Suggestion:
    """A setting's list or distribution, as Optuna's.

    `uniform`, `loguniform` and `randint` of `scipy.stats` become what they are. Of any other object
    with `ppf`, the study suggests the share of the distribution below the value, from 0 to 1.
    Values of a list that are no numbers, words, bools or None are suggested by their places.

    Raises:
        ValueError: It is no distribution.
    """
    from optuna import distributions as theirs

    quantile = quantile_function(name, distribution)
    if hasattr(distribution, "ppf"):
        kind = getattr(getattr(distribution, "dist", None), "name", None)
        ends: Any = getattr(distribution, "support", lambda: None)()
        if kind in ("uniform", "loguniform", "reciprocal"):
            low, high = map(float, ends)
            return Suggestion(theirs.FloatDistribution(low, high, log=kind != "uniform"), float)
        if kind == "randint" and is_discrete(distribution):
            return Suggestion(theirs.IntDistribution(int(ends[0]), int(ends[1])), int)
        edge = 1e-6  # of an infinite support
        return Suggestion(theirs.FloatDistribution(edge, 1 - edge), quantile)
    values = list_of(distribution)
    plain = all(isinstance(value, bool | int | float | str | None) for value in values)
    # Choices that are equal, True and 1, are one to Optuna.
    if plain and len(set(values)) == len(values):
        return Suggestion(theirs.CategoricalDistribution(values), lambda value: value)
    places = theirs.CategoricalDistribution(list(range(len(values))))
    return Suggestion(places, lambda place: values[place])


Spaces = Mapping[str, Mapping[str, object]]


class Space:
    """The spaces of all optimizers as one that Optuna can search.

    A study of several optimizers suggests `optimizer` first, and then the settings of that one; a
    setting has its own name if all optimizers that have it share its distribution, and otherwise
    the optimizer's before it, `adam.learning_rate`.
    """

    def __init__(self, spaces: Spaces) -> None:
        self._suggestions = {
            optimizer: {name: suggestion(name, own) for name, own in space.items()}
            for optimizer, space in spaces.items()
        }
        owners: dict[str, list[Any]] = {}
        for own in self._suggestions.values():
            for name, one in own.items():
                owners.setdefault(name, []).append(one.distribution)
        self._shared = {
            name: all(distribution == every[0] for distribution in every)
            for name, every in owners.items()
        }

    def ask(self, study: Any) -> Any:
        """A new trial, with all its parameters suggested."""
        trial = study.ask()
        self.configuration(trial)
        return trial

    def configuration(self, trial: Any) -> tuple[str, dict[str, object]]:
        """The optimizer and the settings of a trial, which suggests what it has not yet."""
        optimizers = list(self._suggestions)
        optimizer = (
            optimizers[0]
            if len(optimizers) == 1
            else trial.suggest_categorical("optimizer", optimizers)
        )
        own = self._suggestions[optimizer]
        return optimizer, {
            name: one.value(_suggested(trial, self._name(optimizer, name), one.distribution))
            for name, one in own.items()
        }

    def _name(self, optimizer: str, name: str) -> str:
        return name if self._shared[name] else f"{optimizer}.{name}"


def _suggested(trial: Any, name: str, distribution: Any) -> Any:
    kind = type(distribution).__name__
    if kind == "CategoricalDistribution":
        return trial.suggest_categorical(name, distribution.choices)
    suggest = trial.suggest_float if kind == "FloatDistribution" else trial.suggest_int
    return suggest(name, distribution.low, distribution.high, log=distribution.log)
