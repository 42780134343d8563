"""Files that are there whole or not at all, and a lock for those who write them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def checked_path(path: Any, what: str) -> Path:
    """A path on this machine.

    Raises:
        ValueError: It is none.
    """
    if not isinstance(path, str | os.PathLike) or not str(path) or "\0" in str(path):
        raise ValueError(f'{what}: wanted the path of a folder, as "runs/1", got {path!r}')
    if "://" in str(path):
        raise ValueError(
            f"{what}: {path} is no folder of this machine. Mount it, and give its path."
        )
    return Path(path)


def unusable(path: Path, error: OSError) -> ValueError:
    """What is said of a folder that cannot be made, read or written."""
    why = error.strerror or str(error)
    return ValueError(f"{path} cannot be used: {why}. Give a folder in which files can be written.")


def append(path: Path, data: bytes) -> None:
    """Add to a file all of it, or, where that fails, nothing."""
    with open(path, "ab", buffering=0) as file:
        before = file.tell()
        try:
            left = memoryview(data)
            while left:
                left = left[file.write(left) :]
        except OSError:
            file.truncate(before)
            raise


def write_whole(path: Path, data: bytes) -> None:
    """Write a file beside its place and put it there in one move, safe from a crash of the system
    once this returns."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder safe from a crash of the system, where that can be asked for."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:  # Windows opens no folders
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def locked(path: Path, what: str, wait: bool = False) -> Iterator[None]:
    """Hold a lock file, which the end of the process gives back in any case; with `wait` once
    nobody else holds it.

    Raises:
        ValueError: Another process holds it; `what` is what it then does.
    """
    with open(path, "a") as file:
        try:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except ImportError:  # Windows has no such locks
            pass
        except OSError:
            raise ValueError(f"{path.parent}: another process {what} at this moment") from None
        yield
