"""Adam, AdamW, AMSGrad and AdaMax twins: two moments, their corrections, and the epsilon.

Real parameters only. Every quotient reads 0/0 as 0 (see `adaptive`).
"""

import numpy as np

from ._path import begin, ratio


def adam_kingma(theta, grad, rate, steps, *, b1=0.9, b2=0.999, eps=1e-8) -> np.ndarray:
    """Adam, Kingma & Ba 2015, Algorithm 1 (STAT479 S4-26); torch, Optax."""
    theta, path = begin(theta, steps)
    m = v = np.zeros_like(theta)
    for t in range(steps):
        g = grad(theta, t)
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g**2
        m_hat = m / (1 - b1 ** (t + 1))
        v_hat = v / (1 - b2 ** (t + 1))
        path[t] = theta = theta - rate(t) * ratio(m_hat, np.sqrt(v_hat) + eps)
    return path


def adam_cmu(theta, grad, rate, steps, *, delta=0.9, gamma=0.999, eps=1e-8) -> np.ndarray:
    """Adam, epsilon inside the root: CMU S0-40 (k from 1); ISI S2-21."""
    w, path = begin(theta, steps)
    m = v = np.zeros_like(w)
    for t in range(steps):
        k, d = t + 1, grad(w, t)
        m = delta * m + (1 - delta) * d
        v = gamma * v + (1 - gamma) * d**2
        m_hat, v_hat = m / (1 - delta**k), v / (1 - gamma**k)
        path[t] = w = w - rate(t) * ratio(m_hat, np.sqrt(v_hat + eps))
    return path


def adam_liege(theta, grad, rate, steps, *, rho1=0.9, rho2=0.999, delta=1e-8) -> np.ndarray:
    """Adam in the letters of Liege S1-18 (delta is the epsilon, outside the root)."""
    theta, path = begin(theta, steps)
    s = r = np.zeros_like(theta)
    for t in range(steps):
        g = grad(theta, t)
        s = rho1 * s + (1 - rho1) * g
        s_hat = s / (1 - rho1 ** (t + 1))
        r = rho2 * r + (1 - rho2) * g * g
        r_hat = r / (1 - rho2 ** (t + 1))
        path[t] = theta = theta - rate(t) * ratio(s_hat, delta + np.sqrt(r_hat))
    return path


def adam_keras(theta, grad, rate, steps, *, b1=0.9, b2=0.999, eps=1e-7) -> np.ndarray:
    """Adam with epsilon-hat (K&B section 2): epsilon on the root of the uncorrected v. Keras."""
    theta, path = begin(theta, steps)
    m = v = np.zeros_like(theta)
    for t in range(steps):
        g = grad(theta, t)
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g**2
        alpha = rate(t) * np.sqrt(1 - b2 ** (t + 1)) / (1 - b1 ** (t + 1))
        path[t] = theta = theta - alpha * ratio(m, np.sqrt(v) + eps)
    return path


def adam_l2(theta, grad, rate, steps, *, b1=0.9, b2=0.999, eps=1e-8, wd=1e-2) -> np.ndarray:
    """Adam on the L2-regularised loss: the decay enters m and v. torch.optim.Adam(weight_decay)."""
    return adam_kingma(theta, lambda x, t: grad(x, t) + wd * x, rate, steps, b1=b1, b2=b2, eps=eps)


def adamw(theta, grad, rate, steps, *, b1=0.9, b2=0.999, eps=1e-8, wd=1e-2) -> np.ndarray:
    """AdamW with the decay times the learning rate: torch, Optax."""
    theta, path = begin(theta, steps)
    m = v = np.zeros_like(theta)
    for t in range(steps):
        g = grad(theta, t)
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g**2
        m_hat = m / (1 - b1 ** (t + 1))
        v_hat = v / (1 - b2 ** (t + 1))
        step = ratio(m_hat, np.sqrt(v_hat) + eps)
        path[t] = theta = theta - rate(t) * (step + wd * theta)
    return path


def adamw_paper(
    theta, grad, rate, steps, *, alpha=1e-3, b1=0.9, b2=0.999, eps=1e-8, lam=1e-2
) -> np.ndarray:
    """AdamW, Loshchilov & Hutter 2019, Algorithm 2: `rate` is the schedule multiplier eta_t."""
    theta, path = begin(theta, steps)
    m = v = np.zeros_like(theta)
    for t in range(steps):
        g, eta = grad(theta, t), rate(t)
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g**2
        m_hat = m / (1 - b1 ** (t + 1))
        v_hat = v / (1 - b2 ** (t + 1))
        step = alpha * ratio(m_hat, np.sqrt(v_hat) + eps)
        path[t] = theta = theta - eta * (step + lam * theta)
    return path


def amsgrad_torch(theta, grad, rate, steps, *, b1=0.9, b2=0.999, eps=1e-8) -> np.ndarray:
    """AMSGrad, maximum of the raw v, corrected afterwards: torch.optim.Adam(amsgrad=True)."""
    theta, path = begin(theta, steps)
    m = v = v_max = np.zeros_like(theta)
    for t in range(steps):
        g = grad(theta, t)
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g**2
        v_max = np.maximum(v_max, v)
        m_hat = m / (1 - b1 ** (t + 1))
        v_hat = v_max / (1 - b2 ** (t + 1))
        path[t] = theta = theta - rate(t) * ratio(m_hat, np.sqrt(v_hat) + eps)
    return path


def amsgrad_optax(theta, grad, rate, steps, *, b1=0.9, b2=0.999, eps=1e-8) -> np.ndarray:
    """AMSGrad, maximum of the corrected v: optax.amsgrad by default."""
    theta, path = begin(theta, steps)
    m = v = v_max = np.zeros_like(theta)
    for t in range(steps):
        g = grad(theta, t)
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g**2
        m_hat = m / (1 - b1 ** (t + 1))
        v_hat = v / (1 - b2 ** (t + 1))
        v_max = np.maximum(v_max, v_hat)
        path[t] = theta = theta - rate(t) * ratio(m_hat, np.sqrt(v_max) + eps)
    return path


def amsgrad_reddi(theta, grad, rate, steps, *, b1=0.9, b2=0.999, eps=0.0) -> np.ndarray:
    """AMSGrad, Reddi et al. 2018, Algorithm 2: no correction; no epsilon, 0/0 := 0."""
    theta, path = begin(theta, steps)
    m = v = v_hat = np.zeros_like(theta)
    for t in range(steps):
        g = grad(theta, t)
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g**2
        v_hat = np.maximum(v_hat, v)
        path[t] = theta = theta - rate(t) * ratio(m, np.sqrt(v_hat) + eps)
    return path


def amsgrad_keras(theta, grad, rate, steps, *, b1=0.9, b2=0.999, eps=1e-7) -> np.ndarray:
    """AMSGrad with epsilon-hat: keras.optimizers.Adam(amsgrad=True)."""
    theta, path = begin(theta, steps)
    m = v = v_hat = np.zeros_like(theta)
    for t in range(steps):
        g = grad(theta, t)
        alpha = rate(t) * np.sqrt(1 - b2 ** (t + 1)) / (1 - b1 ** (t + 1))
        m = m + (g - m) * (1 - b1)
        v = v + (g**2 - v) * (1 - b2)
        v_hat = np.maximum(v_hat, v)
        path[t] = theta = theta - alpha * ratio(m, np.sqrt(v_hat) + eps)
    return path


def adamax_kingma(theta, grad, rate, steps, *, b1=0.9, b2=0.999) -> np.ndarray:
    """AdaMax, Kingma & Ba 2015, Algorithm 2: no epsilon, 0/0 := 0."""
    theta, path = begin(theta, steps)
    m = u = np.zeros_like(theta)
    for t in range(steps):
        g = grad(theta, t)
        m = b1 * m + (1 - b1) * g
        u = np.maximum(b2 * u, abs(g))
        path[t] = theta = theta - rate(t) / (1 - b1 ** (t + 1)) * ratio(m, u)
    return path


def adamax_torch(theta, grad, rate, steps, *, b1=0.9, b2=0.999, eps=1e-8) -> np.ndarray:
    """AdaMax with the epsilon inside the maximum, where it decays too: torch, Optax."""
    theta, path = begin(theta, steps)
    m = u = np.zeros_like(theta)
    for t in range(steps):
        g = grad(theta, t)
        m = b1 * m + (1 - b1) * g
        u = np.maximum(b2 * u, abs(g) + eps)
        path[t] = theta = theta - rate(t) / (1 - b1 ** (t + 1)) * ratio(m, u)
    return path


def adamax_keras(theta, grad, rate, steps, *, b1=0.9, b2=0.999, eps=1e-7) -> np.ndarray:
    """AdaMax with the epsilon added after the maximum: Keras."""
    theta, path = begin(theta, steps)
    m = u = np.zeros_like(theta)
    for t in range(steps):
        g = grad(theta, t)
        m = b1 * m + (1 - b1) * g
        u = np.maximum(b2 * u, abs(g))
        path[t] = theta = theta - rate(t) / (1 - b1 ** (t + 1)) * ratio(m, u + eps)
    return path
