"""Yogi, AdaBelief and Lion twins: rules of one weight after Adam, another second moment or none.

The defaults are the papers'; the keywords also cover Optax, which the docstrings spell out.
"""

import numpy as np

from ._path import begin, ratio


def yogi(
    theta,
    grad,
    rate,
    steps,
    *,
    beta1=0.9,
    beta2=0.999,
    eps=1e-3,
    eps_root=0.0,
    m0=0.0,
    v0=0.0,
    corrected=False,
) -> np.ndarray:
    """Yogi, Zaheer et al. 2018, Algorithm 2: v moves by at most (1 - beta2) g^2, up or down.

    Optax: corrected=True, m0 = v0 = 1e-6, so that a weight without a gradient drifts; the
    paper has no correction, and its experiments start v from a mean of g^2 over a batch.
    """
    x, path = begin(theta, steps)
    m, v = np.full_like(x, m0), np.full_like(x, v0)
    for t in range(steps):
        g = grad(x, t)
        m = beta1 * m + (1 - beta1) * g
        v = v - (1 - beta2) * np.sign(v - g**2) * g**2
        m_hat = m / (1 - beta1 ** (t + 1)) if corrected else m
        v_hat = v / (1 - beta2 ** (t + 1)) if corrected else v
        path[t] = x = x - rate(t) * ratio(m_hat, np.sqrt(v_hat + eps_root) + eps)
    return path


def adabelief(
    theta,
    grad,
    rate,
    steps,
    *,
    beta1=0.9,
    beta2=0.999,
    eps=1e-8,
    eps_s=None,
    nesterov=False,
) -> np.ndarray:
    """AdaBelief, Zhuang et al. 2020, Algorithm 2: (g - m)^2 for g^2, with the new m.

    The paper adds one epsilon to s in every step, where it accumulates, and to the root; the
    former is eps_s where they differ (`eps_root` in Optax, where both are 1e-16). With nesterov,
    as in Optax, m_hat looks one step ahead.
    """
    theta, path = begin(theta, steps)
    eps_s = eps if eps_s is None else eps_s
    m = s = np.zeros_like(theta)
    for t in range(steps):
        k, g = t + 1, grad(theta, t)
        m = beta1 * m + (1 - beta1) * g
        s = beta2 * s + (1 - beta2) * (g - m) ** 2 + eps_s
        m_hat, s_hat = m / (1 - beta1**k), s / (1 - beta2**k)
        if nesterov:
            m_hat = beta1 * m / (1 - beta1 ** (k + 1)) + (1 - beta1) * g / (1 - beta1**k)
        path[t] = theta = theta - rate(t) * ratio(m_hat, np.sqrt(s_hat) + eps)
    return path


def lion(theta, grad, rate, steps, *, beta1=0.9, beta2=0.99, lam=0.0) -> np.ndarray:
    """Lion, Chen et al. 2023, Algorithm 2: the sign of one average, another one is kept.

    The decay lam is decoupled and times the rate, as in Optax, whose default is 1e-3; the paper
    tunes it. A weight whose gradients stop goes on at the full rate until m underflows.
    """
    theta, path = begin(theta, steps)
    m = np.zeros_like(theta)
    for t in range(steps):
        g = grad(theta, t)
        c = beta1 * m + (1 - beta1) * g
        path[t] = theta = theta - rate(t) * (np.sign(c) + lam * theta)
        m = beta2 * m + (1 - beta2) * g
    return path
