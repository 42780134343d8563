"""A second sweep of the same functions traces and compiles nothing, and one of others does."""

import gc
import threading
import weakref
from functools import partial

import jax
import numpy as np
import optax
import pytest

import lectopt
from lectopt._sweep import sweep
from lectopt._sweep.compiling import Program
from lectopt._sweep.marks import mark
from lectopt.training import Problem
from tests.sweep.logistic import DATA, evaluate, init, loss

pytestmark = pytest.mark.usefixtures("fast_compilation")

SCALE = 1.0


def scaled(params, batch, key):
    return SCALE * loss(params, batch, key)


def momentum(learning_rate, decay=0.9):
    return optax.sgd(learning_rate, momentum=decay)


def train(function=scaled, maker=momentum, rates=(0.1, 0.3), steps=6):
    problem = Problem(init, function, DATA, 8, evaluate=evaluate)
    space = {"learning_rate": [*rates]}
    return sweep(problem, {"it": maker}, space, steps, seeds=1, tile=2, progress=False)


HAPPENED = []
jax.monitoring.register_event_duration_secs_listener(lambda name, _, **rest: HAPPENED.append(name))


def counted(call):
    """What a call returns, and how many programs it lowers and compiles."""
    begin = len(HAPPENED)
    result = call()
    names = ("jaxpr_to_mlir_module_duration", "backend_compile_duration")
    return result, [sum(name in event for event in HAPPENED[begin:]) for name in names]


def test_the_same_functions_again(monkeypatch):
    first = train()
    again, made = counted(lambda: train(rates=(0.2, 0.3)))
    assert made == [0, 0]
    assert again.records[1].finals == first.records[1].finals
    assert again.records[0].finals != first.records[0].finals
    monkeypatch.setitem(globals(), "SCALE", 2.0)
    doubled, made = counted(train)
    assert min(made) > 0
    np.testing.assert_allclose(doubled.records[0].curves["train_loss"][0],
                               2 * first.records[0].curves["train_loss"][0], rtol=0.2)  # fmt: skip


def test_other_data_of_the_same_shapes_needs_no_other_program():
    first = train()
    x, y = DATA["train"]
    other = {**DATA, "train": (x + 1, y)}
    problem = Problem(init, scaled, other, 8, evaluate=evaluate)
    result, made = counted(
        lambda: sweep(problem, {"it": momentum}, {"learning_rate": [0.1, 0.3]}, 6, seeds=1, tile=2,
                      progress=False)
    )  # fmt: skip
    assert made == [0, 0]
    assert result.records[0].finals != first.records[0].finals


def test_nothing_is_kept_alive():
    big = np.ones(1000)

    def function(params, batch, key):
        return loss(params, batch, key) * big[0]

    problem = Problem(init, function, DATA, 8)
    sweep(problem, momentum, {"learning_rate": [0.1]}, 3, seeds=1, progress=False)
    left = [weakref.ref(x) for x in (problem, function)]
    del problem, function
    gc.collect()
    assert [x() for x in left] == [None, None]


def test_marks():
    def made(scale, inner=None):
        return lambda x: scale * x if inner is None else inner(x)

    assert mark(made(1)) == mark(made(1)) != mark(made(1.0))
    assert mark(made(2)) != mark(made(1)) != mark(made(True))
    assert mark(made(1, made(2))) == mark(made(1, made(2))) != mark(made(1, made(3)))
    a, b = np.arange(3), np.arange(3)
    assert mark(made(a)) == mark(made(b))
    b[0] = 5
    assert mark(made(a)) != mark(made(b))
    assert mark(partial(momentum, decay=0.5)) == mark(partial(momentum, decay=0.5))
    assert mark(partial(momentum, decay=0.5)) != mark(partial(momentum, decay=0.6))
    assert mark(lectopt.adam) == mark(lectopt.adam) != mark(optax.adam)
    assert mark([1, {"a": {2, 3}}]) == mark([1, {"a": {3, 2}}]) != mark([1, {"a": {2, 4}}])
    x = jax.numpy.ones(2)
    assert mark(x) == mark(x) != mark(jax.numpy.ones(2))  # it never changes


def test_what_may_have_changed_unseen_has_no_mark():
    for x in (threading.Lock(), np.random.default_rng(0), iter([1]), np.array([object()])):
        assert mark(x) is None
        assert mark(lambda x=x: x) is None


def test_an_object_is_its_content():
    class Scale:
        def __init__(self, factor):
            self.factor = factor

        def __call__(self, learning_rate):
            return optax.sgd(learning_rate * self.factor)

    one = Scale(1.0)
    before = mark(one)
    assert mark(one) == before == mark(Scale(1.0))
    one.factor = 2.0
    assert mark(one) != before
    around = [1]
    around.append(around)
    assert mark(around) == mark(around)


def test_a_program_that_is_compiled_otherwise_is_another():
    """Its text does not say how: a sweep after another one would not be the same bits."""
    shape = jax.ShapeDtypeStruct((3,), "float32")
    found = []
    for quick in (False, True, False):
        with_quick = jax.config.read("jax_disable_most_optimizations")
        jax.config.update("jax_disable_most_optimizations", quick)
        try:
            found.append(Program(lambda x: x * 3 + 1, shape).compiled())
        finally:
            jax.config.update("jax_disable_most_optimizations", with_quick)
    assert found[0] is found[2] and found[0] is not found[1]
