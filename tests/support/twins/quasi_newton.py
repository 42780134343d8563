"""L-BFGS twin, without its line search."""

import numpy as np

from ._path import begin


def lbfgs(
    theta, grad, rate, steps, *, m=10, norm=2, least=0.0, all_pairs=False, scaled=True
) -> np.ndarray:
    """L-BFGS, Nocedal and Wright, algorithms 7.4 and 7.5: the matrix H itself, made of the pairs.

    H = (1 - rho s y^T) H (1 - rho y s^T) + rho s s^T, from gamma = s^T y / y^T y of the newest pair
    (7.20). A pair with s^T y <= least is left out (Optax keeps them: all_pairs). At the first
    update gamma = min(1, 1 / |g|), in the norm 2 (Optax) or 1 (PyTorch).
    """
    x, path = begin(theta, steps)
    pairs, old = [], None
    for t in range(steps):
        g = grad(x, t)
        if old is not None:
            s, y = x - old[0], g - old[1]
            if (s @ y != 0) if all_pairs else (s @ y > least):
                pairs = [*pairs, (s, y)][-m:]
        gamma = 1.0
        if scaled and old is None:
            gamma = 1 / max(1.0, np.linalg.norm(g, norm))
        elif scaled and pairs:
            s, y = pairs[-1]
            gamma = (s @ y) / (y @ y)
        H = gamma * np.eye(len(x))
        for s, y in pairs:
            rho = 1 / (s @ y)
            V = np.eye(len(x)) - rho * np.outer(y, s)
            H = V.T @ H @ V + rho * np.outer(s, s)
        old = (x, g)
        path[t] = x = x - rate(t) * H @ g
    return path
