"""Rules that see a whole leaf: rows and columns of matrices, and how much of them is kept."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

import lectopt
from tests.support import twins
from tests.support.witness import TREE, assert_close, schedule

SETTINGS = dict(decay_rate=0.7, clipping_threshold=0.8, eps=1e-3)


@pytest.mark.parametrize("least", [1, 3, 128])
@pytest.mark.usefixtures("x64")
def test_adafactor_of_matrices_is_its_twin(least):
    """Leaves of none to three axes, with dead rows and columns; which are factored differs."""
    tx = lectopt.adafactor(schedule, least, weight_decay_rate=0.01, **SETTINGS)
    twin = TREE.twin(
        twins.adafactor, c=0.7, d=0.8, eps1=1e-3, lam=0.01, smallest=least,
    )  # fmt: skip
    assert_close(twin, TREE.optax(tx), rtol=1e-9)


def test_a_factored_matrix_keeps_its_rows_and_columns_only():
    params = {"kernel": jnp.ones((6, 4)), "batch": jnp.ones((2, 5, 3)), "bias": jnp.ones(4)}
    state = lectopt.adafactor(0.1, 3).init(params)
    shapes = jax.tree.map(jnp.shape, {k: state[k] for k in ("row", "column", "nu")})
    assert shapes["row"] == {"kernel": (4,), "batch": (2, 3), "bias": None}
    assert shapes["column"] == {"kernel": (6,), "batch": (2, 5), "bias": None}
    assert shapes["nu"] == {"kernel": None, "batch": None, "bias": (4,)}
    whole = lectopt.adafactor(0.1, 3, factored=False).init(params)
    assert sum(x.size for x in jax.tree.leaves(whole) if x.ndim) == 24 + 30 + 4
    novograd = lectopt.novograd(0.1).init(params)
    assert jax.tree.map(jnp.shape, novograd["nu"]) == dict.fromkeys(params, ())


def test_optax_factors_the_same_leaves_and_moves_them_alike():
    params = {"kernel": jnp.ones((6, 4)), "wide": jnp.ones((3, 7)), "bias": jnp.ones(4)}
    random = np.random.default_rng(0)
    paths = []
    for make in (lectopt.adafactor, optax.adafactor):
        tx, own = make(0.1, min_dim_size_to_factor=4), params
        state = tx.init(own)
        random = np.random.default_rng(0)
        for _ in range(4):
            grads = jax.tree.map(lambda p: jnp.asarray(random.normal(size=p.shape)), own)  # noqa: B023
            updates, state = tx.update(grads, state, own)
            own = optax.apply_updates(own, updates)
        paths.append(own)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-5), *paths)


@pytest.mark.parametrize("kind", [AxisType.Auto, AxisType.Explicit], ids=["auto", "explicit"])
def test_rows_and_columns_are_sharded_as_what_they_are_of(kind):
    mesh = jax.make_mesh((8,), ("x",), axis_types=(kind,))
    with jax.set_mesh(mesh):
        params = jax.device_put(jnp.ones((16, 8)), NamedSharding(mesh, P("x", None)))
        tx = lectopt.adafactor(0.1, 2)
        state = tx.init(params)
        _, new = jax.jit(tx.update)(params, state, params)
        for record in (state, new):
            assert record["column"].sharding.is_equivalent_to(NamedSharding(mesh, P("x")), 1)
            assert record["row"].sharding.is_equivalent_to(NamedSharding(mesh, P(None)), 1)


def test_what_has_had_no_gradient_stays():
    """Without epsilon: a leaf, a row, a column, or everything."""
    grads = {"w": jnp.zeros((4, 4)).at[1, 2].set(1.0), "dead": jnp.zeros((4, 4))}
    params = jax.tree.map(jnp.ones_like, grads)
    for tx in (lectopt.adafactor(0.1, 1, eps=0.0), lectopt.novograd(0.1, eps=0.0)):
        updates, _ = tx.update(grads, tx.init(params), params)
        assert (updates["dead"] == 0).all() and updates["w"][1, 2] < 0
        assert (updates["w"] != 0).sum() == 1
