"""What a sweep found: tidy tables, the best configuration of each optimizer, and plots.

The one rule of judgement: a configuration with a diverged seed never wins. Its last finite
parameters may look well, and NaN is neither better nor worse than anything.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame

Mode = Literal["max", "min"]


@dataclass(frozen=True, eq=False)
class Runs:
    """All trainings of one optimizer: S seeds, C configurations, E evaluations.

    Args:
        hyperparameters: By name, shape `(C,)`.
        diverged_at: The step of divergence or -1, shape `(S, C)`.
        train_loss: Mean of the batch losses since the last evaluation, shape `(E, S, C)`; NaN once
            a training is frozen.
        validation: By metric, on the validation split, shape `(E, S, C)`; empty without one.
        final: By split and metric, after the last step, shape `(S, C)`.
    """

    hyperparameters: Mapping[str, np.ndarray]
    diverged_at: np.ndarray
    train_loss: np.ndarray
    validation: Mapping[str, np.ndarray]
    final: Mapping[str, Mapping[str, np.ndarray]]

    @property
    def converged(self) -> np.ndarray:
        """Whether no seed of a configuration diverged, shape `(C,)`."""
        return np.all(self.diverged_at < 0, axis=0)

    def best(
        self, metric: str, split: str, mode: Mode, among: np.ndarray | None = None
    ) -> int | None:
        """The configuration with the best mean over seeds among those without a diverged seed.

        The first one, of several; None, if there is no such configuration with a finite mean.
        `among`, of shape `(C,)`, says which ones take part; by default all.
        """
        with np.errstate(invalid="ignore"):  # inf - inf
            score = self.final[split][metric].mean(axis=0, dtype=float)
        eligible = self.converged & np.isfinite(score) & (True if among is None else among)
        if not eligible.any():
            return None
        return int(np.argmax(np.where(eligible, score if mode == "max" else -score, -np.inf)))


@dataclass(frozen=True, eq=False)
class SweepResult:
    """The outcome of `sweep`.

    Args:
        seeds: The seeds, in the order of the arrays.
        evaluated_at: How many steps had been made at each point of the curves.
        runs: By optimizer, the arrays of all its trainings.
    """

    seeds: tuple[int, ...]
    evaluated_at: tuple[int, ...]
    runs: Mapping[str, Runs]

    def __repr__(self) -> str:
        trainings = sum(run.diverged_at.size for run in self.runs.values())
        return (
            f"SweepResult({trainings} trainings of {len(self.runs)} optimizers, "
            f"{len(self.seeds)} seeds, {self.evaluated_at[-1]} steps)"
        )

    def table(self) -> DataFrame:
        """One row per optimizer, configuration and seed.

        Columns: `optimizer`, `configuration` (its number within the optimizer), the
        hyperparameters (missing where an optimizer has none of that name), `seed`, `diverged_at`
        (the step, or -1), and the metrics after the last step as `<split>_<metric>`.
        """
        return self._frame(
            lambda run: {
                "diverged_at": run.diverged_at,
                **{
                    f"{split}_{metric}": values
                    for split, metrics in run.final.items()
                    for metric, values in metrics.items()
                },
            }
        )

    def curves(self) -> DataFrame:
        """One row per optimizer, configuration, seed and evaluation.

        Columns: as in `table` up to `seed`, then `step` (how many had been made), `train_loss`
        (mean over the batches since the last evaluation) and `validation_<metric>`.
        """
        steps = np.asarray(self.evaluated_at)[:, None, None]
        return self._frame(
            lambda run: {
                "step": np.broadcast_to(steps, run.train_loss.shape),
                "train_loss": run.train_loss,
                **{f"validation_{metric}": values for metric, values in run.validation.items()},
            }
        )

    def best(
        self, metric: str = "accuracy", split: str = "validation", mode: Mode = "max"
    ) -> DataFrame:
        """The best configuration of each optimizer, best optimizer first.

        It has the best mean of `metric` over the seeds on `split`, after the last step, among the
        configurations of which no seed diverged; of several, it is the first.

        Args:
            metric: A metric of the problem.
            split: The split that decides.
            mode: Whether `"max"` or `"min"` of the metric is best.

        Returns:
            One row per optimizer. Columns: `optimizer`, the hyperparameters, `<split>_<metric>`
            (the mean over seeds), `test_<metric>` and `test_<metric>_sd` (mean and sample standard
            deviation over seeds, if there is a test split), `diverged` and `configurations` (how
            many have a diverged seed, and how many there are). Values are missing for an optimizer
            all of whose configurations have diverged.

        Raises:
            ValueError: There is no such metric, split or mode.
        """
        pd = _pandas()
        self.check(metric, split, mode)
        rows = []
        for name, run in self.runs.items():
            row: dict[str, Any] = {"optimizer": name}
            winner = run.best(metric, split, mode)
            if winner is not None:
                chosen = run.final[split][metric][:, winner].astype(float)
                row |= {key: values[winner] for key, values in run.hyperparameters.items()}
                row[f"{split}_{metric}"] = chosen.mean()
                if "test" in run.final:
                    test = run.final["test"][metric][:, winner].astype(float)
                    row[f"test_{metric}"] = test.mean()
                    row[f"test_{metric}_sd"] = test.std(ddof=1) if len(test) > 1 else np.nan
            row |= {"diverged": int((~run.converged).sum()), "configurations": len(run.converged)}
            rows.append(row)
        tested = [f"test_{metric}", f"test_{metric}_sd"] if "test" in self._splits() else []
        columns = ["optimizer", *self._hyperparameters(), f"{split}_{metric}", *tested]
        frame = pd.DataFrame(rows, columns=[*dict.fromkeys(columns), "diverged", "configurations"])
        order = frame[f"{split}_{metric}"].sort_values(ascending=mode == "min", kind="stable")
        return frame.loc[order.index].reset_index(drop=True)

    def plot_sensitivity(
        self,
        metric: str = "accuracy",
        split: str = "validation",
        mode: Mode = "max",
        *,
        x: str = "learning_rate",
        path: str | Path | None = None,
    ) -> Figure:
        """How much each optimizer depends on its learning rate: `plots.sensitivity`."""
        from lectopt._sweep.plots import sensitivity

        return sensitivity(self, metric, split, mode, x=x, path=path)

    def to_csv(self, path: str | Path) -> None:
        """Write `table()` as CSV: either the whole file or none."""
        with atomic_path(path) as temporary:
            self.table().to_csv(temporary, index=False)

    def check(self, metric: str, split: str, mode: str) -> None:
        """Refuse a metric or a split that was not measured.

        Raises:
            ValueError: Naming the ones there are.
        """
        splits = self._splits()
        if split not in splits:
            raise ValueError(f"wanted one of the splits {list(splits)}, got {split!r}")
        if metric not in splits[split]:
            raise ValueError(
                f"wanted one of the metrics {list(splits[split])}, got {metric!r}; the problem's "
                "evaluate(params, split) says what is measured"
            )
        if mode not in ("max", "min"):
            raise ValueError(f'wanted mode "max" or "min", got {mode!r}')

    def _splits(self) -> Mapping[str, Mapping[str, np.ndarray]]:
        return next(iter(self.runs.values())).final

    def _hyperparameters(self) -> list[str]:
        return list(dict.fromkeys(key for run in self.runs.values() for key in run.hyperparameters))

    def _frame(self, measured: Any) -> DataFrame:
        """Arrays of shape (..., S, C) as columns; C varies slowest: seeds are neighbours."""
        pd = _pandas()
        seed = np.asarray(self.seeds)[:, None]
        frames = []
        for optimizer, run in self.runs.items():
            numbers = {"configuration": np.arange(len(run.converged)), **run.hyperparameters}
            columns = {**numbers, "seed": seed, **measured(run)}
            shape = np.broadcast_shapes(*map(np.shape, columns.values()))
            flat = {
                key: np.moveaxis(np.broadcast_to(values, shape), [-1, -2], [0, 1]).ravel()
                for key, values in columns.items()
            }
            frames.append(pd.DataFrame({"optimizer": optimizer, **flat}))
        frame = pd.concat(frames, ignore_index=True)
        first = ["optimizer", "configuration", *self._hyperparameters()]
        return frame[[*first, *frame.columns.difference(first, sort=False)]]


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """A path to write to; what is there replaces `path` when, and only when, all went well."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".") as folder:
        temporary = Path(folder) / path.name
        yield temporary
        os.replace(temporary, path)


def _pandas() -> Any:
    try:
        import pandas
    except ImportError as error:
        raise ImportError('tables need pandas: pip install "lectopt[demo]"') from error
    return pandas
