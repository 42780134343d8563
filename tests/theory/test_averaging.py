"""The worst function for the last iterate, on which averaging is needed for the rate O(1/T)."""

import functools as ft

import jax.numpy as jnp
import numpy as np
import pytest

import lectopt
from tests.support import twins
from tests.support.descent import ball, descend, project

pytestmark = pytest.mark.usefixtures("x64")
HORIZONS = (30, 100, 300)


def slopes(T):
    """Harvey et al. 2019: f(x) = max_i h_i . x + |x|^2 / 2 on the unit ball, from x = 0.

    Row i of the result is h_i: a_j for j < i, -1 at i, 0 after it.
    """
    a = 1 / (2 * (T - np.arange(T)))
    return np.tril(np.broadcast_to(a, (T + 1, T)), -1) - np.eye(T + 1, T)


def least_value(h):
    """f* = 0: f(0) = 0, and no point is below since weights p > 0 exist with sum_i p_i h_i = 0."""
    T = h.shape[1]
    p, tail = np.zeros(T + 1), 1.0
    for j in range(T):  # column j says p_j = a_j (p_{j+1} + ... + p_T)
        p[j] = tail * h[T, j] / (1 + h[T, j])
        tail -= p[j]
    p[T] = tail
    np.testing.assert_allclose(p @ h, 0, atol=1e-14)
    assert (p > 0).all()
    return 0.0


@ft.cache
def gaps(T):
    """`f - f*` at the last iterate, and at its polynomial-decay average, after T updates."""
    h = jnp.asarray(slopes(T))

    def f(x):
        return jnp.max(h @ x) + jnp.sum(x**2) / 2

    def subgradient(x, t):
        values = h @ x
        first = jnp.argmax(values >= jnp.max(values) - 1e-11)  # the worst of all subgradients
        return h[first] + x

    tx = lectopt.chain(
        lectopt.sgd(lectopt.inverse_strong_convexity(1.0)),
        project(ball(1.0)),
        lectopt.average_params(lectopt.averaging.polynomial_decay(3)),
    )

    def read(x, state):
        return f(x), f(lectopt.evaluation_params(state, x))

    last, average = descend(tx, jnp.zeros(T), subgradient, T, read=read, every=T)
    return float(last[0]) - least_value(slopes(T)), float(average[0])


def test_the_last_iterate_loses_a_logarithm():
    """S0-17, S0-18: log T is no artefact of the proof. T times the gap is at least log(T)/4, and
    grows by that."""
    scaled = np.array([T * gaps(T)[0] for T in HORIZONS])
    assert (scaled >= np.log(HORIZONS) / 4).all()
    np.testing.assert_allclose(np.diff(scaled), np.diff(np.log(HORIZONS)) / 4, rtol=0.1)


def test_polynomial_decay_averaging_does_not():
    """S0-18, S0-19: T times its gap is constant, and below the last iterate's."""
    scaled = np.array([T * gaps(T)[1] for T in HORIZONS])
    np.testing.assert_allclose(scaled, scaled[0], rtol=0.02)
    assert (scaled < [0.75 * T * gaps(T)[0] for T in HORIZONS]).all()


def test_averaging_weights():
    """S0-19: w_s has weight (s + gamma - 1)! / (s - 1)! up to a factor; gamma = 0 is the mean, and
    the first average is the first iterate whatever gamma."""
    w, s = np.eye(9), np.arange(1, 10)
    for gamma, weight in ((0, s**0.0), (1, s), (3, s * (s + 1) * (s + 2))):
        averages = averages_of(w, gamma)
        np.testing.assert_allclose(averages[-1], weight / weight.sum(), rtol=1e-12)
        np.testing.assert_array_equal(averages[0], w[0])
        np.testing.assert_allclose(averages, twins.polynomial_average(w, gamma=gamma), rtol=1e-12)


def averages_of(iterates, gamma):
    """What `average_params` makes of given iterates: the updates are their differences."""
    path = jnp.asarray(np.vstack([np.zeros_like(iterates[:1]), iterates]))
    tx = lectopt.chain(
        lectopt.sgd(1.0), lectopt.average_params(lectopt.averaging.polynomial_decay(gamma))
    )
    return descend(
        tx,
        path[0],
        lambda w, t: path[t] - path[t + 1],
        len(iterates),
        read=lambda w, state: lectopt.evaluation_params(state, w),
    )
