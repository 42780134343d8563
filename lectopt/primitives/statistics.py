"""The signal-to-noise rule: how far to trust a gradient, from the statistics of the run itself.

It is one primitive: the averages decide the window over which the next average is taken.
"""

import math
from typing import Annotated, Any

import jax.numpy as jnp

from lectopt.lifting import leafwise
from lectopt.numerics import abs_sq
from lectopt.settings import NonNegative, Numeric, Positive, Range

Window = Annotated[Numeric, Range(1, math.inf, True, "a number of updates, one or more", 50)]


def _over(a: Any, b: Any) -> Any:
    """`a / b` for `a, b >= 0`, infinite at `a / 0` and 0 at `0 / 0`, with finite derivatives."""
    none = b == 0
    return jnp.where(none, jnp.where(a > 0, jnp.inf, 0), a / jnp.where(none, 1, b))


@leafwise(mu=0.0, nu=0.0, averaging_window="warmup")
def scale_by_snr(
    g: Any,
    state: Any,
    t: Any,
    *,
    warmup: Window[Any] = 50,
    noise_factor: Positive[Any] = 16.0,
    min_window: Window[Any] = 2,
    max_window: Window[Any] = 1000,
    eps: NonNegative[Any] = 0.0,
    literal: bool = False,
) -> Any:
    """The gradient times the share of a full step that its signal-to-noise ratio allows.

    With weight `w = 1/t` up to `t = warmup` and `w = 1/N` after that, the mean and the variance of
    the gradient are `nu = (1 - w) (nu + w |g - mu|^2)`, then `mu = mu + w (g - mu)`. The new
    window is `N = clip(noise_factor nu / (|mu|^2 + eps), min_window, max_window)`, and out comes
    `min(1, |mu|^2 / (noise_factor nu)) g`, or 0 while `t <= warmup`.

    All lengths are counted in updates, so that the batch size appears nowhere. `N` is a slot of
    its own, `averaging_window`: it follows from the moments only together with settings that no
    state holds, and it is what one wants to read (see `lectopt.averaging_window`). It costs one
    number per weight.

    Args:
      warmup: updates over which the statistics are gathered before the first step, one or more.
      noise_factor: window in units of `nu / |mu|^2`, above zero; 16 makes the guaranteed progress
        per gradient largest.
      min_window: lower bound of the window. At 1 an average is the last gradient, and its variance
        is 0 for ever.
      max_window: upper bound of the window; `math.inf` for none. Without a bound an average that
        has come near 0 hardly moves any more, and may miss that the gradient has turned.
      eps: bounds the window too, at `noise_factor nu / eps`; in units of the squared gradient.
      literal: the slide as it is printed: `w = 1/warmup` during the warm-up, though the averages
        start at 0; no bounds on the window or the share. It can diverge and give NaN. The
        slide's 0/0 for a weight that never had a gradient is read as `N = warmup` and no step.
      state_dtype: dtype of the mean, the variance and the window.

    Source: TTIC 31230 (S3-29, S3-30, S3-31; author's slips and gaps: the window measured in
    updates, the bounds, and exact means during the warm-up as in the author's later lecture).
    """
    warming = t <= warmup
    w = 1 / (state.averaging_window if literal else jnp.where(warming, t, state.averaging_window))
    # The slide's nu = E[g^2] - mu^2, in the form that cannot cancel, nor be negative if w <= 1.
    nu = (1 - w) * (state.nu + w * abs_sq(g - state.mu))
    mu = state.mu + w * (g - state.mu)
    signal, noise = abs_sq(mu), noise_factor * nu
    window, share = _over(noise, signal + eps), _over(signal, noise)
    if literal:
        warming = warming | ((signal == 0) & (noise == 0))
    else:
        window, share = jnp.clip(window, min_window, max_window), jnp.minimum(share, 1)
    window = jnp.where(warming, warmup, window)
    return jnp.where(warming, 0, share) * g, dict(mu=mu, nu=nu, averaging_window=window)
