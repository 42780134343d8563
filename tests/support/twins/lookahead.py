"""Lookahead twins, Zhang et al. 2019, Algorithm 1: k fast steps, then one slow step.

Row t of the path is the fast weights after update t, which every k updates are the slow ones; the
slow weights after every update are appended to the list `slow`.
"""

import numpy as np

from ._path import begin, ratio


def lookahead_sgd(theta, grad, rate, steps, *, k=5, alpha=0.5, slow=None) -> np.ndarray:
    """Lookahead around gradient descent. Optax: sync_period = k, slow_step_size = alpha."""
    phi, path = begin(theta, steps)
    for outer in range(0, steps, k):
        theta = phi
        for t in range(outer, min(outer + k, steps)):
            path[t] = theta = theta - rate(t) * grad(theta, t)
            if t == outer + k - 1:
                path[t] = phi = phi + alpha * (theta - phi)
            if slow is not None:
                slow.append(phi)
    return path


def lookahead_adam(
    theta,
    grad,
    rate,
    steps,
    *,
    b1=0.9,
    b2=0.999,
    eps=1e-8,
    k=5,
    alpha=0.5,
    reset=False,
    slow=None,
) -> np.ndarray:
    """Lookahead around Adam. Its moments are kept, or with `reset` start again with each phi.

    The paper names both (and a third, to interpolate). What `reset` resets is m, v and their
    number of updates; Optax's reset_state also starts the learning rate's schedule again, for
    which write rate(t mod k).
    """
    phi, path = begin(theta, steps)
    m = v = np.zeros_like(phi)
    j = 0
    for outer in range(0, steps, k):
        theta = phi
        if reset:
            m, v, j = np.zeros_like(phi), np.zeros_like(phi), 0
        for t in range(outer, min(outer + k, steps)):
            g, j = grad(theta, t), j + 1
            m = b1 * m + (1 - b1) * g
            v = b2 * v + (1 - b2) * g**2
            m_hat, v_hat = m / (1 - b1**j), v / (1 - b2**j)
            path[t] = theta = theta - rate(t) * ratio(m_hat, np.sqrt(v_hat) + eps)
            if t == outer + k - 1:
                path[t] = phi = phi + alpha * (theta - phi)
            if slow is not None:
                slow.append(phi)
    return path
