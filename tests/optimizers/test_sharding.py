"""Eight devices: the state is sharded as the parameters are, and an update communicates nothing."""

import chex
import jax
import jax.numpy as jnp
import optax
import pytest
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

import lectopt
from tests.support.algorithms import ALGORITHMS, is_first

# Every device has (2, 2) of each: code that is the same is compiled once.
SHAPES = {"rows": ((16, 2), P("x", None)), "columns": ((2, 16), P(None, "x")), "all": ((2, 2), P())}


def placed(mesh, value):
    return {
        name: jax.device_put(jnp.full(shape, value, jnp.float32), NamedSharding(mesh, spec))
        for name, (shape, spec) in SHAPES.items()
    }


def slots_of(state):
    """Every leaf of the state that belongs to a parameter, with the parameter's name."""
    for path, leaf in jax.tree_util.tree_leaves_with_path(state):
        name = jax.tree_util.keystr(path[-1:], simple=True)
        if name in SHAPES:
            yield name, leaf


# A convention changes no slot, and so no sharding.
FIRST = [*filter(is_first, ALGORITHMS)]
# With explicit types the program itself says what moves data; a third of the algorithms is enough.
KINDS = [(row, AxisType.Auto) for row in FIRST] + [(row, AxisType.Explicit) for row in FIRST[::3]]


@pytest.mark.slow  # the contract's check `sharded`, and what the compiler adds
@pytest.mark.parametrize(
    "row, kind", KINDS, ids=[f"{row.id}-{kind.name.lower()}" for row, kind in KINDS]
)
def test_state_is_sharded_as_the_parameters(row, kind):
    mesh = jax.make_mesh((8,), ("x",), axis_types=(kind,))
    with jax.set_mesh(mesh):
        params, grads, tx = placed(mesh, 1.0), placed(mesh, 0.5), row.build()
        state = tx.init(params)

        def step(params, grads, state):
            updates, state = tx.update(grads, state, params, **row.extra)
            return optax.apply_updates(params, updates), state

        # With explicit types only what the program says moves data; otherwise the compiler decides.
        program = str(jax.make_jaxpr(step)(params, grads, state))
        if kind is AxisType.Auto or "reshard" in program:
            step = jax.jit(step).lower(params, grads, state).compile()
            text = step.as_text()
            for collective in ("all-gather", "all-to-all", "collective-permute"):
                assert collective not in text
            assert row.reduces or "all-reduce" not in text
        new_params, new_state = step(params, grads, state)
        for record in (state, new_state):
            for name, slot in slots_of(record):
                own = params[name].sharding
                if slot.shape == SHAPES[name][0]:
                    assert slot.sharding.is_equivalent_to(own, slot.ndim), name
                assert slot.sharding.device_set == own.device_set
        for name in SHAPES:
            assert new_params[name].sharding.is_equivalent_to(
                params[name].sharding, params[name].ndim
            )
        if kind is AxisType.Explicit:  # the types say so too, also while they are traced
            for record in (state, new_state, jax.eval_shape(tx.init, params)):
                for name, slot in slots_of(record):
                    if slot.shape == SHAPES[name][0]:
                        assert jax.typeof(slot).sharding == jax.typeof(params[name]).sharding
        chex.assert_trees_all_equal_structs(state, new_state)

    local = {name: jnp.full(shape, 1.0) for name, (shape, _) in SHAPES.items()}
    grads = jax.tree.map(lambda p: 0.5 * p, local)
    updates, _ = tx.update(grads, tx.init(local), local, **row.extra)
    chex.assert_trees_all_close(
        jax.device_get(new_params), jax.device_get(optax.apply_updates(local, updates)), rtol=1e-6
    )


def test_evaluation_params_keep_the_sharding():
    mesh = jax.make_mesh((8,), ("x",), axis_types=(AxisType.Explicit,))
    with jax.set_mesh(mesh):
        params = placed(mesh, 1.0)
        tx = lectopt.nesterov(0.1)
        _, state = tx.update(params, tx.init(params), params)
        base = lectopt.evaluation_params(state, params)
        assert jax.tree.map(jax.typeof, base) == jax.tree.map(jax.typeof, params)
