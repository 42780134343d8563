"""Rprop and local gains: one step size per weight, driven by the signs of successive gradients.

Rprop (CMU S0-02 names it; Igel & Huesken 2000 define the four variants) takes its first step size
Delta_0 from rate(0) and does not look at the learning rate again. Delta is clipped to
[Delta_min, Delta_max] in every step, the first one and those of product 0 included.
"""

import numpy as np

from ._path import begin


def _resize(Delta, product, eta_minus, eta_plus, Delta_min, Delta_max):
    factor = np.where(product > 0, eta_plus, np.where(product < 0, eta_minus, 1.0))
    return np.clip(Delta * factor, Delta_min, Delta_max)


def rprop_minus(
    theta, grad, rate, steps, *, eta_minus=0.5, eta_plus=1.2, Delta_min=1e-6, Delta_max=50.0
) -> np.ndarray:
    """Rprop-, no backtracking: every weight moves by sign(g) Delta, also after a sign change."""
    w, path = begin(theta, steps)
    Delta, g_old = np.full_like(w, rate(0)), np.zeros_like(w)
    for t in range(steps):
        g = grad(w, t)
        Delta = _resize(Delta, g_old * g, eta_minus, eta_plus, Delta_min, Delta_max)
        path[t] = w = w - np.sign(g) * Delta
        g_old = g
    return path


def rprop_plus(
    theta, grad, rate, steps, *, eta_minus=0.5, eta_plus=1.2, Delta_min=1e-6, Delta_max=50.0
) -> np.ndarray:
    """Rprop+, Riedmiller & Braun 1993: a sign change takes the last move back and stores g = 0."""
    w, path = begin(theta, steps)
    Delta, g_old, move = np.full_like(w, rate(0)), np.zeros_like(w), np.zeros_like(w)
    for t in range(steps):
        g = grad(w, t)
        flip = g_old * g < 0
        Delta = _resize(Delta, g_old * g, eta_minus, eta_plus, Delta_min, Delta_max)
        move = np.where(flip, -move, -np.sign(g) * Delta)
        path[t] = w = w + move
        g_old = np.where(flip, 0.0, g)
    return path


def irprop_minus(
    theta, grad, rate, steps, *, eta_minus=0.5, eta_plus=1.2, Delta_min=1e-6, Delta_max=50.0
) -> np.ndarray:
    """iRprop-: a sign change makes no move and stores g = 0. torch.optim.Rprop."""
    w, path = begin(theta, steps)
    Delta, g_old = np.full_like(w, rate(0)), np.zeros_like(w)
    for t in range(steps):
        g = grad(w, t)
        Delta = _resize(Delta, g_old * g, eta_minus, eta_plus, Delta_min, Delta_max)
        g = np.where(g_old * g < 0, 0.0, g)
        path[t] = w = w - np.sign(g) * Delta
        g_old = g
    return path


def irprop_plus(
    theta,
    grad,
    rate,
    steps,
    *,
    value,
    eta_minus=0.5,
    eta_plus=1.2,
    Delta_min=1e-6,
    Delta_max=50.0,
) -> np.ndarray:
    """iRprop+: as Rprop+, but the last move is taken back only if the error grew.

    `value(theta, t)` is the error E at the point where update t takes its gradient.
    """
    w, path = begin(theta, steps)
    Delta, g_old, move = np.full_like(w, rate(0)), np.zeros_like(w), np.zeros_like(w)
    E_old = np.inf
    for t in range(steps):
        g, E = grad(w, t), value(w, t)
        flip = g_old * g < 0
        Delta = _resize(Delta, g_old * g, eta_minus, eta_plus, Delta_min, Delta_max)
        back = -move if E > E_old else np.zeros_like(w)
        move = np.where(flip, back, -np.sign(g) * Delta)
        path[t] = w = w + move
        g_old, E_old = np.where(flip, 0.0, g), E
    return path


def local_gains(
    theta,
    grad,
    rate,
    steps,
    *,
    increment=0.05,
    decrement=0.05,
    low=0.0,
    high=np.inf,
    mu=0.0,
    agree="gradient",
) -> np.ndarray:
    """Local gains, STAT479 S4-23 (beta = increment = decrement there; Hinton adds the bounds).

    The gain starts at 1, and update t first changes it, then uses it: + increment if the new
    gradient agrees, * (1 - decrement) if it disagrees, unchanged at 0 (the slide does not say),
    clipped to [low, high]. agree="gradient": with the previous gradient; "velocity": with the
    velocity v (Hinton), whose momentum is mu; -g v > 0 agrees.
    """
    w, path = begin(theta, steps)
    gain, v, g_old = np.ones_like(w), np.zeros_like(w), np.zeros_like(w)
    for t in range(steps):
        g = grad(w, t)
        product = g * g_old if agree == "gradient" else -g * v
        gain = np.where(product > 0, gain + increment, gain)
        gain = np.where(product < 0, gain * (1 - decrement), gain)
        gain = np.clip(gain, low, high)
        v = mu * v - rate(t) * gain * g
        path[t] = w = w + v
        g_old = g
    return path


def sign_sgd(theta, grad, rate, steps) -> np.ndarray:
    """signSGD, Bernstein et al. 2018, Algorithm 1."""
    x, path = begin(theta, steps)
    for t in range(steps):
        path[t] = x = x - rate(t) * np.sign(grad(x, t))
    return path


def signum(theta, grad, rate, steps, *, beta=0.9) -> np.ndarray:
    """Signum, Bernstein et al. 2018, Algorithm 2."""
    x, path = begin(theta, steps)
    m = np.zeros_like(x)
    for t in range(steps):
        m = beta * m + (1 - beta) * grad(x, t)
        path[t] = x = x - rate(t) * np.sign(m)
    return path
