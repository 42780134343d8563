"""Settings in half precision, as `optax.inject_hyperparams` makes them of half-precision weights: a
rate may be, a decay cannot, and the error says what to write."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import lectopt
from tests.support.algorithms import ALGORITHMS, over
from tests.support.public import makers

HALVES = ["bfloat16", "float16"]


def injected(row, **how):
    def make(learning_rate, **numbers):
        return row.make(learning_rate, **numbers)

    make.__signature__ = inspect.Signature(
        [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY)
            for name in ("learning_rate", *row.numbers)
        ]
    )
    return optax.inject_hyperparams(make, **how)(learning_rate=0.1, **row.numbers)


@over(ALGORITHMS, every=3)
@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.filterwarnings("ignore:(?s).*wants its gradients")  # inject_hyperparams has no point
def test_injected_beside_half_precision_weights(row, dtype):
    """Refused with what to write where a decay is among the numbers, else finite; in float32, as
    the error says, the numbers of the plain optimizer."""
    params = {"w": jnp.asarray([0.5, -1.0], dtype), "b": jnp.asarray(0.25, dtype)}

    def first(tx):
        state = tx.init(params)
        with jax.disable_jit():
            return tx.update(params, state, params, **row.extra)[0]

    try:
        updates = first(injected(row))
    except TypeError as error:
        assert "hyperparam_dtype=jnp.float32" in str(error) and dtype in str(error)
        with pytest.raises(TypeError, match="hyperparam_dtype"):
            jax.eval_shape(injected(row).init, params)
    else:
        assert all(np.isfinite(np.float32(u)).all() for u in jax.tree.leaves(updates))
    expected, exact = first(row.build()), first(injected(row, hyperparam_dtype=jnp.float32))
    for a, b in zip(jax.tree.leaves(exact), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(np.float32(a), np.float32(b), rtol=0.02)


DECAYS = [(m, name) for m in makers() for name, interval in m.ranges.items() if interval.fine]


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("maker, name", DECAYS, ids=lambda x: getattr(x, "name", x))
def test_every_public_decay_in_half_precision_is_refused(maker, name, dtype):
    decay = jnp.asarray(0.5, dtype)
    for build in (maker.build, jax.jit(lambda **given: maker.build(**given) and 0)):
        with pytest.raises(TypeError, match=f"{name} arrives in {dtype}.*hyperparam_dtype"):
            build(**{name: decay})


def test_there_are_many_public_decays():
    assert len(DECAYS) > 80


@pytest.mark.parametrize("dtype", HALVES)
def test_rates_in_half_precision_are_lanes(dtype):
    def moved(rate):
        return lectopt.adam(rate).update(jnp.ones(3), lectopt.adam(rate).init(jnp.ones(3)))[0]

    rates = jnp.asarray([0.5, 0.25], dtype)
    np.testing.assert_allclose(
        jax.vmap(moved)(rates), -np.ones((2, 3)) * [[0.5], [0.25]], rtol=1e-6
    )
