"""Momentum and Nesterov twins: where the learning rate stands, and where the gradient is taken."""

import numpy as np

from ._path import begin


def sgd(theta, grad, rate, steps) -> np.ndarray:
    """W <- W - eta_j g. CMU S0-11, Liege S1-04, ISI S2-15, TTIC S3-01."""
    theta, path = begin(theta, steps)
    for t in range(steps):
        path[t] = theta = theta - rate(t) * grad(theta, t)
    return path


def momentum_inside(theta, grad, rate, steps, *, beta=0.9) -> np.ndarray:
    """Rate inside the velocity: CMU S0-31/33, Liege S1-11, TTIC S3-15, STAT479 S4-18; Keras."""
    W, path = begin(theta, steps)
    Delta = np.zeros_like(W)
    for t in range(steps):
        Delta = beta * Delta - rate(t) * grad(W, t)
        path[t] = W = W + Delta
    return path


def momentum_original(theta, grad, rate, steps, *, mu=0.9, d=0.0) -> np.ndarray:
    """Dampened, rate inside: the "original definition" of STAT479 S4-20."""
    W, path = begin(theta, steps)
    v = np.zeros_like(W)
    for t in range(steps):
        v = mu * v + (1 - d) * rate(t) * grad(W, t)
        path[t] = W = W - v
    return path


def momentum_outside(theta, grad, rate, steps, *, mu=0.9, d=0.0) -> np.ndarray:
    """Rate outside, v_0 = 0, so the first step is damped: STAT479 S4-20; Optax with d = 0."""
    W, path = begin(theta, steps)
    v = np.zeros_like(W)
    for t in range(steps):
        v = mu * v + (1 - d) * grad(W, t)
        path[t] = W = W - rate(t) * v
    return path


def momentum_torch(theta, grad, rate, steps, *, mu=0.9, d=0.0) -> np.ndarray:
    """Rate outside, first step undamped: torch.optim.SGD as it really is."""
    W, path = begin(theta, steps)
    b = None
    for t in range(steps):
        g = grad(W, t)
        b = g if b is None else mu * b + (1 - d) * g
        path[t] = W = W - rate(t) * b
    return path


def momentum_ema(theta, grad, rate, steps, *, beta=0.9) -> np.ndarray:
    """Moving average of the gradients, uncorrected: ISI S2-18, TTIC S3-14."""
    theta, path = begin(theta, steps)
    v = np.zeros_like(theta)
    for t in range(steps):
        v = beta * v + (1 - beta) * grad(theta, t)
        path[t] = theta = theta - rate(t) * v
    return path


def momentum_ema_corrected(theta, grad, rate, steps, *, beta=0.9) -> np.ndarray:
    """Moving average with the bias correction of ISI S2-17 (t from 0, power t + 1)."""
    theta, path = begin(theta, steps)
    v = np.zeros_like(theta)
    for t in range(steps):
        v = beta * v + (1 - beta) * grad(theta, t)
        w = v / (1 - beta ** (t + 1))
        path[t] = theta = theta - rate(t) * w
    return path


def nesterov_lookahead(theta, grad, rate, steps, *, beta=0.9, decay=None) -> np.ndarray:
    """Nesterov's equation; rows are the base points W. CMU S0-34, Liege S1-14, STAT479 S4-21.

    `decay(t)`, if given, is the momentum coefficient of update t and replaces `beta`.
    """
    W, path = begin(theta, steps)
    Delta = np.zeros_like(W)
    for t in range(steps):
        b = beta if decay is None else decay(t)
        Delta = b * Delta - rate(t) * grad(W + b * Delta, t)
        path[t] = W = W + Delta
    return path


def nesterov_two_stage(theta, grad, rate, steps, *, beta=0.9) -> np.ndarray:
    """CMU mini-batch pseudo-code S0-35; rows are W at the end of each pass (the base points)."""
    W, path = begin(theta, steps)
    Delta = np.zeros_like(W)
    for t in range(steps):
        W = W + beta * Delta
        g = grad(W, t)
        W = W - rate(t) * g
        Delta = beta * Delta - rate(t) * g
        path[t] = W
    return path


def nesterov_shifted(theta, grad, rate, steps, *, beta=0.9, decay=None, bases=None) -> np.ndarray:
    """Nesterov in the look-ahead variable; rows are the look-ahead points. keras.optimizers.SGD.

    The rows are the model's parameters, where the gradient is taken. The base points
    (row - beta v) are appended to the list `bases`. `decay(t)` as in `nesterov_lookahead`; the
    point after update t then looks ahead with the coefficient of update t + 1.
    """
    theta, path = begin(theta, steps)
    v = np.zeros_like(theta)
    for t in range(steps):
        now, after = (beta, beta) if decay is None else (decay(t), decay(t + 1))
        g = grad(theta, t)
        v = now * v - rate(t) * g
        path[t] = theta = theta + after * v - rate(t) * g
        if bases is not None:
            bases.append(theta - after * v)
    return path


def nesterov_simplified(theta, grad, rate, steps, *, mu=0.9) -> np.ndarray:
    """Nesterov with the rate outside: torch.optim.SGD(nesterov=True), optax.trace."""
    theta, path = begin(theta, steps)
    b = np.zeros_like(theta)
    for t in range(steps):
        g = grad(theta, t)
        b = mu * b + g
        path[t] = theta = theta - rate(t) * (g + mu * b)
    return path
