"""Yogi, AdaBelief and Lion twins: rules of one weight after Adam, another second moment or none.

The defaults are the papers'; the keywords also cover Optax, which the docstrings spell out.
"""

import numpy as np

from ._path import begin, ratio


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
