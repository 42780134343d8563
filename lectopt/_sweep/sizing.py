"""How many lanes run side by side: what is fastest on this machine, within its memory.

On a CPU small models want some lanes, and large ones none. The candidates are timed as they will
run, a thread for each core.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import jax

from lectopt._sweep.compiling import default_device
from lectopt._sweep.lanes import Lanes
from lectopt._sweep.space import Configuration
from lectopt._sweep.study import Group
from lectopt.training.streams import random_streams

CANDIDATES = {"cpu": (1, 8), "gpu": (1, 16, 128)}
RECORD = 1.0  # seconds of work in a tile
PROBE = 0.02  # seconds of a timing, about
_chosen: dict[Any, Size] = {}


@dataclass(frozen=True)
class Size:
    """Of tiles: `width` lanes of one program, `chunks` of them in a tile."""

    width: int
    chunks: int


def processors() -> list[Any]:
    """What each thread computes on: one of the accelerators, or the CPU, once for each core."""
    device = default_device()
    devices = [device] if isinstance(device, jax.Device) else jax.local_devices()
    return devices if devices[0].platform != "cpu" else [devices[0]] * cores()


def cores() -> int:
    """The cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on Linux
        return os.cpu_count() or 1


def chosen_size(
    group: Group,
    configurations: Sequence[Configuration],
    seeds: int,
    data: Mapping[str, Any],
    tile: Any,
) -> tuple[Size, dict[int, Lanes]]:
    """The size of tiles, and the programs that were made to find it.

    Args:
        group: The one that is timed.
        configurations: Of that group.
        seeds: How many.
        data: The splits, on the device.
        tile: `"auto"`, or the number of lanes.
    """
    if tile != "auto":
        return Size(int(tile), 1), {}
    n = len(configurations)
    kind = "cpu" if jax.default_backend() == "cpu" else "gpu"
    widths = sorted({min(width, n) for width in CANDIDATES[kind]} if group.example.traced else {1})
    lanes = {widths[-1]: Lanes(group, widths[-1], data)}
    mark = (lanes[widths[-1]].block.sha256, n * seeds, len(processors()))
    if mark in _chosen:
        return _chosen[mark], lanes
    lanes |= {width: Lanes(group, width, data) for width in widths[:-1]}
    threads = len(processors())
    with ThreadPoolExecutor(max(threads, len(lanes))) as pool:
        list(pool.map(lambda one: one.block.compiled(), lanes.values()))
        fitting = [w for w in widths if w == 1 or _fits(lanes[w], threads)]
        seconds = {w: _seconds(pool, lanes[w], configurations[:w], threads) for w in fitting}
    width = min(seconds, key=lambda w: seconds[w])
    training = max(seconds[width] * group.steps * width, 1e-6)  # seconds of a chunk
    share = -(-n // width) * seeds / (4 * threads)  # so that no thread waits for long at the end
    size = Size(width, max(1, min(int(RECORD / training), int(share))))
    _chosen[mark] = size
    return size, lanes


def _fits(lanes: Lanes, threads: int) -> bool:
    """Whether so many threads may run it at once, in half of the memory."""
    found = lanes.block.compiled().memory_analysis()
    if found is None:
        return True
    used = found.temp_size_in_bytes + found.output_size_in_bytes + found.argument_size_in_bytes
    return used * threads <= _memory() / 2


def _memory() -> float:
    statistics = jax.local_devices()[0].memory_stats()
    if statistics and "bytes_limit" in statistics:
        return statistics["bytes_limit"]
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return float("inf")


def _seconds(
    pool: ThreadPoolExecutor, lanes: Lanes, configurations: Sequence[Configuration], threads: int
) -> float:
    """Of a step of one lane, where all threads are busy."""

    def run(steps: int) -> float:
        streams = random_streams(0)
        values = lanes.values(configurations, streams)
        now = lanes.begin(values, streams)
        started = time.perf_counter()
        lanes.run(now, values, streams, 0, steps, -1, float("inf"))
        return time.perf_counter() - started

    run(1)
    steps = max(1, min(int(PROBE / max(run(1), 1e-6)), lanes.group.steps, 256))
    found = [max(pool.map(run, [steps] * threads)) for _ in range(3)]
    return min(found) / steps / lanes.width
