"""Nesterov's gradient taken at the parameters: who asks nobody for the point is told, once."""

import contextlib
import copy
import inspect
import types
import typing
import warnings

import jax
import jax.numpy as jnp
import optax
import pytest
from flax import nnx

import lectopt
from lectopt import look_ahead
from lectopt.testing import Subject
from tests.support.sampling import sampled

PARAMS = {"w": jnp.array([1.0, -2.0])}


def loss(params):
    return jnp.sum(params["w"] ** 2)


def calls():
    """Every public call whose result looks ahead: the function, and its settings."""
    spaces = [lectopt, *vars(lectopt.lectures).values(), *vars(lectopt.dialects).values()]
    for space in (s for s in spaces if isinstance(s, types.ModuleType)):
        for name, function in vars(space).items():
            if not name.startswith("_") and inspect.isfunction(function):
                yield from of(f"{space.__name__}.{name}", function)


def of(name, function):
    parameters = inspect.signature(function).parameters.values()
    required = {p.name: 0.1 for p in parameters if p.default is p.empty}
    forms = typing.get_args(function.__annotations__.get("form")) or [None]
    for form in forms:
        settings = required | ({} if form is None else {"form": form})
        with contextlib.suppress(Exception):  # what wants other things than numbers
            if getattr(function(**settings), "looks_ahead", False):
                yield pytest.param(
                    function, settings, id=name if form is None else f"{name}/{form}"
                )


CALLS = [*calls()]
makers = pytest.mark.parametrize("make, settings", CALLS)


@pytest.fixture(autouse=True)
def nobody_has_asked(monkeypatch):
    """An equal optimizer of another test counts otherwise."""
    monkeypatch.setattr(look_ahead, "_settled", set())


@pytest.fixture(autouse=True)
def quick():
    with jax.disable_jit():
        yield


def test_they_are_found():
    found = {param.id for param in CALLS}
    assert len(found) >= 6 and "lectopt.trace_ahead" in found
    lectures = {
        f"lectopt.lectures.{k}.nesterov/look_ahead" for k in ("cmu11785", "liege", "stat479")
    }
    assert lectures | {"lectopt.nesterov/look_ahead", "lectopt.dialects.papers.nesterov"} < found


def warned(run):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        run()
    return [str(warning.message) for warning in caught]


def loop(tx, at=lambda tx, params, state: params, steps=3):
    params, state = PARAMS, tx.init(PARAMS)
    for _ in range(steps):
        updates, state = tx.update(jax.grad(loss)(at(tx, params, state)), state, params)
        params = optax.apply_updates(params, updates)
    return params


def at_point(tx, params, state):
    return tx.point(params, state)


def flax_loop(tx):
    model = nnx.Dict(w=nnx.Param(PARAMS["w"]))
    optimizer = nnx.Optimizer(model, tx, wrt=nnx.Param)
    for _ in range(3):
        optimizer.update(model, nnx.grad(lambda m: jnp.sum(m["w"][...] ** 2))(model))


@makers
@pytest.mark.parametrize(
    "run",
    [
        loop,
        lambda tx: loop(optax.chain(optax.clip(1.0), tx)),
        lambda tx: loop(lectopt.chain(optax.clip(1.0), tx)),
        lambda tx: loop(lectopt.chain(optax.masked(tx, {"w": True})), at_point),
        lambda tx: loop(optax.MultiSteps(tx, 2)),
        flax_loop,
    ],
    ids=["loop", "optax.chain", "lectopt.chain", "inside Optax", "MultiSteps", "nnx"],
)
def test_who_asks_nobody_is_told_once(make, settings, run):
    (words,) = warned(lambda: run(make(**settings)))
    for word in ("tx.point(params, state)", "lectopt.chain", 'form="shifted"'):
        assert word in words


CORRECT = {
    "loop": lambda make: loop(make(), at_point),
    "chain": lambda make: loop(lectopt.chain(optax.clip(1.0), make()), at_point),
    "monitor": lambda make: loop(lectopt.monitor(make()), at_point),
    "made twice": lambda make: loop(make(), lambda tx, params, state: make().point(params, state)),
    "a copy": lambda make: loop(
        make(), lambda tx, params, state: copy.deepcopy(tx).point(params, state)
    ),
    "optax.chain": lambda make: asked_inside(make()),
    "given": lambda make: Subject(make).run(Subject(make).build()),
    "explained": lambda make: lectopt.explain(make()).replay(steps=2),
    "compared": lambda make: lectopt.same_update(make(), lectopt.sgd(0.1, momentum=0.1)),
    "shifted": lambda make: loop(lectopt.nesterov(0.1)),
}


def asked_inside(tx):
    """The state of a member of an Optax chain is a member of its state."""
    return loop(
        optax.chain(optax.clip(1.0), tx), lambda _, params, state: tx.point(params, state[1])
    )


@pytest.mark.parametrize("make, settings", sampled(CALLS, 3))
@pytest.mark.parametrize("name", CORRECT)
def test_who_asks_hears_nothing(make, settings, name):
    assert warned(lambda: CORRECT[name](lambda: make(**settings))) == []


def test_transformed_loops_hear_nothing():
    def train(rate, twice=False):
        make = lambda: lectopt.nesterov(rate, form="look_ahead")  # noqa: E731
        tx = make()

        def step(carry, _):
            params, state = carry
            point = (make() if twice else tx).point(params, state)
            updates, state = tx.update(jax.grad(loss)(point), state, params)
            return (optax.apply_updates(params, updates), state), None

        return jax.lax.scan(step, (PARAMS, tx.init(PARAMS)), length=2)[0][0]

    with jax.disable_jit(False):
        for run in (
            lambda: jax.jit(train)(0.1),
            lambda: jax.jit(train)(jnp.float32(0.1)),
            lambda: jax.vmap(train)(jnp.array([0.1, 0.2])),
            lambda: jax.vmap(lambda rate: train(rate, True))(jnp.array([0.1, 0.2])),
            lambda: train(0.3),
        ):
            assert warned(run) == []
