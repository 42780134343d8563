"""The snapshot-ensemble example: what it trains, what it votes on, and that it runs."""

import importlib.util
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lectopt

pytestmark = pytest.mark.usefixtures("fast_compilation")
PATH = Path(__file__).parents[2] / "examples" / "snapshot_ensemble.py"


@pytest.fixture(scope="module")
def example():
    spec = importlib.util.spec_from_file_location("snapshot_ensemble", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_runs_small(example, tmp_path, capsys):
    options = {"--steps": 90, "--cycles": 3, "--last": 2, "--seeds": 2, "--out": tmp_path / "out"}
    example.main([str(word) for option in options.items() for word in option])
    printed = capsys.readouterr().out
    rows = [line for line in printed.splitlines() if "±" in line]
    accuracies = [float(row.split("%")[0].split()[-1]) for row in rows]
    assert len(accuracies) == 1 + 3 + 2 and min(accuracies) > 60
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["snapshots.png"]
    assert (tmp_path / "out" / "snapshots.png").stat().st_size > 10_000


def test_snapshots_are_taken_where_the_rate_is_lowest(example):
    """At the lecture's rates, and each snapshot is that of a shorter training."""
    x = np.random.default_rng(0).normal(size=(64, 64)).astype(np.float32)
    data = {"train": (x, np.arange(64) % 10), "test": (x[:5], np.arange(5))}
    data = jax.tree.map(jnp.asarray, data)
    schedule = lectopt.cosine_restarts(init=0.2, steps=12, cycles=3)
    key = jax.random.key(0)
    votes, rates, losses = jax.jit(lambda: example.train(key, data, schedule, 3, 4))()
    t = np.arange(1, 13)
    np.testing.assert_allclose(rates, 0.1 * (np.cos(np.pi * ((t - 1) % 4) / 4) + 1), rtol=1e-5)
    np.testing.assert_allclose(np.sum(votes, axis=-1), 1.0, rtol=1e-5)
    assert votes.shape == (3, 5, 10) and losses.shape == (12,)
    shorter, *_ = jax.jit(lambda: example.train(key, data, schedule, 1, 8))()
    np.testing.assert_allclose(votes[1], shorter[0], rtol=1e-4, atol=1e-6)
