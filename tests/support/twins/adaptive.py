"""AdaGrad, AdaDelta and RMSProp twins: one second moment, many places for the epsilon.

Real parameters only. Every quotient reads 0/0 as 0, so a coordinate whose gradient is always 0
stays put also where the source has no epsilon.
"""

import numpy as np

from ._path import begin, ratio


def adagrad_outside(theta, grad, rate, steps, *, delta=1e-7, r0=0.0) -> np.ndarray:
    """AdaGrad, epsilon outside the root: Liege S1-16 (r0 = 0), torch (delta = 1e-10), Duchi."""
    theta, path = begin(theta, steps)
    r = np.full_like(theta, r0)
    for t in range(steps):
        g = grad(theta, t)
        r = r + g * g
        path[t] = theta = theta - rate(t) * ratio(g, delta + np.sqrt(r))
    return path


def adagrad_inside(theta, grad, rate, steps, *, eps=1e-7, r0=0.1) -> np.ndarray:
    """AdaGrad, epsilon inside the root and a non-zero start: Keras, Optax."""
    theta, path = begin(theta, steps)
    r = np.full_like(theta, r0)
    for t in range(steps):
        g = grad(theta, t)
        r = r + g * g
        path[t] = theta = theta - rate(t) * ratio(g, np.sqrt(r + eps))
    return path


def visit_count(theta, grad, rate, steps) -> np.ndarray:
    """Online k-means (S0-20, Sculley 2010): a centre moves by 1 / (the number of its visits)."""
    c, path = begin(theta, steps)
    n = np.zeros(c.shape)
    for t in range(steps):
        g = grad(c, t)
        n = n + (g != 0)
        path[t] = c = c - rate(t) * ratio(g, n)
    return path


def adadelta(theta, grad, rate, steps, *, rho=0.95, eps=1e-6) -> np.ndarray:
    """AdaDelta, Zeiler 2012 (rate 1); torch, Keras and Optax with their rate, rho and eps."""
    x, path = begin(theta, steps)
    Eg = Ed = np.zeros_like(x)
    for t in range(steps):
        g = grad(x, t)
        Eg = rho * Eg + (1 - rho) * g * g
        d = np.sqrt(Ed + eps) * ratio(g, np.sqrt(Eg + eps))
        Ed = rho * Ed + (1 - rho) * d * d
        path[t] = x = x - rate(t) * d
    return path


def rmsprop_inside(theta, grad, rate, steps, *, gamma=0.9, eps=1e-8, E0=0.0) -> np.ndarray:
    """RMSProp, epsilon inside the root: CMU S0-38/39 (E set once), TTIC S3-13; Keras, Optax."""
    w, path = begin(theta, steps)
    E = np.full_like(w, E0)
    for t in range(steps):
        d = grad(w, t)
        E = gamma * E + (1 - gamma) * d * d
        path[t] = w = w - rate(t) * ratio(d, np.sqrt(E + eps))
    return path


def rmsprop_outside(theta, grad, rate, steps, *, rho=0.9, delta=1e-8, r0=0.0) -> np.ndarray:
    """RMSProp, epsilon outside the root: Liege S1-17, STAT479 S4-24; torch with rho = 0.99."""
    theta, path = begin(theta, steps)
    r = np.full_like(theta, r0)
    for t in range(steps):
        g = grad(theta, t)
        r = rho * r + (1 - rho) * g * g
        path[t] = theta = theta - rate(t) * ratio(g, delta + np.sqrt(r))
    return path


def rmsprop_bare(theta, grad, rate, steps, *, beta=0.9) -> np.ndarray:
    """RMSProp without any epsilon, 0/0 := 0 where the slide would be NaN: ISI S2-20."""
    theta, path = begin(theta, steps)
    S = np.zeros_like(theta)
    for t in range(steps):
        g = grad(theta, t)
        S = beta * S + (1 - beta) * g * g
        path[t] = theta = theta - rate(t) * ratio(g, np.sqrt(S))
    return path


def rmsprop_corrected(theta, grad, rate, steps, *, decay=0.9, eps=1e-8, inside=True) -> np.ndarray:
    """RMSProp with bias correction: optax.rmsprop(bias_correction=True, eps_in_sqrt=inside)."""
    theta, path = begin(theta, steps)
    nu = np.zeros_like(theta)
    for t in range(steps):
        g = grad(theta, t)
        nu = decay * nu + (1 - decay) * g * g
        nu_hat = nu / (1 - decay ** (t + 1))
        root = np.sqrt(nu_hat + eps) if inside else np.sqrt(nu_hat) + eps
        path[t] = theta = theta - rate(t) * ratio(g, root)
    return path


def rmsprop_centered(
    theta, grad, rate, steps, *, decay=0.9, eps=1e-8, inside=True, corrected=False
) -> np.ndarray:
    """RMSProp over the standard deviation: Graves 2013; optax.scale_by_stddev, Keras, torch.

    The variance is clamped at 0, where rounding makes the frameworks NaN.
    """
    theta, path = begin(theta, steps)
    mu = nu = np.zeros_like(theta)
    for t in range(steps):
        g = grad(theta, t)
        mu = decay * mu + (1 - decay) * g
        nu = decay * nu + (1 - decay) * g * g
        c = 1 - decay ** (t + 1) if corrected else 1.0
        var = np.maximum(nu / c - (mu / c) ** 2, 0)
        root = np.sqrt(var + eps) if inside else np.sqrt(var) + eps
        path[t] = theta = theta - rate(t) * ratio(g, root)
    return path


def rmsprop_momentum_inside(
    theta, grad, rate, steps, *, rho=0.9, mu=0.9, eps=1e-7, centered=False
) -> np.ndarray:
    """RMSProp, then momentum over the steps: rate inside the buffer. Keras; Optax (eps = 1e-8)."""
    theta, path = begin(theta, steps)
    v = a = b = np.zeros_like(theta)
    for t in range(steps):
        g = grad(theta, t)
        v = rho * v + (1 - rho) * g * g
        a = rho * a + (1 - rho) * g
        var = np.maximum(v - a * a, 0) if centered else v
        b = mu * b + rate(t) * ratio(g, np.sqrt(var + eps))
        path[t] = theta = theta - b
    return path


def rmsprop_nesterov(theta, grad, rate, steps, *, decay=0.9, mu=0.9, eps=1e-8) -> np.ndarray:
    """As `rmsprop_momentum_inside`, with a Nesterov step: optax.rmsprop(nesterov=True)."""
    theta, path = begin(theta, steps)
    nu = trace = np.zeros_like(theta)
    for t in range(steps):
        g = grad(theta, t)
        nu = decay * nu + (1 - decay) * g * g
        u = -rate(t) * ratio(g, np.sqrt(nu + eps))
        trace = u + mu * trace
        path[t] = theta = theta + u + mu * trace
    return path


def rmsprop_torch(
    theta, grad, rate, steps, *, alpha=0.99, mu=0.0, eps=1e-8, centered=False
) -> np.ndarray:
    """torch.optim.RMSprop: epsilon outside the root, rate outside the momentum buffer.

    The centered variance is clamped at 0, where rounding makes torch NaN.
    """
    theta, path = begin(theta, steps)
    v = a = b = np.zeros_like(theta)
    for t in range(steps):
        g = grad(theta, t)
        v = alpha * v + (1 - alpha) * g * g
        a = alpha * a + (1 - alpha) * g
        var = np.maximum(v - a * a, 0) if centered else v
        b = mu * b + ratio(g, np.sqrt(var) + eps)
        path[t] = theta = theta - rate(t) * b
    return path
