"""NAdam and RAdam twins: Adam with a Nesterov step, Adam with a rectified step.

NAdam has one parameter that dialects disagree on, the warm-up psi of the momentum coefficient
mu_k = b1 (1 - 0.96^(k psi) / 2), k from 1: 0.004 in the paper and torch, 1 in Keras, none in Optax.
"""

import numpy as np

from ._path import begin, ratio


def nadam_optax(theta, grad, rate, steps, *, b1=0.9, b2=0.999, eps=1e-8) -> np.ndarray:
    """NAdam with the constant momentum coefficient b1: optax.nadam."""
    theta, path = begin(theta, steps)
    m = v = np.zeros_like(theta)
    for t in range(steps):
        k, g = t + 1, grad(theta, t)
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g**2
        m_hat = b1 * m / (1 - b1 ** (k + 1)) + (1 - b1) * g / (1 - b1**k)
        v_hat = v / (1 - b2**k)
        path[t] = theta = theta - rate(t) * ratio(m_hat, np.sqrt(v_hat) + eps)
    return path


def nadam_dozat(theta, grad, rate, steps, *, mu=0.9, nu=0.999, eps=1e-8, psi=4e-3) -> np.ndarray:
    """NAdam, Dozat 2016, Algorithm 2: mu_k also inside m, and a further nu in n_hat."""
    theta, path = begin(theta, steps)
    m = n = np.zeros_like(theta)
    product = 1.0
    for t in range(steps):
        k, g = t + 1, grad(theta, t)
        mu_k = mu * (1 - 0.5 * 0.96 ** (k * psi))
        mu_next = mu * (1 - 0.5 * 0.96 ** ((k + 1) * psi))
        product = product * mu_k
        m = mu_k * m + (1 - mu_k) * g
        n = nu * n + (1 - nu) * g**2
        m_hat = mu_next * m / (1 - product * mu_next) + (1 - mu_k) * g / (1 - product)
        n_hat = nu * n / (1 - nu**k)
        path[t] = theta = theta - rate(t) * ratio(m_hat, np.sqrt(n_hat) + eps)
    return path


def nadam_torch(theta, grad, rate, steps, *, b1=0.9, b2=0.999, eps=1e-8, psi=4e-3) -> np.ndarray:
    """NAdam with mu_k in the step only, m keeping b1: torch.optim.NAdam(momentum_decay=psi)."""
    theta, path = begin(theta, steps)
    m = v = np.zeros_like(theta)
    product = 1.0
    for t in range(steps):
        k, g = t + 1, grad(theta, t)
        mu_k = b1 * (1 - 0.5 * 0.96 ** (k * psi))
        mu_next = b1 * (1 - 0.5 * 0.96 ** ((k + 1) * psi))
        product = product * mu_k
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g**2
        m_hat = mu_next * m / (1 - product * mu_next) + (1 - mu_k) * g / (1 - product)
        v_hat = v / (1 - b2**k)
        path[t] = theta = theta - rate(t) * ratio(m_hat, np.sqrt(v_hat) + eps)
    return path


def nadam_keras(theta, grad, rate, steps, *, b1=0.9, b2=0.999, eps=1e-7) -> np.ndarray:
    """NAdam of Keras 3: torch's rule with psi = 1 (the 0.004 of the paper is missing)."""
    return nadam_torch(theta, grad, rate, steps, b1=b1, b2=b2, eps=eps, psi=1.0)


def radam(
    theta,
    grad,
    rate,
    steps,
    *,
    b1=0.9,
    b2=0.999,
    eps=1e-8,
    threshold=5.0,
    place="hat",
    fallback="sgd",
) -> np.ndarray:
    """RAdam, Liu et al. 2020: rectified where rho_k > threshold, else the `fallback`.

    Paper: threshold 4, eps 0. torch: 5, place "hat", sqrt(v) + eps, then corrected. Optax: 5,
    place "outside", sqrt(v_hat) + eps. Fallback "sgd" steps by m_hat, "skip" does not move.
    """
    theta, path = begin(theta, steps)
    m = v = np.zeros_like(theta)
    rho_inf = 2 / (1 - b2) - 1
    for t in range(steps):
        k, g = t + 1, grad(theta, t)
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g**2
        m_hat, c2 = m / (1 - b1**k), 1 - b2**k
        rho = rho_inf - 2 * k * b2**k / c2
        if rho > threshold:
            r = (rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho)
            hat = place == "hat"
            root = (np.sqrt(v) + eps) / np.sqrt(c2) if hat else np.sqrt(v / c2) + eps
            step = np.sqrt(r) * ratio(m_hat, root)
        else:
            step = m_hat if fallback == "sgd" else np.zeros_like(theta)
        path[t] = theta = theta - rate(t) * step
    return path
