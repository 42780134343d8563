"""Rprop and local gains: only the signs of the gradients decide, weight by weight."""

import jax.numpy as jnp
import numpy as np
import pytest

import lectopt
from tests.support.descent import descend, responses

pytestmark = pytest.mark.usefixtures("x64")
VARIANTS = ("irprop-", "rprop-", "rprop+")


def gradients():
    return np.random.default_rng(0).normal(size=(60, 7)).round(1)  # with some exact zeros


@pytest.mark.parametrize("variant", VARIANTS)
def test_rprop_does_not_see_the_size_of_the_gradient(variant):
    """S0-02, S0-38: any map of the gradients that keeps their signs leaves every step as it is,
    and so does a scale of its own for every weight."""
    tx, g = lectopt.rprop(0.1, variant=variant), gradients()
    steps = responses(tx, g)
    assert len(np.unique(np.abs(steps))) > 5
    maps = [np.sign(g), g**3, np.sinh(5 * g), g * np.geomspace(1e-9, 1e9, 7)]
    for mapped in maps:
        np.testing.assert_array_equal(responses(tx, mapped), steps)


def test_rprop_decouples_the_dimensions():
    """S0-02: a quadratic with condition number 10^6 is solved like one with 1, where gradient
    descent would need millions of updates."""
    h = np.array([1.0, 1e3, 1e6])
    start = jnp.array([1.0, 1.0, 1.0])
    path = descend(lectopt.rprop(0.1), start, lambda w, t: h * w, 100)
    np.testing.assert_array_equal(path[:, 0], path[:, 1])
    np.testing.assert_array_equal(path[:, 0], path[:, 2])
    assert np.abs(path[-1]).max() < 1e-3


def test_local_gains_grow_while_the_gradient_is_consistent():
    """S4-22, S4-23: g + beta while the sign stays, g (1 - beta) when it changes; the gain is
    updated first, and 1 at the first step."""
    tx = lectopt.local_gains(1.0, 0.1, 0.1)
    steps = responses(tx, np.array([[2.0], [0.5], [1.0], [-1.0], [-3.0]]))[:, 0]
    gains = np.array([1.0, 1.1, 1.2, 1.08, 1.18])
    np.testing.assert_allclose(steps, -gains * [2.0, 0.5, 1.0, -1.0, -3.0], rtol=1e-12)


def test_local_gains_are_faster_on_an_ill_conditioned_quadratic():
    """S4-23: each direction finds its own rate; the bounds of the gain bound the gain in speed."""
    h = np.geomspace(0.01, 1, 10)

    def updates_needed(tx):
        def unfinished(w, state):
            return ~(jnp.sum(h * w**2) < 1e-6 * h.sum())

        return 1 + int(descend(tx, jnp.ones(10), lambda w, t: h * w, 25_000, read=unfinished).sum())

    plain = updates_needed(lectopt.sgd(0.02))
    free = updates_needed(lectopt.local_gains(0.02))
    bounded = updates_needed(lectopt.local_gains(0.02, min_gain=0.1, max_gain=10.0))
    assert free < bounded / 2 < bounded < plain / 5
