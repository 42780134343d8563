"""Functions of the run so far, for `fit(callbacks=...)`: to watch it, and to stop it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np

from lectopt.training.files import checked_path, unusable
from lectopt.training.run import Run

MOST = 1000  # points of a curve between two evaluations


def converged(window: int = 100, tolerance: float = 1e-3) -> Callable[[Run], str | None]:
    """Stop when the loss has converged: the mean loss of the last `window` steps is below that of
    the `window` steps before them by less than `tolerance` of its absolute value.

    The loss may rise, too; it has then stopped to fall. `fit` asks after each evaluation.

    Args:
        window: Steps, at least 1: enough of them for the noise of the batches to cancel.
        tolerance: A share, 0 or more.

    Returns:
        A callback for `fit`.

    Raises:
        ValueError: An argument is out of range.

    Source: CMU (S0-04, S0-06: "until loss has converged"), STAT 479 (S4-26: "while not
    converged").
    """
    if not isinstance(window, int | np.integer) or not isinstance(
        tolerance, int | float | np.number
    ):
        raise ValueError(
            "wanted converged(window=100, tolerance=1e-3), numbers both, which makes the callback; "
            f"got {window!r} and {tolerance!r}"
        )
    if window < 1 or not tolerance >= 0:
        raise ValueError(
            f"wanted a window of at least 1 step and a tolerance of 0 or more, got {window!r} and "
            f"{tolerance!r}"
        )

    def stop(run: Run) -> str | None:
        losses = run.recorded.column("loss").astype(float)[-2 * window :]
        if len(losses) < 2 * window:
            return None
        before, now = losses[:window].mean(), losses[window:].mean()
        if before - now < tolerance * abs(before):
            return f"the mean loss of {window} steps went from {before:.6g} to {now:.6g}"
        return None

    return stop


def tensorboard(path: str | Path) -> Callable[[Run], None]:
    """Show the run in TensorBoard: `tensorboard --logdir PATH`.

    After each evaluation the numbers of the steps since the last one are written under `step/`
    (evenly spaced ones, if there are more than 1000), those of the evaluation under `evaluation/`.
    A run that goes on where it was broken off is written from its beginning, in place of what was
    there.

    Args:
        path: A folder, of this run alone.

    Returns:
        A callback for `fit`.

    Raises:
        ImportError: tensorboardX is missing.
        ValueError: `path` is no folder, and none can be made there.
    """
    folder = checked_path(path, "tensorboard")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unusable(folder, error) from error
    try:
        from tensorboardX import SummaryWriter
    except ImportError as error:
        raise ImportError(
            'tensorboard() needs tensorboardX: pip install "lectopt[train]"'
        ) from error
    steps = evaluations = -1  # so many are written; -1 before the first time

    def write(run: Run) -> None:
        nonlocal steps, evaluations
        arrays = jax.tree.leaves(run.params)
        if jax.process_index() and not all(x.is_fully_addressable for x in arrays):
            return  # the first of the processes that train together writes
        history = run.recorded
        begins = steps < 0 or len(history) < steps
        if begins:
            steps = evaluations = 0
        # A file for each time: closing one is the only way to have all of it written.
        purge: dict[str, Any] = dict(purge_step=history.first) if begins else {}
        writer = SummaryWriter(str(path), filename_suffix=f".{time.time_ns()}", **purge)
        columns = {name for block in history.blocks for name in block} - {"skipped"}
        chosen = np.unique(np.linspace(steps, len(history) - 1, MOST).astype(int))
        for name in sorted(columns) if len(history) > steps else ():
            values = history.column(name)
            for i in chosen:
                writer.add_scalar(f"step/{name}", values[i], history.first + i)
        for row in history.evaluations[evaluations:]:
            for name, value in row.items():
                if name != "step" and not math.isnan(value):
                    writer.add_scalar(f"evaluation/{name}", value, row["step"])
        writer.close()
        steps, evaluations = len(history), len(history.evaluations)

    return write
