"""Do the steps go far enough and still come to rest: the two conditions of Robbins and Monro."""

import math
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from lectopt.schedules.formula import order_of
from lectopt.values import shown, value_at

BLOCKS = 20  # numbers are looked at up to count 2^BLOCKS
TOLERANCE = 0.01  # of a fitted exponent


@dataclass(frozen=True)
class RobbinsMonro:
    """Two verdicts on a schedule `eta_k`, and what they rest on. It is true if both hold.

    Attributes:
      sum_diverges: whether `sum eta_k` is infinite: any distance can be covered.
      squares_converge: whether `sum eta_k^2` is finite: the noise of the gradients averages out.
      proved: whether the verdicts follow from the formula, and not from its first numbers.
      reason: the same in words.
    """

    sum_diverges: bool
    squares_converge: bool
    proved: bool
    reason: str

    def __bool__(self) -> bool:
        return self.sum_diverges and self.squares_converge


def satisfies_robbins_monro(schedule: Any) -> RobbinsMonro:
    """Whether `sum eta_k` is infinite and `sum eta_k^2` is finite.

    A schedule of this library knows how fast it falls, like `k^-p` say, and the verdicts are `p <=
    1` and `p > 1/2`. Of any other function only its first 2^20 values are looked at: the exponents
    are fitted to sums over `2^j <= k < 2^(j+1)`, which decide nothing about the rest and miss
    logarithms.

    Args:
      schedule: a number, zero or more, or a function of the count that JAX can trace.

    Returns:
      The verdicts, whether they are proved, and the reason.

    Raises:
      ValueError: a value is negative or not finite, or a setting is traced.

    Source: CMU (S0-12); TTIC 31230 (S3-05, which asks for the first only, and that `eta_k` goes to
    0); Robbins and Monro 1951.
    """
    order = order_of(schedule)
    if math.isnan(order):
        return _by_numbers(schedule)
    reason = (
        f"By its formula it {_fall(order)}." if order else "By its formula it does not go to 0."
    )
    return RobbinsMonro(order <= 1, order > 0.5, True, reason)


def _fall(order: float) -> str:
    if order == math.inf:
        return "ends at 0, or falls faster than any k^-p"
    return f"falls like k^-{round(order, 3):g}"


def _by_numbers(schedule: Any) -> RobbinsMonro:
    values = jax.vmap(lambda count: jnp.asarray(value_at(schedule, count)))(
        jnp.arange(2**BLOCKS - 1)
    )
    if isinstance(values, Tracer):
        raise ValueError(
            f"satisfies_robbins_monro: {shown(schedule)} has traced settings. "
            "Ask before the transformation, about concrete numbers."
        )
    eta = np.asarray(values, np.float64)
    if not (np.isfinite(eta) & (eta >= 0)).all():
        count = int(np.flatnonzero(~(np.isfinite(eta) & (eta >= 0)))[0])
        raise ValueError(
            "satisfies_robbins_monro: the values must be finite and zero or more, got "
            f"{eta[count]} at count {count}. Where a lecture counts from 1, write count + 1."
        )
    first, second = _fitted_order(eta), _fitted_order(eta**2)
    return RobbinsMonro(
        first <= 1 + TOLERANCE,
        second > 1 + TOLERANCE,
        False,
        f"In its first 2^{BLOCKS} values it {_fall(first)}, and its square {_fall(second)}; they "
        "prove nothing about the rest.",
    )


def _fitted_order(terms: Any) -> float:
    """The `p` for which the sums over `2^j <= k < 2^(j+1)` grow like those of `k^-p`: `2^((1-p)
    j)`."""
    starts = 2 ** np.arange(BLOCKS) - 1
    sums = np.add.reduceat(terms, starts)[BLOCKS // 2 :]
    if sums[-1] == 0:
        return math.inf
    slope = np.polynomial.polynomial.polyfit(np.arange(len(sums)), np.log2(sums), 1)[1]
    return float(1 - slope)
