"""The explorer on the documentation's site: every path that it offers is JAX's."""

import pytest

import lectopt
from lectopt.pictures.exploring import lectures as site
from tests.explain.programs import NODE
from tests.pictures.pages import CHROMIUM, STEPS, by_jax, distance, in_chromium, in_node

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not NODE, reason="needs Node.js"),
]


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    path = tmp_path_factory.mktemp("site") / "page.html"
    site.write(path)
    assert path.stat().st_size < 100_000
    return {"node": in_node(path)} | ({"chromium": in_chromium(path)} if CHROMIUM else {})


@pytest.mark.parametrize(
    "name", "sgd momentum nesterov adam rmsprop adagrad adadelta nadam".split()
)
def test_every_path_is_jaxs(name, found):
    """Relative to its magnitude to 1e-9, for as long as roundings do not decide (93 of the 112
    paths: for all 200 steps)."""
    assert [m.__name__ for m in site.MAKERS].count(name) == 1 and len(site.MAKERS) == 8
    k = [m.__name__ for m in site.MAKERS].index(name)
    whole = 0
    for m, ground in enumerate(site.GROUNDS):
        rate = found["node"]["given"]["optimizers"][k]["settings"][0]["values"][m]
        paths, points = by_jax(getattr(lectopt, name), rate, ground)
        whole += (points == STEPS + 1).sum()
        for where, one in found.items():
            for page_path, path, certain in zip(one["found"][k][m], paths, points, strict=True):
                assert distance(page_path, path, certain) < 1e-9, (where, ground.name, certain)
        print(name, ground.name, points)
    assert whole >= 5, "of two rates on seven landscapes"
