"""The dialects are their frameworks: equal trajectories to 1e-12, over 60 updates with a rate that
changes at every one and a coordinate that never has a gradient.

The recordings prove it everywhere; where PyTorch or Keras is installed it is run as well.
"""

import functools as ft
import importlib.util
import inspect

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from oracles import record, rows

import lectopt
from lectopt import dialects

DIALECTS = dict(torch=dialects.torch, keras=dialects.keras)
RATE = dict(torch="lr", keras="learning_rate")
OPTIMIZERS = [("torch", i) for i in range(len(rows.TORCH))]
OPTIMIZERS += [("keras", i) for i in range(len(rows.KERAS))]
SCHEDULES = [("torch", i) for i in range(len(rows.TORCH_SCHEDULERS))]
SCHEDULES += [("keras", i) for i in range(len(rows.KERAS_SCHEDULES))]
ROWS = dict(torch=rows.TORCH, keras=rows.KERAS)
SCHEDULE_ROWS = dict(torch=rows.TORCH_SCHEDULERS, keras=rows.KERAS_SCHEDULES)
RUN = dict(torch=record.torch_path, keras=record.keras_path)
RUN_SCHEDULE = dict(torch=record.torch_schedule, keras=record.keras_schedule)

recording = ft.cache(record.recording)
sources = pytest.mark.parametrize("source", ["recorded", "live"])
optimizers = pytest.mark.parametrize(
    "framework, i", OPTIMIZERS, ids=[f"{f}.{rows.label(ROWS[f][i])}" for f, i in OPTIMIZERS]
)
schedules = pytest.mark.parametrize(
    "framework, i", SCHEDULES, ids=[f"{f}.{rows.label(SCHEDULE_ROWS[f][i])}" for f, i in SCHEDULES]
)


def theirs(source, framework, run, row):
    """What the framework computes: its recording, or itself."""
    if source == "recorded":
        return recording(framework)[rows.label(row)]
    if importlib.util.find_spec(framework) is None:
        pytest.skip(f"{framework} is not installed; recorded trajectories prove the same")
    with jax.numpy_rank_promotion("allow"):
        return run(*row)


@ft.cache
def our_path(framework, i):
    """The parameters after every update; where there is an average, followed by it."""
    name, settings = ROWS[framework][i]
    rates = jnp.asarray(rows.RATES)
    rate = {RATE[framework]: lambda count: rates[count]}
    tx = getattr(DIALECTS[framework], name)(**rate, **settings)
    curvature = [jnp.asarray(c) for c in rows.split(rows.CURVATURE)]

    def step(carry, push):
        params, state = carry
        grads = [p + c * param for p, c, param in zip(push, curvature, params, strict=True)]
        updates, state = tx.update(grads, state, params)
        params = optax.apply_updates(params, updates)
        average = lectopt.evaluation_params(state, params) if settings.get("use_ema") else []
        average = state["average"] if name == "ASGD" else average
        return (params, state), [*params, *average]

    start = [jnp.asarray(part) for part in rows.split(rows.THETA)]
    pushes = [jnp.asarray(part) for part in np.split(rows.noise(), [rows.SIZES[0]], axis=1)]
    path = jax.jit(lambda: jax.lax.scan(step, (start, tx.init(start)), pushes)[1])()
    return np.concatenate(path, axis=1)


@sources
@optimizers
@pytest.mark.usefixtures("x64")
def test_is_its_framework(framework, i, source):
    expected = theirs(source, framework, RUN[framework], ROWS[framework][i])
    np.testing.assert_allclose(our_path(framework, i), expected, rtol=1e-12, atol=1e-12)


@sources
@schedules
@pytest.mark.usefixtures("x64")
def test_schedule_is_its_frameworks(framework, i, source):
    name, settings = SCHEDULE_ROWS[framework][i]
    expected = theirs(source, framework, RUN_SCHEDULE[framework], (name, settings))
    first = {} if framework == "keras" or name in ("CyclicLR", "OneCycleLR") else dict(lr=0.1)
    schedule = getattr(DIALECTS[framework], name)(**first, **settings)
    ours = jax.vmap(schedule)(jnp.arange(rows.STEPS))
    if framework == "torch":
        momentum = getattr(schedule, "momentum", None) or (lambda count: 0.5)
        expected, moved = expected.T
        np.testing.assert_allclose([momentum(t) for t in range(rows.STEPS)], moved, rtol=1e-12)
    np.testing.assert_allclose(ours, expected, rtol=1e-12, atol=1e-15)


@optimizers
def test_prints_what_it_is(framework, i):
    name, settings = ROWS[framework][i]
    tx = getattr(DIALECTS[framework], name)(**settings)
    assert eval(repr(tx), vars(lectopt)) == tx


@schedules
def test_schedule_prints_what_it_is(framework, i):
    name, settings = SCHEDULE_ROWS[framework][i]
    first = {} if framework == "keras" or name in ("CyclicLR", "OneCycleLR") else dict(lr=0.1)
    schedule = getattr(DIALECTS[framework], name)(**first, **settings)
    names = vars(lectopt) | dict(inverse_root=rows.inverse_root)
    assert eval(repr(schedule), names) == schedule
    assert hash(schedule) == hash(eval(repr(schedule), names))
    momentum = getattr(schedule, "momentum", None)
    assert eval(repr(momentum), names) == momentum


def arguments(function, *without):
    return [
        (p.name, p.default) for p in inspect.signature(function).parameters.values()
        if p.name not in without
    ]


@pytest.mark.parametrize("framework", ["torch", "keras"])
def test_arguments_are_the_frameworks(framework):
    """Names, order and defaults; what the framework calls the parameters is no argument here."""
    if importlib.util.find_spec(framework) is None:
        pytest.skip(f"{framework} is not installed; recorded trajectories prove the defaults")
    home = importlib.import_module("torch.optim") if framework == "torch" else record.import_keras()
    home = home if framework == "torch" else home.optimizers
    for name in {row[0] for row in ROWS[framework]}:
        theirs = arguments(getattr(home, name).__init__, "self", "params", "kwargs")
        assert arguments(getattr(DIALECTS[framework], name)) == theirs, name
    home = home.lr_scheduler if framework == "torch" else home.schedules
    for name in {row[0] for row in SCHEDULE_ROWS[framework]}:
        left_out = ("self", "optimizer", "last_epoch", "name")
        theirs = arguments(getattr(home, name).__init__, *left_out)
        ours = arguments(getattr(DIALECTS[framework], name), "lr")
        if framework == "torch" and name != "OneCycleLR":
            ours = [argument for argument in ours if argument[0] != "steps_per_epoch"]
        assert ours == theirs, name
