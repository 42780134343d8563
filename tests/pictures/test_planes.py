"""The plane of a way, and the limit in a heat map."""

import jax.numpy as jnp
import numpy as np
import pytest

from lectopt import pictures
from tests.sweep.made import record, result


def test_a_plane_way_is_drawn_as_it_is(tmp_path):
    """In a plane of ten dimensions distances are kept, and the contours are the loss."""
    rng = np.random.default_rng(0)
    basis = np.linalg.qr(rng.normal(size=(10, 2)))[0].T
    inside = rng.normal(size=(6, 2)) * (5, 1)
    way = [{"w": jnp.asarray(row[:6]), "b": jnp.asarray(row[6:])} for row in inside @ basis]

    def loss(params):
        return jnp.sum(params["w"] ** 2) + jnp.sum(params["b"] ** 2)

    drawn = pictures.plane(loss, way, points=9, path=tmp_path / "plane.png")
    (axes,) = drawn.axes
    seen = np.array(axes.lines[0].get_xydata())
    apart = np.linalg.norm(seen[:, None] - seen[None], axis=-1)
    expected = np.linalg.norm(inside[:, None] - inside[None], axis=-1)
    np.testing.assert_allclose(apart, expected, rtol=1e-5)
    assert "100 %" not in axes.get_ylabel() and (tmp_path / "plane.png").exists()
    first, second = (
        int(a.split("(")[1].split(" ")[0]) for a in (axes.get_xlabel(), axes.get_ylabel())
    )
    assert first + second in (99, 100, 101) and first > second


@pytest.mark.parametrize(
    ("iterates", "words"), [([jnp.ones(3)] * 2, "3 iterates or more"), ([jnp.ones(3)] * 4, "same")]
)
def test_what_has_no_plane(iterates, words):
    with pytest.raises(ValueError, match=words):
        pictures.plane(jnp.sum, iterates)


def test_the_limit_of_theory_lies_between_the_cells_that_it_separates():
    own = [
        record("momentum", {"learning_rate": rate, "decay": decay}, 0, rate)
        for rate in (0.1, 1.0, 10.0)
        for decay in (0.0, 0.5, 0.9)
    ]
    drawn = pictures.heatmap(
        result(own), "learning_rate", "decay", limit=lambda decay: 0.5 * (1 + decay)
    )
    (line,) = [x for x in drawn.axes[0].lines if x.get_linestyle() == "--"]
    x, y = line.get_xdata(), line.get_ydata()
    np.testing.assert_allclose(x, 0.5 + np.log10(np.array([0.5, 0.75, 0.95]) / 0.1))
    np.testing.assert_allclose(y, [0.5, 1.5, 2.5])
    outside = pictures.heatmap(result(own), "learning_rate", "decay", limit=lambda _: 100.0)
    assert outside.axes[0].lines[0].get_xdata().tolist() == [3, 3, 3]
