"""Rules of the slides that cannot be meant as printed: what they do, beside the intended ones.

Not here because the printed line does not run at all: S4-13 calls `torch.exp` with a float, a
TypeError; `math.exp` is meant.
"""

import jax.numpy as jnp
import numpy as np
import pytest

import lectopt
from tests.support.descent import responses

pytestmark = pytest.mark.usefixtures("x64")


@lectopt.leafwise(velocity=0.0, square=0.0)
def printed_adam(g, state, *, alpha, beta, eta, eps):
    """S4-25: m = alpha dw + (1 - alpha) dw, r = beta r + (1 - beta) g^2, w - eta m / (r + eps)."""
    velocity = alpha * state.velocity + eta * g
    m = alpha * velocity + (1 - alpha) * velocity
    square = beta * state.square + (1 - beta) * g**2
    return -eta * m / (square + eps), dict(velocity=velocity, square=square)


def test_adam_without_the_root_depends_on_the_unit_of_the_loss():
    """S4-25, S4-26: the slide has the rate twice and no root, so its step goes like 1/g: a loss
    measured in thousandths makes it 1000 times longer, where Adam's stays the same."""
    printed = printed_adam(0.9, 0.999, 1e-3, 0.0)
    sizes = np.array([[1e-3, 1.0, 1e3]])
    steps = responses(printed, sizes)[0]
    np.testing.assert_allclose(steps * sizes[0], steps[1], rtol=1e-9)
    assert -1.1 < steps[0] < -0.9  # a rate of 1e-3 was asked for
    np.testing.assert_allclose(responses(lectopt.adam(1e-3, eps=0.0), sizes), -1e-3, rtol=1e-9)


def test_halving_as_printed_halves_once():
    """S4-10 prints eta_t = eta_{t=1} / 2, which is constant; eta_{t-1} / 2 is meant."""
    intended = np.array([lectopt.halving(0.8, every=1)(t) for t in range(5)])
    np.testing.assert_allclose(intended, 0.8 * 0.5 ** np.arange(5), rtol=1e-12)
    printed = np.array([0.8] + [0.8 / 2] * 4)
    assert (np.abs(printed - intended)[2:] > 0.1).all()


def test_the_multiplier_epoch_over_thirty_is_zero_for_thirty_epochs():
    """S4-14: `lambda epoch: epoch // 30` does not reduce the rate, it keeps training from
    starting; `0.95**epoch`, its neighbour on the slide, does what is wanted."""
    slide = lectopt.lambda_schedule(0.1, lambda epoch: epoch // 30)
    rates = np.array([slide(jnp.int32(e)) for e in (0, 29, 30, 60)])
    np.testing.assert_allclose(rates, [0, 0, 0.1, 0.2], rtol=1e-6)


def test_the_printed_tanh_has_the_wrong_sign():
    """S2-22: (1 - e^2z) / (1 + e^2z) is -tanh z."""
    z = np.linspace(-3, 3, 7)
    np.testing.assert_allclose((1 - np.exp(2 * z)) / (1 + np.exp(2 * z)), -np.tanh(z), atol=1e-12)


def test_the_variance_of_a_product_has_squared_means():
    """S1-27 (note): V(AB) = V(A)V(B) + V(A)E(B)^2 + V(B)E(A)^2; the slide prints E, not E^2."""
    a, b = np.array([1.0, 2.0, 6.0]), np.array([-1.0, 4.0])  # equally likely values
    product = np.outer(a, b).var()
    right = a.var() * b.var() + a.var() * b.mean() ** 2 + b.var() * a.mean() ** 2
    printed = a.var() * b.var() + a.var() * b.mean() + b.var() * a.mean()
    assert product == pytest.approx(right, rel=1e-12) and abs(product - printed) > 1
