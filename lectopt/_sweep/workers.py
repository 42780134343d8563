"""Who trains tiles: a thread of this process for each core or accelerator."""

from __future__ import annotations

import concurrent.futures as cf
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from lectopt._sweep.compiling import default_device
from lectopt._sweep.lanes import Lanes
from lectopt._sweep.sizing import Size, processors
from lectopt._sweep.store import State, Store
from lectopt._sweep.study import Group, Study
from lectopt._sweep.tiles import Outcome, Tile, Work, begun
from lectopt.numerics import precision
from lectopt.training.transfers import transferring

SAVE_EVERY = 60.0  # seconds: of the state of a tile under way

Found = tuple[Outcome, Sequence[State]]


class Bench:
    """The programs of a study and its data, on the devices of this process.

    Args:
        study: It.
        size: Of its tiles.
    """

    def __init__(self, study: Study, size: Size) -> None:
        self.study, self.size = study, size
        self._lanes: dict[Any, Lanes] = {}
        self._arrays: dict[Any, Any] = {}
        self.lock = threading.RLock()
        self.wide = jnp.result_type(float) == jnp.float64

    def data(self, group: Group) -> dict[str, Any]:
        """The splits on the device; an array that several groups have is there once."""
        device = default_device()

        def placed(x: Any) -> jax.Array:
            mark = (id(x), device)
            if mark not in self._arrays:
                self._arrays[mark] = (x, jnp.asarray(x))  # x too, so that its id stays its own
            return self._arrays[mark][1]

        return jax.tree.map(placed, dict(group.blocks.problem.data))

    def know(self, lanes: Lanes) -> None:
        """Keep programs that were made elsewhere."""
        self._lanes[self._mark(lanes.group, lanes.width)] = lanes

    def lanes(self, group: Group) -> Lanes:
        """The programs of a group; without traced settings there is one lane for each seed."""
        width = self.size.width if group.example.traced else 1
        with self.lock:  # tracing in one thread is as fast as in several
            mark = self._mark(group, width)
            if mark not in self._lanes:
                self._lanes[mark] = Lanes(group, width, self.data(group))
            return self._lanes[mark]

    def _mark(self, group: Group, width: int) -> Any:
        device = default_device()
        return group.key, width, device

    @transferring
    def train(
        self,
        tile: Tile,
        states: Sequence[State | None],
        store: Store | None,
        stop: Callable[[], bool],
    ) -> Found | None:
        """What a tile finds; None if it was told to stop.

        Args:
            tile: It.
            states: Of its lanes, where it begins; None where that has to be trained again.
            store: Where states are kept on the way.
            stop: Whether to leave it under way.
        """
        with precision(self.wide):
            with self.lock:
                group = self.study.group(tile.example)
            lanes = self.lanes(group)
            structure = lanes.structure
            work = store.work(tile, structure) if store is not None else None
            if work is None:
                work = begun(tile, group.every, _chunked(tile, lanes, states))
            saved = time.monotonic()

            def between(work: Work) -> bool:
                nonlocal saved
                if stop():
                    return False
                if store is not None and time.monotonic() - saved >= SAVE_EVERY:
                    store.leave(work)
                    saved = time.monotonic()
                return True

            if not work.run(lanes, self.study.factor, between):
                if store is not None:
                    store.leave(work)
                return None
            if tile.end == group.steps:
                return work.outcome, []
            ends = [
                leaves
                for chunk, now in zip(tile.chunks, work.states, strict=True)
                if now is not None
                for leaves in lanes.split(now, len(chunk.lanes))
            ]
            return work.outcome, ends


def _chunked(tile: Tile, lanes: Lanes, states: Sequence[State | None]) -> list[Any]:
    """The states of chunks; None for one of which a lane's state is not known."""
    found, rest = [], list(states)
    for chunk in tile.chunks:
        mine, rest = rest[: len(chunk.lanes)], rest[len(chunk.lanes) :]
        whole = [state for state in mine if state is not None]
        found.append(lanes.joined(whole) if whole and len(whole) == len(chunk.lanes) else None)
    return found


class Threads:
    """A thread for each core of a CPU, or for each accelerator."""

    patience = float("inf")  # seconds for which what runs is waited for when the sweep is left

    def __init__(self, bench: Bench, store: Store, stop: Callable[[], bool]) -> None:
        places = processors()
        self.most = len(places)
        self.bench, self.store, self.stop = bench, store, stop
        self.several = len(set(places)) > 1
        self._free = [*places]
        self._pool = cf.ThreadPoolExecutor(self.most)

    def submit(self, tile: Tile, states: Sequence[State | None]) -> cf.Future[Found | None]:
        """Train a tile."""
        return self._pool.submit(self._train, tile, states)

    def _train(self, tile: Tile, states: Sequence[State | None]) -> Found | None:
        store = self.store if self.store.shared else None
        if not self.several:
            return self.bench.train(tile, states, store, lambda: self.stop())
        place = self._free.pop()
        try:
            with jax.default_device(place):
                return self.bench.train(tile, states, store, lambda: self.stop())
        finally:
            self._free.append(place)

    def close(self) -> None:
        """Wait for what runs."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def abandon(self) -> None:
        """Something was raised: what runs ends after its block."""
        self.stop = lambda: True
