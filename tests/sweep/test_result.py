"""What a sweep reports, of trainings made by hand: tables, the best, how exact it must be."""

import numpy as np
import pandas as pd
import pytest

from tests.sweep.made import grid, record, result


def test_table_and_curves():
    records = [
        record("a", {"rate": 0.1, "width": 16}, 0, 1.0, curves={"train_loss": [3, 2]}),
        record("a", {"rate": 0.1, "width": 16}, 1, 1.5, 7, curves={"train_loss": [3, np.nan]}),
        record("b", {"rate": 0.1, "kind": "x"}, 0, None, None, 10, curves={"train_loss": [4]}),
    ]
    table = result(records).table()
    columns = ["optimizer", "rate", "width", "seed", "steps", "diverged_at", "culled_at"]
    assert set(table.columns) == {*columns, "validation_loss", "test_loss", "kind"}
    assert table.columns[:3].tolist() == columns[:3]
    assert table.optimizer.tolist() == ["a", "a", "b"] and table.seed.tolist() == [0, 1, 0]
    assert table.diverged_at.fillna(-1).tolist() == [-1, 7, -1]
    assert table.culled_at.fillna(-1).tolist() == [-1, -1, 10]
    assert table.steps.tolist() == [20, 20, 10] and table.width.isna().tolist() == [
        False,
        False,
        True,
    ]
    curves = result(records).curves()
    assert curves.step.tolist() == [10, 20, 10, 20, 10]
    np.testing.assert_array_equal(curves.train_loss, [3, 2, 3, np.nan, 4])
    assert curves.seed.tolist() == [0, 0, 1, 1, 0] and curves.optimizer.tolist() == [*"aaaab"]


def test_1_and_true_and_one_point_nought_are_three_configurations():
    records = [record("a", {"x": x}, s, 1.0) for x in (1, 1.0, True, "1") for s in (0, 1)]
    assert [len(own.records) for own in result(records).configurations["a"]] == [2] * 4


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_best_is_the_best_row_of_the_table(direction):
    random = np.random.default_rng(0)
    made = result(
        grid("a", random.normal(size=(5, 6))) + grid("b", random.normal(size=(5, 6))),
        direction=direction,
    )
    best = made.best()
    means = made.table().groupby(["optimizer", "learning_rate"], as_index=False)
    means = means.agg(mean=("validation_loss", "mean"), median=("validation_loss", "median"))
    for row in best.to_dict("records"):
        own = means[means.optimizer == row["optimizer"]]
        pick = own["mean"].idxmin() if direction == "minimize" else own["mean"].idxmax()
        assert row["learning_rate"] == own.learning_rate[pick]
        np.testing.assert_allclose(row["validation_loss"], own["mean"][pick])
        np.testing.assert_allclose(row["validation_loss_median"], own["median"][pick])
        assert row["validation_loss_low"] < row["validation_loss"] < row["validation_loss_high"]
    order = best.validation_loss
    assert (
        order.is_monotonic_increasing if direction == "minimize" else order.is_monotonic_decreasing
    )
    assert made.best("test_loss").columns.is_unique
    pd.testing.assert_frame_equal(made.best("loss"), best)


@pytest.mark.parametrize("bad", [1.0, np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_best_is_never_a_diverged_configuration(bad, direction):
    finals = np.array([[0.5, 0.7, bad], [0.5, 0.9, 0.5]]).T
    for diverged in ({(2, 0)}, {(2, 1)}):
        best = result(grid("it", finals, diverged), direction=direction).best()
        assert best.learning_rate.item() == (10 if direction == "maximize" else 1)
        assert (best.diverged.item(), best.configurations.item()) == (1, 3)
        if direction == "maximize":
            np.testing.assert_allclose(best.validation_loss, 0.8)
            np.testing.assert_allclose(best.test_loss_sd, np.sqrt(2) / 10)
            assert np.isnan(best.validation_loss_low.item())  # of two seeds


def test_best_of_a_metric_that_is_nan_without_divergence():
    made = result(grid("it", [[np.nan], [0.4], [np.inf]]), direction="maximize")
    assert made.best().learning_rate.item() == 10


def test_an_optimizer_that_always_diverges_has_no_best():
    made = result(grid("it", [[0.9], [0.8]], {(0, 0), (1, 0)}))
    best = made.best()
    assert best.optimizer.tolist() == ["it"] and best.diverged.item() == 2
    assert best[["learning_rate", "validation_loss"]].isna().all(axis=None)
    both = result([*made.records, *grid("other", [[0.5]])]).best()
    assert both.optimizer.tolist() == ["other", "it"]
    assert made.band().best.isna().all()


def test_a_culled_configuration_and_one_that_lacks_seeds_do_not_win():
    records = grid("a", [[3.0, 3.0], [2.0, 2.0]])
    records += [record("a", {"learning_rate": 9.0}, s, None, culled_at=10) for s in (0, 1)]
    records += [record("a", {"learning_rate": 8.0}, 0, 0.1)]  # the other seed is not done yet
    best = result(records).best()
    assert best.learning_rate.item() == 10 and best.culled.item() == 1
    only_first = [r for r in records if r.seed == 0] + [record("b", {}, 1, 1.0)]
    assert result(only_first).best().set_index("optimizer").learning_rate["a"] == 8


def test_how_much_is_nearly_as_good_as_the_best():
    finals = np.array([[5.0], [1.09], [1.0], [1.1], [1.11], [9.0]])
    made = result(grid("a", finals) + grid("b", finals[:3], {(0, 0)}))
    best = made.best().set_index("optimizer").nearly_best
    np.testing.assert_allclose(best[["a", "b"]], [3 / 6, 2 / 3])
    band = made.band().set_index("optimizer")
    assert band.loc["a"].tolist() == [100.0, 10.0, 1000.0, 2.0]
    assert band.loc["b"].tolist() == [100.0, 10.0, 100.0, 1.0]
    high = result(grid("a", 1 - finals / 10), direction="maximize").best().nearly_best
    np.testing.assert_allclose(high, 4 / 6)  # 0.9, 0.891, 0.89 and 0.889 are above 0.81
    below = result(grid("a", -finals)).best().nearly_best.item()
    np.testing.assert_allclose(below, 1 / 6)  # -9 is best; the next is -5
    with pytest.raises(ValueError, match="wanted a number that 'a' has as a setting, got 'decay'"):
        made.band("decay")
    zero = result([record("a", {"decay": x}, 0, 1.0) for x in (0.0, 0.9)])
    assert np.isnan(zero.band("decay").decades.item()) and zero.band("decay").high.item() == 0.9


def test_what_is_printed():
    made = result(grid("a", [[3.0, 3.0], [2.0, 2.0]], {(0, 1)}) + grid("b", [[1.0, 2.0]]))
    assert repr(made) == (
        "SweepResult(3 configurations of 2 optimizers, 2 seeds, 1 diverged, "
        "best validation_loss 1.5 by b)"
    )
    records = grid("a", [[3.0]])
    records += [
        record("a", {"learning_rate": 1.0 + i}, 0, culled_at=10 * (i % 2 + 1)) for i in (1, 2, 3)
    ]
    made = result(records, complete=False, tiles=(4, 9))
    assert repr(made) == (
        "SweepResult(4 configurations, 1 seed, 4 of 9 tiles done, 1 culled at step 10, "
        "2 culled at step 20, best validation_loss 3 by a)"
    )
    assert (
        repr(result([], complete=False)) == "SweepResult(0 configurations, 0 seeds, not complete)"
    )
    assert len(result([]).table()) == len(result([]).curves()) == len(result([]).best()) == 0


def test_metrics_are_named_and_their_direction_known():
    made = result(
        [
            record("a", {"x": x}, 0, x, validation_accuracy=x, curves={"train_loss": [1.0]})
            for x in (1.0, 2.0)
        ]
    )
    assert made.best().x.item() == 1
    assert made.best("accuracy", direction="maximize").x.item() == 2
    assert made.best("validation_accuracy", direction="minimize").x.item() == 1
    with pytest.raises(ValueError, match="which validation_accuracy is best.*direction='maximize'"):
        made.best("accuracy")
    with pytest.raises(ValueError, match="direction 'minimize' or 'maximize', got 'max'"):
        made.best("accuracy", direction="max")
    for method in (made.best, made.level):
        with pytest.raises(ValueError, match=r"one of the metrics \[.* got 'recall'"):
            method(**({"quantile": 0.1} if method == made.level else {}), metric="recall")
