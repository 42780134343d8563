"""Muon twin: matrices by Newton and Schulz, everything else by Adam.

As those of `layers` it takes a list of arrays, the leaves, and `grad(leaves, t)` returns a list.
"""

import numpy as np

from ._path import ratio

QUINTIC = (3.4445, -4.7750, 2.0315)


def newton_schulz(G, steps=5, eps=1e-7, least=False):
    """Jordan et al. 2024: `zeropower_via_newtonschulz5`, here without bfloat16.

    Its epsilon is added to the norm; PyTorch takes it for the least norm (least).
    """
    a, b, c = QUINTIC
    norm = np.sqrt((np.abs(G) ** 2).sum())
    X = G / (max(norm, eps) if least else norm + eps)
    if G.shape[0] > G.shape[1]:
        X = X.conj().T
    for _ in range(steps):
        A = X @ X.conj().T
        B = b * A + c * A @ A
        X = a * X + B @ X
    return X.conj().T if G.shape[0] > G.shape[1] else X


def muon(
    leaves,
    grad,
    rate,
    steps,
    *,
    beta=0.95,
    eps=1e-8,
    wd=0.0,
    b1=0.9,
    b2=0.999,
    adam_wd=0.0,
    nesterov=True,
    corrected=True,
    least=False,
    out_in=False,
    rms=None,
) -> list[list[np.ndarray]]:
    """Muon, Jordan et al. 2024: `O = NewtonSchulz(mu)`, with Nesterov's mean.

    A kernel is (in, out) as in Optax, or (out, in) as in PyTorch. `corrected`: the mean is
    corrected as in NAdam (Optax); `rms`: Liu et al. 2025 (2.2), steps of this root mean square.
    What is no matrix has Adam, with Nesterov's mean if matrices have it, and epsilon.
    """
    w = [np.array(leaf, complex if np.iscomplexobj(leaf) else float) for leaf in leaves]
    m, v = [np.zeros_like(x) for x in w], [np.zeros(x.shape) for x in w]
    path = []
    for t in range(1, steps + 1):
        new = []
        for i, g in enumerate(grad(w, t - 1)):
            matrix = g.ndim == 2
            b = beta if matrix else b1
            m[i] = b * m[i] + (1 - b) * g
            now, ahead = (1 - b**t, 1 - b ** (t + 1)) if corrected or not matrix else (1, 1)
            mean = b * m[i] / ahead + (1 - b) * g / now if nesterov else m[i] / now
            if matrix:
                rows, columns = g.shape
                fan_in, fan_out = (columns, rows) if out_in else (rows, columns)
                factor = np.sqrt(max(1, fan_out / fan_in))
                factor = factor if rms is None else rms * np.sqrt(max(fan_in, fan_out))
                step = factor * newton_schulz(mean, eps=eps, least=least) + wd * w[i]
            else:
                v[i] = b2 * v[i] + (1 - b2) * np.abs(g) ** 2
                step = ratio(mean, np.sqrt(v[i] / (1 - b2**t)) + eps) + adam_wd * w[i]
            new.append(w[i] - rate(t - 1) * step)
        w = new
        path.append(w)
    return path
