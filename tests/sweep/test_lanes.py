"""A lane is a plain training, in one compiled program, however it is divided."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pandas as pd
import pytest

import lectopt
from lectopt._sweep import sweep
from lectopt.training import Problem, batch_indices, random_streams
from tests.sweep.logistic import DATA, RATES, STEPS, N, array, evaluate, init, loss, run

pytestmark = pytest.mark.usefixtures("fast_compilation")


def batches(seed):
    """What a seed gives each step: the batch, and the key of its noise."""
    streams = random_streams(seed)
    for step in range(STEPS):
        samples = np.asarray(batch_indices(streams.data, step, N, 8))
        x, y = DATA["train"]
        yield (x[samples], y[samples]), jax.random.fold_in(streams.noise, step)


loss_and_grad = jax.jit(jax.value_and_grad(loss))


def plain_training(tx, seed):
    """The parameters and the batch losses of one training, in the plainest way."""
    params = init(random_streams(seed).init)
    state = tx.init(params)
    update = jax.jit(optax.with_extra_args_support(tx).update)
    losses = []
    for batch, key in batches(seed):
        value, grads = loss_and_grad(params, batch, key)
        updates, state = update(grads, state, params, value=value)
        params = optax.apply_updates(params, updates)
        losses.append(float(value))
    return params, losses


def polyak(learning_rate):
    """An optimizer that needs the value of the loss."""
    return optax.polyak_sgd(scaling=learning_rate)


def test_a_lane_is_a_plain_training_of_its_seed_and_rate():
    makers = {
        "adam": optax.adam,
        "nesterov": partial(optax.sgd, momentum=0.9, nesterov=True),
        "polyak": polyak,
    }
    result = run(makers, {"learning_rate": RATES}, [5, 2], eval_every=4)
    for name, maker in makers.items():
        for rate in RATES:
            params, losses = plain_training(maker(float(rate)), seed=2)
            own = f"optimizer == {name!r} and seed == 2 and learning_rate == {rate}"
            final, curve = result.table().query(own), result.curves().query(own)
            assert len(final) == 1 and final.diverged_at.isna().item()
            for split in DATA:
                for metric, value in evaluate(params, DATA[split]).items():
                    np.testing.assert_allclose(final[f"{split}_{metric}"], value, rtol=2e-5)
            means = [*np.reshape(losses[:12], (3, 4)).mean(axis=1), losses[12]]
            np.testing.assert_allclose(curve.train_loss, means, rtol=2e-5)
            assert curve.step.tolist() == [4, 8, 12, 13]


def test_the_look_ahead_is_where_the_gradient_is_and_the_base_point_what_is_measured():
    def by_hand(rate, decay=0.9):  # v = decay v - rate grad(params + decay v); params += v
        params = init(random_streams(0).init)
        velocity = jax.tree.map(jnp.zeros_like, params)
        for batch, key in batches(seed=0):
            ahead = jax.tree.map(lambda p, v: p + decay * v, params, velocity)
            _, grads = loss_and_grad(ahead, batch, key)
            velocity = jax.tree.map(lambda v, g: decay * v - rate * g, velocity, grads)
            params = jax.tree.map(jnp.add, params, velocity)
        return evaluate(params, DATA["test"])["loss"]

    forms = {form: partial(lectopt.nesterov, form=form) for form in ("shifted", "look_ahead")}
    table = run(forms, {"learning_rate": RATES}, 1).table()
    expected = [by_hand(rate) for rate in RATES]
    for form in forms:
        found = table[table.optimizer == form].test_loss
        np.testing.assert_allclose(found, expected, rtol=2e-5, err_msg=form)


def test_lanes_of_a_seed_are_paired():
    result = run({"a": optax.sgd, "b": optax.sgd}, {"learning_rate": [0.1, 0.2]}, 2)
    a, b = (array(result, name, "train_loss") for name in "ab")
    np.testing.assert_array_equal(a, b)
    assert (a[:, 0] != a[:, 1]).all()  # seeds differ


def test_evaluating_more_often_changes_nothing():
    rare, often = (
        run({"sgd": optax.sgd}, {"learning_rate": RATES}, 2, eval_every=every) for every in (99, 2)
    )
    assert rare.curves().step.unique().tolist() == [13]
    assert often.curves().step.unique().tolist() == [2, 4, 6, 8, 10, 12, 13]
    pd.testing.assert_frame_equal(rare.table(), often.table())


def test_tiles_of_any_length_are_one_program():
    def weakly_typed(learning_rate):  # its state starts as a Python number
        last = optax.GradientTransformation(lambda p: 0.0, lambda g, s, p=None: (g, g["b"].sum()))
        return optax.chain(last, optax.sgd(learning_rate))

    def traces(steps):
        count = 1000 * steps  # no function is as in an earlier sweep, whose programs are kept

        def counted(params, batch, key):
            nonlocal count
            count += 1
            return loss(params, batch, key)

        problem = Problem(init, counted, DATA, 8, evaluate=evaluate)
        makers = {"it": weakly_typed}
        space = {"learning_rate": RATES}
        sweep(problem, makers, space, steps, seeds=2, eval_every=3, tile=3, progress=False)
        return count - 1000 * steps

    assert traces(3) == traces(10) > 0


def test_state_keeps_its_dtypes_in_half_precision():
    problem = Problem(
        lambda key: jax.tree.map(lambda x: x.astype(jnp.bfloat16), init(key)),
        lambda params, batch, key: loss(params, (batch[0].astype(jnp.bfloat16), batch[1]), key),
        DATA,
        8,
    )
    space = {"learning_rate": RATES}
    result = sweep(problem, {"adam": optax.adam}, space, 20, seeds=1, progress=False)
    losses = array(result, "adam", "train_loss")[:, 0]
    assert (losses[-1] < losses[0]).all()
