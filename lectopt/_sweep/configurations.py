"""The trainings of a sweep by configuration: an optimizer and its settings, from several seeds.

The rule of judgement stands here: a configuration takes part with the mean over its seeds if it has
been trained to the end from every seed, without a divergence. The last finite weights of a training
that diverged may look well, and NaN is neither better nor worse than anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from lectopt._sweep.records import Record

Direction = Literal["minimize", "maximize"]
WITHIN = 0.1  # what is nearly as good as the best, as a share of its value


@dataclass(frozen=True, eq=False)
class Configuration:
    """An optimizer with its settings, and its trainings by seed."""

    optimizer: str
    settings: Mapping[str, object]
    records: Mapping[int, Record]

    @property
    def diverged(self) -> bool:
        """Whether a seed diverged."""
        return any(record.diverged_at is not None for record in self.records.values())

    @property
    def culled(self) -> bool:
        """Whether it was given up for better ones."""
        return any(record.culled_at is not None for record in self.records.values())

    def finals(self, column: str, seeds: Iterable[int] | None = None) -> np.ndarray:
        """What its trainings have reached, one number a seed; NaN where there is none."""
        chosen = self.records if seeds is None else seeds
        found = (self.records[seed].finals.get(column, np.nan) for seed in chosen)
        return np.fromiter(found, float)

    def score(self, column: str, seeds: Iterable[int]) -> float:
        """The mean of a column over these seeds; NaN for one that cannot win."""
        seeds = list(seeds)
        if not seeds or not all(self.finished(seed) for seed in seeds):
            return np.nan
        with np.errstate(invalid="ignore"):  # inf - inf
            return float(self.finals(column, seeds).mean())

    def finished(self, seed: int) -> bool:
        """Whether the training from this seed came to its end, and did not diverge."""
        record = self.records.get(seed)
        return record is not None and record.diverged_at is None and record.culled_at is None


def by_configuration(records: Iterable[Record]) -> list[Configuration]:
    """The configurations in the order of their first records."""
    groups: dict[object, dict[int, Record]] = {}
    for record in records:
        groups.setdefault((record.optimizer, identity(record.settings)), {})[record.seed] = record
    firsts = [next(iter(group.values())) for group in groups.values()]
    return [
        Configuration(first.optimizer, first.settings, group)
        for first, group in zip(firsts, groups.values(), strict=True)
    ]


def identity(settings: Mapping[str, object]) -> tuple[tuple[str, str, str], ...]:
    """What tells settings apart: 1, 1.0 and True are three values."""
    return tuple(
        (name, type(value).__name__, repr(value)) for name, value in sorted(settings.items())
    )


def best_of(
    configurations: Sequence[Configuration], column: str, direction: Direction, seeds: Sequence[int]
) -> tuple[Configuration | None, np.ndarray]:
    """The configuration with the best mean over the seeds, and the means of all.

    If no configuration has been trained from all the seeds, as in a sweep that was stopped, those
    take part that have the most of them. The first one, of several; None, if there is none with a
    finite mean.
    """
    counts = [sum(seed in one.records for seed in seeds) for one in configurations]
    most = max(counts, default=0)
    scores = np.array(
        [
            one.score(column, [seed for seed in seeds if seed in one.records])
            if count == most
            else np.nan
            for one, count in zip(configurations, counts, strict=True)
        ]
    )
    if not np.isfinite(scores).any():
        return None, scores
    signed = np.where(np.isfinite(scores), sign(direction) * scores, np.inf)
    return configurations[int(np.argmin(signed))], scores


def nearly_best(scores: np.ndarray, direction: Direction) -> np.ndarray:
    """Which scores are within a tenth of the absolute value of the best one; NaN is not."""
    signed = sign(direction) * scores
    with np.errstate(invalid="ignore"):
        best = np.nanmin(np.where(np.isfinite(signed), signed, np.nan))
        return signed <= best + WITHIN * abs(best)


def sign(direction: Direction) -> int:
    """1 if less is better, -1 if more is."""
    return 1 if direction == "minimize" else -1
