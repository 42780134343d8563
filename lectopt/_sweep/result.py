"""What a sweep found: tidy tables, the best of each optimizer, comparisons."""

from __future__ import annotations

import contextlib
import functools
import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lectopt._sweep import comparing, describing, tables
from lectopt._sweep.comparing import Comparison
from lectopt._sweep.configurations import (
    Configuration,
    Direction,
    by_configuration,
)
from lectopt._sweep.records import Record

if TYPE_CHECKING:
    from pandas import DataFrame

    from lectopt.training.run import Run

# From the name of an optimizer and settings: the problem, the optimizer as `fit` takes it, steps.
Rebuild = Callable[[str, Mapping[str, object]], tuple[Any, Any, int]]


@dataclass(frozen=True, eq=False, repr=False)
class SweepResult:
    """The outcome of `sweep`.

    Wherever a metric is asked for, it is a column of `table()`, `"test_accuracy"`, or its name
    alone, `"accuracy"`: then on the split that the problem's own metric is measured on.

    Args:
        records: The trainings that were made: by optimizer, configuration, seed.
        problem_metric: The column by which the problem says what is best.
        direction: Which of it is best.
        complete: Whether everything that was asked for has been trained.
        tiles: How many tiles are done, and how many there are; of a halving, in the rungs that have
            begun.
    """

    records: Sequence[Record]
    problem_metric: str
    direction: Direction
    complete: bool = True
    tiles: tuple[int, int] | None = None
    rebuild: Rebuild | None = None

    def table(self) -> DataFrame:
        """One row per optimizer, configuration and seed.

        Columns: `optimizer`, the settings (missing where an optimizer has none of that name),
        `seed`, `steps` (of the whole training), `diverged_at` and `culled_at` (a step, or missing),
        and the metrics of the last weights as `<split>_<metric>`.
        """
        return tables.table(self._configurations)

    def curves(self) -> DataFrame:
        """One row per optimizer, configuration, seed and evaluation.

        Columns: as in `table` up to `seed`, then `step` (how many had been made), `train_loss`
        (the mean over the batches since the last evaluation), `<split>_<metric>`, `learning_rate`,
        `grad_norm` and `update_norm`, as far as they are known. If the learning rate is a setting,
        the one that acts is `learning_rate_at_step`.
        """
        return tables.curves(self._configurations)

    def best(self, metric: str | None = None, *, direction: Direction | None = None) -> DataFrame:
        """The best configuration of each optimizer, the best optimizer first.

        It has the best mean over the seeds after the last step, among the configurations that were
        trained to the end from every seed without a divergence; of several, it is the first.

        The number is optimistic: the best of many noisy means owes something to luck, and the more
        configurations there are, the more. To say how good the choice is, read the test split; to
        say that one optimizer is better than another, use `compare`.

        Args:
            metric: By default the problem's own.
            direction: Which of it is best: `"minimize"` or `"maximize"`. It is known of the
                problem's own metric, and of a loss.

        Returns:
            One row per optimizer. Columns: `optimizer`, the settings, the metric: its mean over
            seeds, `_median`, and the ends `_low` and `_high` of a 95 % bootstrap interval of the
            mean (missing with fewer than 5 seeds); `test_<metric>` and `test_<metric>_sd`, mean and
            sample standard deviation, if there is a test split; `nearly_best`, the share of the
            configurations that are within 10 % of the best; `diverged`, `culled` and
            `configurations`, how many there are. Values are missing for an optimizer all of whose
            configurations have diverged.

        Raises:
            ValueError: There is no such metric, or it is not known which of it is best.
        """
        column, direction = self.judged(metric, direction)
        return tables.best(self.configurations, column, direction, self.seeds)

    def band(
        self,
        setting: str = "learning_rate",
        metric: str | None = None,
        *,
        direction: Direction | None = None,
    ) -> DataFrame:
        """How exactly a setting has to be chosen: the values that come within 10 % of the best.

        Args:
            setting: A number that every optimizer has as a setting.
            metric: As for `best`.
            direction: As for `best`.

        Returns:
            One row per optimizer. Columns: `optimizer`; `best`, that of its best configuration;
            `low` and `high`, the least and the largest value among its configurations within 10 %
            of that; `decades`, `log10(high / low)`.

        Raises:
            ValueError: As for `best`, or an optimizer has no such number.
        """
        column, direction = self.judged(metric, direction)
        return tables.band(self.configurations, setting, column, direction, self.seeds)

    def compare(
        self,
        a: str,
        b: str,
        metric: str | None = None,
        steps_to: float | None = None,
        *,
        direction: Direction | None = None,
    ) -> Comparison:
        """Is `a` better than `b`, each at its own tuned settings?

        The settings are chosen on the even seeds, by what is compared, and compared on the odd
        ones. The interval is of a paired bootstrap over these seeds.

        Args:
            a: An optimizer.
            b: Another one.
            metric: By default the problem's own.
            steps_to: A value of the metric, `level(0.1)` for example: compare how many steps it
                takes to reach it. They are read off the curves, by straight lines between the
                evaluations; trainings that never arrive, or diverge, count as all steps and are
                numbered. Without it, the metric after the last step is compared.
            direction: As for `best`.

        Returns:
            `.ratio` of the steps (the geometric mean over the seeds) or `.difference` of the
            metric, the ends `.low` and `.high` of its 95 % interval, `.pairs`; and, printed, what
            that says. With fewer than 5 pairs there is no interval.

        Raises:
            ValueError: There is no such optimizer or metric; or no even or no odd seed; or every
                configuration has diverged.
        """
        column, direction = self.judged(
            metric, direction, "finals" if steps_to is None else "curves"
        )
        for name in (a, b):
            if name not in self.configurations:
                raise ValueError(f"wanted one of {list(self.configurations)}, got {name!r}")
        if a == b:
            raise ValueError(f"wanted two optimizers, got {a!r} twice")
        both = {name: self.configurations[name] for name in (a, b)}
        return comparing.compare(both, column, direction, steps_to)

    def level(
        self, quantile: float, metric: str | None = None, *, direction: Direction | None = None
    ) -> float:
        """A level for `compare(..., steps_to=)` that every optimizer can be held to: the best one
        that at least this share of the trainings of each reaches, at some evaluation.

        Args:
            quantile: In (0, 1].
            metric: By default the problem's own.
            direction: As for `best`.

        Raises:
            ValueError: There is no such metric, or fewer trainings of an optimizer than this end
                without a divergence.
        """
        if not isinstance(quantile, int | float) or not 0 < quantile <= 1:
            raise ValueError(f"wanted a quantile in (0, 1], got {quantile!r}")
        column, direction = self.judged(metric, direction, "curves")
        return comparing.level(self.configurations, column, direction, quantile)

    def refit(self, row: Mapping[str, Any] | None = None, seed: int = 0, **arguments: Any) -> Run:
        """Train one configuration again with `fit`, and keep its weights.

        Args:
            row: A row of `table()` or `best()`, or a dict of `optimizer`, where there are several,
                and settings; by default the best one.
            seed: It begins as the training of the sweep with this seed.
            **arguments: For `fit`: `directory`, `callbacks`, other `steps`, ...

        Raises:
            ValueError: The result was read from a directory, without its problem; the row names no
                optimizer; or every configuration has diverged.
        """
        from lectopt._sweep.refitting import refit

        return refit(self, row, seed, arguments)

    def tensorboard(self, path: str | Path) -> None:
        """Write a run per configuration for the HParams tab of TensorBoard, `tensorboard --logdir
        PATH`: its settings, and the means of its metrics over the seeds.

        Raises:
            ImportError: tensorboardX is missing.
        """
        from lectopt._sweep.hparams import write

        write(self._configurations, path)

    @functools.cached_property
    def configurations(self) -> Mapping[str, Sequence[Configuration]]:
        """The configurations of each optimizer, with their records."""
        names = dict.fromkeys(one.optimizer for one in self._configurations)
        return {
            name: [one for one in self._configurations if one.optimizer == name] for name in names
        }

    @functools.cached_property
    def seeds(self) -> tuple[int, ...]:
        """The seeds, in rising order."""
        return tuple(sorted({record.seed for record in self.records}))

    def judged(
        self, metric: str | None, direction: Direction | None, among: str = "finals"
    ) -> tuple[str, Direction]:
        """The column of a metric, and which of it is best.

        Raises:
            ValueError: There is no such column, or the direction is not known.
        """
        split, _, own = self.problem_metric.partition("_")
        found = {
            name: None
            for record in self.records
            for name in (record.finals if among == "finals" else record.curves)
        }
        column = self.problem_metric if metric is None else metric
        column = column if column in found or not found else f"{split}_{column}"
        if found and column not in found:
            raise ValueError(
                f"wanted one of the metrics {list(found)}, got {metric or self.problem_metric!r}; "
                "the problem's evaluate says what is measured"
            )
        if direction is None:
            bare = column.partition("_")[2]
            if bare not in (own, "loss"):
                raise ValueError(
                    f"which {column} is best? Write direction='maximize' or direction='minimize'; "
                    f"the problem says it of {own!r} alone"
                )
            direction = self.direction if bare == own else "minimize"
        elif direction not in ("minimize", "maximize"):
            raise ValueError(f"wanted direction 'minimize' or 'maximize', got {direction!r}")
        return column, direction

    @functools.cached_property
    def _configurations(self) -> list[Configuration]:
        return by_configuration(self.records)

    def __repr__(self) -> str:
        return describing.sentence(self)

    def _repr_html_(self) -> str:
        """For notebooks: what there is, and the best of each optimizer."""
        table = ""
        with contextlib.suppress(ImportError):  # without pandas it is the sentence alone
            table = self.best().to_html(index=False) if self.records else ""
        return f"<p>{html.escape(repr(self))}</p>{table}"
