"""Configurations drawn from a space: which, how many, and that more begin with fewer."""

import numpy as np
import pytest
from scipy import stats

from lectopt._sweep.drawing import draw

SPACE = {
    "learning_rate": stats.loguniform(1e-5, 1e-1),
    "width": [16, 32, 64],
    "layers": stats.randint(1, 5),
    "nesterov": [True, False],
}


@pytest.mark.parametrize("sampler", ["sobol", "random"])
def test_fewer_are_the_first_of_more(sampler):
    all_of_them = draw(SPACE, 40, sampler)
    for n in (1, 2, 8, 13, 16):
        assert draw(SPACE, n, sampler) == all_of_them[:n]
    assert len({repr(one) for one in all_of_them}) == 40
    backwards = dict(reversed(SPACE.items()))
    assert draw(backwards, 40, sampler) == all_of_them
    assert draw(SPACE, 40, sampler, seed=1) != all_of_them


@pytest.mark.parametrize("sampler", ["sobol", "random"])
def test_values_are_of_the_space_and_plain(sampler):
    for one in draw({**SPACE, "rates": np.float32([0.5, 0.25])}, 64, sampler):
        assert 1e-5 <= one["learning_rate"] <= 1e-1 and type(one["learning_rate"]) is float
        assert one["layers"] in (1, 2, 3, 4) and type(one["layers"]) is int
        assert one["width"] in (16, 32, 64) and type(one["width"]) is int
        assert one["nesterov"] in (True, False) and type(one["nesterov"]) is bool
        assert one["rates"] in (0.5, 0.25) and type(one["rates"]) is float


def test_sobol_points_leave_no_gaps():
    """Each of 64 equal parts of an axis has one of 64 points; of random ones, 63 % have any."""
    space = {name: stats.uniform(0, 1) for name in "abcdef"}
    for name in space:
        parts = {
            sampler: {int(64 * one[name]) for one in draw(space, 64, sampler)}
            for sampler in ("sobol", "random")
        }
        assert len(parts["sobol"]) == 64
        assert 30 < len(parts["random"]) < 52
    counts = np.unique([one["width"] for one in draw(SPACE, 96)], return_counts=True)[1]
    assert counts.min() >= 30


class AtZero:
    """A uniform distribution that nothing may ask for its ends, where they lie elsewhere."""

    def ppf(self, u):
        assert 0 < u < 1
        return u


def test_the_ends_of_a_distribution_are_never_asked_for():
    assert stats.randint(3, 7).ppf(0) == 2 and stats.norm().ppf(0) == -np.inf  # why
    for seed in range(20):
        for sampler in ("sobol", "random"):
            draw({"x": AtZero(), "y": AtZero()}, 64, sampler, seed)
            drawn = draw({"x": stats.randint(3, 7), "y": stats.norm()}, 64, sampler, seed)
            assert {one["x"] for one in drawn} == {3, 4, 5, 6}


@pytest.mark.parametrize("sampler", ["sobol", "random"])
def test_a_finite_space_is_drawn_to_the_last(sampler):
    space = {"a": [1, 2, 3, 3], "b": ["x", "y"]}
    drawn = {(one["a"], one["b"]) for one in draw(space, 6, sampler)}
    assert drawn == {(a, b) for a in (1, 2, 3) for b in "xy"}
    with pytest.raises(ValueError, match="wanted 7 samples, and the space has 6 configurations"):
        draw(space, 7, sampler)
    assert {one["n"] for one in draw({"n": stats.randint(0, 3)}, 3, sampler)} == {0, 1, 2}
    with pytest.raises(ValueError, match="wanted 5 samples, and the space has 3"):
        draw({"n": stats.randint(0, 3)}, 5, sampler)
    assert draw({}, 1, sampler) == [{}]


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({"x": 0.1}, "x: wanted a list of values, or a distribution with ppf.* got 0.1"),
        ({"x": []}, "x: wanted a list"),
        ({"x": "high"}, "x: wanted a list"),
        ({"x": np.ones((2, 2))}, "x: wanted a list"),
        ({"x": {"learning_rate": [1]}}, "x: wanted a list"),
        ({"x": stats.uniform(0, -1)}, "x: .*ppf.* is .*nan"),
    ],
)
def test_what_is_no_distribution(space, message):
    with pytest.raises(ValueError, match=message):
        draw(space, 2)
    with pytest.raises(ValueError, match="sampler 'sobol' or 'random', got 'halton'"):
        draw({"x": [1]}, 1, "halton")
