"""LARS, LAMB and Fromage twins: steps that are shares of a layer's size.

As those of `layers` they take a list of arrays, the layers, and `grad(layers, t)` returns a list.
"""

import numpy as np

from ._path import ratio


def _norm(x):
    return np.sqrt((np.abs(x) ** 2).sum())


def _run(leaves, grad, rate, steps, rule):
    w = [np.array(leaf, complex if np.iscomplexobj(leaf) else float) for leaf in leaves]
    slots, path = [{} for _ in w], []
    for t in range(steps):
        gs = grad(w, t)
        w = [rule(x, g, rate(t), t + 1, slot) for x, g, slot in zip(w, gs, slots, strict=True)]
        path.append(w)
    return path


def lars(
    leaves, grad, rate, steps, *, m=0.9, eta=1e-3, beta=0.0, eps=0.0, nesterov=False, parts=True
) -> list[list[np.ndarray]]:
    """LARS, You et al. 2017, Algorithm 1: lambda = eta |w| / (|g| + beta |w|), for each layer.

    v = m v + gamma lambda (g + beta w), w = w - v. Optax has |g + beta w| below (not `parts`), an
    epsilon there, and `nesterov`. A norm of 0: lambda = 1.
    """

    def rule(w, g, gamma, t, slot):
        u, size = g + beta * w, _norm(w)
        seen = _norm(g) if parts else _norm(u)
        below = seen + beta * size if parts else seen
        lam = eta * size / (below + eps) if size > 0 and seen > 0 else 1.0
        v = slot["v"] = m * slot.get("v", 0.0) + gamma * lam * u
        return w - (m * v + gamma * lam * u if nesterov else v)

    return _run(leaves, grad, rate, steps, rule)


def lamb(
    leaves, grad, rate, steps, *, beta1=0.9, beta2=0.999, eps=1e-6, lam=0.0, corrected=True
) -> list[list[np.ndarray]]:
    """LAMB, You et al. 2020, Algorithm 2, with phi(z) = z: x - eta |x| / |r + lam x| (r + lam x).

    A norm of 0: the ratio is 1, as in Optax and Keras.
    """

    def rule(x, g, eta, t, slot):
        m = slot["m"] = beta1 * slot.get("m", 0.0) + (1 - beta1) * g
        v = slot["v"] = beta2 * slot.get("v", 0.0) + (1 - beta2) * np.abs(g) ** 2
        if corrected:
            m, v = m / (1 - beta1**t), v / (1 - beta2**t)
        u = ratio(m, np.sqrt(v) + eps) + lam * x
        share = _norm(x) / _norm(u) if _norm(x) > 0 and _norm(u) > 0 else 1.0
        return x - eta * share * u

    return _run(leaves, grad, rate, steps, rule)


def fromage(leaves, grad, rate, steps, *, min_norm=0.0) -> list[list[np.ndarray]]:
    """Fromage, Bernstein et al. 2020, Algorithm 1: W = (W - eta |W| / |G| G) / sqrt(1 + eta^2).

    Optax has a least value of both norms, 1e-6.
    """

    def rule(w, g, eta, t, slot):
        size, length = max(_norm(w), min_norm), max(_norm(g), min_norm)
        share = size / length if size > 0 and length > 0 else 1.0
        return (w - eta * share * g) / np.sqrt(1 + eta**2)

    return _run(leaves, grad, rate, steps, rule)
