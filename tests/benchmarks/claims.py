"""A claim of a benchmark: two measurements that take turns, and what their ratio may be."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

Measure = Callable[[], float]


@dataclass(frozen=True)
class Claim:
    """Ours beside another's.

    Attributes:
      what: the row's name; no other row with this peer has it.
      ours: one measurement of lectopt. What it needs is made in it, and not before.
      theirs: one of the other.
      peer: who the other is.
      unit: of both.
      at_most: the largest ratio of ours to theirs that the claim allows; None where nothing is
        claimed.
      turns: how often each is measured; 1 for what does not depend on the machine.
      note: why, where a ratio is what it is.
    """

    what: str
    ours: Measure
    theirs: Measure
    peer: str = "Optax"
    unit: str = "ms"
    at_most: float | None = None
    turns: int = 7
    note: str = ""

    @property
    def name(self) -> str:
        """What the row is known by."""
        return f"{self.what}, beside {self.peer}"

    def measure(self) -> "Measured":
        """Both, in turn; each goes first every other time."""
        pairs = []
        for turn in range(self.turns):
            if turn % 2:
                second, first = self.theirs(), self.ours()
            else:
                first, second = self.ours(), self.theirs()
            pairs.append((first, second))
        ours, theirs = (statistics.median(values) for values in zip(*pairs, strict=True))
        ratio = statistics.median(a / b if b else float("inf") if a else 1.0 for a, b in pairs)
        return Measured(self, ours, theirs, ratio)

    @staticmethod
    def heading() -> str:
        """The head of the table, as Markdown."""
        cells = ("what", "unit", "lectopt", "beside", "", "ratio", "at most", "")
        return f"| {' | '.join(cells)} |\n|{' --- |' * len(cells)}"

    def row(self, ours: str, theirs: str, ratio: str, words: str) -> str:
        """A line of the table, as Markdown."""
        bound = "" if self.at_most is None else f"{self.at_most:.3g}"
        cells = (self.what, self.unit, ours, self.peer, theirs, ratio, bound, words)
        return f"| {' | '.join(cells)} |"

    def missed(self, reason: str) -> str:
        """The line of a row that could not be measured."""
        return self.row("", "", "", f"NOT MEASURED: {reason}")


@dataclass(frozen=True)
class Measured:
    """What a claim came to."""

    claim: Claim
    ours: float
    theirs: float
    ratio: float

    @property
    def holds(self) -> bool:
        """Whether nothing was claimed, or the ratio is within it."""
        return self.claim.at_most is None or self.ratio <= self.claim.at_most

    def __str__(self) -> str:
        claim = self.claim
        mark = "" if claim.at_most is None else "holds" if self.holds else "DOES NOT HOLD"
        words = " ".join(filter(None, (mark, claim.note)))
        return claim.row(f"{self.ours:.4g}", f"{self.theirs:.4g}", f"{self.ratio:.2f}", words)


def wall(call: Callable[[], object], repeats: int = 1) -> Measure:
    """The wall time of a call, in milliseconds, the least of a few: where threads matter."""
    return timed(time.perf_counter, call, repeats)


def process(call: Callable[[], object], repeats: int = 1) -> Measure:
    """The process time of a call, all threads together, in milliseconds; the least of a few."""
    return timed(time.process_time, call, repeats)


def timed(clock: Callable[[], float], call: Callable[[], object], repeats: int) -> Measure:
    """Milliseconds by a clock in seconds."""

    def measure() -> float:
        times = []
        for _ in range(repeats):
            start = clock()
            call()
            times.append(clock() - start)
        return 1e3 * min(times)

    return measure


def constant(value: float) -> Measure:
    """What needs no measuring."""
    return lambda: value
