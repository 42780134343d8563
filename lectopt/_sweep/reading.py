"""A directory of a sweep, read without the code that made it."""

from __future__ import annotations

from pathlib import Path

from lectopt._sweep.arguments import checked_directory
from lectopt._sweep.directory import read_records
from lectopt._sweep.result import SweepResult


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
