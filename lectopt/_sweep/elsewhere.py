"""An executor's workers. The study travels to a worker once: tiles name it by its hash, and a
worker that lacks it asks for it.
"""

from __future__ import annotations

import concurrent.futures as cf
import hashlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax

from lectopt._sweep.compiling import how
from lectopt._sweep.lanes import Lanes
from lectopt._sweep.storage import pack_outcome, packed, unpack_outcome, unpacked
from lectopt._sweep.store import State
from lectopt._sweep.study import Study
from lectopt._sweep.tiles import Tile
from lectopt._sweep.workers import Bench, Found
from lectopt.numerics import precision


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
    with precision(bench.wide):
        with bench.lock:
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
    return f"{lanes.sha256} {how()}"


def _about() -> str:
    from importlib.metadata import version

    versions = ", ".join(f"{name} {version(name)}" for name in ("jax", "optax", "flax"))
    return f"{versions}, {jax.default_backend()}"


class Elsewhere:
    """The workers of an executor."""

    patience = 10.0  # seconds: see `Threads`; they may be gone

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
            self._blob = cloudpickle.dumps((bench.study, bench.size, bench.wide))
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
            if not callable(getattr(future, "add_done_callback", None)):
                raise ValueError(
                    "wanted a concurrent.futures.Executor, whose submit gives a Future, got "
                    f"{self.executor!r}. Of a dask.distributed.Client write client.get_executor()."
                )
            future.add_done_callback(lambda future: received(future, study))

        def received(future: cf.Future[Any], study: bytes | None) -> None:
            if promised.cancelled():
                return
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

        try:
            send(None)
        except RuntimeError as error:
            raise ValueError(f"the executor takes no more work: {error}") from error
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
