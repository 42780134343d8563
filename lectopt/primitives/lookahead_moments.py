"""Nesterov's idea in Adam with a momentum coefficient that warms up: Dozat's schedule."""

from typing import Any

from lectopt.lifting import leafwise
from lectopt.settings import Decay, NonNegative


def warmed(decay: Any, momentum_decay: Any, t: Any) -> Any:
    """Dozat's momentum coefficient at update `t` (from 1): from about `decay / 2` up to `decay`."""
    return decay * (1 - 0.5 * 0.96 ** (momentum_decay * t))


def _now(t: Any, *, decay: Any, momentum_decay: Any) -> Any:
    return warmed(decay, momentum_decay, t)


def _ahead(t: Any, *, decay: Any, momentum_decay: Any) -> Any:
    return warmed(decay, momentum_decay, t + 1)


def _product(mu_product: Any, t: Any, *, decay: Any, momentum_decay: Any) -> Any:
    return mu_product * warmed(decay, momentum_decay, t)


@leafwise(
    mu=0.0,
    once=dict(now=_now, ahead=_ahead, mu_product=_product),
    numbers=dict(mu_product=1.0),
)
def nesterov_ema_warmed(
    g: Any,
    state: Any,
    now: Any,
    ahead: Any,
    mu_product: Any,
    *,
    decay: Decay[Any],
    momentum_decay: NonNegative[Any] = 4e-3,
    warm_mean: bool = False,
) -> Any:
    """`nesterov_ema` with the coefficient `c_t = decay (1 - 0.96^(momentum_decay t) / 2)`.

    `mu = decay mu + (1 - decay) g`, `p = p c_t`, out comes `c_(t+1) mu / (1 - p c_(t+1)) + (1 -
    c_t) g / (1 - p)`. The product `p` is one number of the state, `mu_product`.

    Args:
      decay: in [0, 1).
      momentum_decay: how fast `c_t` grows, zero or more; 0.004 in the paper and PyTorch, 1 in
        Keras.
      warm_mean: `c_t` takes the place of `decay` in `mu` too, as in the paper.
      state_dtype: dtype of `mu`.

    Source: Dozat 2016.
    """
    keep = now if warm_mean else decay
    mu = keep * state.mu + (1 - keep) * g
    carried_over = ahead * mu / (1 - mu_product * ahead)
    return carried_over + (1 - now) * g / (1 - mu_product), dict(mu=mu)
