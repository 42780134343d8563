"""Rules about the change of the gradient from one update to the next, and about the one before."""

from typing import Any

import jax.numpy as jnp

from lectopt.lifting import leafwise
from lectopt.norms import by_part
from lectopt.numerics import abs_sq, sqrt
from lectopt.settings import Decay, NonNegative


@leafwise(previous_gradient=0.0)
def difference(g: Any, state: Any, t: Any) -> Any:
    """The change of the gradient since the last update, 0 at the first: `g - g_prev`.

    Args:
      state_dtype: dtype of the last gradient.

    Source: Xie et al. 2022, Adan; Daskalakis et al. 2018, optimistic gradient descent.
    """
    return jnp.where(t == 1, 0, g - state.previous_gradient), dict(previous_gradient=g)


@leafwise(nu=0.0, once=dict(keep=lambda t, *, decay: jnp.where(t == 1, 0, decay)))
def scale_by_past_rms(
    g: Any,
    state: Any,
    t: Any,
    keep: Any,
    *,
    decay: Decay[Any] = 0.9999,
    eps: NonNegative[Any] = 1e-6,
    clip_power: NonNegative[Any] | None = 0.25,
) -> Any:
    """The gradient over the root mean square of those before it: `g / max(sqrt(nu), eps)` with the
    old `nu`, in `[-c, c]` with `c = (t - 1)^clip_power`.

    The first update only sets `nu = |g|^2`, and nothing comes out; then `nu = decay nu + (1 -
    decay) |g|^2`.

    Args:
      decay: in [0, 1).
      eps: the least denominator, zero or more.
      clip_power: how the bound of what comes out grows; None for no bound.
      state_dtype: dtype of `nu`.

    Source: Taniguchi et al. 2024, ADOPT (Algorithm 2).
    """
    del decay
    below = jnp.maximum(sqrt(state.nu), eps)
    out = g / jnp.where(below == 0, jnp.inf, below)
    if clip_power is not None:
        bound = (t - 1) ** clip_power
        out = by_part(lambda x: jnp.clip(x, -bound, bound), out)
    nu = keep * state.nu + (1 - keep) * abs_sq(g)
    return jnp.where(t == 1, 0, out), dict(nu=nu)
