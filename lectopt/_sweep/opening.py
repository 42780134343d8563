"""What comes before the first training: the size of tiles, the programs, the directory's manifest
and plan.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import jax

from lectopt._sweep.directory import Directory
from lectopt._sweep.halving import rungs
from lectopt._sweep.running import tiles_of
from lectopt._sweep.sizing import Size, chosen_size
from lectopt._sweep.space import Configuration
from lectopt._sweep.tiles import Tile
from lectopt._sweep.workers import Bench
from lectopt.training.loop import metric_column
from lectopt.training.manifest import PACKAGES, difference, fingerprint, refuse

if TYPE_CHECKING:
    from lectopt._sweep.session import Session

# In the order in which they are told. The last one is compared where no other differs.
SECTIONS = ("problem", "optimizer", "data", "steps", "settings", "versions", "device", "program")
GROUPED = ("problem", "optimizer", "program", "steps", "rungs")  # by program

IN_FILES, IN_MEMORY = 1.0, 0.2  # seconds of work in a tile: each is a file in a directory

Rungs = Callable[[int, int], list[int]]
Opened = tuple[Bench, "list[Tile] | None", Rungs]


def opened(
    session: Session,
    ones: Sequence[Configuration],
    factor: float | None,
    pruned: Rungs | None = None,
) -> Opened:
    """The programs of all groups, traced; the tiles of the first rung, and what the rungs are.

    Args:
        session: Whose. What it runs already is gone on with.
        ones: The configurations.
        factor: Of halving; it makes the rungs, except where they are `pruned`.
        pruned: The rungs.

    Raises:
        ValueError: A program cannot be traced, or the directory holds another sweep.
    """
    study, seeds, store = session.study, session.seeds, session.store
    most = max(Counter(one.optimizer for one in ones).values())
    of_rungs = pruned or rungs(factor, most)
    if not isinstance(store, Directory):
        return _bench(session, ones, factor, of_rungs), None, of_rungs
    with store.alone():
        there = store.manifest()
        if there is not None:
            most = there["most"]
            of_rungs = pruned or rungs(factor, most)
            bench = _bench(session, ones, factor, of_rungs, Size(*there["tile"]))
        else:
            bench = _bench(session, ones, factor, of_rungs, record=IN_FILES)
        here = _manifest(bench, ones, of_rungs, [factor, most])
        if there is not None:
            found = difference(_common(there, here), _common(here, there), SECTIONS)
            refuse(store.path, found, session.accept, "sweep", SECTIONS)
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
    session: Session,
    ones: Sequence[Configuration],
    factor: float | None,
    of_rungs: Rungs,
    size: Size | None = None,
    record: float = IN_MEMORY,
) -> Bench:
    study = session.study
    groups: dict[str, list[Configuration]] = {}
    for one in ones:
        groups.setdefault(one.group, []).append(one)
    largest = max(groups.values(), key=len)
    known = None if session.runner is None else session.runner.bench
    bench = known or Bench(study, size or Size(1, 1))
    if size is None and known is None:
        group = study.group(largest[0])
        ends = [*of_rungs(group.steps, group.every), group.steps]
        stages = [
            (end - begin, math.ceil(len(largest) / (factor or 1) ** i))
            for i, (begin, end) in enumerate(itertools.pairwise([0, *ends]))
        ]
        bench.size, made = chosen_size(
            group, largest, stages, len(session.seeds), bench.data(group), session.tile, record
        )
        for lanes in made.values():
            bench.know(lanes)
    for some in groups.values():  # each is traced before the first training
        _ = bench.lanes(study.group(some[0])).measured
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
