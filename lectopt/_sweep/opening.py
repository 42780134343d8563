"""What comes before the first training: the size of tiles, the programs, the directory's manifest
and plan.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from typing import Any

import jax

from lectopt._sweep.directory import Directory
from lectopt._sweep.halving import rungs
from lectopt._sweep.running import tiles_of
from lectopt._sweep.sizing import Size, chosen_size
from lectopt._sweep.space import Configuration
from lectopt._sweep.store import Store
from lectopt._sweep.study import Study
from lectopt._sweep.tiles import Tile
from lectopt._sweep.workers import Bench
from lectopt.training.loop import metric_column
from lectopt.training.manifest import (
    PACKAGES,
    difference,
    fingerprint,
    refuse,
)

# In the order in which they are told. The last one is compared where no other differs.
SECTIONS = ("problem", "optimizer", "data", "steps", "settings", "versions", "device", "program")
GROUPED = ("problem", "optimizer", "program", "steps", "rungs")  # by program

IN_FILES, IN_MEMORY = 1.0, 0.2  # seconds of work in a tile: each is a file in a directory

Rungs = Callable[[int, int], list[int]]
Opened = tuple[Bench, "list[Tile] | None", Rungs]


def opened(
    study: Study,
    ones: Sequence[Configuration],
    seeds: Sequence[int],
    factor: float | None,
    tile: Any,
    store: Store,
    accept: Sequence[str],
    known: Bench | None = None,
    pruned: Rungs | None = None,
) -> Opened:
    """The programs of all groups, traced; the tiles of the first rung, and what the rungs are.

    `known` are the programs of configurations before these, and `pruned` the rungs, where it is not
    `factor` that makes them.

    Raises:
        ValueError: A program cannot be traced, or the directory holds another sweep.
    """
    most = max(Counter(one.optimizer for one in ones).values())
    if not isinstance(store, Directory):
        bench = _bench(study, ones, seeds, tile, known=known)
        return bench, None, pruned or rungs(factor, most)
    with store.alone():
        there = store.manifest()
        if there is not None:
            size, most = Size(*there["tile"]), there["most"]
            bench = _bench(study, ones, seeds, tile, size, known)
        else:
            bench = _bench(study, ones, seeds, tile, known=known, record=IN_FILES)
        of_rungs = pruned or rungs(factor, most)
        here = _manifest(bench, ones, of_rungs, [factor, most])
        if there is not None:
            found = difference(_common(there, here), _common(here, there), SECTIONS)
            refuse(store.path, found, accept, "sweep", SECTIONS)
            here = _joined(there, here)
        if there != here:
            store.describe(here)
        store.read_plan()
        old = {lane for tile in store.tiles for lane in tile.lanes}
        new = [(one, seed) for one in ones for seed in seeds if (one.key, seed) not in old]
        ends = {}
        for one in ones:
            group = study.group(one)
            ends[one.key] = [*of_rungs(group.steps, group.every), group.steps]
        store.plan(tiles_of(new, bench, 0, ends))
    wanted = {(one.key, seed) for one in ones for seed in seeds}
    return bench, [t for t in store.tiles if wanted.intersection(t.lanes)], of_rungs


def _bench(
    study: Study,
    ones: Sequence[Configuration],
    seeds: Sequence[int],
    tile: Any,
    size: Size | None = None,
    known: Bench | None = None,
    record: float = IN_MEMORY,
) -> Bench:
    groups: dict[str, list[Configuration]] = {}
    for one in ones:
        groups.setdefault(one.group, []).append(one)
    largest = max(groups.values(), key=len)
    bench = known or Bench(study, size or Size(1, 1))
    if size is None and known is None:
        group = study.group(largest[0])
        bench.size, made = chosen_size(group, largest, len(seeds), bench.data(group), tile, record)
        for lanes in made.values():
            bench.know(lanes)
    for some in groups.values():  # each is traced before the first training
        bench.lanes(study.group(some[0]))
    return bench


def _manifest(
    bench: Bench, ones: Sequence[Configuration], of_rungs: Rungs, halving: Sequence[Any]
) -> dict[str, Any]:
    """What a directory keeps of a sweep, by section."""
    import lectopt

    study, found = bench.study, {name: {} for name in GROUPED}
    data: dict[str, Any] = {}
    for one in {one.group: one for one in ones}.values():
        group = study.group(one)
        key, problem, lanes = group.key, group.blocks.problem, bench.lanes(group)
        found["problem"][key], found["optimizer"][key] = lanes.identity(study.optimizers)
        found["program"][key] = lanes.sha256
        found["steps"][key] = dict(steps=group.steps, eval_every=group.every)
        found["rungs"][key] = of_rungs(group.steps, group.every)
        for name, split in problem.data.items():
            if name not in data:
                data[name] = fingerprint(split)
    judge = study.group(ones[0]).blocks.problem
    return {
        **found,
        "optimizers": [*study.optimizers],
        "data": data,
        "settings": {"halving": halving[0], "divergence_factor": repr(study.factor)},
        "most": halving[1],
        "metric": metric_column(judge),
        "direction": "maximize" if judge.sign < 0 else "minimize",
        "tile": [bench.size.width, bench.size.chunks],
        "versions": {name: version(name) for name in PACKAGES} | {"lectopt": lectopt.__version__},
        "device": jax.local_devices()[0].device_kind,
    }


def _common(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """The sections, of groups that both have."""
    return {
        section: {key: x for key, x in value.items() if key in other[section]}
        if section in GROUPED
        else value
        for section, value in one.items()
    }


def _joined(there: Mapping[str, Any], here: Mapping[str, Any]) -> dict[str, Any]:
    """What the directory holds from now on."""
    grown = {name: {**there[name], **here[name]} for name in GROUPED}
    names = [*dict.fromkeys([*there["optimizers"], *here["optimizers"]])]
    own = {"format": there["format"], "kind": there["kind"]}
    return {**own, **here, **grown, "optimizers": names, "tile": there["tile"]}
