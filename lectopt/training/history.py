"""What a training has recorded so far: numbers of every step, and of every evaluation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pandas import DataFrame

LAST = ("grad_norm", "update_norm", "learning_rate", "skipped")  # columns after what losses name

Rows = Mapping[str, np.ndarray]  # by column, of shape (steps,)
Row = Mapping[str, Any]


class History:
    """The numbers of all steps from `first` on, and of the evaluations.

    Nothing that has been added is ever changed, so that a copy is the lists alone.
    """

    def __init__(
        self, first: int = 0, blocks: Iterable[Rows] = (), evaluations: Iterable[Row] = ()
    ) -> None:
        self.first, self.blocks, self.evaluations = first, [*blocks], [*evaluations]

    def __len__(self) -> int:
        return sum(len(next(iter(block.values()))) for block in self.blocks)

    def copy(self) -> History:
        """The history so far, which does not grow."""
        return History(self.first, self.blocks, self.evaluations)

    def column(self, name: str) -> np.ndarray:
        """One number of every step; NaN where it is not known, as before a change of the loss."""
        blocks = [
            block.get(name, np.full_like(next(iter(block.values())), np.nan))
            for block in self.blocks
        ]
        return np.concatenate(blocks or [np.zeros(0, np.float32)])

    def mean_loss(self, since: int) -> float:
        """The mean of the losses of the steps from one on; of those whose update was made."""
        end, losses = self.first + len(self), []
        for block in reversed(self.blocks):
            begin = end - len(block["loss"])
            mine = (np.arange(begin, end) >= since) & (block["skipped"] == 0)
            losses.append(block["loss"][mine])
            end = begin
            if begin <= since:
                break
        # Of one array, so that it is the same whatever the blocks were.
        found = np.concatenate([np.zeros(0), *reversed(losses)])
        return float(found.mean()) if len(found) else float("nan")

    def without_last_step(self) -> History:
        """The history but for the numbers of the last step."""
        *blocks, last = self.blocks
        return History(
            self.first, [*blocks, {k: x[:-1] for k, x in last.items()}], self.evaluations
        )

    def frame(self) -> DataFrame:
        """A row for each step, by its number from 0."""
        names = {"loss"}.union(*self.blocks)
        named = sorted(names - {"loss", *LAST})
        columns = {name: self.column(name) for name in ("loss", *named, *LAST) if name in names}
        skipped = columns.pop("skipped", np.zeros(0)) > 0
        if skipped.any():
            columns["skipped"] = skipped
        index = np.arange(self.first, self.first + len(next(iter(columns.values()))))
        return pandas().DataFrame(columns, index=pandas().Index(index, name="step"))

    def evaluation_frame(self) -> DataFrame:
        """A row for each evaluation, by the number of updates before it."""
        frame = pandas().DataFrame(self.evaluations or {"step": []})
        return frame.astype({"step": int}).set_index("step")


def pandas() -> Any:
    """The module.

    Raises:
        ImportError: It is missing.
    """
    try:
        import pandas
    except ImportError as error:
        raise ImportError('tables need pandas: pip install "lectopt[train]"') from error
    return pandas
