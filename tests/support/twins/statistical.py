"""Rules that measure the run itself (signal-to-noise rates, SWATS), SGLD, ASGD, averages."""

import numpy as np

from ._path import begin, ratio


def snr_sgd(
    theta,
    grad,
    rate,
    steps,
    *,
    K=50,
    lambda_B=16.0,
    N_min=2.0,
    N_max=1000.0,
    eps=0.0,
    literal=False,
    B=1,
) -> np.ndarray:
    """McAllester's per-parameter statistical rate: TTIC S3-31; `rate` is eta* = 1 / (2 L).

    The window N is counted in updates, so the batch size drops out. N of a coordinate that never
    had a gradient is N_min. literal=True: `snr_sgd_literal`, the slide without the guards.
    """
    if literal:
        return snr_sgd_literal(theta, grad, rate, steps, K=K, lambda_B=lambda_B, eps=eps, B=B)
    Phi, path = begin(theta, steps)
    m = v = np.zeros_like(Phi)
    tiny = np.finfo(float).tiny
    for s in range(steps):
        g, eta_star, t = grad(Phi, s), rate(s), s + 1
        with np.errstate(divide="ignore", over="ignore"):  # infinite windows and rates are clipped
            N = K if s <= K else np.clip(lambda_B * ratio(v, m**2 + eps), N_min, N_max)
            w = 1 / t if t <= K else 1 / N
            v = (1 - w) * (v + w * (g - m) ** 2)
            m = m + w * (g - m)
            signal = m**2 / np.maximum(v, tiny)
        eta = 0.0 if t <= K else np.minimum(eta_star, eta_star / lambda_B * signal)
        path[s] = Phi = Phi - eta * g
    return path


def snr_sgd_literal(theta, grad, rate, steps, *, K=50, lambda_B=16.0, eps=0.0, B=1) -> np.ndarray:
    """TTIC S3-31 as printed: zero start, weight B / B*, no bounds; lambda_eta = rate / lambda_B.

    sigma^2 = s - g^2 is used without taking its root. The slide's 0/0 of a coordinate that never
    had a gradient is read as B* = K and eta = 0. It may diverge or become NaN, as the slide does.
    """
    Phi, path = begin(theta, steps)
    g_avg = s_avg = np.zeros_like(Phi)
    B_star = np.full_like(Phi, K)
    for i in range(steps):
        g, t = grad(Phi, i), i + 1
        eta = np.zeros_like(Phi)
        with np.errstate(all="ignore"):  # the slide really divides by 0 when sigma becomes 0
            g_avg = (1 - B / B_star) * g_avg + B / B_star * g
            s_avg = (1 - B / B_star) * s_avg + B / B_star * g**2
            variance = s_avg - g_avg**2
            if t > K:
                seen = s_avg != 0
                B_star = np.where(seen, lambda_B * ratio(variance, g_avg**2 + eps), K)
                eta = rate(i) / lambda_B * ratio(g_avg**2, variance)
            path[i] = Phi = Phi - eta * g
    return path


def swats(
    theta,
    grad,
    rate,
    steps,
    *,
    beta1=0.9,
    beta2=0.999,
    eps=1e-9,
    tol=1e-9,
    relative=False,
    min_steps=1,
    guard=True,
    switches=None,
) -> np.ndarray:
    """SWATS, Keskar & Socher 2017, Algorithm 1 (STAT479 S4-31): Adam, then SGD with momentum.

    The trigger |lam_hat - gamma| < tol is absolute (paper) or, with relative, < tol |lam_hat|. It
    may fire from Adam step max(2, min_steps) on, and only at Lambda > 0 with `guard`. `rate` is
    Adam's alpha_k and scales SGD by rate(t) / rate(0). (t, Lambda) goes to the list `switches`.
    """
    w, path = begin(theta, steps)
    m = a = v = np.zeros_like(w)
    lam, Lambda = 0.0, None
    for t in range(steps):
        k, g = t + 1, grad(w, t)
        if Lambda is not None:
            v = beta1 * v + g
            path[t] = w = w - rate(t) / rate(0) * (1 - beta1) * Lambda * v
            continue
        m = beta1 * m + (1 - beta1) * g
        a = beta2 * a + (1 - beta2) * g**2
        alpha = rate(t) * np.sqrt(1 - beta2**k) / (1 - beta1**k)
        p = -alpha * ratio(m, np.sqrt(a) + eps)
        path[t] = w = w + p
        if p @ g != 0:
            gamma = (p @ p) / -(p @ g)
            lam = beta2 * lam + (1 - beta2) * gamma
            lam_hat = lam / (1 - beta2**k)
            close = abs(lam_hat - gamma) < tol * (abs(lam_hat) if relative else 1)
            if k >= max(2, min_steps) and close and (lam_hat > 0 or not guard):
                Lambda = lam_hat
                if switches is not None:
                    switches.append((t, Lambda))
    return path


def sgld(theta, grad, rate, steps, *, T=1.0, xi) -> np.ndarray:
    """Welling & Teh 2011 with epsilon = 2 rate, at temperature T; row t of `xi` is the noise."""
    theta, path = begin(theta, steps)
    for t in range(steps):
        theta = theta - rate(t) * grad(theta, t) + np.sqrt(2 * rate(t) * T) * xi[t]
        path[t] = theta
    return path


def asgd_torch(
    theta, grad, rate, steps, *, lambd=1e-4, alpha=0.75, t0=1e6, averages=None
) -> np.ndarray:
    """torch.optim.ASGD, rows are the parameters; eta of an update was set by the one before.

    The averages `ax` are appended to the list `averages`.
    """
    theta, path = begin(theta, steps)
    ax, eta, mu = np.zeros_like(theta), rate(0), 1.0
    for t in range(steps):
        g, k = grad(theta, t), t + 1
        path[t] = theta = theta * (1 - lambd * eta) - eta * g
        ax = theta if mu == 1 else ax + mu * (theta - ax)
        eta = rate(t) / (1 + lambd * rate(t) * k) ** alpha
        mu = 1 / max(1, k - t0)
        if averages is not None:
            averages.append(ax)
    return path


def polynomial_average(iterates, *, gamma=3.0) -> np.ndarray:
    """CMU S0-19: polynomial-decay averages of the rows w_1, w_2, ... (Shamir & Zhang 2013)."""
    average, rows = np.zeros_like(iterates[0]), []
    for t, w in enumerate(iterates, start=1):
        average = (1 - (gamma + 1) / (t + gamma)) * average + (gamma + 1) / (t + gamma) * w
        rows.append(average)
    return np.array(rows)


def uniform_average(iterates) -> np.ndarray:
    """Polyak-Ruppert: row t is the mean of the rows up to t."""
    return np.array([np.mean(iterates[: t + 1], axis=0) for t in range(len(iterates))])


def exponential_average(iterates, *, decay=0.99) -> np.ndarray:
    """Exponential moving average from 0 with the bias correction of ISI S2-17."""
    v, rows = np.zeros_like(iterates[0]), []
    for t, y in enumerate(iterates):
        v = decay * v + (1 - decay) * y
        rows.append(v / (1 - decay ** (t + 1)))
    return np.array(rows)


def suffix_average(iterates, *, fraction=0.5) -> np.ndarray:
    """Rakhlin et al. 2012: row t is the mean of the last ceil(fraction (t + 1)) rows up to t."""
    lengths = [int(np.ceil(fraction * (t + 1))) for t in range(len(iterates))]
    return np.array([np.mean(iterates[t + 1 - n : t + 1], axis=0) for t, n in enumerate(lengths)])


def tail_average(iterates, *, start) -> np.ndarray:
    """Row t is the mean of the rows start..t; before `start` it is the iterate itself."""
    begins = [min(t, start) for t in range(len(iterates))]
    return np.array([np.mean(iterates[b : t + 1], axis=0) for t, b in enumerate(begins)])
