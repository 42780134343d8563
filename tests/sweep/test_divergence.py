"""Diverged lanes neither win nor disturb."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pandas as pd
import pytest

from lectopt._sweep import sweep
from lectopt.training import Problem
from tests.sweep.logistic import array, run

pytestmark = pytest.mark.usefixtures("fast_compilation")


def test_a_diverged_lane_is_frozen_and_disturbs_no_other():
    calm = run({"sgd": optax.sgd}, {"learning_rate": [0.1, 0.2, 0.3]}, 2, eval_every=4)
    wild = run({"sgd": optax.sgd}, {"learning_rate": [0.1, 1e39, 0.3]}, 2, eval_every=4)
    for column in ("train_loss", "validation_loss", "validation_accuracy"):
        a, b = (array(result, "sgd", column) for result in (calm, wild))
        np.testing.assert_array_equal(a[..., [0, 2]], b[..., [0, 2]])
    a, b = (
        result.table().query("learning_rate in (0.1, 0.3)").reset_index(drop=True)
        for result in (calm, wild)
    )
    pd.testing.assert_frame_equal(a, b)
    assert a.diverged_at.isna().all()
    assert wild.table().query("learning_rate > 1").diverged_at.tolist() == [0, 0]
    assert np.isnan(array(wild, "sgd", "train_loss")[..., 1]).all()
    validation = array(wild, "sgd", "validation_loss")[..., 1]
    assert (validation == validation[0]).all()  # frozen from the first tile on


def test_each_way_to_diverge():
    """Minimise w^2 / 2 from w = 1, where gradient descent multiplies w by 1 - rate."""

    def quadratic(params, batch, key):
        return 0.5 * jnp.sum(params**2) + 0 * batch.sum()

    problem = Problem(lambda key: jnp.ones(1), quadratic, {"train": np.ones(4)}, 2)

    def diverged_at(maker, rates, **options):
        result = sweep(
            problem, {"it": maker}, {"learning_rate": rates}, 20, seeds=1, progress=False, **options
        )
        table = result.table()
        return table.diverged_at.fillna(-1).tolist(), table.train_loss

    # At rate 3 the loss is 4^t / 2. At the start loss and gradient are 1/2 and 1, so that it is
    # above 1000 times that from step 6 on; w keeps that step's value.
    steps, losses = diverged_at(optax.sgd, [1.0, 3.0])
    assert steps == [-1, 6]
    np.testing.assert_allclose(losses, [0, 0.5 * 4.0**6])
    assert diverged_at(optax.sgd, [3.0], divergence_factor=10)[0] == [3]  # 32 > 15
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


def bounded(loss):
    """A loss that explodes, and is then large and finite for ever."""
    return lambda params, batch, key: jnp.minimum(loss(params, batch, key), 1e9)


def steep(params, batch, key):
    return 0.5 * jnp.sum(params**2) * batch.mean()


def waves(params, batch, key):
    return jnp.sum(jnp.sin(3 * params) * batch.mean())


def hinge(params, batch, key):  # of the first batch, in sequential order, it is 0
    return jnp.maximum(0, batch.mean() - 1 - params.sum())


def noisy(params, batch, key):
    return jnp.sum(params * jax.random.normal(key, params.shape)) + 0.5 * jnp.sum(params**2)


def diverged(loss, start, data, rate, steps=30):
    problem = Problem(lambda key: jnp.full(3, start), loss, {"train": data}, 2, order="sequential")
    result = sweep(
        problem, {"sgd": optax.sgd}, {"learning_rate": [rate]}, steps, seeds=2, progress=False
    )
    return result.table().diverged_at


ONES, LATE = np.ones(4), np.array([1.0, 1.0, 9.0, 9.0])


@pytest.mark.parametrize(
    ("loss", "start", "data", "rate"),
    [
        (waves, 0.0, ONES, 0.1),  # the first loss is 0
        (waves, 1e-9, ONES, 0.1),  # the first loss is next to 0
        (waves, 0.5, ONES, 10.0),  # it jumps about, and is bounded
        (hinge, 0.0, LATE, 0.1),  # loss and gradient are 0 at first
        (noisy, 0.0, ONES, 0.5),  # it begins at the minimum
        (steep, 1.0, ONES, 1.0),
        (steep, 1e-3, 1000 * ONES, 1e-3),
        (steep, 1000.0, 1e-3 * ONES, 100.0),
    ],
)
def test_what_is_healthy(loss, start, data, rate):
    assert diverged(loss, start, data, rate).isna().all()


@pytest.mark.parametrize("rate", [5.0, 30.0, 1e3, 1e6])
@pytest.mark.parametrize("start", [1.0, 1e-3])
def test_an_explosion_in_the_first_steps(rate, start):
    """Its own losses, large before the tenth step, are no measure."""
    found = diverged(bounded(steep), start, ONES, rate)
    assert (found.fillna(-1) >= 1).all() and (found <= 9).all()
