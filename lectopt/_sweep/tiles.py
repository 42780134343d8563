"""Tiles: a second of work or so, chunks of lanes that are trained one after the other.

A chunk is of one seed and one group. What a tile found is one record, whoever makes it.
"""

from __future__ import annotations

import functools
import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lectopt._sweep.lanes import Lanes
from lectopt._sweep.space import Configuration
from lectopt.training.blocks import CAPACITY
from lectopt.training.loop import SECONDS, evaluated_splits, metric_column
from lectopt.training.step import Training
from lectopt.training.streams import random_streams

MEANS = ("grad_norm", "update_norm")  # of the steps since the last point, as train_loss is
RATE = "learning_rate"  # the last one

Lane = tuple[str, int]  # key of a configuration, seed


@dataclass(frozen=True, eq=False)
class Chunk:
    """Configurations of one group, from one seed."""

    seed: int
    configurations: tuple[Configuration, ...]

    @functools.cached_property
    def lanes(self) -> list[Lane]:
        """What is trained."""
        return [(one.key, self.seed) for one in self.configurations]


@dataclass(frozen=True, eq=False)
class Tile:
    """Some updates of the lanes of chunks."""

    rung: int
    begin: int
    end: int
    chunks: tuple[Chunk, ...]

    @functools.cached_property
    def lanes(self) -> list[Lane]:
        """What is trained."""
        return [lane for chunk in self.chunks for lane in chunk.lanes]

    @functools.cached_property
    def name(self) -> str:
        """The same in every process."""
        return _name(self)

    @property
    def example(self) -> Configuration:
        """One of its configurations."""
        return self.chunks[0].configurations[0]


@dataclass(eq=False)
class Outcome:
    """What a tile found. Arrays have a row for each lane, and a column for each point."""

    lanes: list[Lane]
    rung: int
    begin: int
    end: int
    points: np.ndarray
    diverged_at: np.ndarray
    curves: dict[str, np.ndarray] = field(default_factory=dict)
    finals: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Of the tile."""
        return _name(self)


def _name(what: Tile | Outcome) -> str:
    told = json.dumps([what.begin, what.end, what.lanes])
    return f"{what.rung}-{hashlib.sha256(told.encode()).hexdigest()[:20]}"


def begun(tile: Tile, every: int, states: list[Training | None]) -> Work:
    """A tile before its first step."""
    points = np.array([*range(tile.begin + every, tile.end, every), tile.end])
    n = len(tile.lanes)
    nobody = np.full(n, -1, np.int64)
    outcome = Outcome(tile.lanes, tile.rung, tile.begin, tile.end, points, nobody)
    return Work(tile, outcome, states, step=tile.begin)


@dataclass(eq=False)
class Work:
    """A tile under way: it can be left between two blocks of steps, and taken up again.

    Args:
        tile: It.
        outcome: What is known so far.
        states: Of the chunks, the trainings as far as they are; None before their first step.
        chunk: The one under way.
        step: Of its next update.
        rows: The numbers of its steps since the last point.
        last: What was measured at that point.
    """

    tile: Tile
    outcome: Outcome
    states: list[Training | None]
    chunk: int = 0
    step: int = 0
    rows: dict[str, list[np.ndarray]] = field(default_factory=dict)
    last: dict[str, np.ndarray] = field(default_factory=dict)

    def run(self, lanes: Lanes, factor: float, between: Callable[[Work], bool]) -> bool:
        """Train until all is done, or `between` two blocks something says to stop.

        Returns:
            Whether all is done.
        """
        while self.chunk < len(self.tile.chunks):
            if not self._train(lanes, factor, between):
                return False
            self.chunk, self.step = self.chunk + 1, self.tile.begin
        return True

    def _train(self, lanes: Lanes, factor: float, between: Callable[[Work], bool]) -> bool:
        chunk = self.tile.chunks[self.chunk]
        streams = random_streams(chunk.seed)
        values = lanes.values(chunk.configurations, streams)
        now = self.states[self.chunk]
        if now is None:
            now, self.step = lanes.begin(values, streams), 0
        first = sum(len(other.lanes) for other in self.tile.chunks[: self.chunk])
        mine = slice(first, first + len(chunk.lanes))
        for last, point in self._points(lanes):
            while self.step < point:
                if _all_stopped(now):
                    self.step = point
                    break
                stop = min(self.step + _length(lanes), point)
                started = time.perf_counter()
                now, rows = lanes.run(now, values, streams, self.step, stop, last or -1, factor)
                lanes.pace = (time.perf_counter() - started) / (stop - self.step)
                for name, x in rows.items():
                    self.rows.setdefault(name, []).append(x)
                self.step, self.states[self.chunk] = stop, now
                if self.step < point and not between(self):
                    return False
            now = self._point(lanes, now, values, mine, last, point)
            self.states[self.chunk] = now
            if point < self.tile.end and not between(self):
                return False
        self._finish(lanes, now, values, mine)
        return True

    def _points(self, lanes: Lanes) -> Iterator[tuple[int, int]]:
        """What is left: the point before, and the next one; before the tile, to catch up."""
        every = lanes.group.every
        points = [*range(every, self.tile.end, every), self.tile.end]
        for last, point in zip([0, *points], points, strict=False):
            if point > self.step:
                yield last, point

    def _point(
        self, lanes: Lanes, now: Training, values: Any, mine: slice, last: int, point: int
    ) -> Training:
        """A point of the curves."""
        problem, count = lanes.group.blocks.problem, mine.stop - mine.start
        found = {}
        for split in evaluated_splits(problem):
            for name, x in lanes.measure(now, values, split).items():
                found[f"{split}_{name}"] = x
        if "validation" in problem.data:
            value = found[metric_column(problem)].astype(now.evaluation.dtype)
            now = now._replace(evaluation=value.reshape(now.evaluation.shape))
        diverged_at = np.asarray(now.stopped_at).reshape(-1)[:count]
        summary = _summary(self.rows, last, diverged_at)
        self.rows, self.last = {}, found
        if point <= self.tile.begin:
            return now
        out, i = self.outcome, int(np.searchsorted(self.outcome.points, point))
        out.diverged_at[mine] = diverged_at
        for name, x in {**summary, **{name: x[:count] for name, x in found.items()}}.items():
            if name not in out.curves:
                out.curves[name] = np.full((len(out.lanes), len(out.points)), np.nan)
            out.curves[name][mine, i] = x
        return now

    def _finish(self, lanes: Lanes, now: Training, values: Any, mine: slice) -> None:
        """The metrics of the last weights."""
        out, count = self.outcome, mine.stop - mine.start
        ended = self.tile.end == lanes.group.steps
        if not ended and (out.diverged_at[mine] < 0).all():
            return
        found, watched = dict(self.last), evaluated_splits(lanes.group.blocks.problem)
        for split in lanes.data:
            if split not in watched:
                for name, x in lanes.measure(now, values, split).items():
                    found[f"{split}_{name}"] = x
        for name, x in found.items():
            x = x[:count]
            out.finals.setdefault(name, np.full(len(out.lanes), np.nan))[mine] = x


def _all_stopped(now: Training) -> bool:
    return bool((np.asarray(now.stopped_at) >= 0).all())


def _length(lanes: Lanes) -> int:
    """The steps of a block of about a second."""
    return max(1, min(int(SECONDS / max(lanes.pace, 1e-9)), CAPACITY)) if lanes.pace else 16


def _summary(
    rows: Mapping[str, Sequence[np.ndarray]], first: int, diverged_at: np.ndarray
) -> dict[str, np.ndarray]:
    """The numbers of the steps since a point, of each lane: of those whose update was made."""
    count, found = len(diverged_at), {}
    for name in ("loss", *MEANS, RATE):
        if name not in rows:
            if name == RATE:
                continue
            found["train_loss" if name == "loss" else name] = np.full(count, np.nan)
            continue
        # Each lane contiguous, so that its sum is the one that `fit` makes.
        table = np.ascontiguousarray(np.concatenate(rows[name]).T[:count], float)
        ends = np.where(diverged_at < 0, table.shape[1], np.maximum(diverged_at - first, 0))
        some = [row[:end] for row, end in zip(table, ends, strict=True)]
        if name == RATE:
            found[name] = np.array([x[-1] if len(x) else np.nan for x in some])
        elif (ends == table.shape[1]).all():
            found["train_loss" if name == "loss" else name] = table.mean(axis=1)
        else:
            means = np.array([x.mean() if len(x) else np.nan for x in some])
            found["train_loss" if name == "loss" else name] = means
    return found
