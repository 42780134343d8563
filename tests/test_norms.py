"""Norms of numbers whose squares are no float32: what float64 gives, in everything that forms one.

Second moments are left out: the square of a gradient is what they keep, in the dtype of the state,
and beyond 1.8e19 it is infinite there, in every implementation.
"""

import functools as ft

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lectopt
from lectopt import metrics, monitor
from tests.support.public import makers
from tests.support.sampling import sampled

RNG = np.random.default_rng(1)
SIZES = [1e20, 1e-25, 1.0]
GRADS = {"w": RNG.normal(size=(3, 4)), "b": RNG.normal(size=5), "s": np.array(0.3)}
PARAMS = {"w": RNG.normal(size=(3, 4)), "b": RNG.normal(size=5), "s": np.array(-0.7)}


def of_size(tree, size, dtype=np.float32):
    return jax.tree.map(lambda x: jnp.asarray(x * size, dtype), tree)


def flat(tree):
    return np.concatenate([np.ravel(np.asarray(x, np.float64)) for x in jax.tree.leaves(tree)])


@pytest.mark.parametrize("rate", [0.5, 1e-30])
@pytest.mark.parametrize("weights", SIZES)
@pytest.mark.parametrize("size", SIZES)
def test_the_norms_of_a_monitor(size, weights, rate):
    grads, params, tx = of_size(GRADS, size), of_size(PARAMS, weights), monitor(lectopt.sgd(rate))
    with jax.disable_jit():
        updates, state = tx.update(grads, tx.init(params), params)
    g, u, p = map(flat, (grads, updates, params))
    norm = np.linalg.norm
    expected = dict(
        grad_norm=norm(g),
        update_norm=norm(u),
        param_norm=norm(p),
        update_ratio=norm(u) / norm(p),
        descent_cosine=-(u @ g) / (norm(u) * norm(g)) if norm(u) else 0.0,
    )
    for name, value in expected.items():
        with np.errstate(over="ignore", under="ignore"):
            value = np.float32(value)
        np.testing.assert_allclose(metrics(state)[name], value, rtol=1e-5, atol=1e-44, err_msg=name)


LARGE_WEIGHTS = "scale_by_param_block_rms"  # says so: Adafactor's weights are never of that size
STATELESS = [m for m in makers() if not m.build().init(of_size(PARAMS, 1.0)).keys() - {"count"}]


def made_of(maker, grads, params):
    # Noise has a dtype.
    eta = ("eta",) if maker.name.endswith(("noisy_sgd", "add_noise")) else ()
    quiet = {k: 0.0 for k in ("temperature", *eta) if k in maker.ranges}
    tx = maker.build(**quiet)
    with jax.disable_jit():
        return tx.update(grads, tx.init(params), params, value=1.0, sgd_rate=0.5)[0]


@pytest.mark.parametrize("size", SIZES[:2])
@pytest.mark.parametrize("maker", sampled(STATELESS, 6, ids=lambda m: m.name))
@pytest.mark.usefixtures("x64")
def test_what_keeps_nothing_gives_in_float32_what_it_gives_in_float64(maker, size):
    """Everything public that has no state; so every norm of this update."""
    weights = 1.0 if maker.name.endswith(LARGE_WEIGHTS) else size
    results = [
        made_of(maker, of_size(GRADS, size, dtype), of_size(PARAMS, weights, dtype))
        for dtype in (np.float32, np.float64)
    ]
    with np.errstate(over="ignore", under="ignore"):
        found, expected = [jax.tree.map(np.float32, jax.device_get(tree)) for tree in results]
    jax.tree.map(ft.partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-42), found, expected)
    assert jax.tree.leaves(results[0])[0].dtype == np.float32


def test_norms_are_among_what_keeps_nothing():
    names = {maker.name for maker in STATELESS}
    assert {"clip_by_norm", "clip_by_global_norm", "clip_by_block_rms"} < names
    assert {"scale_by_param_block_rms", "isi.gradient_clipping"} < names and len(names) > 20
