"""The digits-sweep example: that it runs, and what it writes."""

import importlib.util
from pathlib import Path

import jax
import jax.numpy as jnp
import pandas as pd
import pytest

pytestmark = pytest.mark.usefixtures("fast_compilation")


@pytest.mark.slow  # .ci/run runs the whole of it
def test_the_example_runs_small(tmp_path, capsys, monkeypatch):
    """With three of its optimizers; of the others, that they are made as a sweep makes them."""
    path = Path(__file__).parents[2] / "examples" / "digits_sweep.py"
    spec = importlib.util.spec_from_file_location("digits_sweep", path)
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    for make in example.OPTIMIZERS.values():
        jax.eval_shape(lambda rate, make=make: make(learning_rate=rate).init(jnp.ones(2)), 0.1)
    few = {name: example.OPTIMIZERS[name] for name in ("sgd", "nesterov", "adam")}
    monkeypatch.setattr(example, "OPTIMIZERS", few)
    options = {"--steps": 30, "--rates": 3, "--seeds": 2, "--out": tmp_path / "out"}
    example.main([str(word) for option in options.items() for word in option])
    table = pd.read_csv(tmp_path / "out" / "table.csv")
    assert len(table) == len(example.OPTIMIZERS) * 3 * 2
    assert table.test_accuracy.dropna().between(0, 1).all() and table.test_accuracy.max() > 0.8
    assert table.test_accuracy.isna().equals(table.culled_at.notna())
    printed = capsys.readouterr().out
    assert all(name in printed for name in [*example.OPTIMIZERS, "sensitivity.png"])
    assert (tmp_path / "out" / "sensitivity.png").stat().st_size > 10_000
