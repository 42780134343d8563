"""Twins of Adam with several means: Adan, AdEMAMix, ADOPT, and optimistic steps."""

import numpy as np

from ._path import begin, ratio


def adan(
    theta, grad, rate, steps, *, b1=0.98, b2=0.92, b3=0.99, eps=1e-8, root=0.0, lam=0.0
) -> np.ndarray:
    """Adan, Xie et al. 2022, Algorithm 1, with the bias corrections of the authors' code.

    The paper's beta are 1 - b. v_0 = 0, and no change at the first update. The decay is decoupled,
    as in Optax; the paper divides by 1 + lambda eta.
    """
    x, path = begin(theta, steps)
    beta1, beta2, beta3 = 1 - b1, 1 - b2, 1 - b3
    m = v = np.zeros_like(x)
    n, old = np.zeros(x.shape), None
    for k in range(1, steps + 1):
        g, eta = grad(x, k - 1), rate(k - 1)
        change = 0 * g if old is None else g - old
        m = (1 - beta1) * m + beta1 * g
        v = (1 - beta2) * v + beta2 * change
        n = (1 - beta3) * n + beta3 * np.abs(g + (1 - beta2) * change) ** 2
        m_hat, v_hat, n_hat = m / (1 - b1**k), v / (1 - b2**k), n / (1 - b3**k)
        step = ratio(m_hat + (1 - beta2) * v_hat, np.sqrt(n_hat + root) + eps)
        path[k - 1] = x = x - eta * (step + lam * x)
        old = g
    return path


def ademamix(
    theta,
    grad,
    rate,
    steps,
    *,
    beta1=0.9,
    beta2=0.999,
    beta3=0.9999,
    alpha=5.0,
    eps=1e-8,
    lam=0.0,
) -> np.ndarray:
    """AdEMAMix, Pagliardini et al. 2024, Algorithm 1, with constant alpha and beta3."""
    x, path = begin(theta, steps)
    m1 = m2 = np.zeros_like(x)
    nu = np.zeros(x.shape)
    for t in range(1, steps + 1):
        g = grad(x, t - 1)
        m1 = beta1 * m1 + (1 - beta1) * g
        m2 = beta3 * m2 + (1 - beta3) * g
        nu = beta2 * nu + (1 - beta2) * np.abs(g) ** 2
        above, below = m1 / (1 - beta1**t) + alpha * m2, np.sqrt(nu / (1 - beta2**t)) + eps
        path[t - 1] = x = x - rate(t - 1) * (ratio(above, below) + lam * x)
    return path


def simplified_ademamix(
    theta, grad, rate, steps, *, beta1=0.99, beta2=0.95, alpha=0.0, eps=1e-8, lam=0.0
) -> np.ndarray:
    """Simplified AdEMAMix, Morwani et al. 2025, Algorithm 1: m = beta1 m + g."""
    x, path = begin(theta, steps)
    m, nu = np.zeros_like(x), np.zeros(x.shape)
    for t in range(1, steps + 1):
        g = grad(x, t - 1)
        m = beta1 * m + g
        nu = beta2 * nu + (1 - beta2) * np.abs(g) ** 2
        step = ratio(m + alpha * g, np.sqrt(nu / (1 - beta2**t)) + eps)
        path[t - 1] = x = x - rate(t - 1) * (step + lam * x)
    return path


def adopt(
    theta,
    grad,
    rate,
    steps,
    *,
    beta1=0.9,
    beta2=0.9999,
    eps=1e-6,
    power=0.25,
    lam=0.0,
    nesterov=False,
) -> np.ndarray:
    """ADOPT, Taniguchi et al. 2024, Algorithm 2: v_0 = g_0^2, and then m of g_t /
    max(sqrt(v_(t-1)), eps), clipped to c_t = t^power. power=None: Algorithm 1."""
    x, path = begin(theta, steps)
    m, v = np.zeros_like(x), None
    for t in range(steps):
        g = grad(x, t)
        if v is None:
            v, step = g**2, 0 * g
        else:
            u = ratio(g, np.maximum(np.sqrt(v), eps))
            u = u if power is None else np.clip(u, -(t**power), t**power)
            m = beta1 * m + (1 - beta1) * u
            step = beta1 * m + (1 - beta1) * u if nesterov else m
            v = beta2 * v + (1 - beta2) * g**2
        path[t] = x = x - rate(t) * (step + lam * x)
    return path


def optimistic_gd(theta, grad, rate, steps, *, alpha=1.0, beta=1.0) -> np.ndarray:
    """Mokhtari et al. 2020: x - eta ((alpha + beta) g_t - beta g_(t-1)), with g_(-1) = g_0."""
    x, path = begin(theta, steps)
    old = None
    for t in range(steps):
        g = grad(x, t)
        old = g if old is None else old
        path[t] = x = x - rate(t) * ((alpha + beta) * g - beta * old)
        old = g
    return path


def optimistic_adam(
    theta,
    grad,
    rate,
    steps,
    *,
    alpha=1.0,
    beta=1.0,
    b1=0.9,
    b2=0.999,
    eps=1e-8,
    nesterov=True,
) -> np.ndarray:
    """Daskalakis et al. 2018, Algorithm 1: the step is Adam's and once more its change.

    theta - 2 eta u_t + eta u_(t-1); u_(-1) = u_0 here, as in Optax, where the paper has 0.
    """
    x, path = begin(theta, steps)
    m, v, old = np.zeros_like(x), np.zeros(x.shape), None
    for t in range(1, steps + 1):
        g = grad(x, t - 1)
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * np.abs(g) ** 2
        mean = m / (1 - b1**t)
        if nesterov:
            mean = b1 * m / (1 - b1 ** (t + 1)) + (1 - b1) * g / (1 - b1**t)
        u = ratio(mean, np.sqrt(v / (1 - b2**t)) + eps)
        old = u if old is None else old
        path[t - 1] = x = x - rate(t - 1) * ((alpha + beta) * u - beta * old)
        old = u
    return path
