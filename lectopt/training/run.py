"""What a training was: its weights, its history, and why it stopped."""

from __future__ import annotations

import contextlib
import functools
import html
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.core
import jax.extend.core as extended

from lectopt.training.history import History

if TYPE_CHECKING:
    from pandas import DataFrame

Rebuild = Callable[[Any, Any], Any]
_tracing: Any = extended if hasattr(extended, "get_opaque_trace_state") else jax.core  # before 0.10


def _trace() -> Any:
    """Which function is being traced in this thread."""
    return _tracing.get_opaque_trace_state(convention="nnx")


with ThreadPoolExecutor(1) as _elsewhere:  # this module may be imported while one is
    UNTRACED = _elsewhere.submit(_trace).result()


class Stopped(NamedTuple):
    """Why a training stopped.

    Args:
        reason: `"steps"`: all were made; `"patience"`, `"callback"`, `"nonfinite"` or
            `"interrupted"`.
        step: The number of updates that were made.
        detail: In words.
    """

    reason: str
    step: int
    detail: str

    def __str__(self) -> str:
        return f"{self.reason} at {self.step}" + f": {self.detail}" * bool(self.detail)


@dataclass(frozen=True, eq=False, repr=False)
class Best:
    """The best of a training, by the problem's metric on the validation split.

    Args:
        step: The number of updates before it.
        metrics: What was measured then, by the columns of `Run.evaluations`.
        params: The parameters that were evaluated: averages, where there are any.
        model_state: The model state that belongs to them.
    """

    step: int
    metrics: Mapping[str, float]
    params: Any
    model_state: Any
    rebuild: Rebuild | None = field(default=None, kw_only=True)

    @property
    def model(self) -> Any:
        """The model with these weights, as `Run.model`."""
        return _built(self.rebuild, self.params, self.model_state)

    def __repr__(self) -> str:
        metrics = ", ".join(f"{name}={value:.4g}" for name, value in self.metrics.items())
        return f"Best(step={self.step}, {metrics})"


@dataclass(frozen=True, eq=False, repr=False)
class Run:
    """A training, finished or under way: what `fit` returns, and what its callbacks are given.

    Args:
        params: The parameters as they are trained, to go on with.
        model_state: The state of the model beside them, such as running statistics.
        opt_state: The state of the optimizer.
        step: The number of updates made.
        best: The best so far, or None without a validation split.
        stopped: Why it stopped; None while it is under way.
    """

    params: Any
    model_state: Any
    opt_state: Any
    step: int
    best: Best | None
    stopped: Stopped | None
    recorded: History = field(kw_only=True)
    used: Callable[[], tuple[Any, Any]] | None = field(default=None, kw_only=True)
    rebuild: Rebuild | None = field(default=None, kw_only=True)

    @functools.cached_property
    def history(self) -> DataFrame:
        """A row for each step, by its number from 0: `loss`, what the loss named, `grad_norm`,
        `update_norm`, `learning_rate` where it is one number that is known, what a `monitor` inside
        the optimizer records, and, if any was, whether its update was `skipped`."""
        return self.recorded.frame()

    @functools.cached_property
    def evaluations(self) -> DataFrame:
        """A row for each evaluation, by the number of updates before it: `train_loss`, the mean
        over the batches since the last one, and `<split>_<metric>`, of every split but `"train"`
        and `"test"`. Without such a split the training data are measured: a `train_loss` is theirs.
        """
        return self.recorded.evaluation_frame()

    @property
    def model(self) -> Any:
        """The model with the weights to use, in evaluation mode: averages and base points
        (`evaluation_params`), and for averages the running statistics that belong to them.

        Of Flax NNX a module, of Flax Linen a bound one; of plain functions the parameters, with a
        model state the pair of both. It is the same object every time, but within a traced
        function, to which a module of Flax NNX belongs that is made there.

        Raises:
            ValueError: The run was read from a directory, without its problem.
        """
        if self.used is None:
            raise ValueError(
                "the model is not known of a run that was read from a directory. Make the call of "
                "fit again, which returns a finished run, or take run.params."
            )
        if _trace() != UNTRACED:
            return _built(self.rebuild, *self._weights)
        return self._model

    @functools.cached_property
    def _model(self) -> Any:
        return _built(self.rebuild, *self._weights)

    def _repr_html_(self) -> str:
        """For notebooks: how far it is, and its last evaluations."""
        table = ""
        with contextlib.suppress(ImportError):  # without pandas it is the sentence alone
            table = self.evaluations.tail(5).to_html() if self.recorded.evaluations else ""
        return f"<p>{html.escape(repr(self))}</p>{table}"

    @functools.cached_property
    def _weights(self) -> tuple[Any, Any]:
        assert self.used is not None
        with jax.ensure_compile_time_eval():  # no tracer stays, whoever asks first
            return self.used()

    def __repr__(self) -> str:
        parts = [f"{self.step} steps"]
        if self.stopped is not None:
            parts.append(f"stopped: {self.stopped.reason}")
        if self.recorded.evaluations:
            last = self.recorded.evaluations[-1]
            shown = [name for name in last if name not in ("step", "train_loss")] or ["train_loss"]
            parts += [f"{name} {last[name]:.4g}" for name in shown]
        if self.best is not None:
            parts.append(f"best at {self.best.step}")
        return f"Run({', '.join(parts)})"


def _built(rebuild: Rebuild | None, params: Any, state: Any) -> Any:
    if rebuild is not None:
        return rebuild(params, state)
    return (params, state) if state else params
