"""What a sweep reports: tables, the best, the figure, the bar."""

from pathlib import Path

import numpy as np
import optax
import pandas as pd
import pytest

from lectopt._sweep import sweep
from tests.sweep.logistic import PROBLEM, RATES, run

pytestmark = pytest.mark.usefixtures("fast_compilation")


@pytest.fixture(scope="module")
def result():
    return run({"adam": optax.adam, "sgd": optax.sgd}, {"learning_rate": RATES}, 3)


def test_best_is_the_best_row_of_the_table(result):
    best = result.best("loss", "validation", "min")
    means = result.table().groupby(["optimizer", "learning_rate"], as_index=False).mean()
    for row in best.to_dict("records"):
        own = means[means.optimizer == row["optimizer"]]
        winner = own.loc[own.validation_loss.idxmin()]
        assert row["learning_rate"] == winner.learning_rate
        np.testing.assert_allclose(row["test_loss"], winner.test_loss, rtol=1e-5)
    assert best.validation_loss.is_monotonic_increasing
    assert result.best("loss", "test", "max").columns.is_unique
    assert repr(result) == "SweepResult(18 trainings of 2 optimizers, 3 seeds, 13 steps)"


def test_csv_round_trip(result, tmp_path):
    path = tmp_path / "new" / "table.csv"
    result.to_csv(path)
    read = pd.read_csv(path)
    pd.testing.assert_frame_equal(read, result.table(), check_dtype=False, rtol=1e-6)
    np.testing.assert_allclose(read.learning_rate.unique(), RATES, rtol=1e-15)
    assert [file.name for file in path.parent.iterdir()] == ["table.csv"]


def test_a_failed_write_leaves_the_old_file(result, tmp_path, monkeypatch):
    path = tmp_path / "table.csv"
    path.write_text("old")

    def fail(self, target, **options):
        Path(target).write_text("half")
        raise OSError("disk full")

    monkeypatch.setattr(pd.DataFrame, "to_csv", fail)
    with pytest.raises(OSError, match="disk full"):
        result.to_csv(path)
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_sensitivity_has_a_panel_per_optimizer(result, tmp_path):
    figure = result.plot_sensitivity("loss", "test", "min", path=tmp_path / "loss.svg")
    titles = [ax.get_title(loc="left") for ax in figure.axes]
    assert titles == ["adam", "sgd"]
    assert "<svg" in (tmp_path / "loss.svg").read_text()
    best = result.best("loss", "test", "min").set_index("optimizer")
    for ax in figure.axes:
        star = next(line for line in ax.lines if line.get_marker() == "*")
        row = best.loc[ax.get_title(loc="left")]
        np.testing.assert_allclose(star.get_xydata(), [[row.learning_rate, row.test_loss]])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("recall",), r"one of the metrics \['accuracy', 'loss'\], got 'recall'"),
        (("loss", "holdout"), "one of the splits .* got 'holdout'"),
        (("loss", "test", "least"), 'mode "max" or "min"'),
    ],
)
def test_unknown_metrics_are_refused(result, arguments, message):
    for method in (result.best, result.plot_sensitivity):
        with pytest.raises(ValueError, match=message):
            method(*arguments)


def test_a_rate_of_0_has_no_place_on_a_logarithmic_axis():
    result = run({"sgd": optax.sgd}, {"learning_rate": [0.0, 0.1]}, seeds=1)
    with pytest.raises(ValueError, match="positive values of 'learning_rate' .*, got 0.0"):
        result.plot_sensitivity("loss", "test")


def test_progress_is_one_bar_or_silence(capsys):
    space = {"learning_rate": [0.1, 1e38]}
    sweep(PROBLEM, {"a": optax.sgd}, space, 1, 4, progress=False)
    assert capsys.readouterr() == ("", "")
    sweep(PROBLEM, {"a": optax.sgd, "b": optax.sgd}, space, 1, 4)
    bar = capsys.readouterr().err
    assert "8/8" in bar and "a:" in bar and "b:" in bar and "diverged=2" in bar
