"""The loop of one training: blocks of steps, evaluations between them, and when to stop.

No Python runs between the steps of a block. Blocks end at evaluations, and about once a second, so
that an interruption finds the loop soon.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import jax
import numpy as np

from lectopt.state_search import names
from lectopt.training.feeding import Feeder
from lectopt.training.history import History
from lectopt.training.interrupts import Interrupts
from lectopt.training.problem import Problem
from lectopt.training.processes import Processes
from lectopt.training.programs import Programs, copied
from lectopt.training.progress import Progress
from lectopt.training.run import Best, Run, Stopped
from lectopt.training.step import Training

SECONDS = 1.0  # of a block, about

OnNonfinite = Literal["stop", "skip", "raise"]
Callback = Callable[[Run], Any]


@dataclass(frozen=True)
class Plan:
    """What a loop is to do: see `fit`."""

    steps: int
    eval_every: int
    patience: int | None
    callbacks: Sequence[Callback]
    on_nonfinite: OnNonfinite


@dataclass
class Loop:
    """A training under way."""

    problem: Problem
    programs: Programs
    plan: Plan
    training: Training
    step: int
    history: History
    best: Best | None = None
    feeder: Feeder | None = None
    stopped: Stopped | None = None  # by what, when the state was saved
    _train: Any = None  # the batch of the last step, of an iterable; else all training data

    def train(self, progress: Progress, save: Callable[[Loop, Stopped | None], None]) -> Run:
        """Train until something stops it.

        Args:
            progress: Is told after each block.
            save: Is called after each block, with the reason if it was the last one.
        """
        length = 1
        with Interrupts() as interrupts:
            try:
                stopped = self._verdict()
                while stopped is None:
                    begun, first = time.perf_counter(), self.step
                    self._block(min(length, self._until_evaluation()))
                    a_second = int(SECONDS * (self.step - first) / (time.perf_counter() - begun))
                    length = max(1, min(a_second, 8 * length, self._longest))
                    stopped = self._nonfinite()
                    if stopped is None and self._until_evaluation(passed=True) == 0:
                        self._evaluate()
                        stopped = self._verdict()
                    length, received = self._processes.agreed(length, bool(interrupts.received))
                    if stopped is None and received:
                        by = interrupts.received or "a signal to another process"
                        stopped = Stopped("interrupted", self.step, by)
                    progress.advance(self.step, self._latest())
                    save(self, stopped)
            finally:
                progress.close()
        return self.run(stopped)

    def run(self, stopped: Stopped | None = None, keep: bool = False) -> Run:
        """The run so far; with `keep` its arrays are not those that the loop uses up."""
        training = copied(self.training) if keep else self.training
        outward, best = self.programs.placement.outward, self.best
        if best is not None:
            arrays = outward((best.params, best.model_state))
            best = replace(best, params=arrays[0], model_state=arrays[1])
        params, state, opt_state = outward(training[:3])
        return Run(
            params,
            state,
            opt_state,
            self.step,
            best,
            stopped,
            recorded=self.history.copy(),
            used=lambda: outward(self.programs.to_use(training)),
            rebuild=self.problem.rebuild,
        )

    @property
    def _processes(self) -> Processes:
        return self.programs.placement.processes

    @property
    def _longest(self) -> int:
        return 1024 if self.feeder is not None else self.programs.blocks.capacity

    def _until_evaluation(self, passed: bool = False) -> int:
        """Steps to the next evaluation, or, if those are `passed`, since the last one."""
        if self.step == self.plan.steps:
            return 0
        every = self.plan.eval_every
        since = self.step % every
        return since if passed else min(every - since, self.plan.steps - self.step)

    @property
    def _evaluated_at(self) -> int:
        return self.history.evaluations[-1]["step"] if self.history.evaluations else -1

    def _block(self, steps: int) -> None:
        """Make so many steps, or those up to the one that is not finite."""
        if self.feeder is None:
            rows = [self._run(self.programs.data["train"], self.step, steps)]
        else:
            rows = []
            for step in range(self.step, self.step + steps):
                batch = self.programs.placement.batch(self.feeder.next())
                try:
                    rows.append(self._run(batch, step, 1))
                except (TypeError, ValueError) as error:
                    if self.feeder.is_like_the_first(batch):
                        raise
                    raise self.feeder.unlike_the_first(batch, step, error) from error
                if int(self.training.stopped_at) >= 0:
                    break
        made = [
            {name: np.asarray(x)[: steps if self.feeder is None else 1] for name, x in row.items()}
            for row in rows
        ]
        block = {name: np.concatenate([row[name] for row in made]) for name in made[0]}
        stopped_at = int(self.training.stopped_at)
        count = steps if stopped_at < 0 else stopped_at - self.step + 1
        self.history.blocks.append({name: x[:count] for name, x in block.items()})
        self.step = self.step + steps if stopped_at < 0 else stopped_at

    def _run(self, train: Any, step: int, steps: int) -> Any:
        self.training, rows = self.programs.run(
            self.training, train, step, step + steps, self._evaluated_at
        )
        self._train = train
        return rows

    def _evaluate(self) -> None:
        row: dict[str, Any] = {"step": self.step}
        row["train_loss"] = self.history.mean_loss(max(self._evaluated_at, self.history.first))
        for split in evaluated_splits(self.problem):
            found = self.programs.measure(self.training, split)
            row |= {f"{split}_{name}": value for name, value in found.items()}
        self.history.evaluations.append(row)
        if "validation" not in self.problem.data:
            return
        value = row[metric_column(self.problem)]
        evaluation = self.programs.placement.replicated(np.asarray(value, float))
        self.training = self.training._replace(evaluation=evaluation)
        if math.isfinite(value) and (self.best is None or self._better(value)):
            metrics = {name: x for name, x in row.items() if name != "step"}
            used = self.programs.to_use(self.training)
            self.best = Best(self.step, metrics, *used, rebuild=self.problem.rebuild)

    def _better(self, value: float) -> bool:
        assert self.best is not None
        sign = self.problem.sign
        return sign * value < sign * self.best.metrics[metric_column(self.problem)]

    def _verdict(self) -> Stopped | None:
        """Whether the run is over, by what is known now: so a run that goes on stops again."""
        if int(self.training.stopped_at) >= 0:
            return self.stopped or Stopped("nonfinite", self.step, "")
        stopped = None
        if self._evaluated_at == self.step:
            called_back = self._called_back()
            stopped = self._impatient() or called_back
        if self.step >= self.plan.steps:
            return Stopped("steps", self.step, "")
        return stopped

    def _called_back(self) -> Stopped | None:
        """Whether a callback says so, in any process."""
        reason = None
        for callback in self.plan.callbacks:
            run = self.run(keep=True)
            with self.programs.placement.outer():
                said = callback(run)
            if callable(said):
                name = getattr(callback, "__name__", callback)
                raise ValueError(f"the callback {name} returned a function. Write {name}(...).")
            try:
                said = bool(said) and said
            except ValueError as error:
                raise ValueError(
                    f"a callback returned a {type(said).__name__}, which is neither true nor "
                    "false. Return None to go on, True or a text to stop."
                ) from error
            if said and reason is None:
                reason = said if isinstance(said, str) else ""
        stops = self._processes.agreed(0, reason is not None)[1]
        return Stopped("callback", self.step, reason or "") if stops else None

    def _impatient(self) -> Stopped | None:
        """Whether there were too many evaluations without a better one."""
        since = self.best.step if self.best is not None else -1
        worse = sum(row["step"] > since for row in self.history.evaluations)
        if self.plan.patience is None or worse < self.plan.patience:
            return None
        detail = f"no better {metric_column(self.problem)} in {worse} evaluations"
        return Stopped("patience", self.step, detail)

    def _nonfinite(self) -> Stopped | None:
        """What became of a block in which something was not finite."""
        if int(self.training.stopped_at) < 0:
            return None
        found = self.programs.not_finite(self.training, self._train, self.step, self._evaluated_at)
        detail = f"{_first_of(found)} is not finite in step {self.step}"
        if self.plan.on_nonfinite == "raise":
            raise FloatingPointError(
                f'fit: {detail}; {self.step} updates were made. With on_nonfinite="stop" the run '
                "up to there comes back."
            )
        warnings.warn(
            f"fit: {detail}. The run stops with the parameters before that update.", stacklevel=5
        )
        return Stopped("nonfinite", self.step, detail)

    def _latest(self) -> dict[str, float]:
        """The numbers that a progress bar shows."""
        numbers = {"loss": float(self.history.blocks[-1]["loss"][-1])}
        if self.history.evaluations:
            last = self.history.evaluations[-1]
            column = metric_column(self.problem)
            numbers |= {column: last[column]} if column in last else {}
        return numbers


def evaluated_splits(problem: Problem) -> list[str]:
    """The splits that are measured at each evaluation: not the test split, which is for the end,
    and the training split only where there is no other."""
    arrays = [s for s in problem.data if not (s == "train" and problem.streamed)]
    return [s for s in arrays if s not in ("train", "test")] or [s for s in arrays if s == "train"]


def metric_column(problem: Problem) -> str:
    """The column of the evaluations by which one is better than another."""
    split = "validation" if "validation" in problem.data else "train"
    return f"{split}_{problem.metric}"


def _first_of(found: dict[str, Any]) -> str:
    """The first part of a step that is not finite, in the order in which it is computed."""
    if found["loss"]:
        also = [*_names(found, "state"), *_names(found, "gradient")]
        return f"the loss (and {also[0]})" if also else "the loss"
    for part in ("gradient", "update", "parameter", "state"):
        for name in _names(found, part):
            return name
    return "the loss"


def _names(found: dict[str, Any], part: str) -> list[str]:
    article = "the model state" if part == "state" else f"the {part}"
    return [
        f"{article} of {'/'.join(names(path)) or 'the only leaf'}"
        for path, bad in jax.tree_util.tree_leaves_with_path(found[part])
        if bad
    ]
