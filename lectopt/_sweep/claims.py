"""Who trains which tile, where several processes share a directory: files with a heartbeat.

A claim is made by creating a file, which one process alone can. Its time is the heartbeat; one that
is old, by the clock of the file system, or whose process has ended, is taken over.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
import uuid
from pathlib import Path

BEAT = 10.0  # seconds
STALE = 60.0


class Claims:
    """The claims of this process in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.held: set[str] = set()
        self._me = f"{socket.gethostname()} {os.getpid()} {uuid.uuid4().hex}"
        self._lock, self._end = threading.Lock(), threading.Event()
        self._thread: threading.Thread | None = None

    def take(self, name: str) -> bool:
        """Claim a tile, if nobody has."""
        path = self.folder / name
        for _ in range(2):
            try:
                handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
            except FileExistsError:
                if not self._taken_over(path):
                    return False
                continue
            with os.fdopen(handle, "w") as file:
                file.write(self._me)
            with self._lock:
                self.held.add(name)
            if self._thread is None:
                self._thread = threading.Thread(target=self._beat, daemon=True)
                self._thread.start()
            return True
        return False

    def give_back(self, name: str) -> None:
        """The tile is done, or left."""
        with self._lock:
            self.held.discard(name)
        path = self.folder / name
        with contextlib.suppress(OSError):
            if path.read_text() == self._me:
                path.unlink()

    def close(self) -> None:
        """Give all back."""
        self._end.set()
        for name in [*self.held]:
            self.give_back(name)

    def _taken_over(self, path: Path) -> bool:
        """Remove a claim whose owner is gone; whether it is removed."""
        try:
            owner, age = path.read_text(), self._now() - path.stat().st_mtime
        except OSError:
            return True  # it has just been given back
        if owner == self._me or (age < STALE and not _has_ended(owner)):
            return False
        # One alone can rename it. Between reading and renaming another may have taken it over.
        aside = path.with_name(f"{path.name}.stale.{uuid.uuid4().hex}")
        try:
            os.rename(path, aside)
            if aside.read_text() != owner:
                os.link(aside, path)
            aside.unlink()
        except OSError:
            return False
        return True

    def _now(self) -> float:
        """By the clock of the file system."""
        clock = self.folder / f".clock.{self._me.split()[-1]}"
        try:
            clock.touch()
            now = clock.stat().st_mtime
            clock.unlink()
        except OSError:
            return time.time()
        return now

    def _beat(self) -> None:
        while not self._end.wait(BEAT):
            with self._lock:
                held = [*self.held]
            for name in held:
                with contextlib.suppress(OSError):
                    os.utime(self.folder / name)


def _has_ended(owner: str) -> bool:
    """Whether a claim is of a process of this machine that is no more."""
    host, pid, *_ = [*owner.split(), "", ""]
    if host != socket.gethostname() or not pid.isdigit():
        return False
    if int(pid) == os.getpid():  # of a process before this one, or of another sweep of this one
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False
