"""The lectures' learning-rate schedules as plain functions of t, the number of updates done.

t = 0 at the first update; where a lecture counts from 1, its index is k = t + 1 and the docstring
says so. Where a lecture counts epochs, `every` is in the unit of t (epochs times updates in one).
"""

import numpy as np


def constant(t, *, value):
    """The rate that every lecture begins with."""
    return value + 0 * t


def step_decay(t, *, init, factor=0.5, every=10):
    """Liege S1-22: gamma_0 factor^floor(t / every), t from 0."""
    return init * factor ** np.floor(t / every)


def halving(t, *, init, every=1):
    """STAT479 S4-10 (not the printed eta_{t=1}): eta_t = eta_{t-1} / 2 per epoch, t from 0."""
    return init / 2 ** np.floor(t / every)


def exponential_decay(t, *, init, k):
    """Liege S1-23, STAT479 S4-09: gamma_0 exp(-k t), t from 0."""
    return init * np.exp(-k * t)


def exponential_lr(t, *, init, gamma=0.1, every=1):
    """STAT479 S4-15, ExponentialLR: init gamma^epoch, epoch = floor(t / every), t from 0."""
    return init * gamma ** np.floor(t / every)


def staircase_exponential(t, *, init, k, every=10, late=False):
    """STAT479 S4-13: init exp(-k e), e = t rounded down to a multiple of `every`, t from 0.

    late=True: the slide calls its function after an epoch, so each drop is one t later.
    """
    e = np.maximum(t - 1, 0) if late else t
    return init * np.exp(-k * every * np.floor(e / every))


def lambda_lr(t, *, init, factor, every=1):
    """STAT479 S4-14, LambdaLR: init factor(epoch), epoch = floor(t / every), t from 0."""
    return init * factor(t // every)


def inverse_time_decay(t, *, init, k):
    """Liege S1-24, STAT479 S4-11: gamma_0 / (1 + k t), t from 0."""
    return init / (1 + k * t)


def power_decay(t, *, init, power=1.0):
    """CMU S0-12 (power 1), S0-15 (power 1/2): init / k^power, k = t + 1 from 1."""
    return init / (t + 1.0) ** power


def inverse_strong_convexity(t, *, lam):
    """CMU S0-17 (erratum: lambda t, not lambda_t): 1 / (lambda k), k = t + 1 from 1."""
    return 1 / (lam * (t + 1.0))


def triangular(t, *, base, peak, half):
    """STAT479 S4-12, Smith 2017: base at t = 0, peak at t = half, base at 2 half, and again."""
    cycle = np.floor(1 + t / (2 * half))
    x = abs(t / half - 2 * cycle + 1)
    return base + (peak - base) * np.maximum(0, 1 - x)


def cosine_decay(t, *, init, total, end=0.0):
    """Half a cosine from `init` at t = 0 to `end` at t = total, then constant (SGDR, one cycle)."""
    return end + (init - end) / 2 * (1 + np.cos(np.pi * np.minimum(t, total) / total))


def cosine_restarts(t, *, init, total, cycles):
    """TTIC S3-22, snapshot ensembles: alpha(k) of Huang et al. 2017, k = t + 1 from 1."""
    k, length = t + 1, np.ceil(total / cycles)
    return init / 2 * (np.cos(np.pi * np.mod(k - 1, length) / length) + 1)


def warmup(t, *, peak, total, init=0.0):
    """Gradual warm-up (Goyal et al. 2017, behind TTIC S3-20): a line from init at t = 0 to peak."""
    return init + (peak - init) * np.minimum(t / total, 1)


def joined(t, *, parts, boundaries):
    """STAT479 S4-08: one schedule, then another; each is a function of the t since it began."""
    begin = 0
    for part, end in zip(parts, [*boundaries, np.inf], strict=True):
        if t < end:
            return part(t - begin)
        begin = end
