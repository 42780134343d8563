"""`pictures.race`: what it draws is what the optimizers do."""

import functools as ft
import io

import jax
import matplotlib.image
import numpy as np
import optax
import pytest
from matplotlib.figure import Figure
from PIL import Image

import lectopt
from lectopt import landscapes, pictures
from lectopt.pictures.descents import RATES, by_rate, named, run

STEPS = 40
VALLEY = landscapes.long_valley()
CURVATURES = np.array([1 / 50, 1.0])


def momentum_by_hand(rate, steps):
    """The rate inside the velocity, in float64."""
    x, v, path = VALLEY.start.copy(), np.zeros(2), [VALLEY.start]
    for _ in range(steps):
        v = 0.9 * v - rate * CURVATURES * x
        x = x + v
        path.append(x)
    return np.array(path)


@pytest.fixture(scope="module")
def momentum():
    return run("momentum", lectopt.momentum, VALLEY, STEPS)


def test_a_path_is_the_optimizers(momentum):
    expected = momentum_by_hand(momentum.rate, STEPS)
    np.testing.assert_allclose(momentum.points, expected, atol=1e-4)
    np.testing.assert_allclose(momentum.values, (CURVATURES * expected**2).sum(1) / 2, atol=1e-4)


def test_the_rate_is_the_best_of_two_hundred(momentum):
    """By the geometric mean of the value over the steps, in NumPy."""
    with np.errstate(over="ignore", invalid="ignore"):
        values = [(CURVATURES * momentum_by_hand(r, STEPS)[1:] ** 2).sum(1) / 2 for r in RATES]
        came_to = np.exp(np.log(values).mean(axis=1))
    assert momentum.rate == RATES[np.nanargmin(came_to)]
    assert len(RATES) == 200 and np.isclose(RATES[0], 1e-4) and np.isclose(RATES[-1], 10)


def test_look_ahead_points_are_where_gradients_are_taken():
    found = run("nesterov", lectopt.nesterov(0.1, 0.9, form="look_ahead"), VALLEY, 5)
    x, v = VALLEY.start.copy(), np.zeros(2)
    for t in range(5):
        np.testing.assert_allclose(found.asked[t], x + 0.9 * v, rtol=1e-5)
        v = 0.9 * v - 0.1 * CURVATURES * (x + 0.9 * v)
        x = x + v
        np.testing.assert_allclose(found.points[t + 1], x, rtol=1e-5)


def test_optimizers_that_want_the_loss_and_optaxs():
    for tx in (lectopt.polyak_sgd(1.0), optax.adam(0.1), lectopt.lbfgs(0.5)):
        assert np.isfinite(run("one", tx, VALLEY, 3).points).all()


def test_where_nothing_is_least_the_rate_is_that_which_leaves_first():
    """Gradient descent on `x^2 - y^2` multiplies `y` by `1 + 2 rate` a step, and `x` by
    `1 - 2 rate`."""
    found = run("sgd", lectopt.sgd, landscapes.saddle(), STEPS)
    t = np.arange(STEPS + 1)
    with np.errstate(over="ignore"):
        heights = [(1.5 * (1 - 2 * r) ** t) ** 2 - (1e-3 * (1 + 2 * r) ** t) ** 2 for r in RATES]
    left = np.array([np.argmax(h <= -4) if (h <= -4).any() else np.inf for h in heights])
    assert left[np.isclose(RATES, found.rate)] == left.min()


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("race")
    racers = {"tuned": lectopt.sgd, "built": lectopt.nesterov(0.1, 0.9, form="look_ahead")}
    more = dict(look_ahead=True, averages=True)
    return pictures.race(racers, VALLEY, 12, path=folder / "race.gif", **more), folder


def test_what_is_drawn(drawn):
    figure, _ = drawn
    assert isinstance(figure, Figure)
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels[0].startswith("tuned, rate ") and labels[1] == "built"
    ways = [line for line in figure.axes[0].lines if len(line.get_xdata()) == 13]
    np.testing.assert_allclose(ways[0].get_xydata()[0], VALLEY.start)
    crosses = [line for line in figure.axes[0].lines if line.get_marker() == "+"]
    assert [len(line.get_xdata()) for line in crosses] == [12]


def test_a_film_moves_and_nothing_else_is_left(drawn):
    _, folder = drawn
    assert [p.name for p in folder.iterdir()] == ["race.gif"]
    with Image.open(folder / "race.gif") as film:
        assert film.n_frames >= 12
        first, last = [np.asarray(film.convert("RGB")).copy() for _ in [film.seek(0)]], []
        film.seek(film.n_frames - 1)
        last.append(np.asarray(film.convert("RGB")))
    assert (first[0] != last[0]).any()


def test_a_notebook_shows_it(drawn):
    """Without pyplot, which IPython would need to be told of figures."""
    shown = Image.open(io.BytesIO(drawn[0]._repr_png_()))
    assert shown.size == (960, 460)
    assert np.ptp(np.asarray(shown.convert("L")).astype(int)) > 200


def test_the_suffix_is_the_format(tmp_path):
    racer = {"sgd": lectopt.sgd(0.1)}
    for suffix in ("png", "svg", "pdf"):
        pictures.race(racer, VALLEY, 2, path=tmp_path / "new" / f"race.{suffix}")
    assert matplotlib.image.imread(tmp_path / "new" / "race.png").std() > 0
    (tmp_path / "kept.png").write_text("what was there")
    with pytest.raises(ValueError, match="nonsense"):
        pictures.race(racer, VALLEY, 2, path=tmp_path / "kept.nonsense")
    assert {p.name for p in tmp_path.iterdir()} == {"new", "kept.png"}


def test_racers_by_name():
    assert list(named([lectopt.sgd, lectopt.adam])) == ["sgd", "adam"]
    assert list(named(lectopt.sgd)) == ["sgd"]
    assert list(named(lectopt.sgd(0.1))) == [repr(lectopt.sgd(0.1))]
    partial = ft.partial(lectopt.sgd, momentum=0.9)
    assert list(named({"heavy": partial})) == ["heavy"]
    assert repr(by_rate("heavy", partial)(0.1)) == repr(lectopt.sgd(0.1, momentum=0.9))
    lecture = lectopt.lectures.cmu11785.rmsprop
    assert repr(by_rate("rmsprop", lecture)(0.1)) == repr(lecture(0.1))


@pytest.mark.parametrize(
    "call, error, words",
    [
        (lambda: pictures.race(lectopt.sgd, landscapes.quadratic(10, 3)), ValueError, "has 3;"),
        (lambda: pictures.race(lectopt.sgd, VALLEY, 0), ValueError, "write steps=150"),
        (lambda: pictures.race({"a": 3}, VALLEY), TypeError, "a is no optimizer, got 3"),
        (lambda: pictures.race(lectopt.sgld, VALLEY), TypeError, "functools.partial"),
    ],
)
def test_what_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_descents_are_jax_and_can_be_lanes():
    found = jax.vmap(lambda rate: run_points(lectopt.sgd(rate)))(np.array([0.1, 0.2]))
    np.testing.assert_allclose(found[1, -1], VALLEY.start * (1 - 0.2 * CURVATURES) ** 3, rtol=1e-5)


def run_points(tx):
    from lectopt.pictures.descents import descend

    return descend(tx, VALLEY, 3)["points"]
