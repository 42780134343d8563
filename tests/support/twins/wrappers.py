"""Twins of optimizers around gradient descent: SAM and Mechanic."""

import numpy as np

from ._path import begin, ratio


def sam_sgd(theta, grad, rate, steps, *, rho=0.05, k=2, climb_rate=None, bases=None) -> np.ndarray:
    """SAM, Foret et al. 2021, Algorithm 1, its two gradients in two updates (Optax).

    Row t of the path is where the next gradient is taken: uphill by rho g / |g| after all but the
    last of k updates. The step of number j has rate(j). The weights without the climb are
    appended to the list `bases`.
    """
    w, path = begin(theta, steps)
    at = w
    for t in range(steps):
        g = grad(at, t)
        if t % k == k - 1:
            at = w = w - rate(t // k) * g
        else:
            at = at + rho * ratio(g, np.sqrt((np.abs(g) ** 2).sum()) + 0 * np.abs(g))
        path[t] = at
        if bases is not None:
            bases.append(w)
    return path


def mechanic_sgd(theta, grad, rate, steps, *, lam=1e-2, eps=1e-8, s_init=1e-6, n=6) -> np.ndarray:
    """Mechanic, Cutkosky, Defazio and Mehta 2023, Algorithm 1, around gradient descent.

    Delta is the sum of the steps, and x = x_1 + sum(s) Delta; as in their code and Optax, Delta is
    found back from x by a division with an epsilon, h is clipped by the old m, and r is not let
    below 0 in the wealth.
    """
    x, path = begin(theta, steps)
    x1, beta = x, 1 - 0.1 ** np.arange(1.0, n + 1)
    m, v, r, s = np.zeros(n), np.zeros(n), np.zeros(n), np.full(n, float(s_init))
    for t in range(steps):
        g = grad(x, t)
        u = -rate(t) * g
        delta = (x - x1) / (s.sum() + eps)
        size = np.sqrt((np.abs(g) ** 2).sum()) / (np.sqrt((np.abs(x) ** 2).sum()) + eps)
        h = -((g + lam * s.sum() * size * x) @ delta)
        r = beta * r + np.clip(h, -m, m) * s
        m = np.maximum(beta * m, np.abs(h) + eps)
        v = beta**2 * v + h**2
        s = (s_init / n * m + np.maximum(r, 0)) / (np.sqrt(v) + eps)
        path[t] = x = x1 + s.sum() * (delta + u)
    return path
