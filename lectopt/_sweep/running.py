"""The loop of a sweep: tiles are handed out until all of a rung are done, by whomever.

Between rungs configurations are given up, and those that are left are put into tiles anew: the
programs stay the same, and no lane of them runs for nothing.
"""

from __future__ import annotations

import concurrent.futures as cf
import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lectopt._sweep.space import Configuration
from lectopt._sweep.store import Store, record
from lectopt._sweep.study import Study
from lectopt._sweep.tiles import Chunk, Lane, Tile
from lectopt._sweep.workers import Bench, Found
from lectopt.training.progress import Progress

POLL = 0.2  # seconds
LOOK = 1.0  # seconds: how often it is looked what others have done

# From a rung's number, configurations, and the mean over seeds of each, which go on.
Choose = Callable[[int, Sequence[Configuration], np.ndarray], Sequence[bool] | np.ndarray]


@dataclass(eq=False)
class Runner:
    """What is under way.

    Args:
        bench: The programs.
        store: What is known.
        workers: Who trains tiles.
        stop: Whether to leave everything as it is.
        progress: Is told what is done.
        column: By which one is better.
        sign: 1 if it is to be small, -1 if large.
        culled: By the key of a configuration, after how many updates it was given up.
    """

    bench: Bench
    store: Store
    workers: Any
    stop: Callable[[], bool]
    progress: Progress
    column: str
    sign: int
    culled: dict[str, int] = field(default_factory=dict)
    _planned: dict[str, Tile] = field(default_factory=dict)
    _ended: set[Lane] = field(default_factory=set)
    _diverged: int = 0
    _best: float = float("nan")

    @property
    def study(self) -> Study:
        """What is trained."""
        return self.bench.study

    @property
    def tiles(self) -> tuple[int, int]:
        """How many tiles are done, and how many there are in the rungs that have begun."""
        done = sum(self.store.has(tile) for tile in self._planned.values())
        return done, len(self._planned)

    def train(
        self,
        configurations: Sequence[Configuration],
        seeds: Sequence[int],
        rungs: Callable[[int, int], Sequence[int]],
        choose: Choose,
        first: Sequence[Tile] | None = None,
    ) -> None:
        """Train configurations from every seed, up to the end or a rung where they are given up.

        Args:
            configurations: In the order of the plan.
            seeds: For each of them.
            rungs: From the steps of a training and those between points, its rungs but the last.
            choose: Which go on after a rung.
            first: The tiles of the first rung, if they are planned already.
        """
        alive = list(configurations)
        ends = {one.key: self._ends(one, rungs) for one in alive}
        for rung in range(max((len(x) for x in ends.values()), default=0)):
            alive = [one for one in alive if rung < len(ends[one.key])]
            tiles = first if rung == 0 and first is not None else self._tiles(
                alive, seeds, rung, ends
            )  # fmt: skip
            self._run(tiles)
            if self.stop() or any(not self.store.has(tile) for tile in tiles):
                return
            going = [one for one in alive if rung + 1 < len(ends[one.key])]
            if not going:
                continue
            scores = np.array([self.score(one, seeds, ends[one.key][rung]) for one in going])
            goes_on = choose(rung, going, scores)
            for one, lives in zip(going, goes_on, strict=True):
                if not lives:
                    self.culled[one.key] = ends[one.key][rung]
                    self._count([(one, seed) for seed in seeds])
            left = {one.key for one, lives in zip(going, goes_on, strict=True) if lives}
            alive = [one for one in alive if one.key in left]

    def _tiles(
        self,
        configurations: Iterable[Configuration],
        seeds: Iterable[int],
        rung: int,
        ends: Mapping[str, Sequence[int]],
    ) -> list[Tile]:
        """The tiles of a rung."""
        lanes = [(one, seed) for one in configurations for seed in seeds]
        return tiles_of(lanes, self.bench, rung, ends)

    def score(self, one: Configuration, seeds: Sequence[int], step: int) -> float:
        """The mean over seeds of the metric after so many updates; NaN after a divergence."""
        found = []
        for seed in seeds:
            outcome, row = self.store.segments((one.key, seed), step)[-1]
            known = outcome.curves.get(self.column)
            diverged = outcome.diverged_at[row] >= 0
            found.append(np.nan if diverged or known is None else known[row, -1])
        return float(np.mean(found))

    def _ends(self, one: Configuration, rungs: Callable[[int, int], Sequence[int]]) -> list[int]:
        group = self.study.group(one)
        return [*rungs(group.steps, group.every), group.steps]

    def _run(self, tiles: Sequence[Tile]) -> None:
        """Train what is not known of some tiles; return when it is, or when told to stop."""
        left = {tile.name: tile for tile in tiles}
        self._planned |= left
        running: dict[cf.Future[Found | None], Tile] = {}
        queue: deque[Tile] = deque()
        looked, left_at = -math.inf, math.inf
        try:
            while True:
                if self.store.shared and time.monotonic() - looked >= LOOK or looked == -math.inf:
                    self.store.refresh()
                    looked = time.monotonic()
                    self._take([tile for tile in left.values() if self.store.has(tile)], left)
                if not queue:
                    mine = {tile.name for tile in running.values()}
                    queue = deque(tile for name, tile in left.items() if name not in mine)
                while queue and len(running) < self.workers.most and not self.stop():
                    tile = queue.popleft()
                    if tile.name in left and self.store.claim(tile):
                        states = [self.store.state(tile.begin, lane) for lane in tile.lanes]
                        running[self.workers.submit(tile, states)] = tile
                if self.stop():
                    left_at = min(left_at, time.monotonic())
                if not running and (not left or self.stop()):
                    return
                if time.monotonic() - left_at > self.workers.patience:
                    return
                if not running:
                    time.sleep(POLL)  # others have what is left
                    continue
                done, _ = cf.wait(running, POLL, cf.FIRST_COMPLETED)
                for future in done:
                    tile = running.pop(future)
                    if self._done(tile, future.result()):
                        self._take([tile], left)
        finally:
            for future, tile in running.items():
                future.cancel()
                self.store.give_back(tile)

    def _done(self, tile: Tile, found: Found | None) -> bool:
        if found is not None:
            self.store.add(tile, *found)
        self.store.give_back(tile)
        return found is not None

    def _take(self, done: Sequence[Tile], left: dict[str, Tile]) -> None:
        """Tiles have become known."""
        for tile in done:
            del left[tile.name]
        self._count([(o, c.seed) for t in done for c in t.chunks for o in c.configurations])

    def _count(self, lanes: Sequence[tuple[Configuration, int]]) -> None:
        """Tell the bar of trainings that have come to their end."""
        for one, seed in lanes:
            steps, at = self.study.group(one).steps, self.culled.get(one.key)
            found = record(self.store, one, seed, steps, at)
            if found is None or (one.key, seed) in self._ended:
                continue
            self._ended.add((one.key, seed))
            if found.diverged_at is not None:
                self._diverged += 1
            value = found.finals.get(self.column, np.nan)
            if found.diverged_at is None and np.isfinite(value):
                best = value if np.isnan(self._best) else self._best
                self._best = self.sign * min(self.sign * value, self.sign * best)
        told = {} if np.isnan(self._best) else {"best": self._best}
        self.progress.advance(len(self._ended), {"diverged": self._diverged, **told})


def tiles_of(
    lanes: Iterable[tuple[Configuration, int]],
    bench: Bench,
    rung: int,
    ends: Mapping[str, Sequence[int]],
) -> list[Tile]:
    """Configurations with seeds as tiles: of one group, and each chunk of one seed."""
    chunks: dict[str, dict[int, list[Configuration]]] = {}
    for one, seed in lanes:
        chunks.setdefault(one.group, {}).setdefault(seed, []).append(one)
    found = []
    for by_seed in chunks.values():
        some = next(iter(by_seed.values()))
        width = bench.size.width if some[0].traced else 1
        cut = [
            Chunk(seed, tuple(ones[i : i + width]))
            for seed, ones in by_seed.items()
            for i in range(0, len(ones), width)
        ]
        own = ends[some[0].key]
        begin = own[rung - 1] if rung else 0
        size = bench.size.chunks
        found += [
            Tile(rung, begin, own[rung], tuple(cut[i : i + size])) for i in range(0, len(cut), size)
        ]
    return found
