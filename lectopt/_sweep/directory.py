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
from lectopt._sweep.store import State, Store
from lectopt._sweep.tiles import Chunk, Outcome, Tile, Work
from lectopt.training.files import locked, write_whole

FORMAT = 1
OWN = ("manifest.json", "plan.json", "tiles", "lanes", "claims", "lock")


class Directory(Store):
    """A store that is kept."""

    shared = True

    def __init__(self, path: str | Path, *, only_read: bool = False) -> None:
        super().__init__()
        self.path = Path(path)
        self.claims = Claims(self.path / "claims")
        self.configurations: dict[str, Configuration] = {}
        self.tiles: list[Tile] = []
        self.only_read = only_read
        self._seen: set[str] = set()
        self.manifest()  # before anything is written
        for folder in () if only_read else ("tiles", "lanes", "claims"):
            (self.path / folder).mkdir(parents=True, exist_ok=True)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """While manifest and plan are read and written."""
        with locked(self.path / "lock", "begins a sweep", wait=True):
            yield

    def manifest(self) -> dict[str, Any] | None:
        """What the directory says that it holds, or None if it is new.

        Raises:
            ValueError: It holds something else than a sweep, or what it says cannot be read.
        """
        try:
            found = json.loads((self.path / "manifest.json").read_bytes())
        except json.JSONDecodeError as error:
            raise ValueError(
                f"{self.path / 'manifest.json'} cannot be read ({error}). Without it nobody knows "
                "what the directory holds; give another one."
            ) from error
        except FileNotFoundError:
            if self.only_read:
                raise ValueError(f"{self.path} holds no sweep: there is no manifest.json") from None
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
        """The configurations and tiles that were planned; without a plan there are none, and those
        of today's call are planned anew."""
        path = self.path / "plan.json"
        try:
            plan = json.loads(path.read_bytes())
        except FileNotFoundError:
            return
        except json.JSONDecodeError as error:
            self._tear(path, error, "made")
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

    def _tear(self, path: Path, error: Exception, then: str = "trained") -> None:
        if self.only_read:
            return
        with contextlib.suppress(FileNotFoundError):
            os.replace(path, path.with_name(f"{path.name}.torn"))
            warnings.warn(
                f"{path} cannot be read ({str(error)[:200]}); it is {path.name}.torn now, and is "
                f"{then} again.",
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
