"""How many lanes run side by side: what is fastest on this machine, within its memory.

On a CPU small models want some lanes, tiny ones many, and large ones none. The candidates are timed
as they will run, a thread for each core. Lanes that nobody needs cost as much as others, so that a
halving, whose last rungs have few configurations, wants fewer.
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
from lectopt.training.step import Training
from lectopt.training.streams import random_streams
from lectopt.training.transfers import transferring

SOME, MANY = 16, 128  # lanes, at most
WORTH = 4.0  # how many times as fast some lanes must be than one, for many to be tried
PROBE, ROUNDS = 0.01, 5  # seconds of a timing, about, and how many there are
_chosen: dict[Any, Size] = {}

Stages = Sequence[tuple[int, int]]  # updates, and of how many configurations: one for each rung


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
    stages: Stages,
    seeds: int,
    data: Mapping[str, Any],
    tile: Any,
    record: float,
) -> tuple[Size, dict[int, Lanes]]:
    """The size of tiles, and the programs that were made to find it.

    Args:
        group: The one that is timed.
        configurations: Of that group.
        stages: How many of them there are how long.
        seeds: How many.
        data: The splits, on the device.
        tile: `"auto"`, or the number of lanes.
        record: Seconds of work in a tile, about.
    """
    if tile != "auto":
        return Size(int(tile), 1), {}
    n, threads = len(configurations), len(processors())
    some, many = (balanced(stages, seeds, threads, most) for most in (SOME, MANY))
    widths = sorted({1, some} if group.example.traced else {1})
    lanes = {widths[-1]: Lanes(group, widths[-1], data)}
    mark = (lanes[widths[-1]].block.sha256, tuple(stages), seeds, threads, record)
    if mark in _chosen:
        return _chosen[mark], lanes
    lanes |= {width: Lanes(group, width, data) for width in widths[:-1]}
    with ThreadPoolExecutor(max(threads, len(lanes))) as pool:
        list(pool.map(transferring(lambda one: one.block.compiled()), lanes.values()))
        fitting = [one for one in lanes.values() if one.single or _fits(one, threads)]
        seconds = _seconds(pool, fitting, configurations, threads)
        if many > some and seconds[1] > WORTH * seconds.get(some, float("inf")):
            lanes[many] = Lanes(group, many, data)
            if _fits(lanes[many], threads):
                seconds |= _seconds(pool, [lanes[many]], configurations, threads)
    width = min(seconds, key=lambda w: seconds[w] * w * _rounds(stages, seeds, threads, w))
    training = max(seconds[width] * group.steps * width, 1e-6)  # seconds of a chunk
    share = -(-n // width) * seeds / (4 * threads)  # so that no thread waits for long at the end
    size = Size(width, max(1, min(int(record / training), int(share))))
    _chosen[mark] = size
    return size, lanes


def balanced(stages: Stages, seeds: int, threads: int, most: int) -> int:
    """How many lanes, at most so many, divide configurations evenly, and leave no thread idle.

    A step of many lanes takes about as long as one of a single lane for each of them, and one more;
    what is done once for a chunk counts as another.
    """
    widths = range(1, min(most, max(n for _, n in stages)) + 1)
    return min(widths, key=lambda w: ((w + 2) * _rounds(stages, seeds, threads, w), -w))


def _rounds(stages: Stages, seeds: int, threads: int, width: int) -> int:
    """The steps that a thread makes, each of all lanes of a chunk."""
    return sum(steps * -(-(-(-n // width) * seeds) // threads) for steps, n in stages)


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
    pool: ThreadPoolExecutor,
    candidates: Sequence[Lanes],
    configurations: Sequence[Configuration],
    threads: int,
) -> dict[int, float]:
    """By width, of a step of one lane, where all threads are busy: the least of several rounds.

    On a CPU it is the time of the processor, so that what else the machine does decides nothing.
    """
    clock = time.process_time if jax.default_backend() == "cpu" else time.perf_counter
    streams = random_streams(0)

    def taken(lanes: Lanes, steps: int) -> float:
        values = lanes.values(configurations[: lanes.width], streams)
        begun = [lanes.begin(values, streams) for _ in range(threads)]

        @transferring
        def run(training: Training) -> None:
            lanes.run(training, values, streams, 0, steps, -1, float("inf"))

        started = clock()
        list(pool.map(run, begun))
        return (clock() - started) / threads

    lengths = {}
    for lanes in candidates:
        taken(lanes, 1)
        most = min(lanes.group.steps, 256)
        lengths[lanes.width] = max(1, min(int(PROBE / max(taken(lanes, 1), 1e-6)), most))
    found = dict.fromkeys(lengths, float("inf"))
    for _ in range(ROUNDS):
        for lanes in candidates:
            steps = lengths[lanes.width]
            each = taken(lanes, steps) / steps / lanes.width
            found[lanes.width] = min(found[lanes.width], each)
    return found
