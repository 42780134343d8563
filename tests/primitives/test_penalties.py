"""Penalties on the weights: the gradients of the lecture's regularised costs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lectopt

EXAMPLES, LAMBDA, ALPHA = 8, 0.4, 0.3
X = np.random.default_rng(1).normal(size=(EXAMPLES, 3))
Y = X @ np.array([1.0, -2.0, 0.0])
W = jnp.array([0.5, -1.5, 0.0])
MASKS = ({"w": True, "b": False}, lambda params: {"w": True, "b": False})


def mean_loss(w):
    return jnp.sum((X @ w - Y) ** 2) / EXAMPLES


def applied(tx, grads, params):
    return tx.update(grads, tx.init(params), params)[0]


@pytest.mark.usefixtures("x64")
def test_l2_is_weight_decay_of_lambda_over_m():
    """S2-06 and S2-07: J = L/m + lambda/(2m) |W|^2, and W = (1 - alpha lambda/m) W - alpha dL/m."""
    gradient = jax.grad(mean_loss)(W)
    penalised = jax.grad(lambda w: mean_loss(w) + LAMBDA / (2 * EXAMPLES) * jnp.sum(w**2))(W)
    decayed = lectopt.add_decayed_weights(LAMBDA / EXAMPLES)
    np.testing.assert_allclose(applied(decayed, gradient, W), penalised, rtol=1e-14)
    new = W + applied(lectopt.chain(decayed, lectopt.sgd(ALPHA)), gradient, W)
    shrunk = (1 - ALPHA * LAMBDA / EXAMPLES) * W - ALPHA * gradient
    np.testing.assert_allclose(new, shrunk, rtol=1e-14)


@pytest.mark.usefixtures("x64")
def test_l1_is_the_subgradient_of_its_penalty():
    gradient = jax.grad(mean_loss)(W)
    penalised = jax.grad(lambda w: mean_loss(w) + LAMBDA / EXAMPLES * jnp.sum(jnp.abs(w)))(W)
    ours = applied(lectopt.add_l1(LAMBDA / EXAMPLES), gradient, W)
    np.testing.assert_allclose(ours[:2], penalised[:2], rtol=1e-14)
    assert ours[2] == gradient[2]  # jax.grad says the same of |w| at 0


@pytest.mark.parametrize("penalty", [lectopt.add_l1, lectopt.add_decayed_weights])
@pytest.mark.parametrize("mask", MASKS, ids=["tree", "function"])
def test_a_mask_says_which_leaves(penalty, mask):
    params = {"w": jnp.array([1.0, -1.0]), "b": jnp.array(2.0)}
    grads = jax.tree.map(jnp.zeros_like, params)
    out = applied(penalty(0.5, mask), grads, params)
    np.testing.assert_array_equal(out["w"], [0.5, -0.5])
    np.testing.assert_array_equal(out["b"], 0)


def test_l1_like_the_other_transformations():
    tx = lectopt.add_l1(0.5)
    assert eval(repr(tx), vars(lectopt)) == tx != lectopt.add_l1(0.1)
    assert tx.init(W) == {}
    swept = jax.vmap(lambda l1: applied(lectopt.add_l1(l1), jnp.zeros(3), W))(jnp.arange(3.0))
    np.testing.assert_array_equal(swept[2], [2, -2, 0])
    with pytest.raises(ValueError, match="tx.update\\(grads, state, params\\)"):
        tx.update(W, tx.init(W))
    with pytest.raises(ValueError, match="l1 must lie in"):
        lectopt.add_l1(-0.1)
