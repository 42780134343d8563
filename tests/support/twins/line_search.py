"""The weak Wolfe bisection of Liege S1-08, on one ray, as a plain loop."""

import numpy as np


def weak_wolfe_bisection(phi, slope, *, c1=1e-4, c2=0.9, most=30):
    """Return the step (None if `most` trials do not find one) and the number of trials.

    lo = 0, hi = inf, a = 1; decrease fails: hi = a, a = (lo + hi) / 2; curvature fails: lo = a,
    a = 2 lo while hi is infinite, else (lo + hi) / 2.
    """
    lo, hi, a = 0.0, np.inf, 1.0
    for trial in range(1, most + 1):
        if not phi(a) <= phi(0.0) + c1 * a * slope(0.0):
            hi = a
        elif not slope(a) >= c2 * slope(0.0):
            lo = a
        else:
            return a, trial
        a = 2 * lo if np.isinf(hi) else (lo + hi) / 2
    return None, most
