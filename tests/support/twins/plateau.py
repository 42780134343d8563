"""ReduceLROnPlateau of PyTorch and of Keras: each a plain loop over the evaluations.

The result is the learning rate after each evaluation.
"""

import math


def plateau_torch(
    values,
    *,
    rate=1.0,
    factor=0.1,
    patience=10,
    mode="min",
    threshold=1e-4,
    threshold_mode="rel",
    cooldown=0,
    min_lr=0.0,
):
    """PyTorch 2.13, `ReduceLROnPlateau.step`, with eps=0 (there the least change of the rate).

    For values below zero the relative threshold is made one of |best|; PyTorch's own best * (1 -
    threshold) is above best there.
    """
    best = math.inf if mode == "min" else -math.inf
    bad = cooling = 0
    rates = []
    for value in values:
        margin = 0.0 if math.isinf(best) else threshold
        margin *= abs(best) if threshold_mode == "rel" and margin else 1
        if value < best - margin if mode == "min" else value > best + margin:
            best, bad = value, 0
        else:
            bad += 1
        if cooling > 0:
            cooling -= 1
            bad = 0
        if bad > patience:
            rate = max(rate * factor, min_lr)
            cooling, bad = cooldown, 0
        rates.append(rate)
    return rates


def plateau_keras(
    values,
    *,
    rate=1.0,
    factor=0.1,
    patience=10,
    mode="min",
    min_delta=1e-4,
    cooldown=0,
    min_lr=0.0,
):
    """Keras 3.15, `ReduceLROnPlateau.on_epoch_end`."""
    best, wait, cooling, rates = None, 0, 0, []
    for value in values:
        if cooling > 0:
            cooling -= 1
            wait = 0
        if (
            best is None
            or (mode == "min" and value + min_delta < best)
            or (mode == "max" and value - min_delta > best)
        ):
            best, wait = value, 0
        elif cooling <= 0:
            wait += 1
            if wait >= patience and rate > min_lr:
                rate = max(rate * factor, min_lr)
                cooling, wait = cooldown, 0
        rates.append(rate)
    return rates
