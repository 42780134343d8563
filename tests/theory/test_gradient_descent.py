"""Gradient descent with the exact gradient: how fast it is, and which rate is too large."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lectopt
from tests.support.descent import descend, log_slope

KAPPAS = np.array([10.0, 100.0, 1000.0])
RATES = {
    "1/L": (lambda kappa: 1 / kappa, lambda kappa: (1 - 1 / kappa) ** 2),
    "2/(L+lambda)": (
        lambda kappa: 2 / (kappa + 1),
        lambda kappa: ((kappa - 1) / (kappa + 1)) ** 2,
    ),
}


def gaps(kappa, rate, steps):
    """The loss along the descent of a quadratic with curvatures 1, sqrt(kappa) and kappa = L."""
    h = jnp.array([1.0, jnp.sqrt(kappa), kappa])

    def loss(w, state=None):
        return jnp.sum(h * w**2) / 2

    w = jnp.ones(3)
    return descend(lectopt.sgd(rate), w, lambda w, t: h * w, steps, read=loss), loss(w)


@pytest.mark.parametrize("rule", RATES)
@pytest.mark.usefixtures("x64")
def test_a_quadratic_contracts_by_its_condition_number(rule):
    """S0-16, S0-13: `f_k - f* <= c^k (f_0 - f*)`, and the factor c is reached in the limit."""
    rate, factor = RATES[rule]
    gap, first = jax.vmap(lambda kappa: gaps(kappa, rate(kappa), 600))(KAPPAS)
    c, k = factor(KAPPAS)[:, None], jnp.arange(1, 601)[None]
    assert (gap <= c**k * first[:, None] * (1 + 1e-9)).all()
    np.testing.assert_allclose(gap[:, -1] / gap[:, -2], c[:, 0], rtol=1e-9)


@pytest.mark.usefixtures("x64")
def test_two_over_the_curvature_is_the_largest_stable_rate():
    """S1-06, S2-16, S4-03: below it the loss falls, above it oscillates and grows."""
    gap, _ = jax.vmap(lambda rate: gaps(10.0, rate / 10.0, 200))(jnp.array([1.98, 2.02]))
    assert gap[0, -1] < 0.05 * gap[0, 0]
    assert gap[1, -1] > 100 * gap[1, 0]


@pytest.mark.parametrize("power", [4, 10, 40])
@pytest.mark.usefixtures("x64")
def test_a_flat_convex_minimum_is_reached_like_one_over_k(power):
    """S0-16: O(1/k) without strong convexity. For |x|^p/p the exponent is -p/(p-2): -1 for large p.

    The step is 1/L with L = p - 1 on |x| <= 1.
    """
    steps = 20_000
    tx = lectopt.sgd(1 / (power - 1))
    x = descend(tx, jnp.asarray(1.0), lambda x, t: x ** (power - 1), steps)
    gap, k = x**power / power, jnp.arange(1, steps + 1)
    assert (gap <= (power - 1) / (2 * k)).all()  # L |x_0 - x*|^2 / (2 k)
    late = slice(steps // 10, None)
    assert log_slope(k[late], gap[late]) == pytest.approx(-power / (power - 2), rel=5e-3)
