"""Polynomials fitted to noisy samples of a smooth function, with a penalty on the weights."""

from __future__ import annotations

import numpy as np


def truth(x: np.ndarray) -> np.ndarray:
    """What is to be found."""
    return np.sin(3 * x) + 0.5 * x


def drawn(n: int, seed: int, noise: float = 0.3) -> tuple[np.ndarray, np.ndarray]:
    """Samples on [-1, 1], and their noisy values."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, n)
    return x, truth(x) + noise * rng.normal(size=n)


def fitted(x: np.ndarray, y: np.ndarray, degree: int, penalty: float = 0.0) -> np.ndarray:
    """The weights, in Legendre's basis, of the least mean squared error plus `penalty |w|^2`."""
    basis = features(x, degree)
    stacked = np.concatenate([basis / np.sqrt(len(x)), np.sqrt(penalty) * np.eye(degree + 1)])
    target = np.concatenate([y / np.sqrt(len(x)), np.zeros(degree + 1)])
    return np.linalg.lstsq(stacked, target, rcond=None)[0]


def features(x: np.ndarray, degree: int) -> np.ndarray:
    """Legendre's polynomials at `x`."""
    return np.polynomial.legendre.legvander(x, degree)


def error(weights: np.ndarray, x: np.ndarray, y: np.ndarray) -> float:
    """The mean squared error."""
    return float(np.mean((features(x, len(weights) - 1) @ weights - y) ** 2))
