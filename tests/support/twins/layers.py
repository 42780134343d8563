"""NovoGrad, Adafactor and Prodigy twins: rules that see a whole leaf, or all of the parameters.

Unlike the other twins these take a list of arrays, the leaves, and `grad(leaves, t)` returns such
a list. The path is a list of such lists: entry t holds the leaves after update t.
"""

import numpy as np

from ._path import ratio


def _start(leaves):
    leaves = [np.array(leaf, float) for leaf in leaves]
    return leaves, [np.zeros_like(leaf) for leaf in leaves]


def novograd(
    leaves,
    grad,
    rate,
    steps,
    *,
    beta1=0.95,
    beta2=0.98,
    eps=1e-8,
    eps_root=0.0,
    d=0.0,
    average=False,
    eps_at_first=False,
) -> list[list[np.ndarray]]:
    """NovoGrad, Ginsburg et al. 2019, Algorithm 1: v is one number per leaf, v_1 = |g_1|^2.

    The weight decay d w enters m. In the paper m_1 = g_1 / |g_1| + d w_1, without an epsilon;
    Optax (beta1 0.9, beta2 0.25, eps 1e-6) has it there too: eps_at_first. `average`: the paper's
    variant m = beta1 m + (1 - beta1) (...), from 0.
    """
    w, m = _start(leaves)
    v, path = [0.0] * len(w), []
    for t in range(steps):
        gs, new = grad(w, t), []
        for i, g in enumerate(gs):
            norm = np.sum(np.square(g))
            v[i] = norm if t == 0 else beta2 * v[i] + (1 - beta2) * norm
            root = np.sqrt(v[i] + eps_root) + (eps if t > 0 or eps_at_first else 0.0)
            step = ratio(g, root) + d * w[i]
            m[i] = beta1 * m[i] + ((1 - beta1) * step if average else step)
            new.append(w[i] - rate(t) * m[i])
        w = new
        path.append(w)
    return path


def _rms(x):
    return np.sqrt(np.mean(np.square(x)))


def adafactor(
    leaves,
    grad,
    rate,
    steps,
    *,
    eps1=1e-30,
    eps2=1e-3,
    d=1.0,
    c=0.8,
    offset=0,
    smallest=1,
    relative=True,
    beta1=None,
    lam=0.0,
    lam_times_rate=False,
) -> list[list[np.ndarray]]:
    """Adafactor, Shazeer & Stern 2018, Algorithms 4 and 5: sums of rows and columns for V.

    `rate` is rho_t, min(1e-2, 1 / sqrt(t)) in the paper; alpha_t = max(eps2, RMS(X)) rho_t if
    `relative`, else rho_t. beta2_t = 1 - t^-c, which is 0 in the first update, so that nothing
    needs correcting. d=None: no clipping.

    Optax keeps means of rows and columns, which is the same V. Not in the paper, but in Optax:
    a leaf is factored over its two largest axes, if both have the length `smallest` (128 there);
    `offset`, subtracted from t; beta1, an average of the steps alpha U, not corrected; lam, weight
    decay that is not times the rate (in torch and Keras it is: lam_times_rate). Optax computes
    beta2_t in float32.
    """
    X, M = _start(leaves)
    path = []
    axes = [sorted(range(x.ndim), key=x.shape.__getitem__)[-2:] for x in X]
    long = [[n for n in x.shape if n >= smallest] for x in X]
    factored = [len(lengths) >= 2 for lengths in long]
    R, C, V = ([0.0] * len(X) for _ in range(3))
    for t in range(steps):
        beta2, rho, new = 1 - float(t + 1 - offset) ** -c, rate(t), []
        for i, G in enumerate(grad(X, t)):
            square = np.square(G) + eps1
            if factored[i]:
                row, column = axes[i]
                R[i] = beta2 * R[i] + (1 - beta2) * square.sum(column, keepdims=True)
                C[i] = beta2 * C[i] + (1 - beta2) * square.sum(row, keepdims=True)
                V[i] = ratio(R[i] * C[i], R[i].sum(row, keepdims=True))
            else:
                V[i] = beta2 * V[i] + (1 - beta2) * square
            U = ratio(G, np.sqrt(V[i]))
            U = U if d is None else U / max(1.0, _rms(U) / d)
            step = rho * (max(eps2, _rms(X[i])) if relative else 1.0) * U
            if beta1 is not None:
                step = M[i] = beta1 * M[i] + (1 - beta1) * step
            new.append(X[i] - step - (rho if lam_times_rate else 1.0) * lam * X[i])
        X = new
        path.append(X)
    return path


def adafactor_torch(
    leaves, grad, rate, steps, *, c=0.8, eps1=1e-16, eps2=1e-3, d=1.0, lam=0.0
) -> list[list[np.ndarray]]:
    """Adafactor as PyTorch 2 has it, without rho_t = min(lr, 1 / sqrt(t)), which is the rate here.

    The last two axes are factored. Nothing is added to the squares: mean(row) and the root of the
    estimate are at least eps1. The decay is times the rate, and before the step.
    """
    X, _ = _start(leaves)
    R, C, V = ([0.0] * len(X) for _ in range(3))
    path = []
    for t in range(steps):
        kept, new = 1 - float(t + 1) ** -c, []
        for i, G in enumerate(grad(X, t)):
            if G.ndim > 1:
                R[i] = kept * R[i] + (1 - kept) * np.square(G).mean(-1, keepdims=True)
                C[i] = kept * C[i] + (1 - kept) * np.square(G).mean(-2, keepdims=True)
                estimate = R[i] * C[i] / np.maximum(R[i].mean(-2, keepdims=True), eps1)
            else:
                estimate = V[i] = kept * V[i] + (1 - kept) * np.square(G)
            U = G / np.sqrt(np.maximum(estimate, eps1**2))
            alpha = max(eps2, _rms(X[i])) * rate(t)
            new.append((1 - rate(t) * lam) * X[i] - alpha / max(1.0, _rms(U) / d) * U)
        X = new
        path.append(X)
    return path


def prodigy(
    leaves,
    grad,
    rate,
    steps,
    *,
    beta1=0.9,
    beta2=0.999,
    beta3=None,
    eps=1e-8,
    d0=1e-6,
    d_coef=1.0,
    lam=0.0,
    corrected=False,
    safeguard=False,
    eps_with_new_d=False,
    estimates=None,
) -> list[list[np.ndarray]]:
    """Prodigy, Mishchenko & Defazio 2023, Algorithm 4 (Adam): r, s and d are of all leaves.

    `rate` is gamma_k; 0/0 as long as s is 0 is no estimate, and d stays. beta3 is sqrt(beta2) in
    the paper. The d after every update is appended to the list `estimates`.

    The authors' code and Optax put d_{k+1}, not d_k, beside epsilon (eps_with_new_d), leave out
    1 - beta3, which cancels in r / |s|_1, add decoupled decay lam, times gamma_k d_k, and
    `safeguard`, which leaves gamma out of s. Adam's correction (`corrected`) is part of gamma_k:
    always in Optax, by default not in the authors' code. At 0/0 Optax has NaN.
    """
    x0, s = _start(leaves)
    x, m, v = x0, s, s
    beta3 = np.sqrt(beta2) if beta3 is None else beta3
    d, r, path = d0, 0.0, []
    for k in range(steps):
        g, gamma = grad(x, k), rate(k)
        if corrected:
            gamma = gamma * np.sqrt(1 - beta2 ** (k + 1)) / (1 - beta1 ** (k + 1))
        of_s = 1.0 if safeguard else gamma
        inner = sum(np.sum(gi * (ai - xi)) for gi, ai, xi in zip(g, x0, x, strict=True))
        m = [beta1 * mi + (1 - beta1) * d * gi for mi, gi in zip(m, g, strict=True)]
        v = [beta2 * vi + (1 - beta2) * d**2 * gi**2 for vi, gi in zip(v, g, strict=True)]
        r = beta3 * r + (1 - beta3) * gamma * d**2 * inner
        s = [beta3 * si + (1 - beta3) * of_s * d**2 * gi for si, gi in zip(s, g, strict=True)]
        norm = sum(np.sum(np.abs(si)) for si in s)
        d_next = max(d, float(ratio(np.array(d_coef * r), np.array(norm))))
        e = eps * (d_next if eps_with_new_d else d)
        x = [
            xi - gamma * d * (ratio(mi, np.sqrt(vi) + e) + lam * xi)
            for xi, mi, vi in zip(x, m, v, strict=True)
        ]
        d = d_next
        path.append(x)
        if estimates is not None:
            estimates.append(d)
    return path


def sm3(leaves, grad, rate, steps, *, momentum=0.0, eps=0.0) -> list[list[np.ndarray]]:
    """SM3-II, Anil et al. 2019, Algorithm 2: the cover of a leaf are its slices along each axis.

    nu(i) = min over the slices with i of mu(slice), + g^2; mu(slice) = max of nu in it. Their code
    and Optax average the steps (momentum), and Optax has an epsilon below the root, 1e-8.
    """
    w, m = _start(leaves)
    mu = [[np.zeros(n) for n in (x.shape or (1,))] for x in w]
    path = []
    for t in range(steps):
        new = []
        for i, g in enumerate(grad(w, t)):
            nu, shape = np.zeros(g.shape or (1,)), g.shape or (1,)
            for place in np.ndindex(*shape):
                nu[place] = min(mu[i][axis][place[axis]] for axis in range(len(shape)))
                nu[place] += g.reshape(shape)[place] ** 2
            for axis in range(len(shape)):
                mu[i][axis] = np.moveaxis(nu, axis, 0).reshape(shape[axis], -1).max(axis=1)
            nu = nu.reshape(g.shape)
            step = np.where(nu > 0, ratio(g, np.sqrt(nu + eps)), 0.0)
            m[i] = momentum * m[i] + (1 - momentum) * step
            new.append(w[i] - rate(t) * m[i])
        w = new
        path.append(w)
    return path
