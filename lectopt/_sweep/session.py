"""A sweep under way: where it is kept, who trains, and when it is left."""

from __future__ import annotations

import concurrent.futures as cf
import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lectopt._sweep.configurations import Direction
from lectopt._sweep.directory import Directory
from lectopt._sweep.elsewhere import Elsewhere
from lectopt._sweep.running import Runner
from lectopt._sweep.space import Configuration
from lectopt._sweep.store import Store
from lectopt._sweep.study import Study
from lectopt._sweep.workers import Bench, Threads
from lectopt.training.interrupts import Interrupts
from lectopt.training.loop import metric_column
from lectopt.training.progress import Progress, progress_of


@dataclass(eq=False)
class Session:
    """What is under way.

    Args:
        study: What is trained.
        seeds: From which.
        column: By which one is better.
        direction: Which of it is best.
        tile: `"auto"`, or the lanes of a program.
        accept: Sections in which the directory may differ.
        store: What is known.
        executor: Workers elsewhere; None for threads of this process.
        stop: Whether to leave everything as it is.
        progress: Is told what is done.
        closing: What ends with it.
        runner: Once there are programs, what runs them.
    """

    study: Study
    seeds: Sequence[int]
    column: str
    direction: Direction
    tile: Any
    accept: Sequence[str]
    store: Store
    executor: cf.Executor | None
    stop: Callable[[], bool]
    progress: Progress
    closing: contextlib.ExitStack
    runner: Runner | None = field(default=None, init=False)

    @property
    def tiles(self) -> tuple[int, int] | None:
        """How many tiles are done, and how many there are in the rungs that have begun."""
        return None if self.runner is None else self.runner.tiles

    def start(self, bench: Bench) -> Runner:
        """What runs these programs."""
        workers: Any = Threads(bench, self.store, self.stop)
        if self.executor is not None:
            workers = Elsewhere(bench, self.executor)
        self.closing.callback(workers.close)
        self.closing.push(_abandoning(workers))
        sign = -1 if self.direction == "maximize" else 1
        self.runner = Runner(
            bench, self.store, workers, self.stop, self.progress, self.column, sign
        )
        return self.runner


@contextlib.contextmanager
def session(
    study: Study,
    example: Configuration,
    seeds: Sequence[int],
    count: int,
    tile: Any,
    directory: Path | None,
    accept: Sequence[str],
    executor: cf.Executor | None,
    max_seconds: float | None,
    progress: bool | None,
) -> Iterator[Session]:
    """A sweep of so many configurations, of which one is given, until it is done or left."""
    judge = study.group(example).blocks.problem
    column, direction = metric_column(judge), "maximize" if judge.sign < 0 else "minimize"
    started = time.monotonic()
    with contextlib.ExitStack() as stack:
        bar = progress_of(progress, "sweep", count * len(seeds), 0, "training")
        stack.callback(bar.close)
        store = Store() if directory is None else Directory(directory)
        stack.callback(store.close)
        interrupts = stack.enter_context(Interrupts())

        def stop() -> bool:
            late = max_seconds is not None and time.monotonic() - started >= max_seconds
            return interrupts.received is not None or late

        yield Session(
            study, seeds, column, direction, tile, accept, store, executor, stop, bar, stack
        )


def _abandoning(workers: Any) -> Any:
    """If something is raised, what runs is not waited for longer than a block."""

    def leave(kind: Any, error: Any, trace: Any) -> None:
        del error, trace
        if kind is not None:
            workers.abandon()

    return leave
