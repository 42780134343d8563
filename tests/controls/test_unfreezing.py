"""Layers frozen at first: `unfreeze_gradually` (S2-25)."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import lectopt
from lectopt import unfreeze_gradually
from tests.controls.layers import PARAMS, grads, layer, path_of


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
        inner = lectopt.chain(
            lectopt.nesterov(0.1, 0.8), lectopt.average_params(lectopt.averaging.uniform())
        )
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
