"""`pictures.explorer`: its page computes what JAX does."""

import functools as ft
import json
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lectopt
from lectopt import landscapes, pictures
from lectopt.pictures.exploring.jaxprs import javascript
from tests.explain.programs import NODE
from tests.pictures.pages import CHROMIUM, STEPS, by_jax, distance, in_chromium, in_node

GROUNDS = [landscapes.himmelblau(), landscapes.line_through_the_origin(samples=20)]
RACERS = {
    "adam": lectopt.adam,
    "heavy": ft.partial(lectopt.sgd, momentum=0.9),
    "looks ahead": lectopt.nesterov(0.01, 0.9, form="look_ahead"),
    "asks for the value": lectopt.polyak_sgd(1.0),
}

needs_node = pytest.mark.skipif(not NODE, reason="needs Node.js")


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    path = tmp_path_factory.mktemp("explorer") / "page.html"
    assert pictures.explorer(RACERS, GROUNDS, 50, path=path) == path
    return path


@pytest.fixture(scope="module")
def computed(page):
    return in_node(page)


@pytest.fixture(scope="module")
def found(computed, page):
    """By where it was computed."""
    return {"node": computed} | ({"chromium": in_chromium(page)} if CHROMIUM else {})


@needs_node
@pytest.mark.parametrize("name", RACERS)
def test_a_path_is_jaxs(name, found):
    """At the tuned rate and at a tenth of it; where Chromium is there, in Chromium too."""
    k = list(RACERS).index(name)
    for m, ground in enumerate(GROUNDS):
        settings = found["node"]["given"]["optimizers"][k]["settings"]
        rate = next((s["values"][m] for s in settings if s["name"] == "learning_rate"), 0.0)
        paths, points = by_jax(RACERS[name], rate, ground)
        assert (points == STEPS + 1).all()  # no path of these depends on roundings
        for one in found.values():
            for page_path, path in zip(one["found"][k][m], paths, strict=True):
                assert distance(page_path, path, STEPS + 1) < 1e-9


@needs_node
def test_the_gradient_is_taken_ahead(computed):
    """By hand, in NumPy."""
    x = v = np.zeros(1)
    features, target = GROUNDS[1].samples
    for _ in range(STEPS):
        slope = np.mean(features[:, 0] * (features[:, 0] * (x + 0.9 * v) - target), dtype=float)
        v = 0.9 * v - 0.01 * slope
        x = x + v
    path, _ = computed["found"][list(RACERS).index("looks ahead")][1]
    np.testing.assert_allclose(path[-1], x, rtol=1e-6)  # samples have 32 bits


def test_the_page_is_small_and_alone(page):
    text = page.read_text("utf-8")
    assert len(text.encode()) < 200_000
    text = text.replace("http://www.w3.org/1998/Math/MathML", "")  # a name, not an address
    for mark in ("http:", "https:", "src=", "@import", "fetch(", "url("):
        assert mark not in text
    assert "<math" in text  # the equations, drawn by the browser


@needs_node
def test_rates_are_those_of_a_race_and_settings_can_be_dragged(computed):
    from lectopt.pictures.descents import tuned

    adam, heavy, ahead, _ = (one["settings"] for one in computed["given"]["optimizers"])
    assert [s["name"] for s in adam] == ["learning_rate", "b1", "b2", "eps"]
    assert [s["kind"] for s in adam] == ["log", "decay", "decay", "log"]
    assert {s["name"]: s["values"] for s in heavy}["momentum"] == [0.9]
    assert ahead == []  # a transformation's numbers are built in
    rates = [tuned("adam", lectopt.adam, ground, 50).rate for ground in GROUNDS]
    np.testing.assert_allclose(adam[0]["values"], rates, rtol=5e-3)


@needs_node
@pytest.mark.parametrize("ground", [landscapes.ackley(), landscapes.ravine(), landscapes.beale()])
def test_a_landscape_in_javascript(ground):
    """Its value and gradient, at points that no descent has chosen."""
    from lectopt.numerics import double

    points = np.random.default_rng(1).uniform(-3, 3, (20, 2))
    code = javascript(jax.value_and_grad(ground), ground.start, "f")
    code += f"\nconsole.log(JSON.stringify({json.dumps(points.tolist())}.map(f)))"
    ran = subprocess.run([NODE, "-"], input=code, capture_output=True, text=True, check=True)
    with double():
        values, gradients = jax.vmap(jax.value_and_grad(ground))(jnp.asarray(points))
    found = json.loads(ran.stdout)
    np.testing.assert_allclose([v for v, _ in found], values, rtol=1e-12)
    np.testing.assert_allclose([g for _, g in found], gradients, rtol=1e-9, atol=1e-11)


VALLEY = landscapes.long_valley()


@pytest.mark.parametrize(
    "racers, grounds, more, error, words",
    [
        (lectopt.sgd, VALLEY, {"path": "page.png"}, ValueError, "ends with .html"),
        (lectopt.sgd, VALLEY, {"steps": 0}, ValueError, "write steps=150"),
        (lectopt.sgd, VALLEY, {"steps": 1001}, ValueError, "from 1 to 1000"),
        (lectopt.sgd, [], {}, ValueError, "no landscape"),
        ([], VALLEY, {}, ValueError, "no optimizer"),
        (lectopt.sgd, landscapes.k_means(), {}, ValueError, "has 6 parameters"),
        (lectopt.sgd, [VALLEY, 3], {}, TypeError, "wanted landscapes to explore, got 3"),
        ({"a": 3}, VALLEY, {}, TypeError, "a is no optimizer"),
    ],
)
def test_what_is_refused(racers, grounds, more, error, words, tmp_path):
    (tmp_path / "page.html").write_text("what was there")
    more = {**more, "path": tmp_path / more.get("path", "page.html")}
    with pytest.raises(error, match=words):
        pictures.explorer(racers, grounds, **more)
    assert [p.read_text() for p in tmp_path.iterdir()] == ["what was there"]


def test_what_has_no_formula_says_so(tmp_path):
    def value(theta):
        return jnp.sort(theta)[0] ** 2

    odd = landscapes.Landscape("odd", value, np.ones(2), window=((-2, 2), (-2, 2)))
    with pytest.raises(ValueError, match="odd cannot be written in JavaScript: .* operation sort"):
        pictures.explorer(lectopt.sgd(0.1), odd, path=tmp_path / "page.html")


def test_without_what_typesets_the_equations_are_text(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "latex2mathml.converter", None)
    page = pictures.explorer({"it": lectopt.sgd(0.1)}, VALLEY, 3, path=tmp_path / "page.html")
    text = page.read_text("utf-8")
    assert "<math" not in text
    assert "\\u03b8[t] = \\u03b8[t-1] - 0.1*g[t]" in text
