"""The directory of a run: what it is, what it did, and states to go on from.

    manifest.json        what makes it this run (see `manifest`)
    history.jsonl        a line for each step
    evaluations.jsonl    a line for each evaluation
    checkpoints/<step>/  Orbax, and a file `done` (see `checkpoints`): the two newest ones
    lock                 held while a process trains here

Lines are written as blocks are made, checkpoints once a minute. A run that goes on cuts the lines
to those of its checkpoint: `done` has their number of bytes.
"""

from __future__ import annotations

import json
import os
import shutil
import time
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from lectopt.state_search import Names
from lectopt.training import checkpoints
from lectopt.training.files import append, unusable, write_whole
from lectopt.training.history import History
from lectopt.training.loop import Loop
from lectopt.training.processes import ALONE, Processes
from lectopt.training.run import Stopped

SAVE_EVERY = 60.0  # seconds
AGAIN = 10.0  # seconds after which to try again what could not be written
KEPT = 2  # checkpoints
FORMAT = 1
FILES = ("history", "evaluations")


class Saved(NamedTuple):
    """A checkpoint that was read: arrays by name, facts, and the history up to it."""

    arrays: Mapping[str, Any]
    facts: Mapping[str, Any]
    history: History


class Store:
    """The directory of one run. Of several processes all call, and the first one writes; arrays
    that are divided among them are written by all."""

    def __init__(self, directory: str | Path, processes: Processes = ALONE) -> None:
        self.path, self.processes = Path(directory), processes
        self.optimizer = ""  # the sha256 of what the manifest says of it
        self._written = dict.fromkeys(FILES, 0)  # blocks, evaluations
        self._saved_at, self._saved_step = time.monotonic(), -1
        self._again_at = 0.0  # when to write, after it has failed

    def manifest(self) -> dict[str, Any] | None:
        """What the directory says that it holds, or None if it is new.

        Raises:
            ValueError: It holds something else than a run of `fit`.
        """
        try:
            found = json.loads((self.path / "manifest.json").read_bytes())
        except FileNotFoundError:
            own = ("lock", *(f"{name}.jsonl" for name in FILES))
            others = [p.name for p in self.path.glob("*") if p.name not in own]
            others = [name for name in others if not name.endswith(".tmp")]
            if others:
                raise ValueError(
                    f"{self.path} holds {', '.join(sorted(others)[:6])} and no run. Give a "
                    "directory of its own."
                ) from None
            return None
        except OSError as error:
            raise unusable(self.path, error) from error
        except ValueError:
            found = None
        if not isinstance(found, dict) or not {"kind", "format"} <= {*found}:
            raise ValueError(
                f"{self.path / 'manifest.json'} is not what fit has written there. Give another "
                "directory, or, to begin anew, remove this one."
            )
        if (found.get("kind"), found.get("format")) != ("fit", FORMAT):
            raise ValueError(
                f"{self.path} holds a {found.get('kind')} of format {found.get('format')}, and not "
                f"a run of fit of format {FORMAT}. Give another directory."
            )
        if lacking := {"settings", "optimizer", "program"} - {*found}:
            raise ValueError(
                f"{self.path / 'manifest.json'} has no {', '.join(sorted(lacking))}. Give another "
                "directory, or, to begin anew, remove this one."
            )
        return found

    def describe(self, sections: Mapping[str, Any]) -> None:
        """Say what the directory holds."""
        self.processes.wait("describe")  # all have read what it held
        if not self.processes.is_first:
            return
        self.path.mkdir(parents=True, exist_ok=True)
        told = {"format": FORMAT, "kind": "fit", **sections}
        write_whole(self.path / "manifest.json", json.dumps(told, indent=1).encode())

    def newest(
        self, mend: bool = True, shardings: Mapping[Names, Any] | None = None
    ) -> Saved | None:
        """The newest state that can be read, or None. One that cannot is renamed `.torn`, and that
        is said, unless nothing is to be mended.

        Args:
            mend: Whether what cannot be read is to be put aside.
            shardings: Where arrays are to be, by name; on the host by default.
        """
        mend = mend and self.processes.is_first
        for folder in sorted(self._folders(), key=lambda p: -int(p.name)):
            facts = checkpoints.facts_of(folder)
            if facts is None:  # the process ended while it was written, or writes it now
                shutil.rmtree(folder, ignore_errors=True) if mend else None
                continue
            try:
                arrays = checkpoints.load(folder, facts, shardings)
                return Saved(arrays, facts, self._history(facts))
            except checkpoints.Torn as error:
                if not mend:
                    continue
                torn = folder.with_name(f"{folder.name}.torn")
                shutil.rmtree(torn, ignore_errors=True)
                os.replace(folder, torn)
                warnings.warn(
                    f"{folder} cannot be read ({str(error)[:200]}); it is {torn.name} now. The run "
                    "goes on from the state before it.",
                    stacklevel=3,
                )
        return None

    def begin(self, saved: Saved | None, history: History, drop_last_step: bool = False) -> None:
        """Cut the lines to those of a state, or to none; `history` is what is written then."""
        for name in FILES if self.processes.is_first else ():
            size = saved.facts["bytes"][name] if saved is not None else 0
            with open(self.path / f"{name}.jsonl", "a+b") as file:
                file.truncate(size)
                if drop_last_step and name == "history":
                    file.seek(0)
                    file.truncate(size - len(file.read().splitlines(keepends=True)[-1]))
        self._written = {"history": len(history.blocks), "evaluations": len(history.evaluations)}
        self._saved_step = -1 if saved is None else int(saved.facts["step"])
        if self.processes.is_first:  # what a process left that ended while it wrote
            for folder in (self.path / "checkpoints").glob("*.orbax-checkpoint-tmp*"):
                shutil.rmtree(folder, ignore_errors=True)
        self.processes.wait("begin")

    def after_block(self, loop: Loop, stopped: Stopped | None) -> None:
        """Write what is new; with the state, if it is time or the run is over.

        Where that cannot be done, as on a full disk, it is said, and tried again: later blocks
        write what is missing.
        """
        if self.processes.several:  # the others wait for what this one writes
            self._after_block(loop, stopped)
            return
        if stopped is None and time.monotonic() < self._again_at:
            return
        try:
            self._after_block(loop, stopped)
        except Exception as error:  # of the system, or what Orbax makes of one
            self._saved_at, self._saved_step = time.monotonic(), -1
            self._again_at = self._saved_at + min(SAVE_EVERY, AGAIN)
            for folder in (self.path / "checkpoints").glob("*"):
                if not (folder / checkpoints.DONE).exists():  # it takes room
                    shutil.rmtree(folder, ignore_errors=True)
            then = "It goes on, and tries again" if stopped is None else "Its end is not saved"
            warnings.warn(
                f"fit: the run cannot be saved in {self.path} ({str(error)[:200]}). {then}; what "
                "was saved before is there.",
                stacklevel=3,
            )

    def _after_block(self, loop: Loop, stopped: Stopped | None) -> None:
        new = self._written
        ends = dict(history=len(loop.history.blocks), evaluations=len(loop.history.evaluations))
        lines = {
            "history": _lines_of(loop.history, new["history"]),
            "evaluations": map(_line, loop.history.evaluations[new["evaluations"] :]),
        }
        for name in FILES if self.processes.is_first else ():
            append(self.path / f"{name}.jsonl", "".join(lines[name]).encode())
            self._written[name] = ends[name]
        due = int(time.monotonic() - self._saved_at >= SAVE_EVERY)
        if stopped is not None or self.processes.agreed(due)[0]:
            self.save(loop, stopped)

    def save(self, loop: Loop, stopped: Stopped | None) -> None:
        """Write the state."""
        sizes = {}
        for name in FILES if self.processes.is_first else ():
            with open(self.path / f"{name}.jsonl", "ab") as file:
                os.fsync(file.fileno())
                sizes[name] = file.tell()
        best, place = loop.best, None if loop.feeder is None else loop.feeder.place()
        if place is not None and self.processes.several:  # each has its own batches
            place = {"taken": place["taken"]}
        facts = dict(
            step=loop.step,
            optimizer=self.optimizer,
            first=loop.history.first,
            bytes=sizes,
            stopped=stopped,
            best=None if best is None else dict(step=best.step, metrics=dict(best.metrics)),
            place=place,
        )
        folder = self.path / "checkpoints" / str(loop.step)
        tree: dict[str, Any] = dict(training=loop.training._asdict())
        if best is not None:
            tree["best"] = dict(params=best.params, model_state=best.model_state)
        known = checkpoints.facts_of(folder) if self._saved_step == loop.step else None
        if not known:
            folder.parent.mkdir(exist_ok=True)
            checkpoints.save(folder, tree, facts, self.processes)
        elif self.processes.is_first:  # the arrays are there; why it stopped may be new
            checkpoints.mark(folder, {**known, **facts})
        self._saved_at, self._saved_step = time.monotonic(), loop.step
        if self.processes.is_first:
            self._prune()
        self.processes.wait("saved")

    def _prune(self) -> None:
        """Keep the newest states."""
        for folder in sorted(self._folders(), key=lambda p: -int(p.name))[KEPT:]:
            (folder / checkpoints.DONE).unlink(missing_ok=True)  # before anything of it is missing
            shutil.rmtree(folder, ignore_errors=True)

    def _folders(self) -> Iterator[Path]:
        return (p for p in (self.path / "checkpoints").glob("*") if p.name.isdigit())

    def _history(self, facts: Mapping[str, Any]) -> History:
        """The lines up to a state.

        Raises:
            Torn: Some are missing.
        """
        rows = {}
        for name in FILES:
            size = facts["bytes"][name]
            try:
                with open(self.path / f"{name}.jsonl", "rb") as file:
                    text = file.read(size)
            except OSError as error:
                raise checkpoints.Torn(str(error)) from error
            if len(text) < size:
                raise checkpoints.Torn(f"{name}.jsonl has been cut")
            try:
                rows[name] = [json.loads(line) for line in text.splitlines()]
            except ValueError as error:
                raise checkpoints.Torn(f"{name}.jsonl: {error}") from error
        steps, dtype = rows["history"], jnp.result_type(float)
        columns = {name: None for row in steps for name in row if name != "step"}
        block = {
            name: np.array([row.get(name, np.nan) for row in steps], dtype) for name in columns
        }
        return History(int(facts["first"]), [block] if steps else [], rows["evaluations"])


def _line(row: Mapping[str, Any]) -> str:
    return f"{json.dumps(row)}\n"


def _lines_of(history: History, written: int) -> Iterator[str]:
    """The lines of the blocks that are not written yet."""
    step = history.first + sum(len(block["loss"]) for block in history.blocks[:written])
    for block in history.blocks[written:]:
        columns = [x.tolist() for x in block.values()]
        for numbers in zip(*columns, strict=True):
            yield _line({"step": step, **dict(zip(block, numbers, strict=True))})
            step += 1
