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
        """One number of every step."""
        return np.concatenate([block[name] for block in self.blocks] or [np.zeros(0, np.float32)])

    def mean_loss(self, since: int) -> float:
        """The mean of the losses of the steps from one on; of those whose update was made."""
        end, total, count = self.first + len(self), 0.0, 0
        for block in reversed(self.blocks):
            losses, skipped = block["loss"], block["skipped"] > 0
            begin = end - len(losses)
            mine = (np.arange(begin, end) >= since) & ~skipped
            total, count, end = (
                total + float(losses[mine].sum(dtype=float)),
                count + mine.sum(),
                begin,
            )
            if begin <= since:
                break
        return total / count if count else float("nan")

    def frame(self) -> DataFrame:
        """A row for each step, by its number from 0."""
        names = {*self.blocks[0]} if self.blocks else {"loss"}
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
