"""How much may be done for a proof, by z3 and by fractions."""

import functools as ft
import time
from typing import Any

try:
    import z3
except ImportError:  # without it only what is one fraction is proved
    z3: Any = None

MEMORY = 1000  # MB for a question
MOST_WORK = 6_000_000  # of z3, for a proof
PART = 50  # of that, for a part of a question
SECOND = 200_000  # of work at least that a second counts as: z3 does not count all it does
MOST_SECONDS = 15  # for a proof, of the processor


class Work:
    """What may still be done for a proof, in z3's own count: so what is proved depends neither on
    how fast a machine is nor on what was asked for other proofs. About a million are a second; only
    a proof that takes several times as long is ended by the clock of the processor."""

    def __init__(self, left: int = MOST_WORK):
        self.left = left
        self._counted, self._since = 0, 0.0
        self._ends = time.thread_time() + MOST_SECONDS

    @property
    def over(self) -> bool:
        """Whether nothing more may be done."""
        return self.left <= 0 or time.thread_time() > self._ends

    @ft.cached_property
    def context(self) -> Any:
        """Where z3 keeps what it knows of this proof."""
        return z3.Context()

    def begin(self, solver: Any, most: int) -> None:
        """Let a solver do so much."""
        most = min(most, self.left)
        solver.set("rlimit", most)
        solver.set("timeout", 1000 * max(1, most // SECOND))
        solver.set("max_memory", MEMORY)
        self._since = time.thread_time()

    def spend(self, solver: Any, parts: int) -> None:
        """Take off what a solver did, and what it was told."""
        counted = solver.statistics().get_key_value("rlimit count")
        took = int(SECOND * (time.thread_time() - self._since))
        self.left -= max(counted - self._counted, took) + PART * parts
        self._counted = counted
