"""Two optimizers are proved to be the same, or the step and gradient are shown where they part."""

import functools as ft

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import lectopt
from lectopt import same_update
from lectopt.dialects import keras, torch
from tests.support.algorithms import ALGORITHMS, over

part = ft.partial

PROVED = {
    "adam": (optax.adam, lectopt.adam),
    "adamw": (optax.adamw, lectopt.adamw),
    "nadam": (optax.nadam, lectopt.nadam),
    "amsgrad": (optax.amsgrad, lectopt.amsgrad),
    "adamax": (optax.adamax, lectopt.adamax),
    "adagrad": (optax.adagrad, lectopt.adagrad),
    "rmsprop": (optax.rmsprop, lectopt.rmsprop),
    "sgd": (optax.sgd, lectopt.sgd),
    "sgd with momentum": (part(optax.sgd, momentum=0.9), part(lectopt.sgd, momentum=0.9)),
    "PyTorch's Adam": (optax.adam, torch.Adam),
    "PyTorch's Rprop": (lectopt.rprop, torch.Rprop),
    "Keras' Adam": (part(lectopt.adam, eps_placement="uncorrected"), keras.Adam),
    "lamb and itself": (optax.lamb, optax.lamb),
    "numbers": (optax.adam(1e-3), lectopt.adam(1e-3)),
    "a chain": (
        optax.chain(optax.clip_by_global_norm(1.0), optax.sgd(0.1)),
        lectopt.chain(optax.clip_by_global_norm(1.0), lectopt.sgd(0.1)),
    ),
    "groups": (
        optax.sgd(0.1),
        optax.partition({"x": optax.sgd(0.1), "y": lectopt.sgd(0.1)}, {"w": "x", "b": "y"}),
    ),
}


@pytest.mark.parametrize("name", PROVED)
def test_proved(name):
    outcome = same_update(*PROVED[name])
    assert outcome and outcome.proved and outcome.difference is None
    assert str(outcome).startswith("the same update, proved for all parameters, gradients")


@over([r for r in ALGORITHMS if r.optax])
def test_every_algorithm_that_optax_has(row):
    """With the numbers of the row, as our guards may make another formula of it; and where Optax
    divides 0 by 0 ours is a number."""
    numbers = {"learning_rate": 0.1, **row.numbers}
    outcome = same_update(part(row.optax, **numbers), part(row.make, **numbers))
    found = outcome.difference
    assert outcome or (np.isnan(found.first) and np.isfinite(found.second)), outcome


def test_settings_are_left_open():
    outcome = same_update(optax.adam, lectopt.adam)
    assert "every learning_rate, b1, b2, eps" in outcome.text
    alone = same_update(optax.rmsprop, keras.RMSprop)
    assert not alone.proved and "rho of the second corresponds to no setting" in alone.text
    assert same_update(optax.rmsprop, keras.RMSprop, map={"rho": "decay"}).proved
    defaults = same_update(optax.adam, keras.Adam)
    assert "their defaults differ: eps, epsilon is 1e-08 and 1e-07" in defaults.text


DIFFERENT = {
    "epsilon inside": (optax.adam, part(lectopt.adam, eps_placement="inside")),
    "the rate": (optax.sgd(0.1), optax.sgd(0.2)),
    "optax.adadelta() ascends": (optax.adadelta, lectopt.adadelta),
    "one leaf or all": (lectopt.clip_by_norm, lectopt.clip_by_global_norm),
    "another key": (
        part(optax.noisy_sgd, key=jax.random.key(0)),
        part(optax.noisy_sgd, key=jax.random.key(1)),
    ),
    "weight decay in the gradient": (
        optax.adamw,
        lambda learning_rate, weight_decay: optax.chain(
            optax.add_decayed_weights(weight_decay), optax.adam(learning_rate)
        ),
    ),
    "a schedule that turns at step 51 or at step 61": (
        optax.sgd(optax.piecewise_constant_schedule(0.1, {50: 0.5})),
        optax.sgd(optax.piecewise_constant_schedule(0.1, {60: 0.5})),
    ),
    "updates that come together": (optax.MultiSteps(optax.sgd(0.1), 15), optax.set_to_zero()),
    "a clip of what is large": (optax.clip(1e4), optax.identity()),
    "a norm that is large": (optax.clip_by_global_norm(1e5), optax.identity()),
    "what happens at 2.5": tuple(
        optax.stateless(lambda u, p, keeps=keeps: jnp.where(keeps(u, 2.5), u, 0))
        for keeps in (jnp.less, jnp.less_equal)
    ),
    "no epsilon: NaN for a gradient of 0": (optax.adam(0.1), optax.adam(0.1, eps=0)),
    "momentum under a schedule": (
        part(lectopt.momentum, optax.linear_schedule(0.1, 0.01, 5)),
        part(lectopt.momentum, optax.linear_schedule(0.1, 0.01, 5), form="heavy_ball"),
    ),
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_different(name):
    outcome = same_update(*DIFFERENT[name])
    assert not outcome and outcome.difference is not None
    assert str(outcome).startswith("not the same update: at step")


def test_the_counterexample_of_optaxs_rprop():
    """Its first move is 0; and what is reported is what both really do."""
    outcome = same_update(optax.rprop, lectopt.rprop)
    assert not outcome
    found = outcome.difference
    assert found.step == 1 and len(found.gradients) == 1
    assert found.first == found.start and found.second != found.start
    for make, value in ((optax.rprop, found.first), (lectopt.rprop, found.second)):
        tx = make(0.1)
        start = jnp.array(found.start)
        update, _ = tx.update(jnp.array(found.gradients[0]), tx.init(start), start)
        np.testing.assert_allclose(start + update, value, rtol=1e-6)
    assert "optax.rprop gives" in outcome.text and "lectopt.rprop gives" in outcome.text


def test_the_first_step_that_differs_is_the_first():
    """SGD and heavy-ball momentum agree on the first step, and on the second no more."""
    outcome = same_update(optax.sgd, part(optax.sgd, momentum=0.9))
    assert not outcome and outcome.difference.step == 2


def test_a_difference_comes_at_the_step_or_the_size_where_it_begins():
    late = same_update(*DIFFERENT["a schedule that turns at step 51 or at step 61"]).difference
    assert late.step == len(late.gradients) == 51 and "gradients 1, 1, 1, ..., 1, 1" in str(late)
    assert same_update(*DIFFERENT["updates that come together"]).difference.step == 15
    clipped = same_update(*DIFFERENT["a clip of what is large"]).difference
    assert max(abs(g) for g in clipped.gradients[:-1]) <= 1e4 < abs(clipped.gradients[-1])
    assert same_update(*DIFFERENT["what happens at 2.5"]).difference.gradients[-1] == 2.5


@pytest.mark.parametrize("swapped", [False, True])
def test_a_proof_is_not_enough_where_a_program_divides_by_zero(swapped):
    """`u*u/u` is `u`, and NaN where `u` is 0."""
    pair = optax.stateless(lambda u, p: jax.tree.map(lambda x: x * x / x, u)), optax.identity()
    outcome = same_update(*(reversed(pair) if swapped else pair))
    assert not outcome and not outcome.proved
    assert outcome.difference.gradients[-1] == 0
    values = outcome.difference.first, outcome.difference.second
    assert np.isnan(values[1 if swapped else 0]) and not np.isnan(values[0 if swapped else 1])


def test_a_setting_that_shapes_the_program_is_named():
    def forked(lr):
        return optax.sgd(lr) if lr < 1 else optax.sgd(2 * lr)

    outcome = same_update(optax.sgd, forked, map={"lr": "learning_rate"})
    assert outcome and "they are compared for lr = 0.1 only" in str(outcome)
    assert not same_update(part(optax.sgd, learning_rate=3.0), part(forked, lr=3.0))
    assert "only" not in str(same_update(optax.adam, lectopt.adam))


def test_nesterovs_change_of_variable():
    look_ahead = part(lectopt.nesterov, form="look_ahead")
    simplified = same_update(
        look_ahead,
        part(optax.sgd, momentum=0.9, nesterov=True),
        map={
            "momentum": "decay",
            "theta": "theta + decay*trace",
            "trace": "-trace/learning_rate",
        },
    )
    assert simplified.proved
    shifted = {"theta": "theta + decay*trace", "look_ahead": "decay*trace"}
    assert same_update(look_ahead, lectopt.nesterov, map=shifted).proved
    wrong = same_update(look_ahead, lectopt.nesterov, map=shifted | {"theta": "theta + trace"})
    assert not wrong and wrong.difference is not None
    assert not same_update(look_ahead, lectopt.nesterov)  # without the map they are two


def test_momentum_up_to_its_settings():
    """A moving average is heavy-ball momentum with the rate `alpha (1 - beta)`."""
    average = part(lectopt.momentum, form="ema")
    heavy = part(lectopt.momentum, form="heavy_ball")
    rate = {"learning_rate": "learning_rate*(1 - decay)"}
    assert same_update(average, heavy, map=rate | {"trace": "trace/(1 - decay)"}).proved
    tested = same_update(average, heavy, map=rate)  # without the state it is only tested
    assert tested and not tested.proved and "not proved: the new value of trace" in tested.text
    assert not same_update(average, heavy)


def test_a_map_that_names_nothing():
    with pytest.raises(ValueError, match="map names velocity, which optax.sgd does not have"):
        same_update(optax.sgd, optax.sgd, map={"velocity": "theta"})


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        (3, TypeError, "map is a dict; got 3"),
        ({"learning_rate": None}, TypeError, "got 'learning_rate': None"),
        ({1: "g"}, TypeError, "got 1: 'g'"),
        ({"learning_rate": "learning_rate +* 2"}, ValueError, "cannot read 'learning_rate +"),
        ({"learning_rate": "nosuch*2"}, ValueError, "cannot read 'nosuch' in .* there are α, lea"),
        ({"theta": "theta + nosuch"}, ValueError, "cannot read 'nosuch'"),
        ({"learning_rate": "theta"}, ValueError, "map gives learning_rate as theta, which is no"),
        ({"nesterov": "1"}, ValueError, "map names nesterov, which optax.sgd does not have as a n"),
    ],
)
def test_a_map_that_says_nothing(wrong, error, message):
    with pytest.raises(error, match=message):
        same_update(optax.sgd, optax.sgd, map=wrong)


def test_what_cannot_be_compared():
    broken = optax.GradientTransformation(lambda p: (), lambda u, s, p=None: 1 / 0)
    outcome = same_update(optax.sgd, broken)
    assert not outcome and "cannot compare" in str(outcome) and "ZeroDivisionError" in str(outcome)
    search = same_update(optax.lbfgs, optax.lbfgs)
    assert search and search.proved  # the same functions of the same things
