"""Twins of rates that are found on the way: DoG, DoWG, COCOB, Polyak; and gradient noise."""

import numpy as np

from ._path import begin, ratio


def _square(x):
    return (np.abs(x) ** 2).sum()


def dog(theta, grad, rate, steps, *, first=1e-6, how="share", eps=1e-8, lam=0.0) -> np.ndarray:
    """DoG, Ivgi, Hinder and Carmon 2023: eta_t = max_i |x_i - x_0| / sqrt(sum |g_i|^2).

    The first distance is r_eps = first (1 + |x_0|); Optax also has first itself (distance), and a
    first step of this size (rate). `rate` is a factor, 1 in the paper; lam: L2.
    """
    x, path = begin(theta, steps)
    start, total = x, 0.0
    r = {"share": first * (1 + np.sqrt(_square(x))), "distance": first, "rate": 0.0}[how]
    for t in range(steps):
        g = grad(x, t) + lam * x
        r, total = max(r, np.sqrt(_square(x - start))), total + _square(g)
        eta = first if how == "rate" and t == 0 else r / np.sqrt(total + eps or 1.0)
        path[t] = x = x - rate(t) * eta * g
    return path


def dowg(theta, grad, rate, steps, *, first=1e-4, eps=0.0, lam=0.0) -> np.ndarray:
    """DoWG, Khaled, Mishchenko and Jin 2023, Algorithm 1: r_t^2 / sqrt(v_t), v_t = v + r_t^2 |g|^2.

    `first` is the first r^2, r_eps^2; Optax has an epsilon beside the root.
    """
    x, path = begin(theta, steps)
    start, r2, v = x, first, 0.0
    for t in range(steps):
        g = grad(x, t) + lam * x
        r2 = max(r2, _square(x - start))
        v = v + r2 * _square(g)
        path[t] = x = x - rate(t) * r2 / (np.sqrt(v) + eps or 1.0) * g
    return path


def cocob(theta, grad, rate, steps, *, alpha=100.0, eps=1e-8, lam=0.0) -> np.ndarray:
    """COCOB-Backprop, Orabona and Tommasi 2017, Algorithm 2, whose g is minus the gradient.

    The paper's L starts at 0, Optax's at 1e-8 (eps). `rate` scales the gradients; lam: L2.
    """
    w, path = begin(theta, steps)
    w1 = w
    L, G, reward, sums = np.full(w.shape, float(eps)), 0 * w, 0 * w, 0 * w
    for t in range(steps):
        g = -rate(t) * (grad(w, t) + lam * w)
        L, G = np.maximum(L, np.abs(g)), G + np.abs(g)
        reward = np.maximum(reward + (w - w1) * g, 0)
        sums = sums + g
        path[t] = w = w1 + ratio(sums, L * np.maximum(G + L, alpha * L)) * (L + reward)
    return path


def polyak(
    theta, grad, rate, steps, *, value, bound=1.0, f_min=0.0, eps=0.0, plus=False
) -> np.ndarray:
    """SPS_max, Loizou et al. 2021: min((f - f*) / (c |g|^2), gamma_b) g; bound is gamma_b.

    Here c is the rate, and the direction is c g, which the bound sees too: Optax's scaling. `plus`:
    never uphill.
    """
    x, path = begin(theta, steps)
    for t in range(steps):
        u, gap = rate(t) * grad(x, t), value(x, t) - f_min
        below = _square(u) + eps
        step = min((max(gap, 0.0) if plus else gap) / below, bound) if below > 0 else 0.0
        path[t] = x = x - step * u
    return path


def noisy_sgd(theta, grad, rate, steps, *, eta=0.01, gamma=0.55, xi) -> np.ndarray:
    """Neelakantan et al. 2015: g + N(0, eta / (1 + t)^gamma), t from 0; row t of `xi` is the
    noise."""
    x, path = begin(theta, steps)
    for t in range(steps):
        path[t] = x = x - rate(t) * (grad(x, t) + np.sqrt(eta / (1 + t) ** gamma) * xi[t])
    return path
