"""Traps of order: what comes before what, and what acts on what."""

import jax.numpy as jnp
import numpy as np
import pytest

import lectopt
from tests.support.descent import descend, responses

f32 = np.float32
ONES = np.ones(6, f32)


def test_a_learning_rate_schedule_leaves_the_momentum_alone():
    """PyTorch's cyclic schedules overwrite it by default."""
    cyclic = lectopt.momentum(lectopt.triangular(0.1, 0.1, 2), 0.5)
    np.testing.assert_allclose(
        responses(cyclic, ONES), responses(lectopt.momentum(0.1, 0.5), ONES), rtol=1e-6
    )


def test_coupled_decay_comes_before_the_moments():
    """Without a gradient, decay that enters the moments is normalised away: the weight moves by
    the rate. Decoupled, it moves by rate times decay times weight (S2-07)."""
    nothing = np.zeros(3, f32)
    coupled = lectopt.chain(lectopt.add_decayed_weights(0.1), lectopt.adam(1e-3))
    np.testing.assert_allclose(responses(coupled, nothing, theta=2.0), -1e-3, rtol=1e-5)
    decoupled = lectopt.adamw(1e-3, weight_decay=0.1)
    np.testing.assert_allclose(responses(decoupled, nothing, theta=2.0), -2e-4, rtol=1e-5)
    # Before momentum too: the velocity of the decay builds up.
    coupled = lectopt.chain(lectopt.add_decayed_weights(0.1), lectopt.momentum(1.0, 0.5))
    np.testing.assert_allclose(responses(coupled, nothing, theta=2.0), [-0.2, -0.3, -0.35], 1e-5)


@pytest.mark.usefixtures("x64")
def test_nesterovs_forms_agree_at_the_points_where_they_take_gradients():
    """And nowhere else: the parameters of the look-ahead and the shifted form differ by beta v."""
    forms = [lectopt.nesterov(0.1, 0.9, form=form) for form in ("look_ahead", "shifted")]

    paths, queries = [], []
    for tx in forms:
        both = descend(
            tx,
            jnp.ones(2),
            lambda x, t: x**3,
            30,
            read=lambda x, state, tx=tx: (x, tx.point(x, state)),
        )
        paths.append(both[0])
        queries.append(both[1])
    np.testing.assert_allclose(queries[0], queries[1], rtol=1e-12)
    assert np.abs(paths[0] - paths[1]).max() > 0.05


def test_adadelta_accumulates_its_steps_without_the_rate():
    """From x = 0, with the old x in the numerator: the first step is sqrt(eps) / sqrt((1 - rho)
    g^2) g, about 3.16e-3 whatever g. And `adadelta()` without a rate goes downhill."""
    g = np.random.default_rng(0).normal(size=(40, 3)).astype(f32)
    whole = responses(lectopt.adadelta(1.0), g)
    np.testing.assert_allclose(responses(lectopt.adadelta(0.1), g), 0.1 * whole, rtol=1e-5)
    np.testing.assert_allclose(whole[0], -np.sign(g[0]) * np.sqrt(1e-6 / 0.1), rtol=1e-3)
    np.testing.assert_array_equal(responses(lectopt.adadelta(), g), whole)


def test_amsgrad_can_take_its_maximum_before_or_after_the_correction():
    """After a large first gradient the corrected maximum stays 1, the raw one is forgotten."""
    g, b2, t = f32([1] + [1e-3] * 9), 0.999, np.arange(1, 11)
    mean = responses(lectopt.chain(lectopt.ema(0.9), lectopt.bias_correction(0.9)), g)
    corrected = responses(lectopt.amsgrad(1.0, eps=0.0), g)
    np.testing.assert_allclose(corrected, -mean, rtol=1e-5)  # divided by 1
    # The maximum of the raw nu is its first value, 1 - b2, which is then corrected.
    raw = responses(lectopt.amsgrad(1.0, eps=0.0, maximum_of="raw"), g)
    np.testing.assert_allclose(raw, -mean / np.sqrt((1 - b2) / (1 - b2**t)), rtol=1e-4)


@pytest.mark.parametrize("psi", [4e-3, 1.0])
def test_nadams_schedule_is_in_the_update_and_not_in_the_mean(psi):
    """mu_t = b1 (1 - 0.96^(psi t)/2); the product of the first t + 1 of them divides the mean."""
    mu = [0.9 * (1 - 0.5 * 0.96 ** (psi * t)) for t in (1, 2, 3)]
    steps = responses(lectopt.nadam(1.0, eps=0.0, momentum_decay=psi), f32([1, 1]))
    first = mu[1] * 0.1 / (1 - mu[0] * mu[1]) + 1
    second = mu[2] * 0.19 / (1 - np.prod(mu)) + (1 - mu[1]) / (1 - mu[0] * mu[1])
    np.testing.assert_allclose(steps, [-first, -second], rtol=1e-5)
    paper = responses(lectopt.nadam(1.0, eps=0.0, momentum_decay=psi, form="paper"), f32([1, 1]))
    assert np.abs(paper - steps).min() > 1e-3
