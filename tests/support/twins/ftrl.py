"""Follow-the-regularised-leader twin."""

import numpy as np

from ._path import begin, ratio


def ftrl(
    theta, grad, rate, steps, *, n0=0.0, beta=1.0, l1=0.0, l2=0.0, power=0.5, shrinkage=0.0
) -> np.ndarray:
    """FTRL-Proximal, McMahan et al. 2013, Algorithm 1; alpha is the rate of the step.

    Keras: beta 0, n0 0.1, power = -learning_rate_power, l2 = 2 l2_regularization_strength, and
    shrinkage = 2 l2_shrinkage_regularization_strength, a penalty that n does not see.
    """
    w, path = begin(theta, steps)
    z, n = np.zeros_like(w), np.full(w.shape, float(n0))
    for t in range(steps):
        g, alpha = grad(w, t), rate(t)
        sigma = ((n + np.abs(g) ** 2) ** power - n**power) / alpha
        z = z + g + shrinkage * w - sigma * w
        n = n + np.abs(g) ** 2
        below = (beta + n**power) / alpha + l2
        w = np.where(np.abs(z) <= l1, 0.0, -ratio(z - np.sign(z) * l1, below))
        path[t] = w
    return path
