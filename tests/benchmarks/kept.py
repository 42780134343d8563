"""The rows of a run that are known already, in a file: a run that is broken off goes on there."""

import json
import os
from pathlib import Path
from typing import Any


class Kept:
    """A file of one line for what a run began with, and one for each beginning and end of a row.

    A row that has begun and not ended is measured again, unless it is said to be missed.
    """

    def __init__(self, path: Path):
        self.path = path
        self.rows: dict[str, dict[str, Any]] = {}
        self.begun: tuple[str, str] | None = None
        self.first: dict[str, str] = {}
        for line in path.read_text("utf-8").splitlines() if path.exists() else ():
            try:
                self._take(json.loads(line))
            except json.JSONDecodeError:  # the last line of a run that was killed
                continue

    def _take(self, said: dict[str, Any]) -> None:
        if "begun" in said:
            self.begun = said["begun"], said["missed"]
        elif "name" in said:
            self.rows[said["name"]] = said
            self.begun = None
        else:
            self.first = said

    def _say(self, said: dict[str, Any]) -> None:
        self._take(said)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(said) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def start(self, first: dict[str, str], same: tuple[str, ...]) -> None:
        """Go on if what the file began with is the same under these names, or begin anew."""
        if any(self.first.get(name) != first[name] for name in same):
            self.path.unlink(missing_ok=True)
            self.rows, self.begun = {}, None
            self._say(first)

    def begin(self, name: str, missed: str) -> None:
        """Say that a row is being measured, and its line if that comes to nothing."""
        self._say({"begun": name, "missed": missed})

    def end(self, name: str, row: str, holds: bool, seconds: float) -> None:
        """Say what came of it, and how long it took of the processor."""
        self._say({"name": name, "row": row, "holds": holds, "seconds": seconds})
