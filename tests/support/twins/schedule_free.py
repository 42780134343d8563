"""Schedule-Free twins, Defazio et al. 2024: three sequences x, y, z, all of them kept.

Row t of the path is y, where the next gradient is taken; x, which is to be evaluated, is appended
to the list `means` after every update.
"""

import numpy as np

from ._path import begin, ratio


def _schedule_free(theta, rate, steps, step, beta, power, means):
    z, path = begin(theta, steps)
    x, y, total, largest = z, z, 0.0, 0.0
    for t in range(steps):
        z = z - step(y, t)
        largest = max(largest, rate(t))
        weight = largest**power
        total = total + weight
        c = weight / total if total > 0 else 0.0
        x = x + c * (z - x)
        path[t] = y = z + beta * (x - z)
        if means is not None:
            means.append(x)
    return path


def schedule_free_sgd(
    theta, grad, rate, steps, *, beta=0.9, lam=0.0, power=2.0, means=None
) -> np.ndarray:
    """Equations (3) to (5), weighted by gamma^2 as in Algorithm 1; the decay is at y."""

    def step(y, t):
        return rate(t) * (grad(y, t) + lam * y)

    return _schedule_free(theta, rate, steps, step, beta, power, means)


def schedule_free_adamw(
    theta,
    grad,
    rate,
    steps,
    *,
    beta=0.9,
    beta2=0.999,
    eps=1e-8,
    lam=0.0,
    power=2.0,
    means=None,
) -> np.ndarray:
    """Algorithm 1. Without a warm-up; there the correction is part of the rate and of the weight,
    in the authors' code, Optax and Keras (power 0) it is not, and neither here."""
    v = np.zeros(np.shape(theta))

    def step(y, t):
        nonlocal v
        g = grad(y, t)
        v = beta2 * v + (1 - beta2) * np.abs(g) ** 2
        return rate(t) * (ratio(g, np.sqrt(v / (1 - beta2 ** (t + 1))) + eps) + lam * y)

    return _schedule_free(theta, rate, steps, step, beta, power, means)
