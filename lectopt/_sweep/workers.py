"""Who trains tiles: threads of this process, or an executor's workers; and the loop that hands out.

A tile runs in one thread. The study travels to a worker once: tiles name it by its hash, and a
worker that lacks it asks for it.
"""

from __future__ import annotations

import concurrent.futures as cf
import hashlib
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from lectopt._sweep.lanes import Lanes
from lectopt._sweep.sizing import Size, processors
from lectopt._sweep.storage import pack_outcome, packed, unpack_outcome, unpacked
from lectopt._sweep.store import State, Store
from lectopt._sweep.study import Group, Study
from lectopt._sweep.tiles import Outcome, Tile, Work, begun
from lectopt.numerics import precision

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
        self._lock = threading.RLock()
        self._wide = bool(jax.config.jax_enable_x64)

    def data(self, group: Group) -> dict[str, Any]:
        """The splits on the device; an array that several groups have is there once."""
        device = jax.config.jax_default_device

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
        with self._lock:  # tracing in one thread is as fast as in several
            mark = self._mark(group, width)
            if mark not in self._lanes:
                self._lanes[mark] = Lanes(group, width, self.data(group))
            return self._lanes[mark]

    def _mark(self, group: Group, width: int) -> Any:
        device = jax.config.jax_default_device
        return group.key, width, device

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
        with precision(self._wide):
            with self._lock:
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


@dataclass(frozen=True)
class Order:
    """A tile for a worker, which knows the study by its hash."""

    study: str
    tile: Tile
    states: bytes | None
    programs: str


_known: dict[str, Bench] = {}
_guard = threading.Lock()


def work(order: Order, study: bytes | None = None) -> tuple[bytes, bytes] | None:
    """What a worker does: train a tile; None if it has to be sent the study first.

    Raises:
        RuntimeError: Its programs are others than those of who sent it.
    """
    with _guard:
        if order.study not in _known:
            if study is None:
                return None
            import cloudpickle

            _known.clear()  # one at a time: a study may hold much data
            made, size, wide = cloudpickle.loads(study)
            with precision(wide):
                _known[order.study] = Bench(made, size)
        bench = _known[order.study]
    states: list[State | None] = [None] * len(order.tile.lanes)
    if order.states is not None:
        told, x = unpacked(order.states)
        for i, leaves in told:
            states[i] = [x[f"{i} {j}"] for j in range(leaves)]
    with precision(bench._wide):
        with bench._lock:
            group = bench.study.group(order.tile.example)
        programs = _text(bench.lanes(group))
    if programs != order.programs:
        raise RuntimeError(
            f"a worker compiles another program for {order.tile.example} than the process that "
            "sent it. Use the same versions of jax, optax, flax and lectopt, the same JAX flags "
            f"(x64, jax_threefry_partitionable, ...) and kind of device. There: {_about()}."
        )
    found = bench.train(order.tile, states, None, lambda: False)
    assert found is not None
    outcome, ends = found
    flat = {f"{i} {j}": x for i, leaves in enumerate(ends) for j, x in enumerate(leaves)}
    return pack_outcome(outcome), packed([len(leaves) for leaves in ends], flat)


def _text(lanes: Lanes) -> str:
    """What tells programs from others, and how they are compiled."""
    flags = jax.config.jax_disable_most_optimizations, os.environ.get("XLA_FLAGS", "")
    return f"{lanes.sha256} {flags}"


def _about() -> str:
    from importlib.metadata import version

    versions = ", ".join(f"{name} {version(name)}" for name in ("jax", "optax", "flax"))
    return f"{versions}, {jax.default_backend()}"


class Threads:
    """A thread for each core of a CPU, or for each accelerator."""

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


class Elsewhere:
    """The workers of an executor."""

    def __init__(self, bench: Bench, executor: cf.Executor) -> None:
        try:
            import cloudpickle
        except ImportError as error:
            raise ImportError(
                'executor= needs cloudpickle: pip install "lectopt[train]"'
            ) from error
        self.bench, self.executor = bench, executor
        self.most = 2 * getattr(executor, "_max_workers", 16)
        try:
            self._blob = cloudpickle.dumps((bench.study, bench.size, bench._wide))
        except Exception as error:
            raise ValueError(_unpicklable(bench.study, error)) from error
        self._name = hashlib.sha256(self._blob).hexdigest()

    def submit(self, tile: Tile, states: Sequence[State | None]) -> cf.Future[Found | None]:
        """Train a tile."""
        known = [(i, state) for i, state in enumerate(states) if state is not None]
        flat = {f"{i} {j}": x for i, leaves in known for j, x in enumerate(leaves)}
        sent = packed([(i, len(leaves)) for i, leaves in known], flat) if known else None
        programs = _text(self.bench.lanes(self.bench.study.group(tile.example)))
        order = Order(self._name, tile, sent, programs)
        promised: cf.Future[Found | None] = cf.Future()

        def send(study: bytes | None) -> None:
            future = self.executor.submit(work, order, study)
            future.add_done_callback(lambda future: received(future, study))

        def received(future: cf.Future[Any], study: bytes | None) -> None:
            try:
                found = future.result()
                if found is None and study is None:
                    send(self._blob)
                    return
                assert found is not None
                outcome, (told, x) = unpack_outcome(found[0]), unpacked(found[1])
                ends = [[x[f"{i} {j}"] for j in range(n)] for i, n in enumerate(told)]
                promised.set_result((outcome, ends))
            except BaseException as error:
                promised.set_exception(error)

        send(None)
        return promised

    def close(self) -> None:
        """The executor is its owner's."""

    def abandon(self) -> None:
        """What runs is not waited for."""


def _unpicklable(study: Study, error: Exception) -> str:
    import cloudpickle

    things = {"the problem": study.problem}
    things |= {f"optimizer {name!r}": maker for name, maker in study.optimizers.items()}
    for name, thing in things.items():
        try:
            cloudpickle.dumps(thing)
        except Exception as found:
            return f"{name} cannot be sent to workers: {found}. Make it inside the function."
    return f"the sweep cannot be sent to workers: {error}"
