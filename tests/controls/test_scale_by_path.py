"""Rates that differ between layers: `scale_by_path`."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax

import lectopt
from lectopt import scale_by_path
from tests.controls.layers import PARAMS, layer, path_of


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
