"""Every conversion between libraries: what port calls exact is equal to rounding, under a rate that
changes at every update; what it calls impossible is measurably not.
"""

import functools as ft
import re

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import lectopt
from lectopt import lectures, port
from lectopt.dialects import keras, papers, torch
from lectopt.dialects import optax as ox
from lectopt.dialects.porting.problem import falling_late
from tests.dialects.conversions import (
    BY_POSITION,
    CONSTANT,
    EXACT,
    IMPOSSIBLE,
    KERAS_ADAM,
    OPTAX_ADAM,
    ROWS,
    TORCH_ADAM,
    named,
)
from tests.support.oracles.rows import CURVATURE, THETA, noise
from tests.support.sampling import sampled

part = ft.partial


def rate():
    """A rate that changes at every update, by operations that every library has in double
    precision."""
    return lambda t: 0.05 * (1 + 0.1 * ((7 * t) % 10)) / (1 + 0.02 * t)


def path(tx, scale=1.0):
    """Where the gradients are taken, after every update; all rows share the compiled pieces."""
    theta, points = jnp.asarray(THETA), []
    state = tx.init(theta)
    # The `cond` in a clip would be compiled anew at every update.
    update = jax.jit(tx.update) if "clip" in repr(tx) else tx.update
    for push in noise():
        grads = scale * (push + CURVATURE * np.asarray(tx.point(theta, state)))
        updates, state = update(jnp.asarray(grads), state, theta)
        theta = optax.apply_updates(theta, updates)
        points.append(tx.point(theta, state))
    return np.array(points)


def gap(a, b, scale=1.0):
    """How far apart two optimizers ever get; or one and a given path."""
    return np.abs(path(a) - (b if hasattr(b, "shape") else path(b, scale))).max()


@pytest.mark.parametrize("row", sampled(ROWS, 5, ids=named))
@pytest.mark.usefixtures("x64")
def test_conversion(row):
    maker, to, verdict, _ = row
    ported = port(maker(0.05), to)
    assert ported.verdict == verdict, str(ported)
    assert ported.reason.endswith(".")
    if verdict == EXACT:
        assert ported.difference is None
        scheduled = maker(rate())
        assert gap(scheduled, port(scheduled, to).optimizer) < 1e-11
        # Saying it twice changes nothing.
        again = port(ported.optimizer, to)
        assert again.verdict == EXACT and again.optimizer == ported.optimizer
    elif ported.optimizer is not None:
        assert gap(maker(0.05), ported.optimizer) > 1e-8
        assert ported.difference > 1e-8
    else:
        assert ported.difference is None and ported.call is None


@pytest.mark.parametrize("row", sampled(BY_POSITION, 3, ids=named))
@pytest.mark.usefixtures("x64")
def test_the_position_of_the_rate(row):
    """The rate inside or outside the velocity: the same for a constant rate, and for another one
    only if the momentum follows it, which Nesterov's velocity cannot."""
    maker, to, scheduled = row
    constant = port(maker(0.05), to)
    assert constant.verdict == CONSTANT and "velocity" in constant.reason
    assert gap(maker(0.05), constant.optimizer) < 1e-12
    both = [falling_late(tx) for tx in (maker(0.05), constant.optimizer)]
    gaps = np.abs(np.subtract(*map(path, both))).max(axis=1)
    assert gaps[:50].max() < 1e-12 and gaps[50:].max() > 1e-3
    assert constant.difference > 1e-3
    ported = port(maker(rate()), to)
    assert ported.verdict == scheduled
    difference = gap(maker(rate()), ported.optimizer)
    assert difference < 1e-11 if scheduled == EXACT else difference > 1e-3


SCALED = [
    (torch.SGD, EXACT),
    (part(torch.SGD, momentum=0.8, nesterov=True, weight_decay=0.1), EXACT),
    (part(torch.Adam, **TORCH_ADAM, weight_decay=0.1), EXACT),
    (part(torch.AdamW, **TORCH_ADAM, weight_decay=0.1, amsgrad=True), EXACT),
    (part(torch.Adamax, **TORCH_ADAM), EXACT),
    (part(torch.NAdam, **TORCH_ADAM), EXACT),
    (part(torch.RMSprop, eps=1e-2, centered=True, momentum=0.7), EXACT),
    (part(torch.Adagrad, eps=1e-2, initial_accumulator_value=0.1), EXACT),
    (torch.Rprop, EXACT),
    (part(torch.ASGD, lambd=0.1), EXACT),
    (part(torch.RAdam, **TORCH_ADAM), IMPOSSIBLE),
    (part(torch.Adadelta, eps=1e-2), IMPOSSIBLE),
    (part(keras.Adam, **KERAS_ADAM, clipnorm=0.7), EXACT),
    (part(keras.RMSprop, epsilon=1e-2, weight_decay=0.1), EXACT),
    (part(keras.Adagrad, epsilon=1e-2), EXACT),
    (part(keras.SGD, momentum=0.8, weight_decay=0.1), EXACT),
    (part(ox.adam, **OPTAX_ADAM, eps_root=1e-2), EXACT),
]


@pytest.mark.parametrize(
    "maker, verdict", sampled((pytest.param(*row, id=named((row[0], "sum"))) for row in SCALED), 3)
)
@pytest.mark.usefixtures("x64")
def test_larger_gradients(maker, verdict):
    """A loss that is a sum over a batch of 16 where it was a mean."""
    home = getattr(maker, "func", maker).__module__.removeprefix("lectopt.dialects.").split(".")[0]
    for rate_of in (0.05, rate()):
        ported = port(maker(rate_of), home, gradient_scale=16.0)
        assert ported.verdict == verdict
        difference = gap(maker(rate_of), ported.optimizer, scale=16.0)
        assert difference < 1e-10 if verdict == EXACT else difference > 1e-8
    if home == "keras" and "clipnorm" in maker.keywords:
        assert ported.settings["clipnorm"] == 0.7 * 16


@pytest.mark.usefixtures("x64")
def test_decay_with_a_schedule_of_its_own():
    """The paper's AdamW is PyTorch's with lambda / alpha while both have the same schedule."""
    both = part(papers.adamw, 0.05, weight_decay=0.02)
    ported = port(both(eta=rate()), "torch")
    assert ported.verdict == EXACT and ported.settings["weight_decay"] == pytest.approx(0.4)
    assert gap(both(eta=rate()), ported.optimizer) < 1e-12
    number = port(both(eta=0.5), "torch")
    assert number.verdict == EXACT and number.settings["weight_decay"] == pytest.approx(0.4)
    assert gap(both(eta=0.5), number.optimizer) < 1e-12
    alone = papers.adamw(rate(), weight_decay=0.02)
    ported = port(alone, "torch")
    assert ported.verdict == CONSTANT and ported.difference > 1e-3
    assert "schedules of their own" in ported.reason


@pytest.mark.usefixtures("x64")
def test_what_a_port_says():
    ported = port(keras.Adagrad(0.01, initial_accumulator_value=0.5, epsilon=0.25), "torch")
    assert ported.call == (
        "torch.optim.Adagrad(params, lr=0.01, initial_accumulator_value=0.75, eps=0.0)"
    )
    assert "part of what the sum starts with" in ported.reason
    assert str(ported) == f"exact: {ported.call}\n{ported.reason}"
    rate_inside = port(lectopt.momentum(0.05), "optax")
    assert rate_inside.call == (
        "optax.chain(optax.scale_by_learning_rate(0.05), optax.trace(0.9, nesterov=False))"
    )
    from_the_call = eval(rate_inside.call, dict(optax=optax))
    theta, state = jnp.asarray(THETA), from_the_call.init(jnp.asarray(THETA))
    updates, state = from_the_call.update(theta, state)
    mine = rate_inside.optimizer
    np.testing.assert_allclose(updates, mine.update(theta, mine.init(theta))[0])
    nothing = port(lectures.stat479.adam(literal=True), "torch")
    assert "no algorithm of a framework" in nothing.reason and nothing.optimizer is None
    lines = str(port(torch.Adam(eps=1e-3), "keras")).splitlines()
    assert lines[0].startswith("impossible: keras.optimizers.Adam(learning_rate=0.001, epsilon=")
    assert "% apart after 100 updates" in lines[-1]
    assert (
        eval(
            repr(port(lectopt.momentum(0.1, form="debiased_ema"), "torch").optimizer), vars(lectopt)
        )
        == port(lectopt.momentum(0.1, form="debiased_ema"), "torch").optimizer
    )


def test_what_cannot_be_ported():
    with pytest.raises(ValueError, match="'torch', 'keras', 'optax'"):
        port(lectopt.sgd(0.1), "tensorflow")
    with pytest.raises(TypeError, match="port wants an optimizer of this library"):
        port(optax.sgd(0.1), "torch")
    twice = lectopt.chain(lectopt.add_decayed_weights(0.1), torch.AdamW())
    assert "twice" in port(twice, "torch").reason
    for tx, reason in (
        (
            lectopt.chain(lectopt.sign(), lectopt.ema(0.9)),
            "a chain of sign, ema, which is no algorithm",
        ),
        (lectopt.yogi(0.1), "There is no yogi here."),
        (
            lectopt.chain(
                lectopt.ratio(lectopt.ema(0.9), lectopt.root(lectopt.sum_of_squares())),
                lectopt.scale_by_learning_rate(0.1),
            ),
            "a chain of ratio, scale_by_learning_rate, which is no algorithm",
        ),
    ):
        assert re.search(reason, port(tx, "torch").reason)
