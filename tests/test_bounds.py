"""An infinite bound means that there is none, and an infinite time that it never comes: both are
taken wherever they are asked for, and give numbers."""

import functools as ft
import math

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import lectopt
from tests.support.public import PUBLIC, makers, ranges_of
from tests.support.sampling import sampled

BOUNDS = (
    "max",
    "clip",
    "thresh",
    "window",
    "patience",
    "cooldown",
    "t0",
    "until",
    "after",
    "start",
)
FINITE = {
    "threshold of reduce_on_plateau": "a margin: no value is better by an infinite one",
    "threshold of torch.ReduceLROnPlateau": "the same",
    "max_evaluations": "a search without a bound may never end",
    "clip_power": "of a bound that grows; None for no bound",
    "max_lr": "a value that is reached",
    "max_momentum": "a value that is reached",
    "T_max": "the length of a curve",
    "pct_start": "a share",
    "start_factor": "a share",
}
PARAMS = {"w": jnp.array([1.0, -2.0, 0.0]), "b": jnp.array(0.5)}
MAKERS = makers()
# A lower bound may not be infinite to any use; a condition puts out no update, `swats` runs it.
NO_BOUND = [
    (maker, name)
    for maker in MAKERS
    for name, interval in maker.ranges.items()
    if math.inf in interval and name != "min_window" and maker.name != "projected_rate_settles"
]


def run(tx, steps=4):
    """Parameters and updates of some steps on a parabola."""
    params, state, path = PARAMS, tx.init(PARAMS), []
    with jax.disable_jit():
        for _ in range(steps):
            given = dict(value=jnp.float32(1.0), grad=params, value_fn=parabola)
            updates, state = tx.update(params, state, params, **given)
            params = optax.apply_updates(params, updates)
            path.append((params, updates))
    return path


def parabola(params):
    return sum(jnp.sum(x**2) for x in jax.tree.leaves(params)) / 2


@pytest.mark.parametrize(
    "maker, name",
    sampled((pytest.param(*x) for x in NO_BOUND), 3),
    ids=lambda x: getattr(x, "name", x),
)
def test_without_a_bound_the_numbers_are_finite(maker, name):
    unbounded = maker.build(**{name: math.inf})
    assert eval(repr(unbounded), dict(vars(lectopt))) == unbounded
    for steps in (run(unbounded), run(maker.build(**{name: jnp.inf}))):
        assert all(np.isfinite(x).all() for x in jax.tree.leaves(steps))


def test_every_bound_may_be_infinite():
    """By the names of the arguments: what sounds like a bound is one."""
    assert len(NO_BOUND) > 50
    refused = {
        f"{key} of {name}"
        for name, function in PUBLIC.items()
        for key, interval in ranges_of(function).items()
        if any(word in key.lower() for word in BOUNDS) and math.inf not in interval
    }
    unexplained = {x for x in refused if x not in FINITE and x.split(" of ")[0] not in FINITE}
    assert not unexplained


@pytest.mark.parametrize(
    "unbounded, plain",
    [
        (lectopt.local_gains(0.1, max_gain=math.inf), lectopt.local_gains(0.1, max_gain=1e9)),
        (lectopt.rprop(0.1, max_step_size=math.inf), lectopt.rprop(0.1, max_step_size=1e9)),
        (lectopt.chain(lectopt.clip_by_norm(math.inf), lectopt.sgd(0.1)), lectopt.sgd(0.1)),
        (lectopt.chain(lectopt.clip_by_global_norm(math.inf), lectopt.sgd(0.1)), lectopt.sgd(0.1)),
        (lectopt.chain(lectopt.clip_by_block_rms(math.inf), lectopt.sgd(0.1)), lectopt.sgd(0.1)),
        (lectopt.lookahead(lectopt.adam(0.1), math.inf), lectopt.adam(0.1)),
        (
            lectopt.swats(0.1, switch_tol=1.0, min_adam_steps=math.inf),
            lectopt.adam(0.1, eps=1e-9, eps_placement="uncorrected"),
        ),
        (
            lectopt.chain(lectopt.sgd(0.1), lectopt.reduce_on_plateau(0.1, math.inf)),
            lectopt.sgd(0.1),
        ),
        (lectopt.sgd(lectopt.schedules.join((0.1, 0.2), (math.inf,))), lectopt.sgd(0.1)),
        (
            lectopt.unfreeze_gradually({"w": math.inf}, lectopt.adam(0.1)),
            lectopt.chain(lectopt.adam(0.1), lectopt.scale_by_path({"w": 0.0})),
        ),
    ],
    ids=lambda tx: tx.name,
)
def test_what_never_comes_changes_nothing(unbounded, plain):
    jax.tree.map(ft.partial(np.testing.assert_allclose, rtol=1e-5), run(unbounded), run(plain))


def test_a_cooldown_without_end_allows_one_reduction():
    tx = lectopt.reduce_on_plateau(0.5, 0, cooldown=math.inf)
    state = tx.init(PARAMS)
    for _ in range(6):
        updates, state = tx.update(PARAMS, state, PARAMS, value=1.0)
    assert state["plateau"]["reductions"] == 1
    jax.tree.map(lambda u, g: np.testing.assert_allclose(u, g / 2), updates, PARAMS)


@pytest.mark.parametrize("clip", [lectopt.clip_by_norm, lectopt.clip_by_global_norm])
def test_the_derivative_without_a_bound_is_finite(clip):
    def moved(g):
        return jnp.sum(clip(math.inf).update(g, {})[0] ** 2)

    np.testing.assert_allclose(jax.grad(moved)(jnp.array([0.0, 2.0])), [0.0, 4.0])
