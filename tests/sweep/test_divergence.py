"""Diverged lanes neither win nor disturb."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from lectopt._sweep import Runs, SweepResult, sweep
from lectopt.training import Problem
from tests.sweep.logistic import DATA, run

pytestmark = pytest.mark.usefixtures("fast_compilation")


def test_a_diverged_lane_is_frozen_and_disturbs_no_other():
    calm = run({"sgd": optax.sgd}, {"learning_rate": [0.1, 0.2, 0.3]}, 2, eval_every=4)
    wild = run({"sgd": optax.sgd}, {"learning_rate": [0.1, 1e38, 0.3]}, 2, eval_every=4)
    a, b = calm.runs["sgd"], wild.runs["sgd"]
    for lane in (0, 2):
        np.testing.assert_array_equal(a.train_loss[..., lane], b.train_loss[..., lane])
        for split in DATA:
            for metric in ("accuracy", "loss"):
                others = (r.final[split][metric][:, lane] for r in (a, b))
                np.testing.assert_array_equal(*others)
    assert (a.diverged_at == -1).all()
    np.testing.assert_array_equal(b.diverged_at[:, [0, 2]], -1)
    # With rate 1e38 the first update is still finite, and the loss after it is not below the bound.
    np.testing.assert_array_equal(b.diverged_at[:, 1], 1)
    assert np.isfinite(b.train_loss[0, :, 1]).all() and np.isnan(b.train_loss[1:, :, 1]).all()
    assert len(set(b.validation["loss"][:, 0, 1].tolist())) == 1  # frozen from the first tile on


def test_each_way_to_diverge():
    """Minimise w^2 / 2 from w = 1, where gradient descent multiplies w by 1 - rate."""

    def quadratic(params, batch, key):
        return 0.5 * jnp.sum(params**2) + 0 * batch.sum()

    problem = Problem(lambda key: jnp.ones(1), quadratic, {"train": np.ones(4)}, 2)

    def diverged_at(maker, rates, **options):
        result = sweep(
            problem, {"it": maker}, {"learning_rate": rates}, 1, 20, progress=False, **options
        )
        return result.table().diverged_at.tolist(), result.runs["it"].final["train"]["loss"][0]

    # At rate 3 the loss is 4^t / 2, above 1000 / 2 from step 5 on; w keeps that step's value.
    steps, losses = diverged_at(optax.sgd, [1.0, 3.0])
    assert steps == [-1, 5]
    np.testing.assert_allclose(losses, [0, 0.5 * 4.0**5])
    assert diverged_at(optax.sgd, [3.0], divergence_factor=10)[0] == [2]
    assert diverged_at(optax.sgd, [3.0], divergence_factor=np.inf)[0] == [-1]

    def broken(learning_rate):  # its third update is not finite
        def update(updates, state, params=None):
            return jax.tree.map(
                lambda g: jnp.where(state == 2, jnp.nan, -learning_rate * g), updates
            ), state + 1

        return optax.GradientTransformation(lambda params: jnp.zeros((), int), update)

    steps, losses = diverged_at(broken, [0.5])
    assert steps == [2]
    np.testing.assert_allclose(losses, 0.5 * 0.25**2)  # two updates were made


def by_hand(accuracy, diverged_at):
    """A result of one optimizer: arrays of shape (seeds, configurations)."""
    accuracy, diverged_at = np.array(accuracy, np.float32), np.array(diverged_at)
    seeds, configurations = accuracy.shape
    final = {split: {"accuracy": accuracy} for split in ("validation", "test")}
    rates = {"learning_rate": 10.0 ** np.arange(configurations)}
    empty = np.zeros((1, seeds, configurations))
    return SweepResult(
        tuple(range(seeds)), (1,), {"it": Runs(rates, diverged_at, empty, {}, final)}
    )


@pytest.mark.parametrize("bad", [1.0, np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("mode", ["max", "min"])
def test_best_is_never_a_diverged_configuration(bad, mode):
    accuracy = [[0.5, 0.7, bad], [0.5, 0.9, 0.5]]
    for diverged_at in ([[-1, -1, 3], [-1, -1, -1]], [[-1, -1, -1], [-1, -1, 8]]):
        best = by_hand(accuracy, diverged_at).best(mode=mode)
        assert best.learning_rate.item() == (10 if mode == "max" else 1)
        assert (best.diverged.item(), best.configurations.item()) == (1, 3)
        if mode == "max":
            np.testing.assert_allclose(best.validation_accuracy, 0.8, rtol=1e-6)
            np.testing.assert_allclose(best.test_accuracy_sd, np.sqrt(2) / 10, rtol=1e-6)


def test_best_of_a_metric_that_is_nan_without_divergence():
    assert by_hand([[np.nan, 0.4, np.inf]], [[-1, -1, -1]]).best().learning_rate.item() == 10


def test_an_optimizer_that_always_diverges_has_no_best(tmp_path):
    result = by_hand([[0.9, 0.8]], [[1, 0]])
    best = result.best()
    assert best.optimizer.tolist() == ["it"] and best.diverged.item() == 2
    assert best[["learning_rate", "validation_accuracy", "test_accuracy"]].isna().all(axis=None)
    result.plot_sensitivity(path=tmp_path / "all_diverged.png")
    assert (tmp_path / "all_diverged.png").stat().st_size > 1000
