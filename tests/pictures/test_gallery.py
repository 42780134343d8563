"""The lectures' figures at their smallest, and the command that writes them."""

import importlib
import itertools

import numpy as np
import pytest
from PIL import Image

from lectopt.__main__ import main
from lectopt.pictures.gallery import NAMES, exhibit, function_fit
from lectopt.pictures.gallery.polynomials import error, fitted
from tests.support.sampling import sampled

# What does not hold: once all are tuned, or at the sizes of these tests.
FALSE = {
    "nesterov",
    "films",
    "batch_norm",
    "dropout",
    "swats",
    "printed_weights",
    "batch_norm_position",
}


@pytest.mark.parametrize("name", sampled(NAMES, 5))
def test_a_claim(name):
    module = importlib.import_module(f"lectopt.pictures.gallery.{name}")
    shown = exhibit(name, **module.SMALL)
    assert shown.verdict.holds == (name not in FALSE), shown.verdict.measured
    assert module.CLAIM.endswith(")")  # whose it is
    shown.figure.draw_without_rendering()
    whole = shown.figure.bbox
    for axes in shown.figure.axes:
        boxes = [axes.get_tightbbox()]
        assert all(b.x0 >= -1 and b.x1 <= whole.x1 + 1 and b.y1 <= whole.y1 + 1 for b in boxes)
    titles = [axes._left_title for axes in shown.figure.axes]
    extents = [t.get_window_extent() for t in titles if t.get_text()]
    assert not any(a.overlaps(b) for a, b in itertools.combinations(extents, 2))


def test_the_command(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["picture", "cyclic", "--path", "new/figure.svg"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("claim: “If we loop") and "\nholds: the mean weight" in said
    assert (tmp_path / "new" / "figure.svg").stat().st_size > 10_000
    assert main(["picture", "cyclic", "--path", "figure.nonsense"]) == 2
    assert "nonsense" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["picture", "monalisa"])
    assert "wolfe" in capsys.readouterr().err
    assert main(["picture", "cyclic", "--path", "figure.gif"]) == 2
    assert "no film; write path='cyclic.png'" in capsys.readouterr().err
    with pytest.raises(ValueError, match="no figure 'monalisa'; write one of function_fit"):
        exhibit("monalisa")


@pytest.mark.slow  # sixty frames
def test_a_film(tmp_path):
    """Its frames show the function on its way; the last one is the picture."""
    exhibit("function_fit", tmp_path / "fit.gif", **function_fit.SMALL)
    with Image.open(tmp_path / "fit.gif") as film:
        assert film.n_frames > 20
        frames = []
        for k in (0, film.n_frames // 2, film.n_frames - 1):
            film.seek(k)
            frames.append(np.asarray(film.convert("RGB")).astype(int))
    assert all(np.abs(a - b).max() > 100 for a, b in itertools.pairwise(frames))


def test_ridge_solves_its_equations():
    """`(B'B / n + penalty) w = B'y / n`."""
    x = np.linspace(-1, 1, 12)
    y = np.cos(3 * x) + x
    b = np.polynomial.legendre.legvander(x, 5)
    expected = np.linalg.solve(b.T @ b / 12 + 0.1 * np.eye(6), b.T @ y / 12)
    weights = fitted(x, y, 5, 0.1)
    np.testing.assert_allclose(weights, expected, rtol=1e-10)
    np.testing.assert_allclose(error(weights, x, y), np.mean((b @ expected - y) ** 2))
