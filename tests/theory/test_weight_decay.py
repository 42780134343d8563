"""Weight decay and the L2 penalty: one method for SGD, two for everything adaptive."""

import jax.numpy as jnp
import numpy as np
import pytest

import lectopt
from tests.support.descent import descend

pytestmark = pytest.mark.usefixtures("x64")
LAMBDA, START = 0.1, np.array([1.0, -2.0, 0.5])


def loss_gradient(w, t):
    return jnp.sin(w + t) * jnp.array([1.0, 10.0, 0.1])


def penalised(w, t):
    """The gradient with `lambda/2 |w|^2` in the loss."""
    return loss_gradient(w, t) + LAMBDA * w


def shrinking(inner, rate):
    """Decoupled decay by hand: the weights are first multiplied by 1 - rate lambda."""
    return lectopt.chain(inner, add_to_update(-rate * LAMBDA))


@lectopt.leafwise()
def add_to_update(u, param, *, factor):
    return u + factor * param


def path(tx, grad):
    return descend(tx, jnp.asarray(START), grad, 50)


def test_decay_is_the_l2_penalty_for_plain_sgd():
    """S2-06, S2-07: W - alpha (g + lambda W) = (1 - alpha lambda) W - alpha g; the slide's
    expansion "W - alpha lambda - alpha g" has lost the W."""
    l2 = path(lectopt.sgd(0.1), penalised)
    coupled = lectopt.chain(lectopt.add_decayed_weights(LAMBDA), lectopt.sgd(0.1))
    np.testing.assert_allclose(path(coupled, loss_gradient), l2, rtol=1e-12)
    np.testing.assert_allclose(
        path(shrinking(lectopt.sgd(0.1), 0.1), loss_gradient), l2, rtol=1e-12
    )
    printed = START - 0.1 * LAMBDA - 0.1 * np.asarray(loss_gradient(jnp.asarray(START), 0))
    assert np.abs(printed - l2[0]).max() > 0.01


@pytest.mark.parametrize("make", [lectopt.momentum, lectopt.adam, lectopt.rmsprop])
def test_they_differ_where_the_gradient_is_filtered_or_normalised(make):
    """S2-07 holds for plain SGD only: in Adam the penalty enters both moments and is divided by
    the size of the gradient, so weights with large gradients decay less."""
    coupled = path(lectopt.chain(lectopt.add_decayed_weights(LAMBDA), make(0.1)), loss_gradient)
    np.testing.assert_allclose(coupled, path(make(0.1), penalised), rtol=1e-10)
    decoupled = path(shrinking(make(0.1), 0.1), loss_gradient)
    assert np.abs(coupled - decoupled).max() > 0.01


def test_adamw_decays_every_weight_alike():
    """S2-07: AdamW is the decoupled one."""
    adamw = path(lectopt.adamw(0.1, weight_decay=LAMBDA), loss_gradient)
    by_hand = path(shrinking(lectopt.adam(0.1), 0.1), loss_gradient)
    np.testing.assert_allclose(adamw, by_hand, rtol=1e-12)
