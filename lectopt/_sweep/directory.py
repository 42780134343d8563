"""The directory of a sweep, which any number of processes may share.

manifest.json   what makes it this sweep, and the size of its tiles
plan.json       configurations, and the tiles of the first rung: grows, never shrinks
tiles/<name>    what a tile found: the whole of it, or nothing
lanes/<name>    states: of tiles under way, and of the ends of rungs; deleted when all is done
claims/<name>   who trains a tile (see `claims`)
lock            held while manifest and plan are written
"""

from __future__ import annotations

import contextlib
import json
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lectopt._sweep.claims import Claims
from lectopt._sweep.configurations import Direction
from lectopt._sweep.records import Record
from lectopt._sweep.space import Configuration, Fixed
from lectopt._sweep.storage import (
    Torn,
    pack_outcome,
    pack_work,
    packed,
    unpack_outcome,
    unpack_work,
    unpacked,
)
from lectopt._sweep.store import State, Store, known_records
from lectopt._sweep.tiles import Chunk, Outcome, Tile, Work
from lectopt.training.files import locked, write_whole

FORMAT = 1
OWN = ("manifest.json", "plan.json", "tiles", "lanes", "claims", "lock")


class Directory(Store):
    """A store that is kept."""

    shared = True

    def __init__(self, path: str | Path) -> None:
        super().__init__()
        self.path = Path(path)
        self.manifest()  # before anything is written
        for folder in ("tiles", "lanes", "claims"):
            (self.path / folder).mkdir(parents=True, exist_ok=True)
        self.claims = Claims(self.path / "claims")
        self.configurations: dict[str, Configuration] = {}
        self.tiles: list[Tile] = []
        self._seen: set[str] = set()

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """While manifest and plan are read and written."""
        with locked(self.path / "lock", "begins a sweep", wait=True):
            yield

    def manifest(self) -> dict[str, Any] | None:
        """What the directory says that it holds, or None if it is new.

        Raises:
            ValueError: It holds something else than a sweep.
        """
        try:
            found = json.loads((self.path / "manifest.json").read_bytes())
        except FileNotFoundError:
            others = [p.name for p in self.path.glob("*") if p.name not in OWN]
            others = [name for name in others if not name.endswith(".tmp")]
            if others:
                raise ValueError(
                    f"{self.path} holds {', '.join(sorted(others)[:6])} and no sweep. Give a "
                    "directory of its own."
                ) from None
            return None
        if (found.get("kind"), found.get("format")) != ("sweep", FORMAT):
            raise ValueError(
                f"{self.path} holds a {found.get('kind')} of format {found.get('format')}, and not "
                f"a sweep of format {FORMAT}. Give another directory."
            )
        return found

    def describe(self, sections: Mapping[str, Any]) -> None:
        """Say what the directory holds."""
        told = {"format": FORMAT, "kind": "sweep", **sections}
        write_whole(self.path / "manifest.json", json.dumps(told, indent=1).encode())

    def read_plan(self) -> None:
        """The configurations and tiles that were planned."""
        try:
            plan = json.loads((self.path / "plan.json").read_bytes())
        except FileNotFoundError:
            return
        ones = [_configuration(row) for row in plan["configurations"]]
        self.configurations = {one.key: one for one in ones}
        self.tiles = [
            Tile(0, 0, end, tuple(Chunk(s, tuple(ones[i] for i in rows)) for s, rows in chunks))
            for end, chunks in plan["tiles"]
        ]

    def plan(self, tiles: Sequence[Tile]) -> None:
        """Add tiles of the first rung."""
        if not tiles:
            return
        self.tiles += tiles
        for tile in tiles:
            for chunk in tile.chunks:
                for one in chunk.configurations:
                    self.configurations.setdefault(one.key, one)
        place = {key: i for i, key in enumerate(self.configurations)}
        plan = {
            "configurations": [_row(one) for one in self.configurations.values()],
            "tiles": [
                [t.end, [[c.seed, [place[one.key] for one in c.configurations]] for c in t.chunks]]
                for t in self.tiles
            ],
        }
        write_whole(self.path / "plan.json", json.dumps(plan).encode())

    def refresh(self) -> None:
        """See `Store`."""
        for name in sorted(os.listdir(self.path / "tiles")):
            if name in self._seen or not name.endswith(".npz"):
                continue
            path = self.path / "tiles" / name
            try:
                self.take(unpack_outcome(path.read_bytes()))
                self._seen.add(name)
            except FileNotFoundError:  # another process found it torn
                pass
            except Torn as error:
                self._tear(path, error)

    def add(self, tile: Tile, outcome: Outcome, states: Sequence[State]) -> None:
        """See `Store`."""
        if states:
            flat = {f"{i} {j}": x for i, leaves in enumerate(states) for j, x in enumerate(leaves)}
            data = packed(dict(lanes=tile.lanes, end=tile.end, leaves=len(states[0])), flat)
            write_whole(self._end_of(tile.name), data)
        write_whole(self.path / "tiles" / f"{tile.name}.npz", pack_outcome(outcome))
        self._seen.add(f"{tile.name}.npz")
        self.take(outcome)
        with contextlib.suppress(OSError):
            self._way_of(tile.name).unlink()

    def state(self, step: int, lane: tuple[str, int]) -> State | None:
        """See `Store`."""
        if (step, lane) not in self.kept:
            known = self.segments(lane, step)
            if not known or known[-1][0].end != step:
                return None
            path = self._end_of(known[-1][0].name)
            try:
                told, x = unpacked(path.read_bytes())
            except FileNotFoundError:
                return None
            except Torn as error:
                self._tear(path, error)
                return None
            for i, (key, seed) in enumerate(told["lanes"]):
                leaves = [x[f"{i} {j}"] for j in range(told["leaves"])]
                self.kept[step, (key, seed)] = leaves
        return self.kept.get((step, lane))

    def claim(self, tile: Tile) -> bool:
        """See `Store`."""
        if not self.claims.take(tile.name):
            return False
        if (self.path / "tiles" / f"{tile.name}.npz").exists():  # done since we looked
            self.claims.give_back(tile.name)
            return False
        return True

    def give_back(self, tile: Tile) -> None:
        """See `Store`."""
        self.claims.give_back(tile.name)

    def leave(self, work: Work) -> None:
        """See `Store`."""
        write_whole(self._way_of(work.tile.name), pack_work(work))

    def work(self, tile: Tile, structure: Any) -> Work | None:
        """See `Store`."""
        path = self._way_of(tile.name)
        try:
            return unpack_work(path.read_bytes(), tile, structure)
        except FileNotFoundError:
            return None
        except Torn as error:
            self._tear(path, error)
            return None

    def finish(self) -> None:
        """See `Store`."""
        super().finish()
        for path in (self.path / "lanes").glob("*.npz"):
            path.unlink(missing_ok=True)

    def close(self) -> None:
        """See `Store`."""
        self.claims.close()

    def _end_of(self, name: str) -> Path:
        return self.path / "lanes" / f"{name}.npz"

    def _way_of(self, name: str) -> Path:
        return self.path / "lanes" / f"{name}.part.npz"

    def _tear(self, path: Path, error: Exception) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.replace(path, path.with_name(f"{path.name}.torn"))
            warnings.warn(
                f"{path} cannot be read ({str(error)[:200]}); it is {path.name}.torn now, and is "
                "trained again.",
                stacklevel=2,
            )


def _row(one: Configuration) -> list[Any]:
    fixed = [name for name, x in one.settings.items() if isinstance(x, Fixed)]
    return [one.optimizer, dict(one.settings), fixed]


def _configuration(row: Sequence[Any]) -> Configuration:
    optimizer, settings, fixed = row
    return Configuration(
        optimizer, {name: Fixed(x) if name in fixed else x for name, x in settings.items()}
    )


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
    found = json.loads(_text(Path(directory) / "manifest.json"))
    if found.get("kind") != "sweep":
        raise ValueError(f"{directory} holds a {found.get('kind')}, and no sweep")
    store = Directory.__new__(Directory)
    Store.__init__(store)
    store.path, store.configurations, store.tiles = Path(directory), {}, []
    store.read_plan()
    for path in sorted((Path(directory) / "tiles").glob("*.npz")):
        with contextlib.suppress(Torn, FileNotFoundError):
            store.take(unpack_outcome(path.read_bytes()))
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


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except (FileNotFoundError, NotADirectoryError):
        raise ValueError(f"{path.parent} holds no sweep: there is no {path.name}") from None
