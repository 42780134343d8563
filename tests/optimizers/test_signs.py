"""Rprop and local gains: what the table of algorithms does not say."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import lectopt
from tests.support import twins
from tests.support.training import train

VARIANTS = ("irprop-", "rprop-", "rprop+", "irprop+")
SIGNS = jnp.array([1.0, 1.0, -1.0, -1.0, 1.0])
variants = pytest.mark.parametrize("variant", VARIANTS)


def walk(tx, grads, values=None, start=0.0):
    """The path from `start` along gradients that do not depend on the weights."""
    value = None if values is None else (lambda theta, t: values[t])
    start = jnp.full(grads.shape[1:], start, grads.dtype)
    return train(tx, start, lambda theta, t: grads[t], len(grads), value)


def test_the_variants_by_hand():
    """Five signs, first step 0.1: a change of sign at the third, and for some another one later."""
    expected = {
        "irprop-": (-0.1, -0.22, -0.22, -0.16, -0.16),
        "rprop-": (-0.1, -0.22, -0.16, -0.088, -0.124),
        "rprop+": (-0.1, -0.22, -0.1, -0.04, -0.1),
    }
    for variant, path in expected.items():
        ours = walk(lectopt.rprop(0.1, variant=variant), SIGNS)
        np.testing.assert_allclose(ours, path, rtol=1e-6)
    tx = lectopt.rprop(0.1, variant="irprop+")
    rising, falling = jnp.arange(5.0), -jnp.arange(5.0)
    np.testing.assert_allclose(walk(tx, SIGNS, rising), expected["rprop+"], rtol=1e-6)
    np.testing.assert_allclose(walk(tx, SIGNS, falling), expected["irprop-"], rtol=1e-6)


@variants
def test_the_size_of_the_gradient_does_not_matter(variant):
    """Not even where the product of two gradients underflows or overflows."""
    grads = jnp.asarray(np.random.default_rng(0).normal(size=(40, 3)), jnp.float32)
    values = grads[:, 0]
    tx = lectopt.rprop(0.1, variant=variant)
    scaled = walk(tx, grads * jnp.array([[1e-30, 1.0, 1e30]]), values)
    np.testing.assert_array_equal(scaled, walk(tx, grads, values))


@variants
def test_a_schedule_gives_the_first_step_only(variant):
    rates = jnp.array([0.1, 7.0, 7.0, 7.0, 7.0])
    scheduled = lectopt.rprop(lambda count: rates[count], variant=variant)
    constant = lectopt.rprop(0.1, variant=variant)
    np.testing.assert_array_equal(walk(scheduled, SIGNS, rates), walk(constant, SIGNS, rates))


@variants
def test_the_first_step_is_clipped_too(variant):
    tx = lectopt.rprop(100.0, 0.5, 1.2, 1e-6, 2.0, variant=variant)
    np.testing.assert_array_equal(walk(tx, jnp.ones(3), jnp.zeros(3)), [-2, -4, -6])


@variants
def test_a_real_path_in_the_complex_plane(variant):
    """Weights on a line through 0 move on it as real ones do."""
    grads = jnp.asarray(np.random.default_rng(1).normal(size=(20, 2)), jnp.float32)
    direction, tx = (0.6 + 0.8j), lectopt.rprop(0.1, variant=variant)
    values = grads[:, 0]
    turned = walk(tx, direction * grads.astype(jnp.complex64), values)
    np.testing.assert_allclose(turned, direction * walk(tx, grads, values), rtol=1e-5, atol=1e-6)


def test_optaxs_arguments_in_optaxs_order():
    theirs = list(inspect.signature(optax.rprop).parameters.values())
    ours = list(inspect.signature(lectopt.rprop).parameters.values())[: len(theirs)]
    assert [(p.name, p.default) for p in ours] == [(p.name, p.default) for p in theirs]


@pytest.mark.usefixtures("x64")
def test_losses_are_compared_in_the_widest_float():
    """1e-12 more is more: the last move is taken back."""
    tx = lectopt.rprop(0.1, variant="irprop+")
    state = tx.init(jnp.float32(0))
    assert state["prev_value"].dtype == jnp.float64 and state["prev_value"].shape == ()
    for grad, loss in ((1.0, 1.0), (-1.0, 1.0 + 1e-12)):
        update, state = tx.update(jnp.float32(grad), state, value=loss)
    np.testing.assert_allclose(update, 0.1, rtol=1e-6)


def test_irprop_plus_asks_for_the_loss():
    tx = lectopt.rprop(0.1, variant="irprop+")
    for extra in ({}, {"value": None}):
        with pytest.raises(TypeError, match=r"tx.update\(grads, state, params, value=loss\)"):
            tx.update(SIGNS, tx.init(SIGNS), SIGNS, **extra)
    with pytest.raises(ValueError, match="value must be one number, got shape"):
        tx.update(SIGNS, tx.init(SIGNS), SIGNS, value=SIGNS)
    with pytest.raises(ValueError, match="belongs to another optimizer.*it lacks 'prev_value'"):
        tx.update(SIGNS, lectopt.rprop(0.1).init(SIGNS), SIGNS, value=1.0)


def test_bounds_that_cross():
    with pytest.raises(ValueError, match="min_step_size=60 is above max_step_size=50"):
        lectopt.rprop(0.1, min_step_size=60.0)
    with pytest.raises(ValueError, match="min_gain=0.01 is above max_gain=0.001"):
        lectopt.local_gains(0.1, max_gain=0.001)
    with pytest.raises(ValueError, match="eta_plus must lie in \\[1, inf\\)"):
        lectopt.rprop(0.1, eta_plus=0.9)
    jax.jit(lambda low: lectopt.rprop(0.1, min_step_size=low).init(SIGNS))(60.0)  # cannot know


def test_a_gain_is_changed_before_it_is_used_and_kept_at_zero():
    path = walk(lectopt.local_gains(1.0, 0.5, 0.25), jnp.array([1.0, 1.0, -1.0, 0.0, 1.0]))
    gains = [1, 1.5, 1.5 * 0.75, 1.5 * 0.75, 1.5 * 0.75]  # the zero is compared with twice
    np.testing.assert_allclose(path, -np.cumsum(np.array([1, 1, -1, 0, 1]) * gains), rtol=1e-6)


@pytest.mark.usefixtures("x64")
def test_the_velocity_has_a_momentum_of_its_own():
    grads = np.random.default_rng(2).normal(size=(30, 4))
    ours = walk(lectopt.local_gains(0.1, agree="velocity"), jnp.asarray(grads))
    twin = twins.local_gains(
        np.zeros(4), lambda w, t: grads[t], lambda t: 0.1, 30, low=0.01, high=100.0, mu=0.9,
        agree="velocity",
    )  # fmt: skip
    np.testing.assert_allclose(ours, twin, rtol=1e-12, atol=1e-13)
