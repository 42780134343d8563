"""Settings by path: rates that differ between layers, layers frozen at first (S2-25)."""

import copy

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

import lectopt
from lectopt import scale_by_path, unfreeze_gradually

STEPS = 12
PARAMS = {
    "encoder": {"layers": [{"kernel": jnp.ones((3, 2))}, {"kernel": jnp.full((3, 2), 2.0)}]},
    "head": {"kernel": jnp.ones(2), "bias": jnp.zeros(())},
    "frozen": None,
}
NOISE = np.random.default_rng(0).normal(size=(STEPS, 3, 2)).astype(np.float32)


def grads(params, t):
    """Of the right shapes, different at every step and every leaf."""
    return jax.tree.map(lambda p: 0.3 * p + np.sum(NOISE[t], axis=tuple(range(2 - p.ndim))), params)


def path_of(tx, start=0, gradient=grads):
    """Parameters, updates and states after every update, stacked."""
    params, state, path = PARAMS, tx.init(PARAMS), []
    for t in range(start, STEPS):
        updates, state = tx.update(gradient(params, t), state, params)
        params = optax.apply_updates(params, updates)
        path.append((params, updates, state))
    return jax.tree.map(lambda *leaves: np.stack(leaves), *path)


def layer(tree, i):
    return tree["encoder"]["layers"][i]


class TestScaleByPath:
    def test_factors(self):
        """The first pattern that matches the whole path counts; others keep the factor 1."""
        tx = scale_by_path({"encoder/layers/0/.*": 0.5, ".*/kernel": lambda c: 10.0 + c})
        updates = jax.tree.map(jnp.ones_like, PARAMS)
        state = tx.init(PARAMS)
        for count in range(3):
            out, state = tx.update(updates, state)
            np.testing.assert_array_equal(layer(out, 0)["kernel"], 0.5)
            np.testing.assert_array_equal(layer(out, 1)["kernel"], 10.0 + count)
            np.testing.assert_array_equal(out["head"]["kernel"], 10.0 + count)
            np.testing.assert_array_equal(out["head"]["bias"], 1.0)
            assert out["frozen"] is None

    def test_is_the_same_as_own_optimizers(self):
        """Against `optax.partition` with an Adam of its own for every rate."""
        labels = {"encoder": "encoder", "head": "head", "frozen": "head"}
        own = optax.partition({"encoder": lectopt.adam(1e-3), "head": lectopt.adam(1e-2)}, labels)
        one = lectopt.chain(lectopt.adam(1e-2), scale_by_path({"encoder/.*": 0.1}))
        chex.assert_trees_all_close(path_of(one)[0], path_of(own)[0], rtol=1e-5)

    def test_rates_can_be_swept(self):
        def last(factor):
            tx = lectopt.chain(lectopt.sgd(0.1), scale_by_path({"head/.*": factor}))
            return tx.update(PARAMS, tx.init(PARAMS), PARAMS)[0]

        swept = jax.jit(jax.vmap(last))(jnp.array([0.0, 0.5]))
        for lane, factor in enumerate([0.0, 0.5]):
            alone = jax.tree.map(lambda x, lane=lane: x[lane], swept)
            chex.assert_trees_all_close(alone, last(factor))

    def test_keeps_dtypes(self):
        params = {"half": jnp.ones(2, jnp.bfloat16), "wave": jnp.ones(2, jnp.complex64)}
        tx = scale_by_path({"half": 0.1, "wave": jnp.float32(0.5)})
        out, state = tx.update(params, tx.init(params))
        assert state == {} and out["half"].dtype == jnp.bfloat16
        np.testing.assert_array_equal(out["wave"], 0.5 + 0j)

    def test_many_groups_are_one_program(self):
        """The same number of operations for one group and for thirty."""
        params = {f"layer{i}": jnp.ones(3) for i in range(30)}

        def size(factors):
            tx = lectopt.chain(lectopt.adam(1e-3), scale_by_path(factors))
            return len(jax.make_jaxpr(tx.update)(params, tx.init(params), params).eqns)

        many = {f"layer{i}": 0.1 * i for i in range(30)}
        assert size(many) == size({"layer.*": 0.1})


class TestUnfreezeGradually:
    steps = {"encoder/layers/0/.*": 7, "encoder/.*": 4}

    @pytest.mark.parametrize(
        "make",
        [
            lambda rate: lectopt.adam(rate),
            lambda rate: lectopt.adagrad(rate),
            lambda rate: lectopt.adamw(rate, weight_decay=0.1),
            lambda rate: lectopt.nesterov(rate, 0.8),
        ],
        ids=["adam", "adagrad", "adamw", "nesterov"],
    )
    def test_a_late_leaf_is_trained_as_if_the_training_began_then(self, make):
        """With the schedule of the day; the leaves that are never frozen notice nothing."""

        def rate(count):
            return 0.1 / (1 + count)

        params, updates, states = path_of(unfreeze_gradually(self.steps, make(rate)))
        plain, _, _ = path_of(make(rate))
        chex.assert_trees_all_close(params["head"], plain["head"], rtol=1e-6)
        first = jax.jit(make(rate).init)(PARAMS)
        for i, begin in enumerate([7, 4]):
            np.testing.assert_array_equal(layer(updates, i)["kernel"][:begin], 0)
            late = path_of(make(lambda c, b=begin: rate(c + b)), begin)[0]
            chex.assert_trees_all_close(
                layer(params, i)["kernel"][begin:], layer(late, i)["kernel"], rtol=1e-5
            )
            # Its slots stay as init made them.
            for where, slot in jax.tree_util.tree_leaves_with_path(states):
                if f"['layers'][{i}]" in jax.tree_util.keystr(where):
                    kept = dict(jax.tree_util.tree_leaves_with_path(first))[where]
                    np.testing.assert_array_equal(slot[:begin], np.stack([kept] * begin))

    def test_a_frozen_gradient_counts_in_no_norm_and_may_be_nan(self):
        def gradient(params, t):
            g = jax.tree.map(jnp.ones_like, params)
            late = jax.tree.map(lambda x: jnp.where(t < 4, jnp.nan, 10 * x), g["encoder"])
            return g | {"encoder": late}

        inner = lectopt.chain(lectopt.clip_by_global_norm(1.0), lectopt.momentum(0.1, 0.9))
        _, updates, _ = path_of(unfreeze_gradually({"encoder/.*": 4}, inner), gradient=gradient)
        first = -0.1 / np.sqrt(3)  # head: three ones
        np.testing.assert_allclose(updates["head"]["bias"][0], first, rtol=1e-6)
        np.testing.assert_allclose(updates["head"]["bias"][1], 1.9 * first, rtol=1e-6)
        np.testing.assert_array_equal(layer(updates, 0)["kernel"][:4], 0)
        np.testing.assert_allclose(layer(updates, 0)["kernel"][4], -1.0 / np.sqrt(1203), rtol=1e-6)

    def test_layout_is_that_of_the_inner_state(self):
        """A checkpoint of the plain optimizer goes on, its late leaves with what they have."""
        inner = lectopt.adam(0.1)
        tx = unfreeze_gradually(self.steps, inner)
        assert jax.tree.structure(tx.init(PARAMS)) == jax.tree.structure(inner.init(PARAMS))
        chex.assert_trees_all_equal(tx.init(jax.eval_shape(lambda: PARAMS)), tx.init(PARAMS))

    def test_an_optax_optimizer_keeps_the_count_of_the_training(self):
        """Frozen leaves do not accumulate there either, but Adam's correction is that of the whole
        training, as the docstring warns: the first step is (1 - b1) / sqrt(1 - b2) too long."""
        ours, theirs = lectopt.adam(0.1), optax.adam(0.1)
        _, updates, states = path_of(unfreeze_gradually({"encoder/.*": 4}, theirs))
        mu = optax.tree.get(states, "mu")
        np.testing.assert_array_equal(layer(mu, 0)["kernel"][:4], 0)
        t = 5
        longer = (1 - 0.9) / (1 - 0.9**t) * np.sqrt((1 - 0.999**t) / (1 - 0.999))
        np.testing.assert_allclose(abs(layer(updates, 0)["kernel"][4]), 0.1 * longer, rtol=1e-4)
        _, updates, _ = path_of(unfreeze_gradually({"encoder/.*": 4}, ours))
        np.testing.assert_allclose(abs(layer(updates, 0)["kernel"][4]), 0.1, rtol=1e-4)
        # And this is what it would be with the count of a long training.
        k = np.arange(1, 100)
        assert 6 < np.max((1 - 0.9**k) / np.sqrt(1 - 0.999**k)) < 7

    def test_a_branch_without_gradients(self):
        """None for a whole branch: its slots are left alone, and frozen ones still held."""
        tx = unfreeze_gradually({"head/bias": 5}, lectopt.adam(0.1))
        state = tx.init(PARAMS)
        grads = {"encoder": None, "head": {"kernel": jnp.ones(2), "bias": jnp.ones(())}}
        updates, new = jax.jit(tx.update)(grads | {"frozen": None}, state, PARAMS)
        assert updates["encoder"] is None and updates["head"]["bias"] == 0
        mu = optax.tree.get(new, "mu")
        assert mu["head"]["bias"] == 0 and np.all(mu["head"]["kernel"] > 0)
        chex.assert_trees_all_equal(mu["encoder"], optax.tree.get(state, "mu")["encoder"])

    def test_steps_can_be_swept(self):
        def run(begin):
            tx, params = unfreeze_gradually({"head/.*": begin}, lectopt.adam(0.1)), PARAMS
            state = tx.init(params)
            for t in range(4):
                updates, state = tx.update(grads(params, t), state, params)
                params = optax.apply_updates(params, updates)
            return params

        swept = jax.jit(jax.vmap(run))(jnp.array([0, 1, 3]))
        for lane, begin in enumerate([0, 1, 3]):
            alone = jax.tree.map(lambda x, lane=lane: x[lane], swept)
            chex.assert_trees_all_close(alone, jax.jit(lambda b=begin: run(b))(), rtol=1e-5)

    def test_one_can_differentiate_through_it(self):
        def last(rate):
            tx, params = unfreeze_gradually({"x": 2}, lectopt.adam(rate)), {"x": jnp.ones(2)}
            state = tx.init(params)
            for _ in range(4):
                updates, state = tx.update(params, state, params)
                params = optax.apply_updates(params, updates)
            return jnp.sum(params["x"])

        gradient = jax.jit(jax.grad(last))(0.1)
        assert np.isfinite(gradient) and gradient != 0

    def test_a_parameter_is_told_from_a_number_of_the_same_name(self):
        """`plateau/scale` is the number of a control, `mu/scale` the slot of a leaf."""
        params = {"scale": jnp.ones(()), "other": jnp.ones(())}
        inner = lectopt.chain(
            lectopt.adam(0.1), lectopt.reduce_on_plateau(factor=0.5, patience=0, threshold=0.0)
        )
        tx = unfreeze_gradually({"scale": 10}, inner)
        state = tx.init(params)
        for _ in range(4):
            _, state = tx.update(params, state, params, value=jnp.float32(1.0))
        assert state["plateau"]["scale"] < 1
        mu = optax.tree.get(state, "mu")
        assert mu["scale"] == 0 and mu["other"] > 0

    def test_averages_inside_are_of_the_whole_training(self):
        """A leaf that was frozen stood still, and that counts; read through the wrapper."""
        inner = lectopt.chain(lectopt.nesterov(0.1, 0.8), lectopt.average_params(lectopt.uniform()))
        params, _, states = path_of(unfreeze_gradually(self.steps, inner))
        bases, _, plain_states = path_of(unfreeze_gradually(self.steps, lectopt.nesterov(0.1, 0.8)))
        last = jax.tree.map(lambda x: x[-1], (states, params))
        evaluated = lectopt.evaluation_params(*last)
        expected = jax.tree.map(
            lambda p, a: np.mean(p - a, axis=0), bases, plain_states["look_ahead"]
        )
        chex.assert_trees_all_close(evaluated, expected, rtol=1e-5)

    def test_groups_do_not_multiply_the_work(self):
        """Each leaf is read from one run only; the compiler drops the rest. One trace per shape."""
        traces = []

        @lectopt.leafwise(seen=0.0)
        def slow(g, state, t):
            traces.append(g)
            return g / t, dict(seen=state.seen + g)

        params = {f"layer{i}": jnp.ones((100, 100)) for i in range(6)}

        def cost(tx):
            traces.clear()
            compiled = jax.jit(tx.update).lower(params, tx.init(params), params).compile()
            analysis = compiled.cost_analysis()
            return analysis[0] if isinstance(analysis, list) else analysis

        plain = cost(slow())
        gradual = cost(unfreeze_gradually({f"layer{i}": 10 * i for i in range(6)}, slow()))
        assert len(traces) <= 1
        assert gradual["bytes accessed"] < 1.1 * plain["bytes accessed"]
        assert gradual["flops"] < 4 * plain["flops"]  # two operations, and a choice for each


def test_in_flax_nnx():
    model = nnx.Sequential(nnx.Linear(2, 2, rngs=nnx.Rngs(0)), nnx.Linear(2, 2, rngs=nnx.Rngs(1)))
    tx = lectopt.chain(
        unfreeze_gradually({"layers/0/.*": 2}, lectopt.adam(0.1)), scale_by_path({".*bias": 0.5})
    )
    optimizer = nnx.Optimizer(model, tx, wrt=nnx.Param)
    start = jax.tree.map(jnp.copy, nnx.state(model, nnx.Param))

    @nnx.jit
    def step(model, optimizer):
        optimizer.update(model, jax.tree.map(jnp.ones_like, nnx.state(model, nnx.Param)))

    for _ in range(3):
        step(model, optimizer)
    moved = jax.tree.map(lambda a, b: a - b, start, nnx.state(model, nnx.Param))
    for i, steps in enumerate([1, 3]):
        np.testing.assert_allclose(moved["layers"][i]["kernel"][...], 0.1 * steps, rtol=1e-4)
        np.testing.assert_allclose(moved["layers"][i]["bias"][...], 0.05 * steps, rtol=1e-4)


@pytest.mark.parametrize(
    "tx",
    [
        scale_by_path({"encoder/.*": 0.1, ".*": 2.0}),
        unfreeze_gradually({"encoder/.*": 100}, lectopt.adam(0.1)),
        lectopt.chain(unfreeze_gradually({"a": 1}, lectopt.sgd(0.1)), scale_by_path({"a": 0})),
    ],
)
def test_is_what_it_prints(tx):
    again = eval(repr(tx), vars(lectopt))
    assert again == tx and hash(again) == hash(tx) and copy.deepcopy(tx) == tx


def test_the_order_of_patterns_matters():
    """Also to equality, as the first match counts."""
    assert scale_by_path({"a": 1.0, ".*": 2.0}) != scale_by_path({".*": 2.0, "a": 1.0})


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: scale_by_path({"a": -1}), ["'a'", "zero or more", "-1", '{"encoder/.*": 0.1}']),
        (lambda: scale_by_path({"a": "fast"}), ["'fast'"]),
        (lambda: scale_by_path({"a": jnp.ones(2)}), ["'a'"]),
        (lambda: scale_by_path({"(": 1.0}), ["'('", "regular expression"]),
        (lambda: scale_by_path({1: 1.0}), ["1", "regular expression"]),
        (lambda: scale_by_path({}), ["{pattern: value}", "{}"]),
        (lambda: scale_by_path(0.1), ["{pattern: value}", "0.1"]),
        (lambda: unfreeze_gradually({"a": np.inf}, lectopt.sgd(0.1)), ["number of updates", "inf"]),
        (
            lambda: scale_by_path({"encoder": 0.1}).init(PARAMS),
            ["'encoder' matches no path", "encoder/layers/0/kernel, ", "head/bias", "whole path"],
        ),
        (
            lambda: unfreeze_gradually({".*": 1, "head/.*": 2}, lectopt.sgd(0.1)).init(PARAMS),
            ["'head/.*'", "an earlier pattern has not taken", "Write it first"],
        ),
    ],
)
def test_errors(call, words):
    with pytest.raises(ValueError) as raised:
        call()
    for word in words:
        assert word in str(raised.value)
