"""The cross-validation example: that it runs, and that no fold learns from what it is held to."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.usefixtures("fast_compilation")


@pytest.fixture(scope="module")
def example():
    path = Path(__file__).parents[2] / "examples" / "cross_validation.py"
    spec = importlib.util.spec_from_file_location("cross_validation", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow  # a compiled program for each fold
def test_the_example_runs_small(example, capsys):
    options = {"--folds": 2, "--rates": 2, "--seeds": 1, "--steps": 60}
    example.main([str(word) for option in options.items() for word in option])
    lines = capsys.readouterr().out.splitlines()
    scores = [float(line.split()[1].rstrip("%")) for line in lines[1:3]]
    assert scores[1] > 85 > 30 > scores[0]  # of 60 steps, a rate of 1e-4 is too small
    assert "chosen: 0.1" in lines[-2] and "180 test digits" in lines[-1]


def test_each_fold_is_standardised_by_its_training_part(example, monkeypatch):
    seen = []

    def sweep(problem, *arguments, **settings):
        seen.append(problem)
        raise KeyboardInterrupt

    monkeypatch.setattr(example, "sweep", sweep)
    x = np.random.default_rng(0).normal(3.0, 2.0, size=(120, 64))
    labels = np.arange(120) % 2
    with pytest.raises(KeyboardInterrupt):
        example.cross_validate(x, labels, 3, np.ones(1), 1, 1)
    (train, y), (held_out, z) = (seen[0].data[name] for name in ("train", "validation"))
    assert (len(train), len(held_out), y.sum(), z.sum()) == (80, 40, 40, 20)
    np.testing.assert_allclose(train.mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(train.std(0), 1, rtol=1e-5)
    assert np.abs(held_out.mean(0)).max() > 1e-3
