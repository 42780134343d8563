"""Rules that see a whole leaf: rows and columns of matrices, and how much of them is kept."""

import inspect

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


@pytest.mark.usefixtures("x64")
def test_adafactor_of_the_last_two_axes_is_pytorchs():
    numbers = dict(decay_rate=0.7, clipping_threshold=0.8, eps=1e-3, min_scale=0.1)
    tx = lectopt.adafactor(schedule, 1, eps_placement="least", axes="last", **numbers)
    twin = TREE.twin(twins.adafactor_torch, c=0.7, d=0.8, eps1=1e-3, eps2=0.1)
    assert_close(twin, TREE.optax(tx), rtol=1e-9)
    state = tx.init({"w": jnp.ones((7, 2, 3))})
    assert state["row"]["w"].shape == (7, 2) and state["column"]["w"].shape == (7, 3)


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


MUON = [
    ({}, {}),
    (dict(nesterov=False), dict(nesterov=False)),
    (dict(consistent_rms=0.2, weight_decay=0.1), dict(rms=0.2, wd=0.1)),
    (
        dict(bias_correction=False, eps_placement="least", layout="out_in", adam_weight_decay=0.1),
        dict(corrected=False, least=True, out_in=True, adam_wd=0.1),
    ),
]


@pytest.mark.parametrize("ours, theirs", MUON, ids=["optax", "no-nesterov", "rms", "torch"])
@pytest.mark.usefixtures("x64")
def test_muon_of_matrices_is_its_twin(ours, theirs):
    """Wide and tall ones, one that is dead; vectors and what has three axes go to Adam."""
    numbers = dict(beta=0.8, eps=1e-2)
    twin = TREE.twin(twins.muon, **numbers, **theirs)
    assert_close(twin, TREE.optax(lectopt.muon(schedule, **numbers, **ours)), rtol=1e-9)


@pytest.mark.parametrize("norm", ["frobenius", "spectral", "rows", "schatten"])
@pytest.mark.parametrize("dtype", ["float32", "complex64"])
def test_newton_schulz_from_any_norm(norm, dtype):
    """The singular values come near 1, and the singular vectors stay if rows are not divided; so do
    Optax's."""
    random = np.random.default_rng(0)
    g = random.normal(size=(7, 4)) + 1j * random.normal(size=(7, 4))
    g = jnp.asarray(g if dtype == "complex64" else g.real, dtype)
    out, _ = lectopt.orthogonalize(norm=norm).update(g, {})
    u, _, vh = np.linalg.svd(np.asarray(g), full_matrices=False)
    values = np.linalg.svd(out, compute_uv=False)
    assert (0.65 < values).all() and (values < 1.25).all()
    if norm != "rows":
        turned = u.conj().T @ np.asarray(out) @ vh.conj().T
        assert abs(turned - np.diag(np.diag(turned))).max() < 1e-4
    known = "preconditioning" in inspect.signature(optax.contrib.scale_by_muon).parameters
    if known and (norm, dtype) != ("schatten", "complex64"):  # there it forgets to conjugate: NaN
        theirs = optax.contrib.scale_by_muon(
            preconditioning={"rows": "aol"}.get(norm, norm), nesterov=False
        )
        expected, _ = theirs.update(g, theirs.init(g))
        np.testing.assert_allclose(out, expected, rtol=1e-3, atol=1e-5)


def test_newton_schulz_of_extreme_matrices():
    """Squares that overflow or underflow, zeros, a stack of matrices, and bfloat16."""
    g = jnp.asarray(np.random.default_rng(0).normal(size=(2, 3, 5)), jnp.float32)
    tx = lectopt.orthogonalize(eps=0.0)
    one, _ = tx.update(g, {})
    for size in (1e30, 1e-30):
        np.testing.assert_allclose(tx.update(size * g, {})[0], one, rtol=1e-4, atol=1e-5)
    for i in range(2):
        np.testing.assert_allclose(tx.update(g[i], {})[0], one[i], rtol=1e-4, atol=1e-5)
    assert (tx.update(0 * g, {})[0] == 0).all()
    narrow, _ = lectopt.orthogonalize(dtype="bfloat16").update(g, {})
    assert narrow.dtype == jnp.float32 and 1e-4 < abs(narrow - one).max() < 0.2


LEAVES = {
    "sm3": (lectopt.sm3(schedule, 0.8, 1e-2), twins.sm3, dict(momentum=0.8, eps=1e-2)),
    "lars": (
        lectopt.lars(schedule, 0.1, trust_coefficient=0.3, norm_of="parts"),
        twins.lars,
        dict(beta=0.1, eta=0.3),
    ),
    "lamb": (
        lectopt.lamb(schedule, 0.8, 0.95, 1e-2, weight_decay=0.1),
        twins.lamb,
        dict(beta1=0.8, beta2=0.95, eps=1e-2, lam=0.1),
    ),
    "fromage": (lectopt.fromage(schedule), twins.fromage, dict(min_norm=1e-6)),
}


@pytest.mark.parametrize("name", LEAVES)
@pytest.mark.usefixtures("x64")
def test_of_leaves_of_all_shapes(name):
    tx, twin, letters = LEAVES[name]
    assert_close(TREE.twin(twin, **letters), TREE.optax(tx), rtol=1e-9)


@pytest.mark.usefixtures("x64")
def test_sm3_is_optaxs():
    """Of leaves with an axis at least; Optax takes no scalars and no schedule."""
    params = [jnp.asarray(leaf) for leaf in TREE.start[1:]]
    paths = []
    for tx in (lectopt.sm3(0.05), optax.sm3(0.05)):
        own, state = params, tx.init(params)
        step = jax.jit(tx.update)
        for t in range(5):
            grads = [jnp.asarray(n[t]) + leaf for n, leaf in zip(TREE.noise[1:], own, strict=True)]
            updates, state = step(grads, state, own)
            own = optax.apply_updates(own, updates)
        paths.append(own)
    for ours, theirs in zip(*paths, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)
