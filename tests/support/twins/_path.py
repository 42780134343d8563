"""What every twin shares: the array that records the path, and the guarded quotient.

A twin is `rule(theta, grad, rate, steps, *, ...)`: `theta` is the start, shape (n,);
`grad(theta, t)` the gradient at a point, shape (n,), for update t = 0, 1, ...; `rate(t)` the
learning rate of update t. The result has shape (steps, n): row t is theta after update t.
"""

import numpy as np


def begin(theta, steps):
    """Return a float64 copy of the start (complex128 if it is complex) and the empty path."""
    theta = np.array(theta, complex if np.iscomplexobj(theta) else float)
    return theta, np.empty((steps, *theta.shape), theta.dtype)


def ratio(a, b):
    """Return a / b elementwise with 0/0 := 0: a coordinate that never had a gradient stays put."""
    a, b = np.broadcast_arrays(a, b)
    return np.divide(a, b, out=np.zeros_like(a), where=(a != 0) | (b != 0))
