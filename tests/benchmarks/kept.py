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
        text = path.read_text("utf-8") if path.exists() else ""
        whole = text[: text.rfind("\n") + 1]
        if whole != text:  # the last line of a run that was killed
            path.write_text(whole, "utf-8")
        for line in whole.splitlines():
            self._take(json.loads(line))

    def _take(self, said: dict[str, Any]) -> None:
        if "begun" in said:
            self.begun = (said["begun"], said["missed"]) if said["begun"] else None
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
        self.begin("", "")

    def begin(self, name: str, missed: str) -> None:
        """Say that a row is being measured, and its line if that comes to nothing; "" of none."""
        self._say({"begun": name, "missed": missed})

    def end(self, name: str, row: str, holds: bool, seconds: float) -> None:
        """Say what came of it, and how long it took of the processor."""
        self._say({"name": name, "row": row, "holds": holds, "seconds": seconds})
