"""Nesterov's change of variable, and when his method is faster than plain momentum."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lectopt
from tests.support import twins
from tests.support.descent import descend

pytestmark = pytest.mark.usefixtures("x64")
STEPS, START = 60, np.array([1.0, -2.0, 0.5])


def rate(t):
    return 0.1 * (1 + 0.5 * jnp.sin(1.0 * t)) / (1 + 0.05 * t)


def decay(t):
    return 1 - 3 / (t + 5.0)  # as in Nesterov's and Sutskever's schedules


def grad(x, t):  # not linear, and other at every update
    return x**3 / (1 + x**2) + 0.3 * jnp.sin(x + t)


def points(form, decay):
    """After every update: the parameters, the base point, and where the next gradient is wanted."""
    tx = lectopt.nesterov(rate, decay, form=form)

    def read(x, state):
        return x, lectopt.evaluation_params(state, x), tx.point(x, state)

    return descend(tx, jnp.asarray(START), grad, STEPS, read=read)


@pytest.mark.parametrize("beta", [0.9, decay], ids=["constant", "scheduled"])
def test_the_shifted_weights_are_the_look_ahead_points(beta):
    """S0-34, S1-14, S4-21: phi = w + beta v turns the lectures' rule into one whose parameters are
    where the gradient is taken. Exact for any schedule of the rate and of beta."""
    weights, bases, queries = points("look_ahead", beta)
    shifted, base_of_shifted, _ = points("shifted", beta)
    np.testing.assert_allclose(shifted, queries, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(base_of_shifted, weights, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(bases, weights)
    assert np.abs(shifted - weights).max() > 0.1  # the parameters themselves are others


def test_the_two_stage_procedure_is_the_equation():
    """S0-35: W + beta dW in place, the gradient there, then both corrected by it."""
    two_stage = twins.nesterov_two_stage(START, lambda x, t: np.asarray(grad(x, t)), rate, STEPS)
    for form in ("look_ahead", "shifted"):
        np.testing.assert_allclose(points(form, 0.9)[1], two_stage, rtol=1e-12, atol=1e-12)


def test_the_simplified_form_is_another_method_when_the_rate_changes():
    """S0-34 against PyTorch's form: the same at a constant rate only."""
    tx = [lectopt.nesterov(0.05, 0.9, form=form) for form in ("shifted", "simplified")]
    constant = [descend(one, jnp.asarray(START), grad, STEPS) for one in tx]
    np.testing.assert_allclose(constant[0], constant[1], rtol=1e-12, atol=1e-12)
    difference = points("shifted", 0.9)[0] - points("simplified", 0.9)[0]
    assert np.abs(difference).max() > 0.01


CURVATURES = np.geomspace(0.01, 1, 20)  # kappa = 100


def updates_needed(form, rates, betas, limit):
    """Until the loss is 1e-8 of the first, for one setting per entry."""

    def needed(rate, beta):
        tx = lectopt.momentum(rate, beta)
        if form == "nesterov":
            tx = lectopt.nesterov(rate, beta, form="look_ahead")

        def unfinished(w, state):
            return ~(jnp.sum(CURVATURES * w**2) < 1e-8 * CURVATURES.sum())  # also if NaN

        start = jnp.ones(20)
        return 1 + descend(tx, start, lambda w, t: CURVATURES * w, limit, read=unfinished).sum()

    return np.asarray(jax.jit(jax.vmap(needed))(jnp.asarray(rates), jnp.asarray(betas)))


def test_nesterov_is_faster_where_momentum_is_high_and_not_in_general():
    """S0-36 "converges much faster": at the same settings, where beta is so high that momentum
    overshoots; at beta = 0.9 and a small rate there is no difference; each method with its own best
    settings, plain momentum needs fewer updates."""
    settings = np.array([[1.0, 0.95], [1.0, 0.99], [0.1, 0.9]]).T
    heavy_ball = updates_needed("momentum", *settings, limit=2000)
    nesterov = updates_needed("nesterov", *settings, limit=2000)
    speed_up = heavy_ball / nesterov
    assert speed_up[0] > 1.5 and speed_up[1] > 3 and abs(speed_up[2] - 1) < 0.05

    rates = (0.5, 1.0, 1.3, 1.6, 2.5, 3.3)
    grid = np.stack(np.meshgrid(rates, (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9))).reshape(2, -1)
    best = [updates_needed(form, *grid, limit=300).min() for form in ("momentum", "nesterov")]
    assert 1.1 * best[0] < best[1] < 100
