"""What the slides print where they are misprinted: plain loops of the print, not of what it means.

The signal-to-noise rule as printed is `statistical.snr_sgd_literal`, the dampening of STAT 479
`momentum.momentum_outside`, its own function called late `schedules.staircase_exponential`.
"""

import numpy as np

from ._path import begin, ratio


def rmsprop_cmu_per_epoch(
    theta, grad, rate, steps, *, gamma=0.9, eps=1e-8, steps_per_epoch
) -> np.ndarray:
    """CMU S0-39: "Initialize ... E = 0" stands inside "Do", so once in every epoch."""
    w, path = begin(theta, steps)
    for t in range(steps):
        if t % steps_per_epoch == 0:
            E = np.zeros_like(w)
        d = grad(w, t)
        E = gamma * E + (1 - gamma) * d * d
        path[t] = w = w - rate(t) * ratio(d, np.sqrt(E + eps))
    return path


def weight_decay_isi(theta, grad, rate, steps, *, lam, m) -> np.ndarray:
    """ISI S2-07: W := W - alpha lambda / m - alpha dL/dW, with a W lost."""
    W, path = begin(theta, steps)
    for t in range(steps):
        g = grad(W, t)
        path[t] = W = W - rate(t) * lam / m - rate(t) * g
    return path


def rmsprop_ttic_stale(theta, grad, rate, steps, *, beta=0.99, eps=1e-8, inside=True) -> np.ndarray:
    """TTIC S3-13: eta^t from s^t, the average before the gradient that it scales; s^0 = 0."""
    Phi, path = begin(theta, steps)
    s = np.zeros_like(Phi)
    for t in range(steps):
        g = grad(Phi, t)
        root = np.sqrt(s + eps) if inside else np.sqrt(s) + eps
        path[t] = Phi = Phi - rate(t) * ratio(g, root)
        s = beta * s + (1 - beta) * g**2
    return path


def adam_ttic_multiplied(
    theta, grad, rate, steps, *, beta_1=0.9, beta_2=0.999, eps=1e-8, inside=False, t_0=0
) -> np.ndarray:
    """TTIC S3-17: both averages times 1 - beta^t; t is t_0 at the first update."""
    Phi, path = begin(theta, steps)
    g_avg = s = np.zeros_like(Phi)
    for i in range(steps):
        g, t = grad(Phi, i), i + t_0
        g_avg = beta_1 * g_avg + (1 - beta_1) * g
        s = beta_2 * s + (1 - beta_2) * g**2
        shrunk = (1 - beta_2**t) * s
        root = np.sqrt(shrunk + eps) if inside else np.sqrt(shrunk) + eps
        path[i] = Phi = Phi - rate(i) * ratio((1 - beta_1**t) * g_avg, root)
    return path


def adam_stat479_rootless(
    theta, grad, rate, steps, *, alpha=0.9, beta=0.999, eps=1e-8
) -> np.ndarray:
    """STAT 479 S4-25: m = alpha Dw + (1 - alpha) Dw = Dw, no root, eta in Dw and again."""
    w, path = begin(theta, steps)
    Dw = r = np.zeros_like(w)
    for t in range(steps):
        g, eta = grad(w, t), rate(t)
        Dw = alpha * Dw + eta * g
        m = alpha * Dw + (1 - alpha) * Dw
        r = beta * r + (1 - beta) * g**2
        path[t] = w = w - eta * ratio(m, r + eps)
    return path


def local_gains_stat479(theta, grad, rate, steps, *, beta=0.05) -> np.ndarray:
    """STAT 479 S4-23: g(t) = g(t-1) + beta if the gradient is consistent, else g(t-1) (1 - beta);
    "initialized with g = 1", which the first gradient uses, as it has none before it."""
    w, path = begin(theta, steps)
    gain, before = np.ones_like(w), None
    for t in range(steps):
        d = grad(w, t)
        if before is not None:
            consistent = np.sign(d) * np.sign(before) > 0
            gain = np.where(consistent, gain + beta, gain * (1 - beta))
        path[t] = w = w - rate(t) * gain * d
        before = d
    return path


def halving_stat479(t, *, init, every=1):
    """STAT 479 S4-10: eta_t = eta_{t=1} / 2, half of one rate for ever after the first."""
    return np.where(t < every, init, init / 2)
