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
from tests.support.algorithms import ALGORITHMS, is_first
from tests.support.sampling import sampled

part = ft.partial

LAYERS = ("one program", "one term", "fractions", "z3")
PROVED = {
    "adam": (optax.adam, lectopt.adam),
    "adamw": (optax.adamw, lectopt.adamw),
    "nadam": (optax.nadam, lectopt.nadam),
    "amsgrad": (optax.amsgrad, lectopt.amsgrad),
    "adamax": (optax.adamax, lectopt.adamax),
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


@pytest.mark.parametrize("name", sampled(PROVED, 5))
def test_proved(name):
    outcome = same_update(*PROVED[name])
    assert outcome and outcome.proved and outcome.verdict == "proved", outcome
    assert outcome.example is None and outcome.layer in LAYERS
    assert str(outcome).startswith("proved: the same update for all gradients and weights")


# Not compared, as neither a proof nor an input that tells them apart is found: our rectification is
# computed by a series where float32 cancels, norms are scaled where their squares overflow (LARS is
# proved with its defaults, and not with the numbers of its row), powers of the count are made in
# other ways; the products of Muon are taken in another order.
OPEN = {
    "radam/outside", "adafactor", "fromage", "dog", "dowg", "cocob", "optimistic_adam",
    "optimistic_gradient_descent", "lamb", "lars", "muon",
}  # fmt: skip
COMPARED = [r for r in ALGORITHMS if r.optax and is_first(r) and r.id not in OPEN]
PLAIN = 30  # of so many rows one is compared in plain `pytest`, and the others are slow


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(r, id=r.id, marks=[pytest.mark.slow] if k % PLAIN else [])
        for k, r in enumerate(COMPARED)
    ],
)
def test_every_algorithm_that_optax_has(row):
    """With the numbers of the row. Where they differ, it is on an input that overflows in float32,
    or where Optax divides 0 by 0, and ours is a number."""
    numbers = {"learning_rate": 0.1, **row.numbers}
    outcome = same_update(part(row.optax, **numbers), part(row.make, **numbers))
    assert outcome.verdict != "unknown", outcome
    if outcome.verdict == "differ":
        theirs, ours = outcome.example.run()
        finite = [np.isfinite(np.concatenate([x.ravel() for x in jax.tree.leaves(u)]))
                  for u in (theirs, ours)]  # fmt: skip
        assert outcome.layer == "inputs that overflow" or not finite[0].all(), outcome
        assert finite[1].all()


@pytest.mark.slow  # every algorithm of Optax's again, without numbers
def test_settings_are_left_open():
    outcome = same_update(optax.adam, lectopt.adam)
    assert "every b1, b2 in (0, 1), learning_rate, eps > 0" in outcome.scope
    alone = same_update(optax.rmsprop, keras.RMSprop)
    assert "rho of the second corresponds to no setting" in str(alone)
    assert same_update(optax.rmsprop, keras.RMSprop, map={"rho": "decay"}).proved
    defaults = same_update(optax.adam, keras.Adam)
    assert "their defaults differ: eps, epsilon is 1e-08 and 1e-07" in str(defaults)


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


@pytest.mark.parametrize("name", sampled(DIFFERENT, 5))
def test_different(name):
    outcome = same_update(*DIFFERENT[name])
    assert not outcome and outcome.verdict == "differ", outcome
    assert str(outcome).startswith("differ: at step ")
    assert_an_example(outcome.example)


def assert_an_example(example):
    """The two really part on it: run again, and by hand from its weights and gradients."""
    assert len(example.gradients) == example.step
    again = example.run()
    for x, y in zip(jax.tree.leaves(again), jax.tree.leaves(example.updates), strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-30)
    first, second = (np.concatenate([x.ravel() for x in jax.tree.leaves(u)]) for u in again)
    assert not np.allclose(first, second, rtol=1e-7, atol=0, equal_nan=True)


def test_the_counterexample_of_optaxs_rprop():
    """Its first move is 0; and what is reported is what both really do."""
    outcome = same_update(optax.rprop, lectopt.rprop)
    assert outcome.example.step == 1
    for make, updates in zip((optax.rprop, lectopt.rprop), outcome.example.updates, strict=True):
        tx = make(0.1)
        weights, (gradients,) = outcome.example.weights, outcome.example.gradients
        update, _ = tx.update(gradients, tx.init(weights), weights)
        for x, y in zip(*map(jax.tree.leaves, (update, updates)), strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-6)
        assert (make is optax.rprop) == all(not x.any() for x in jax.tree.leaves(updates))
    assert "optax.rprop moves it by -0, lectopt.rprop by 0.1" in str(outcome)


def test_the_first_step_that_differs_is_the_first():
    """SGD and heavy-ball momentum agree on the first step, and on the second no more."""
    outcome = same_update(optax.sgd, part(optax.sgd, momentum=0.9))
    assert outcome.verdict == "differ" and outcome.example.step == 2


def test_a_difference_comes_at_the_step_or_the_size_where_it_begins():
    late = same_update(*DIFFERENT["a schedule that turns at step 51 or at step 61"]).example
    assert late.step == len(late.gradients) == 51
    assert same_update(*DIFFERENT["updates that come together"]).example.step == 15
    clipped = same_update(*DIFFERENT["a clip of what is large"]).example
    largest = [max(np.abs(x).max() for x in jax.tree.leaves(g)) for g in clipped.gradients]
    assert max(largest[:-1], default=0) <= 1e4 < largest[-1]


@pytest.mark.parametrize("swapped", [False, True])
def test_a_proof_is_not_enough_where_a_program_divides_by_zero(swapped):
    """`u*u/u` is `u`, and NaN where `u` is 0."""
    pair = optax.stateless(lambda u, p: jax.tree.map(lambda x: x * x / x, u)), optax.identity()
    outcome = same_update(*(reversed(pair) if swapped else pair))
    assert outcome.verdict == "differ" and not outcome.proved
    values = [np.asarray(u["scale"]) for u in outcome.example.updates]
    assert np.isnan(values[1 if swapped else 0]) and not np.isnan(values[0 if swapped else 1])


def test_what_nan_and_infinity_show():
    """Equal for all numbers: the verdict says so, and shows where they part."""
    for pair in (
        (optax.adagrad, lectopt.adagrad),
        (optax.zero_nans(), optax.identity()),
        (optax.apply_if_finite(optax.sgd(0.1), 5), optax.sgd(0.1)),
        tuple(
            optax.stateless(lambda u, p, f=f: jax.tree.map(f, u))
            for f in (lambda x: jnp.where(~(x < 1), 0, x), lambda x: jnp.where(x >= 1, 0, x))
        ),
    ):
        outcome = same_update(*pair)
        assert outcome.verdict == "proved for finite inputs", outcome
        assert not outcome and not outcome.proved
        shown = jnp.concatenate([x.ravel() for x in jax.tree.leaves(outcome.example.gradients)])
        assert not jnp.isfinite(shown).all()


def test_a_maker_that_asks_what_it_is_given():
    def forked(lr):
        return optax.sgd(lr) if lr < 1 else optax.sgd(2 * lr)

    def asking(lr):
        tx = optax.sgd(lr)
        return optax.chain(optax.clip(1.0), tx) if isinstance(lr, float) and lr > 3 else tx

    for make in (forked, asking):
        outcome = same_update(optax.sgd, make, map={"lr": "learning_rate"})
        assert outcome.verdict == "differ" and "learning_rate = 100" in str(outcome), outcome

    def branching(lr):
        return optax.sgd(lr) if lr < 1 else optax.sgd(lr)

    outcome = same_update(optax.sgd, branching, map={"lr": "learning_rate"})
    assert outcome.proved
    assert "for learning_rate = 0.1; learning_rate = 0.0001; learning_rate = 100" in outcome.scope


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
    assert simplified.proved, simplified
    shifted = {"theta": "theta + decay*trace", "look_ahead": "decay*trace"}
    assert same_update(look_ahead, lectopt.nesterov, map=shifted).proved
    wrong = same_update(look_ahead, lectopt.nesterov, map=shifted | {"theta": "theta + trace"})
    assert wrong.verdict == "unknown"
    assert not same_update(look_ahead, lectopt.nesterov)  # without the map they are two


def test_momentum_up_to_its_settings():
    """A moving average is heavy-ball momentum with the rate `alpha (1 - beta)`; the relation of
    their states is found, or given."""
    average = part(lectopt.momentum, form="ema")
    heavy = part(lectopt.momentum, form="heavy_ball")
    rate = {"learning_rate": "learning_rate*(1 - decay)"}
    assert same_update(average, heavy, map=rate).proved
    assert same_update(average, heavy, map=rate | {"trace": "trace/(1 - decay)"}).proved
    wrong = same_update(average, heavy, map=rate | {"trace": "2*trace/(1 - decay)"})
    assert wrong.verdict == "unknown" and "the map of" in str(wrong)
    assert same_update(average, heavy).verdict == "differ"


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
        ({"learning_rate": "nosuch*2"}, ValueError, "cannot read 'nosuch' in .* there are lea"),
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
    assert outcome.verdict == "unknown" and "ZeroDivisionError" in str(outcome)
    search = same_update(optax.lbfgs, optax.lbfgs)
    assert search.proved and search.layer == "one program"
