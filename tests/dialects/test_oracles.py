"""The dialects are their frameworks: equal trajectories to 1e-12, over 60 updates with a rate that
changes at every one and a coordinate that never has a gradient.

The recordings prove it everywhere; where PyTorch or Keras is installed it is run as well.
"""

import functools as ft
import importlib.util
import inspect
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import lectopt
from lectopt import dialects
from tests.support.oracles import record, rows
from tests.support.sampling import sampled

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

# What Keras computes in float32, whatever its precision is set to: pi, and the norm of a variable.
SINGLE = dict(jax="Cosine", torch="clipnorm")

recording = ft.cache(record.recording)
NAMED = [pytest.param(f, i, id=f"{f}.{rows.label(ROWS[f][i])}") for f, i in OPTIMIZERS]
optimizers = pytest.mark.parametrize("framework, i", sampled(NAMED, 5))
schedules = pytest.mark.parametrize(
    "framework, i",
    sampled(
        (pytest.param(f, i, id=f"{f}.{rows.label(SCHEDULE_ROWS[f][i])}") for f, i in SCHEDULES), 2
    ),
)
live = pytest.mark.parametrize("live", [False, True], ids=["recorded", "live"])


def assert_as_live_or_recorded(ours, framework, live, run, row):
    """Hold our numbers against the recordings of the framework, or against itself."""
    name = rows.label(row)
    if framework == "torch":
        recorded = {"torch": recording("torch")[name]}
    else:
        recorded = {backend: recording(f"keras-{backend}")[name] for backend in ("jax", "torch")}
    if live:
        if importlib.util.find_spec(framework) is None:
            pytest.skip(f"{framework} is not installed; recorded trajectories prove the same")
        with jax.numpy_rank_promotion("allow"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # theirs, of NumPy's deprecations
            theirs = run(*row)
        backend = record.import_keras().backend.backend() if framework == "keras" else "torch"
        recorded = {backend: theirs}
    for backend, theirs in recorded.items():
        single = framework == "keras" and SINGLE[backend] in name
        np.testing.assert_allclose(ours, theirs, rtol=3e-6 if single else 1e-12, atol=1e-12)


def optimizer(framework, name, settings):
    """The optimizer of a row, with the rates of the comparison or its own scheduler."""
    rates = jnp.asarray(rows.RATES)
    scheduler, scheduling = settings.get("lr", (None, None))
    rate = getattr(dialects.torch, scheduler)(**scheduling) if scheduler else rates.__getitem__
    return getattr(DIALECTS[framework], name)(**settings | {RATE[framework]: rate})


@ft.cache
def our_path(framework, i):
    """The parameters after every update; where there is an average, followed by it."""
    name, settings = ROWS[framework][i]
    tx = optimizer(framework, name, settings)
    # The rules are compiled once for all rows; but the `cond` in a clip anew at every update.
    update = jax.jit(tx.update) if "clip" in repr(tx) else tx.update
    params = [jnp.asarray(part) for part in rows.split(rows.THETA)]
    state, path = tx.init(params), []
    for push in rows.noise():
        grads = rows.split(push + rows.CURVATURE * np.concatenate(params))
        updates, state = update([jnp.asarray(g) for g in grads], state, params)
        params = optax.apply_updates(params, updates)
        average = lectopt.evaluation_params(state, params) if settings.get("use_ema") else []
        average = state["average"] if name == "ASGD" else average
        path.append(np.concatenate([*params, *average]))
    return np.array(path)


@live
@optimizers
@pytest.mark.usefixtures("x64")
def test_is_its_framework(framework, i, live):
    assert_as_live_or_recorded(
        our_path(framework, i), framework, live, RUN[framework], ROWS[framework][i]
    )


@live
@schedules
@pytest.mark.usefixtures("x64")
def test_schedule_is_its_frameworks(framework, i, live):
    schedule, row = our_schedule(framework, i)
    ours = jax.vmap(schedule)(jnp.arange(rows.STEPS, dtype=jnp.int32))  # as states count
    if framework == "torch":
        momentum = getattr(schedule, "momentum", None) or (lambda count: 0.5)
        ours = np.array([ours, [momentum(t) for t in range(rows.STEPS)]]).T
    assert_as_live_or_recorded(ours, framework, live, RUN_SCHEDULE[framework], row)


def our_schedule(framework, i):
    row = SCHEDULE_ROWS[framework][i]
    return schedule_of(framework, *row), row


def schedule_of(framework, name, settings):
    whole = ("CyclicLR", "OneCycleLR", "SequentialLR", "ChainedScheduler")
    first = {} if framework == "keras" or name in whole else dict(lr=0.1)
    if "schedulers" in settings:
        inside = [schedule_of(framework, *row) for row in settings["schedulers"]]
        settings = dict(settings, schedulers=inside)
    return getattr(DIALECTS[framework], name)(**first, **settings)


@live
@pytest.mark.parametrize("row", rows.TORCH_PLATEAUS, ids=rows.label)
@pytest.mark.usefixtures("x64")
def test_plateau_is_pytorchs(row, live):
    _, settings = row
    tx = dialects.torch.ReduceLROnPlateau(0.1, **settings)

    def step(state, loss):
        updates, state = tx.update(jnp.ones(()), state, value=loss)
        return state, updates

    _, ours = jax.lax.scan(step, tx.init(jnp.ones(())), jnp.asarray(rows.LOSSES))
    assert_as_live_or_recorded(ours, "torch", live, record.torch_plateau, row)


@optimizers
def test_prints_what_it_is(framework, i):
    name, settings = ROWS[framework][i]
    settings = {k: v for k, v in settings.items() if k != "lr"}
    tx = getattr(DIALECTS[framework], name)(**settings)
    assert eval(repr(tx), vars(lectopt)) == tx


@schedules
def test_schedule_prints_what_it_is(framework, i):
    schedule, _ = our_schedule(framework, i)
    names = vars(lectopt) | dict(inverse_root=rows.inverse_root, now_and_then=rows.now_and_then)
    assert eval(repr(schedule), names) == schedule
    assert hash(schedule) == hash(eval(repr(schedule), names))
    momentum = getattr(schedule, "momentum", None)
    assert eval(repr(momentum), names) == momentum


def arguments(function, *without):
    return [
        (p.name, p.default)
        for p in inspect.signature(function).parameters.values()
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
    homes = [home.lr_scheduler, home.swa_utils] if framework == "torch" else [home.schedules]
    for name in {row[0] for row in SCHEDULE_ROWS[framework]}:
        left_out = ("self", "optimizer", "last_epoch", "name")
        (class_,) = (getattr(home, name) for home in homes if name in vars(home))
        theirs = arguments(class_.__init__, *left_out)
        ours = arguments(getattr(DIALECTS[framework], name), "lr")
        if framework == "torch" and name != "OneCycleLR":
            ours = [argument for argument in ours if argument[0] != "steps_per_epoch"]
        assert ours == theirs, name
