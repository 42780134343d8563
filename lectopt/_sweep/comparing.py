"""Is one optimizer better than another, each at its own tuned settings?

Settings are chosen on the even seeds and compared on the odd ones, so that the luck of the choice
flatters nobody. A seed makes the start, the order of the data and the noise, the same for both: the
comparison is paired.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lectopt._sweep.configurations import Configuration, Direction, sign
from lectopt._sweep.records import Record
from lectopt._sweep.statistics import FEWEST, interval_of_mean


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """What `SweepResult.compare` found, `print` says it.

    Args:
        a: An optimizer.
        b: The one it is compared with.
        value: The geometric mean over the pairs of the ratio of steps, or the mean of the
            difference of the metric, `a` to `b`.
        low: The lower end of its 95 % bootstrap interval; NaN with fewer than 5 pairs.
        high: The upper end.
        pairs: The seeds on which both were compared.
        column: What was compared.
        direction: Which of it is better.
        target: The level that `column` has to reach, where steps are compared.
        settings: By optimizer, the settings that were chosen.
        failed: By optimizer, the pairs in which it never arrived, or diverged. For steps they count
            as all steps; of a metric they have no difference, and are not among `pairs`.
        alike: Whether all pairs are equal.
    """

    a: str
    b: str
    value: float
    low: float
    high: float
    pairs: int
    column: str
    direction: Direction
    target: float | None
    settings: Mapping[str, Mapping[str, object]]
    failed: Mapping[str, int]
    alike: bool

    @property
    def ratio(self) -> float:
        """The steps that `a` needs for each step of `b`.

        Raises:
            ValueError: Metrics were compared.
        """
        if self.target is None:
            raise ValueError(
                "metrics were compared: read .difference, or compare(..., steps_to=a level)"
            )
        return self.value

    @property
    def difference(self) -> float:
        """By how much the metric of `a` is above that of `b`.

        Raises:
            ValueError: Steps were compared.
        """
        if self.target is not None:
            raise ValueError("steps were compared: read .ratio, or leave out steps_to=")
        return self.value

    def __str__(self) -> str:
        failures = [f"{count} of {name}" for name, count in self.failed.items() if count]
        if self.target is not None:
            if all(count == self.pairs for count in self.failed.values()):
                return (
                    f"neither {self.a} nor {self.b} reaches {self.column} {self.target:.4g} "
                    f"({self._pairs})"
                )
            said = f"{self.a} needs {self.value:.3g}x the steps of {self.b}"
            none, more = 1.0, ""
            failure = "; never arrived, counted as all steps: "
        else:
            said = f"{self.column} of {self.a} is {self.value:+.3g} from that of {self.b}"
            none, more = 0.0, f": {self.a} is {self._word}"
            failure = "; diverged, left out: "
        if math.isnan(self.low):
            said += f" ({self._pairs}: too few for an interval)"
        else:
            alike = ", all alike" * self.alike
            said += f" (95 % interval {self.low:.3g} to {self.high:.3g}, {self._pairs}{alike})"
            said += ": no difference seen" if self.low <= none <= self.high else more
        return said + (failure + ", ".join(failures) if failures else "")

    __repr__ = __str__

    @property
    def _pairs(self) -> str:
        return f"{self.pairs} pair" + "s" * (self.pairs != 1)

    @property
    def _word(self) -> str:
        return "better" if sign(self.direction) * self.value < 0 else "worse"


def compare(
    configurations: Mapping[str, Sequence[Configuration]],
    column: str,
    direction: Direction,
    target: float | None,
) -> Comparison:
    """See `SweepResult.compare`; the configurations of two optimizers by name."""
    a, b = configurations
    chosen, sides = paired(configurations, column, direction, target)
    if target is None:
        values = {name: _finals(own, column) for name, own in sides.items()}
        failed = {name: int(np.isnan(own).sum()) for name, own in values.items()}
        found = values[a] - values[b]
        found = found[np.isfinite(found)]
    else:
        steps = {name: _steps_to(own, column, direction, target) for name, own in sides.items()}
        failed = {name: int(np.isnan(own).sum()) for name, own in steps.items()}
        logs = {
            name: np.log(np.where(np.isnan(own), [r.steps for r in sides[name]], own))
            for name, own in steps.items()
        }
        found = logs[a] - logs[b]
    back = np.exp if target is not None else float
    low, high = interval_of_mean(found)
    return Comparison(
        a,
        b,
        float(back(found.mean())) if len(found) else math.nan,
        float(back(low)),
        float(back(high)),
        len(found),
        column,
        direction,
        target,
        {name: one.settings for name, one in chosen.items()},
        failed,
        len(found) >= FEWEST and bool(np.ptp(found) == 0),
    )


def paired(
    configurations: Mapping[str, Sequence[Configuration]],
    column: str,
    direction: Direction,
    target: float | None = None,
) -> tuple[dict[str, Configuration], dict[str, Sequence[Record]]]:
    """By optimizer, the configuration that is best on the even seeds, and its trainings from the
    odd ones, in pairs."""
    seeds = sorted({seed for own in configurations.values() for one in own for seed in one.records})
    even = [seed for seed in seeds if seed % 2 == 0]
    odd = [seed for seed in seeds if seed % 2]
    if not even or not odd:
        raise ValueError(
            f"settings are chosen on the even seeds and compared on the odd ones; got {seeds}. "
            "Write seeds=20 for ten pairs"
        )
    chosen = {
        name: _tuned(name, own, column, direction, target, even)
        for name, own in configurations.items()
    }
    common = [seed for seed in odd if all(seed in one.records for one in chosen.values())]
    return chosen, {name: [one.records[s] for s in common] for name, one in chosen.items()}


def arrival(record: Record, column: str, direction: Direction, target: float) -> float:
    """After how many steps a curve reaches a level, by a straight line between two points of it;
    NaN if it does not. Before the first point nothing is known, so that counts as its arrival.

    A training that diverged never arrives, wherever it has been.
    """
    if record.diverged_at is not None:
        return math.nan
    signed = sign(direction) * np.asarray(record.curves[column], float)
    level = sign(direction) * target
    reached = np.flatnonzero(signed <= level)
    if not len(reached):
        return math.nan
    i = reached[0]
    if i == 0 or not np.isfinite(signed[i - 1 : i + 1]).all():
        return float(record.at_steps[i])
    part = (signed[i - 1] - level) / (signed[i - 1] - signed[i])
    return float(record.at_steps[i - 1] + part * (record.at_steps[i] - record.at_steps[i - 1]))


def _tuned(
    name: str,
    configurations: Sequence[Configuration],
    column: str,
    direction: Direction,
    target: float | None,
    seeds: Sequence[int],
) -> Configuration:
    """The configuration that is best, on these seeds, at what is compared."""

    def rank(one: Configuration) -> tuple[float, float]:
        score = sign(direction) * one.score(column, seeds)
        score = score if math.isfinite(score) else math.inf
        if target is None:
            return 0, score
        own = [one.records[seed] for seed in seeds]
        steps = _steps_to(own, column, direction, target)
        return float(np.log(np.where(np.isnan(steps), [r.steps for r in own], steps)).mean()), score

    candidates = [one for one in configurations if all(map(one.finished, seeds))]
    if target is None:
        candidates = [one for one in candidates if math.isfinite(one.score(column, seeds))]
    if not candidates:
        raise ValueError(
            f"{name} has no configuration that was trained to the end from all the even seeds, "
            f"{list(seeds)}, without a divergence"
        )
    return min(candidates, key=rank)


def _finals(records: Sequence[Record], column: str) -> np.ndarray:
    """NaN for a training that diverged: what it left behind is no result."""
    finals = [math.nan if r.diverged_at is not None else r.finals.get(column) for r in records]
    return np.array(finals, float)


def _steps_to(
    records: Sequence[Record], column: str, direction: Direction, target: float
) -> np.ndarray:
    return np.array([arrival(record, column, direction, target) for record in records], float)


def level(
    configurations: Mapping[str, Sequence[Configuration]],
    column: str,
    direction: Direction,
    quantile: float,
) -> float:
    """See `SweepResult.level`."""
    levels = []
    for name, own in configurations.items():
        records = [record for one in own for record in one.records.values()]
        reached = np.sort([_best_point(record, column, direction) for record in records])
        wanted = reached[max(1, math.ceil(quantile * len(reached) - 1e-9)) - 1]
        if not math.isfinite(wanted):
            raise ValueError(
                f"fewer than {quantile:.0%} of the trainings of {name} end without a divergence; "
                "take a smaller quantile"
            )
        levels.append(wanted)
    if not levels:
        raise ValueError("no training is done yet")
    return float(sign(direction) * max(levels))


def _best_point(record: Record, column: str, direction: Direction) -> float:
    """The best of a curve, so that less is better; inf if it diverged."""
    values = sign(direction) * np.asarray(record.curves.get(column, ()), float)
    values = values[np.isfinite(values)]
    return float(values.min()) if record.diverged_at is None and len(values) else math.inf
