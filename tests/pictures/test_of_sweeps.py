"""Pictures of sweeps: what is drawn are the numbers of the sweep."""

import functools as ft

import numpy as np
import optax
import pytest

import lectopt
from lectopt import landscapes, pictures
from lectopt.pictures.descents import named
from tests.sweep.made import grid, record, result

FINALS = np.array([[0.9, 0.7, 0.8], [0.31, 0.3, 0.32], [0.33, 0.33, 0.33], [0.5, 0.6, 9.0]])


@pytest.fixture(scope="module")
def swept():
    """Rates 1, 10, 100, 1000, of which a seed of the last diverged."""
    return result(grid("a", FINALS, {(3, 2)}) + grid("b", FINALS + 1))


def lines(axes, **looks):
    return [
        line
        for line in axes.lines
        if all(getattr(line, f"get_{k}")() == v for k, v in looks.items())
    ]


def legends_are_whole(figure):
    """No legend and no title is cut off or lies over another one."""
    figure.draw_without_rendering()
    boxes = [one.get_window_extent() for one in figure.legends]
    for axes in figure.axes:
        titles = (axes.title, axes._left_title, axes._right_title)
        boxes += [t.get_window_extent() for t in titles if t.get_text()]
    for k, box in enumerate(boxes):
        assert box.x0 >= 0 and box.y0 >= 0
        assert box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1
        assert not any(box.overlaps(other) for other in boxes[:k])


def test_sensitivity(swept, tmp_path):
    drawn = pictures.sensitivity(swept, path=tmp_path / "s.png")
    a = drawn.axes[0]
    (median,) = lines(a, linewidth=1.8)
    np.testing.assert_allclose(median.get_ydata(), [0.8, 0.31, 0.33, np.nan])
    np.testing.assert_allclose(median.get_xdata(), [1, 10, 100, 1000])
    band = a.collections[0].get_paths()[0].vertices
    assert (band == (10, 0.3)).all(1).any() and (band == (10, 0.32)).all(1).any()
    (diverged,) = lines(a, marker="x")
    assert diverged.get_xdata().tolist() == [1000]
    (near,) = lines(a, marker="s")
    assert tuple(near.get_xdata()) == (10, 100)  # 0.33 is within a tenth of 0.31
    (best,) = lines(a, marker="*")
    np.testing.assert_allclose(best.get_xydata(), [[10, 0.31]])
    assert (tmp_path / "s.png").stat().st_size > 10_000


@pytest.mark.parametrize("names", [1, 2, 5])
def test_legends_are_not_cut_off(names):
    own = [
        record(
            f"optimizer_{k}_with_a_name",
            {"learning_rate": r},
            s,
            0.5,
            curves={"train_loss": [1, 0.5]},
        )
        for k in range(names)
        for r in (0.0, 0.01, 0.1)
        for s in (0, 1)
    ]
    made = result(own)
    drawn = pictures.sensitivity(made)
    legends_are_whole(drawn)
    assert drawn.axes[0].get_xscale() == "symlog"  # of 0, too
    legends_are_whole(pictures.curves(made, "train_loss"))


def test_where_all_diverge(tmp_path):
    made = result(grid("it", [[0.9], [0.8]], {(0, 0), (1, 0)}))
    pictures.sensitivity(made, path=tmp_path / "all_diverged.png")
    assert (tmp_path / "all_diverged.png").stat().st_size > 1000
    with pytest.raises(ValueError, match="write smaller rates"):
        pictures.curves(result(grid("it", [[0.9]], {(0, 0)}, curves={"validation_loss": [1.0]})))
    made = result(
        [record("it", {"learning_rate": r, "weight_decay": 0.0}, 0, 1.0, 3) for r in (1.0, 2.0)]
    )
    pictures.heatmap(made)


def test_curves():
    ways = {0: [3.0, 2.0], 1: [5.0, 1.0], 2: [4.0, np.nan]}
    own = [
        record("a", {"learning_rate": rate}, s, rate, curves={"train_loss": np.array(way) * rate})
        for rate in (1.0, 2.0)
        for s, way in ways.items()
    ]
    own += [record("gone", {"learning_rate": 1.0}, 0, 1.0, 4, curves={"train_loss": [1, 1]})]
    (axes,) = pictures.curves(result(own), "train_loss").axes
    (median,) = axes.lines  # of the rate of 1, and nothing of what diverged
    np.testing.assert_allclose(median.get_xydata(), [[10, 4], [20, 1.5]])
    band = axes.collections[0].get_paths()[0].vertices
    for corner in [(10, 3), (10, 5), (20, 1), (20, 2)]:
        assert (band == corner).all(1).any()


def test_curves_against_another():
    """The last point is what `compare` says; a pair with a divergence is not drawn."""
    noise = np.random.default_rng(0).normal(size=(3, 14))
    own = [
        record(
            name, {"learning_rate": rate}, s, shift + noise[k, s],
            3 if name == "c" and s == 3 else None,
            curves={"validation_loss": [shift, shift + noise[k, s]]},
        )
        for k, (name, shift) in enumerate({"a": 1.0, "b": 2.0, "c": 3.0}.items())
        for rate in (1.0, 2.0)
        for s in range(14)
    ]  # fmt: skip
    made = result(own)
    drawn = pictures.curves(made, against="a")
    (axes,) = drawn.axes
    legends_are_whole(drawn)
    for line, band, name in zip(axes.lines, axes.collections, "bc", strict=False):
        said = made.compare(name, "a")
        ends = band.get_paths()[0].vertices
        assert line.get_ydata()[0] == pytest.approx({"b": 1, "c": 2}[name])
        assert line.get_ydata()[1] == pytest.approx(said.difference)
        for end in (said.low, said.high):
            assert np.isclose(ends, (20, end)).all(1).any()
    assert "6 to 7 paired seeds" in axes.get_title(loc="left")
    with pytest.raises(ValueError, match=r"one of several optimizers, \['a', 'b', 'c'\], got 'd'"):
        pictures.curves(made, against="d")
    with pytest.raises(ValueError, match="got 'a'"):
        pictures.curves(result(own[:28]), against="a")
    gone = [record("b", {"learning_rate": 1.0}, s, 1.0, 3 * (s % 2) or None) for s in range(14)]
    with pytest.raises(ValueError, match="neither b nor a diverged"):
        pictures.curves(result(own[:28] + gone), "validation_loss", against="a")


def test_rungs(swept, tmp_path):
    """Nine, of which three go on, and one to the end; a divergence goes on nowhere."""
    way = [4.0, 3.0, 2.0, 1.0]
    own = []
    for k in range(9):
        points = 1 if k < 6 else 2 if k < 8 else 4
        culled, bad = ({1: 10, 2: 20}.get(points), None) if k else (None, 5)
        own += [
            record(
                "a", {"learning_rate": float(k)}, s, None if points < 4 else 1.0, bad, culled,
                curves={"validation_loss": np.array(way[:points]) + s}, steps=40,
            )
            for s in (0, 1)
        ]  # fmt: skip
    drawn = pictures.rungs(result(own + grid("b", FINALS, curves={"validation_loss": way})))
    legends_are_whole(drawn)
    a, b = (axes for axes in drawn.axes if axes.get_visible())
    assert a.get_title(loc="left") == "a\n9 → 3 → 1"
    assert b.get_title(loc="left") == "b\n4"
    (best,) = lines(a, linewidth=2.0)
    np.testing.assert_allclose(best.get_xydata(), [[10, 4.5], [20, 3.5], [30, 2.5], [40, 1.5]])
    assert sorted(x.get_xdata()[0] for x in lines(a, linestyle=":")) == [10, 20]
    assert len(lines(a, marker="x")) == 1
    assert len(lines(a, marker=".")) == 7
    pictures.rungs(result(own), path=tmp_path / "rungs.svg")
    assert (tmp_path / "rungs.svg").stat().st_size > 10_000
    with pytest.raises(ValueError, match="halving=3"):
        pictures.rungs(swept)


def test_heatmap():
    """At each cell the best of the third setting; the best cell has the star."""
    value = {(r, d): 0.1 * r + d + 1 for r in (1.0, 2.0, 3.0) for d in (0.0, 0.5)}
    own = [
        record(
            "a", {"learning_rate": r, "weight_decay": d, "b": b}, 0, v + b, 3 if r == 3 else None
        )
        for (r, d), v in value.items()
        for b in (0.5, 0.0)
    ]
    own += [record("no_decay", {"learning_rate": 1.0}, 0, 1.0)]
    panel, *_ = pictures.heatmap(result(own)).axes
    assert panel.get_title(loc="left") == "a"
    cells = panel.collections[0].get_array()
    np.testing.assert_allclose(cells[:, :2], [[1.1, 1.2], [1.6, 1.7]])
    assert np.ma.getmaskarray(cells)[:, 2].all()
    (bad,) = lines(panel, marker="x")
    np.testing.assert_allclose(bad.get_xydata(), [[2.5, 0.5], [2.5, 1.5]])
    (best,) = lines(panel, marker="*")
    np.testing.assert_allclose(best.get_xydata(), [[0.5, 0.5]])
    assert [t.get_text() for t in panel.get_yticklabels()] == ["0", "0.5"]


def test_heatmap_of_what_was_drawn_from_distributions():
    rng = np.random.default_rng(0)
    own = [
        record("a", dict(zip("xy", 10 ** rng.uniform(-3, 0, 2), strict=True)), 0, float(k))
        for k in range(20)
    ]
    panel, *_ = pictures.heatmap(result(own, direction="maximize"), "x", "y").axes
    assert panel.get_xscale() == panel.get_yscale() == "log"
    points = panel.collections[0].get_offsets()
    np.testing.assert_allclose(points, [list(one.settings.values()) for one in own])
    np.testing.assert_allclose(lines(panel, marker="*")[0].get_xydata(), points[-1:])


def test_what_is_refused(swept):
    for draw in (pictures.sensitivity, ft.partial(pictures.heatmap, y="learning_rate")):
        with pytest.raises(ValueError, match=r"one of the metrics \[.* got 'recall'"):
            draw(swept, metric="recall")
    with pytest.raises(ValueError, match=r"y='weight_decay'; write two of \['learning_rate'\]"):
        pictures.heatmap(swept)
    with pytest.raises(ValueError, match="'width' in every optimizer, but"):
        pictures.sensitivity(swept, x="width")
    with pytest.raises(ValueError, match="Make the call of sweep again"):
        pictures.race(swept, landscapes.long_valley())


def test_a_sweep_races_with_its_best_settings():
    ground = landscapes.long_valley()
    makers = {"sgd": optax.sgd}
    swept = lectopt.sweep(ground.problem(), makers, {"learning_rate": [0.01, 1.0]}, 5, seeds=1)
    best = swept.best().set_index("optimizer").learning_rate
    racers = named(swept)
    assert set(racers) == {f"{name}, learning rate {best[name]:.3g}" for name in makers}
    labels = [t.get_text() for t in pictures.race(swept, ground, 3).legends[0].get_texts()]
    assert labels == list(racers)
