"""One program per kind of leaf: what is traced, lowered and compiled, counted."""

import gc
import re
import weakref

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import lectopt
from lectopt.testing.tracing import compilations


def tree(leaves):
    """Leaves of two kinds."""
    return {f"leaf{i}": jnp.ones(3 + i % 2) for i in range(leaves)}


def lowered(tx, params):
    state = tx.init(params)
    return jax.jit(lambda g, s, p: tx.update(g, s, p)).lower(params, state, params).as_text()


@pytest.mark.parametrize(
    "make",
    [lectopt.sgd, lectopt.adam, lectopt.adamw, lectopt.rmsprop, lectopt.nadam, lectopt.amsgrad],
)
def test_the_lowered_text_has_one_function_for_each_kind_of_leaf(make):
    """And one for a block of leaves of a kind, however many there are."""
    texts = {n: lowered(make(0.1), tree(n)) for n in (40, 80, 200)}
    functions = {n: text.count("func.func private") for n, text in texts.items()}
    assert len(set(functions.values())) == 1
    helpers = len(re.findall(r"func.func private @_?(?!lea)\w+", texts[40]))
    assert functions[40] - helpers == 2 * 2
    few = lowered(make(0.1), tree(4)).count("func.func private")
    assert few == functions[40] - 2  # too few for a block
    for n, text in texts.items():  # each call costs about as much to lower as what it does
        calls, fewest = len(re.findall(r"call @lea", text)), 2 * (n / 2) ** 0.5
        assert 2 * fewest <= calls <= 2.2 * fewest


def test_members_that_see_the_whole_tree_cut_a_chain_into_segments():
    tx = lectopt.chain(lectopt.ema(0.9), lectopt.clip_by_global_norm(1.0), lectopt.sgd(0.1))
    text = lowered(tx, {"w": jnp.ones(3)})
    assert len(re.findall(r"call @leaf", text)) == 2


def counted_rule():
    """A rule that counts how often it is traced."""
    traces = []

    @lectopt.leafwise(seen=0.0)
    def counted(g, state, *, rate=0.5):
        traces.append(g.shape)
        return rate * g, dict(seen=state.seen + g)

    return counted, traces


def test_a_rule_is_traced_once_for_each_kind_of_leaf():
    counted, traces = counted_rule()
    params = tree(40)
    for tx in (counted(), counted(0.25), counted(jnp.float32(0.1))):
        lowered(tx, params)
        tx.update(params, tx.init(params))
    assert sorted(traces) == [(3,), (4,)]
    lectopt.chain(counted(), lectopt.sgd(0.1)).update(params, lectopt.chain(counted()).init(params))
    assert len(traces) == 4  # another composition


def compiled_during(call):
    """How many programs XLA compiles during a call."""
    compiled = compilations()
    before = len(compiled)
    call()
    return len(compiled) - before


@pytest.mark.parametrize("make", [lectopt.sgd, lectopt.adam, lectopt.rmsprop, lectopt.nadam])
def test_a_new_number_compiles_nothing(make):
    """Uncompiled, whatever kind of number it is, and in a new optimizer of the same structure."""
    params = {"a": jnp.ones(5), "b": jnp.ones((2, 3))}

    def run(rate):
        tx = make(rate)
        state = tx.init(params)
        for _ in range(2):
            _, state = tx.update(params, state, params)

    assert compiled_during(lambda: run(0.1))  # the first time it does
    numbers = (0.2, 3, np.float32(0.3), np.float64(0.4), jnp.float32(0.5))
    assert compiled_during(lambda: [run(rate) for rate in numbers]) == 0


def test_schedules_compile_nothing_new_either():
    params = jnp.ones(7)

    def run(rate):
        tx = lectopt.adam(rate)
        return tx.update(params, tx.init(params))

    run(lambda count: 0.1 / (1 + count)), run(0.1)
    assert compiled_during(lambda: run(lambda count: 0.2 / (1 + count))) == 0


def test_nothing_is_kept_alive_by_the_programs():
    """Neither an optimizer, nor its settings, nor a rule that nobody has any more."""
    counted, _ = counted_rule()
    params = jnp.ones(3)

    class Rate:
        def __call__(self, count):
            return 0.1

    rate = Rate()
    tx = lectopt.chain(counted(), lectopt.sgd(rate))
    tx.update(params, tx.init(params))
    lowered(tx, params)
    alive = [weakref.ref(counted), weakref.ref(counted.lifted), weakref.ref(rate)]
    alive += [weakref.ref(counted.lifted.rule)]
    del counted, rate, tx
    gc.collect()
    assert [ref() for ref in alive] == [None] * 4


def test_a_schedule_is_asked_once_for_all_leaves():
    asked = []

    def rate(count):
        asked.append(count)
        return 0.1

    tx = lectopt.adam(rate)
    tx.update(tree(30), tx.init(tree(30)))
    assert len(asked) == 1


def test_what_depends_on_the_step_alone_is_computed_once():
    """The powers of Adam's corrections: two, and not two for every leaf."""
    text = lowered(lectopt.adam(0.1), tree(80))
    assert text.count("exponential_minus_one") == 2


def test_many_leaves_of_a_kind_get_the_same_numbers_as_one():
    rng = np.random.default_rng(0)
    params = {f"leaf{i}": jnp.asarray(rng.normal(size=4), jnp.float32) for i in range(21)}
    tx = lectopt.adamw(0.1, mask={name: name != "leaf3" for name in params})
    state = tx.init(params)
    step = jax.jit(tx.update)
    together, after = step(params, state, params)
    again, _ = step(together, after, params)
    for name, leaf in params.items():
        alone = lectopt.adamw(0.1, weight_decay=1e-4 if name != "leaf3" else 0.0)
        first, own = jax.jit(alone.update)(leaf, alone.init(leaf), leaf)
        second, _ = jax.jit(alone.update)(first, own, leaf)
        np.testing.assert_allclose(together[name], first, rtol=1e-6)
        np.testing.assert_allclose(again[name], second, rtol=1e-5, atol=1e-7)


def test_an_uncompiled_update_may_be_inside_a_program():
    """Gradients that are known while everything else is traced."""
    known = jnp.ones(3)

    def step(state, params):
        return lectopt.adamw(0.1).update(known, state, params)[0]

    state = lectopt.adamw(0.1).init(known)
    inside = jax.jit(step)(state, known)
    np.testing.assert_allclose(inside, lectopt.adamw(0.1).update(known, state, known)[0], rtol=1e-6)
    tx = lectopt.sgd(0.1, 0.9)
    jax.jit(lambda s: tx.update(known, s)[0])(tx.init(known))
    np.testing.assert_allclose(
        tx.update(known, tx.init(known))[0], -0.1
    )  # no tracer is left behind


def test_optax_inside_keeps_its_own_program():
    tx = lectopt.chain(optax.scale_by_adam(), lectopt.sgd(0.1))
    theirs = optax.adam(0.1)
    grads = {"a": jnp.array([1.0, -2.0])}
    ours = tx.update(grads, tx.init(grads))[0]["a"]
    np.testing.assert_allclose(ours, theirs.update(grads, theirs.init(grads))[0]["a"], rtol=1e-6)
