"""A directory of a sweep, read without the code that made it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lectopt._sweep.arguments import checked_directory
from lectopt._sweep.configurations import Direction
from lectopt._sweep.directory import Directory
from lectopt._sweep.records import Record
from lectopt._sweep.result import SweepResult
from lectopt._sweep.space import Configuration
from lectopt._sweep.store import Store, known_records


def read_sweep(directory: str | Path) -> SweepResult:
    """What a directory holds of a sweep, finished or not, without its problem and optimizers.

    Args:
        directory: Of `sweep(..., directory=...)`. It is not changed, and may be in use.

    Returns:
        Its tables, curves and statistics. It has no `refit`, which trains again.

    Raises:
        ValueError: It holds no sweep.
    """
    path = checked_directory(directory)
    if path is None:
        raise ValueError('wanted a directory such as "runs/sweep", got None')
    records, column, direction, complete, tiles = read_records(path)
    return SweepResult(records, column, direction, complete, tiles=tiles)


def read_records(
    directory: str | Path,
) -> tuple[list[Record], str, Direction, bool, tuple[int, int]]:
    """What a directory holds, without the code that trained it.

    Returns:
        The records; the column by which one is better, and which of it is best; whether all that
        was planned is done; how many tiles are, and of how many.

    Raises:
        ValueError: It holds no sweep.
    """
    store = Directory(directory, only_read=True)
    found = store.manifest()
    assert found is not None
    store.read_plan()
    store.refresh()
    steps, rungs = {k: x["steps"] for k, x in found["steps"].items()}, found["rungs"]
    lanes: dict[str, tuple[Configuration, list[int]]] = {}
    for tile in store.tiles:
        for chunk in tile.chunks:
            for one in chunk.configurations:
                lanes.setdefault(one.key, (one, []))[1].append(chunk.seed)
    order = {name: i for i, name in enumerate(found["optimizers"])}
    rows = sorted(lanes.values(), key=lambda row: order[row[0].optimizer])
    rows = [row for row in rows if row[0].group in steps]
    total = {one.key: int(steps[one.group]) for one, _ in rows}
    wanted = [(one, seed, total[one.key]) for one, seeds in rows for seed in sorted(seeds)]
    culled = _culled(store, rows, total, rungs)
    records = known_records(store, wanted, culled)
    done = sum(store.has(tile) for tile in store.tiles)
    complete = len(records) == len(wanted)
    return records, found["metric"], found["direction"], complete, (done, len(store.tiles))


def _culled(store: Store, rows: Any, total: Any, rungs: Mapping[str, list[int]]) -> dict[str, int]:
    """Which configurations ended at a rung that others have passed."""
    reached: dict[str, int] = {}
    for one, seeds in rows:
        ends = [x[-1][0].end for s in seeds if (x := store.segments((one.key, s), total[one.key]))]
        reached[one.key] = min(ends, default=0)
    level = {one.key: [*rungs.get(one.group, []), total[one.key]] for one, _ in rows}
    found = {}
    passed = max((level[k].index(at) for k, at in reached.items() if at in level[k]), default=0)
    for key, at in reached.items():
        if at in level[key][:-1] and level[key].index(at) < passed:
            found[key] = at
    return found
