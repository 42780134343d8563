"""The interval in which a mean lies, from few numbers of any distribution."""

from __future__ import annotations

import numpy as np

FEWEST = 5  # with fewer, an interval says more about the method than about the numbers
RESAMPLES = 10_000
AT_ONCE = 1_000_000  # numbers drawn at a time, for the memory


def interval_of_mean(
    values: np.ndarray, level: float = 0.95, resamples: int = RESAMPLES
) -> tuple[float, float]:
    """The bootstrap interval of the mean of independent numbers.

    Numbers are drawn with replacement, as many as there are; the interval holds the middle of the
    means of such draws. Draws from few numbers spread less than the numbers' own source by
    `sqrt((n - 1) / n)`, and their quantiles are those of a normal distribution where Student's are
    wanted; so the interval goes to the quantile `Phi(-sqrt(n / (n - 1)) t)`, where `t` is
    Student's quantile with `n - 1` degrees of freedom. Of normal numbers, 92 % of the intervals of
    5 hold the mean, and 94 % of those of 7 and more (84 % and 88 % without the expansion). The same
    numbers give the same interval.

    Args:
        values: Shape `(n,)`, finite.
        level: The share of such intervals that hold the mean.
        resamples: How many means are drawn.

    Returns:
        The lower and the upper end; two NaN for fewer than 5 numbers.

    Source: Hesterberg, "What Teachers Should Know About the Bootstrap", The American Statistician
    69(4), 2015: the expanded percentile interval.
    """
    from scipy.special import ndtr, stdtrit

    n = len(values)
    if n < FEWEST:
        return np.nan, np.nan
    random = np.random.default_rng(0)
    rows = max(1, AT_ONCE // n)
    counts = [min(rows, resamples - begin) for begin in range(0, resamples, rows)]
    means = np.concatenate([values[random.integers(n, size=(k, n))].mean(axis=1) for k in counts])
    tail = ndtr(-np.sqrt(n / (n - 1)) * stdtrit(n - 1, (1 + level) / 2))
    low, high = np.quantile(means, [tail, 1 - tail])
    return float(low), float(high)
