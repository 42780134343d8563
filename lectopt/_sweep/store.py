"""What has been found so far: in memory, or also in a directory (see `directory`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from lectopt._sweep.records import Record
from lectopt._sweep.space import Configuration
from lectopt._sweep.study import plain
from lectopt._sweep.tiles import Lane, Outcome, Tile, Work

State = Sequence[Any]  # the leaves of a training


class Store:
    """Outcomes and states, in memory."""

    shared = False  # with other processes

    def __init__(self) -> None:
        self.found: dict[Lane, dict[int, tuple[Outcome, int]]] = {}
        self.kept: dict[tuple[int, Lane], State] = {}

    def has(self, tile: Tile) -> bool:
        """Whether all lanes of a tile are known."""
        return all(self._knows(tile, lane) for lane in tile.lanes)

    def _knows(self, tile: Tile, lane: Lane) -> bool:
        known = self.found.get(lane, {}).get(tile.begin)
        return known is not None and known[0].end == tile.end

    def take(self, outcome: Outcome) -> None:
        """Know an outcome."""
        for i, lane in enumerate(outcome.lanes):
            self.found.setdefault(lane, {})[outcome.begin] = (outcome, i)

    def add(self, tile: Tile, outcome: Outcome, states: Sequence[State]) -> None:
        """Keep what a tile found, and the states of its lanes for the next rung."""
        self.take(outcome)
        for lane, state in zip(tile.lanes, states, strict=False):
            self.kept[tile.end, lane] = state

    def state(self, step: int, lane: Lane) -> State | None:
        """Of a lane after so many updates, if it is known."""
        return self.kept.get((step, lane))

    def claim(self, tile: Tile) -> bool:
        """Whether this process is to train a tile."""
        return True

    def give_back(self, tile: Tile) -> None:
        """The tile is done, or left."""

    def refresh(self) -> None:
        """See what other processes have done."""

    def leave(self, work: Work) -> None:
        """Keep a tile that is left under way."""

    def work(self, tile: Tile, structure: Any) -> Work | None:
        """A tile that was left under way."""
        return None

    def finish(self) -> None:
        """Everything is done: nothing under way is needed any more."""
        self.kept.clear()

    def close(self) -> None:
        """No more is asked for."""

    def segments(self, lane: Lane, end: int) -> list[tuple[Outcome, int]]:
        """What is known of a lane, from its first update on without a gap, up to an update."""
        known, at, found = self.found.get(lane, {}), 0, []
        while at in known and known[at][0].end <= end:
            found.append(known[at])
            at = known[at][0].end
        return found


def record(
    store: Store, configuration: Configuration, seed: int, steps: int, culled_at: int | None
) -> Record | None:
    """What is known of a training, if it came to its end."""
    segments = store.segments((configuration.key, seed), steps)
    if not segments:
        return None
    last, row = segments[-1]
    at = int(last.diverged_at[row])
    diverged_at = at if at >= 0 else None
    if last.end < steps and diverged_at is None and culled_at is None:
        return None
    names = [*dict.fromkeys(name for outcome, _ in segments for name in outcome.curves)]
    curves = {
        name: np.concatenate([
            outcome.curves[name][i] if name in outcome.curves
            else np.full(len(outcome.points), np.nan)
            for outcome, i in segments
        ])
        for name in names
    }  # fmt: skip
    ended = diverged_at is not None or last.end == steps
    finals = {name: float(x[row]) for name, x in last.finals.items()} if ended else {}
    settings = {name: plain(value) for name, value in configuration.settings.items()}
    points = np.concatenate([outcome.points for outcome, _ in segments])
    return Record(
        configuration.optimizer, settings, seed, steps, diverged_at,
        None if diverged_at is not None else culled_at, finals, points, curves,
    )  # fmt: skip


def known_records(
    store: Store,
    wanted: Iterable[tuple[Configuration, int, int]],
    culled: Mapping[str, int],
) -> list[Record]:
    """The records of configurations, each with a seed and its steps, that came to their end."""
    found = (record(store, one, seed, steps, culled.get(one.key)) for one, seed, steps in wanted)
    return [x for x in found if x is not None]
