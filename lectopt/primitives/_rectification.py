"""RAdam's rectification: how far an average of squares can be trusted after few gradients."""

from typing import Any, Literal

import jax.numpy as jnp

from lectopt.lifting import leafwise
from lectopt.numerics import computes, sqrt
from lectopt.settings import Decay, RectificationThreshold


def _r(t: Any, *, decay: Decay[Any], threshold: RectificationThreshold[Any] = 5.0) -> Any:
    rho_inf, rho = _worth_to_all_digits(decay, t)
    r2 = (rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho)
    return sqrt(jnp.where(rho >= threshold, r2, 0))


@leafwise(once=dict(r=_r))
def rectification(denominator: Any, r: Any, *, fallback: Literal["sgd", "skip"] = "sgd") -> Any:
    """Enlarge the denominator of Adam while its variance is large, and do without it at first.

    The average of squares is worth `rho = rho_inf - 2 t decay^t / (1 - decay^t)` gradients, at most
    `rho_inf = 2 / (1 - decay) - 1`. If `rho >= threshold` the denominator is divided by `r`, `r^2 =
    (rho - 4)(rho - 2) rho_inf / ((rho_inf - 4)(rho_inf - 2) rho)`; before, it is 1 or infinite.

    Args:
      decay: that of the average of squares, in [0, 1).
      threshold: 4 or more; 5 in PyTorch and Optax, 4 in the paper.
      fallback: below the threshold, `"sgd"` takes the step without a denominator, `"skip"` none.

    Source: Liu et al. 2020.
    """
    rectified = denominator / jnp.where(r > 0, r, 1)
    return jnp.where(r > 0, rectified, 1.0 if fallback == "sgd" else jnp.inf)


def _worth(decay: Any, t: Any) -> tuple[Any, Any]:
    """`rho_inf` and `rho`."""
    rho_inf = 2 / (1 - decay) - 1
    return rho_inf, rho_inf - 2 * t * decay**t / (1 - decay**t)


@computes(_worth)
def _worth_to_all_digits(decay: Any, t: Any) -> tuple[Any, Any]:
    """`_worth`, where float32 could not tell which step crosses the threshold.

    In the first steps `rho` is about `t`, the difference of two numbers near `rho_inf`. With `a =
    -log(decay)` it is `coth(a/2) - t coth(a t/2) + t`, and without the parts `1/x` of the two
    `coth x`, which cancel, all digits are kept.
    """
    a = -jnp.log(decay)
    rho_inf = 1 / jnp.tanh(a / 2)
    early = t + _coth_less_pole(a / 2) - t * _coth_less_pole(a * t / 2)
    return rho_inf, jnp.where(a * t < 2, early, rho_inf - 2 * t / jnp.expm1(a * t))


def _coth_less_pole(x: Any) -> Any:
    """`coth x - 1/x` on [0, 1], by Lambert's continued fraction `x / (3 + x^2 / (5 + ...))`."""
    x, tail = jnp.minimum(x, 1), 0
    for odd in range(17, 3, -2):
        tail = x * x / (odd + tail)
    return x / (3 + tail)
