"""Momentum on a quadratic is a linear map of (weight, slot): its eigenvalues are the theory."""

import functools as ft

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lectopt

pytestmark = pytest.mark.usefixtures("x64")
BETAS = np.array([0.5, 0.9, 0.99])


def iteration_matrix(make, rate, beta, curvature):
    """The derivative of one update, on the loss `curvature w^2 / 2`, by (weight, slot)."""
    tx = make(rate, beta)
    (slot,) = tx.init(0.0)

    def update(z):
        weight, state = z[0], {slot: z[1]}
        updates, state = tx.update(curvature * tx.point(weight, state), state, weight)
        return jnp.stack([weight + updates, state[slot]])

    return jax.jacfwd(update)(jnp.zeros(2))


@ft.partial(jax.jit, static_argnums=0)
def iteration_matrices(make, rates, betas, curvatures):
    return jax.vmap(ft.partial(iteration_matrix, make))(rates, betas, curvatures)


def spectral_radius(make, rates, betas, curvatures=1.0):
    """The factor by which the distance shrinks per update in the end, for arrays of settings."""
    settings = np.broadcast_arrays(*map(np.float64, (rates, betas, curvatures)))
    matrices = iteration_matrices(make, *(np.ravel(s) for s in settings))
    radii = np.abs(np.linalg.eigvals(np.asarray(matrices))).max(axis=-1)
    return radii.reshape(settings[0].shape)


def look_ahead(rate, beta):
    return lectopt.nesterov(rate, beta, form="look_ahead")


def test_underdamped_momentum_contracts_by_the_root_of_its_coefficient():
    """S0-31, S1-11, S4-17, S4-19: |z| = sqrt(beta) wherever (1-sqrt(beta))^2 < eta h <
    (1+sqrt(beta))^2, whatever the curvature."""
    root = np.sqrt(BETAS)
    for place in (0.01, 0.5, 0.99):
        low, high = (1 - root) ** 2, (1 + root) ** 2
        rates = low + place * (high - low)
        np.testing.assert_allclose(spectral_radius(lectopt.momentum, rates, BETAS), root, 1e-9)
    # Overdamped: the larger root of z^2 - (1 + beta - eta h) z + beta = 0.
    rates = 0.3 * (1 - root) ** 2
    b = 1 + BETAS - rates
    larger = (b + np.sqrt(b**2 - 4 * BETAS)) / 2
    np.testing.assert_allclose(spectral_radius(lectopt.momentum, rates, BETAS), larger, 1e-9)


def test_momentum_is_stable_up_to_a_rate_of_two_one_plus_beta_over_the_curvature():
    """S1-11, S4-17: eta < 2 (1 + beta) / L, so momentum also allows a larger rate."""
    limit = 2 * (1 + BETAS) / 7.0
    assert (spectral_radius(lectopt.momentum, 0.999 * limit, BETAS, 7.0) < 1).all()
    np.testing.assert_allclose(spectral_radius(lectopt.momentum, limit, BETAS, 7.0), 1, 1e-9)
    assert (spectral_radius(lectopt.momentum, 1.001 * limit, BETAS, 7.0) > 1).all()


def test_nesterovs_eigenvalues():
    """S0-34, S1-14, S4-21: |z| = sqrt(beta (1 - eta h)) underdamped; stable below
    2 (1 + beta) / ((1 + 2 beta) L), less than momentum. The shifted form has the same spectrum."""
    rates = np.array([0.5, 0.2, 0.05])
    assert ((1 + BETAS) ** 2 * (1 - rates) < 4 * BETAS).all()  # underdamped
    radius = np.sqrt(BETAS * (1 - rates))
    limit = 2 * (1 + BETAS) / (1 + 2 * BETAS)
    for form in (look_ahead, lectopt.nesterov):
        np.testing.assert_allclose(spectral_radius(form, rates, BETAS), radius, 1e-9)
        np.testing.assert_allclose(spectral_radius(form, limit, BETAS), 1, 1e-9)
        assert (spectral_radius(form, 1.001 * limit, BETAS) > 1).all()
        assert (spectral_radius(form, 0.999 * limit, BETAS) < 1).all()


def test_the_best_settings_depend_on_the_root_of_the_condition_number():
    """S0-36: descent needs kappa updates, both accelerated methods sqrt(kappa); tuned, plain
    momentum is the faster one on a quadratic."""
    kappa = 100.0
    h = np.geomspace(1, kappa, 50)
    root = np.sqrt(kappa)

    heavy_ball = spectral_radius(
        lectopt.momentum, (2 / (root + 1)) ** 2, ((root - 1) / (root + 1)) ** 2, h
    )
    np.testing.assert_allclose(heavy_ball.max(), (root - 1) / (root + 1), 1e-6)
    accelerated = spectral_radius(look_ahead, 1 / kappa, (root - 1) / (root + 1), h)
    np.testing.assert_allclose(accelerated.max(), 1 - 1 / root, 1e-6)
    descent = spectral_radius(lectopt.momentum, 2 / (kappa + 1), 0.0, h)
    np.testing.assert_allclose(descent.max(), (kappa - 1) / (kappa + 1), 1e-9)
    assert heavy_ball.max() < accelerated.max() < descent.max()
