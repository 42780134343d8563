"""Several processes that make one training together: who writes, and what is decided for all.

Every process runs the same programs in the same order. What is decided by a clock, a signal or a
file is therefore decided once.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import numpy as np
from jax.experimental import multihost_utils


@dataclass(frozen=True)
class Processes:
    """Those that share a mesh, or one alone."""

    several: bool = False

    @property
    def is_first(self) -> bool:
        """Whether this one writes files and progress."""
        return not self.several or jax.process_index() == 0

    def agreed(self, number: int, flag: bool = False) -> tuple[int, bool]:
        """The number of the first process, and whether any has raised the flag."""
        if not self.several:
            return number, flag
        found = multihost_utils.process_allgather(np.array([number, flag], np.int32))
        return int(found[0, 0]), bool(found[:, 1].any())

    def wait(self, what: str) -> None:
        """Until all are here."""
        if self.several:
            multihost_utils.sync_global_devices(what)


ALONE = Processes()
