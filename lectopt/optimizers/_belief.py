"""Adam with another opinion of the second moment: Yogi, AdaBelief."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lectopt.combinators import chain, debiased, deviation, ratio, root, total
from lectopt.corrections import bias_correction, identity
from lectopt.primitives import (
    ema,
    mean_square,
    scale,
    scale_by_learning_rate,
)
from lectopt.settings import Decay, LearningRate, NonNegative
from lectopt.signatures import checked
from lectopt.transformation import Transformation


@checked
def adabelief(
    learning_rate: LearningRate,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    eps: NonNegative = 1e-16,
    eps_root: NonNegative = 1e-16,
    *,
    nesterov: bool = False,
    state_dtype: Any = None,
) -> Transformation:
    """AdaBelief: Adam that trusts a gradient as far as it is near the mean.

    `nu = b2 nu + (1 - b2) (g - mu)^2 + eps_root` with the new `mu`, `param - learning_rate mu_hat /
    (sqrt(nu_hat) + eps)`.

    Args:
      learning_rate: zero or more, or a schedule.
      b1: see `adam`.
      b2: see `adam`.
      eps: epsilon outside the root, zero or more; 1e-8 in the paper.
      eps_root: added to `nu` at every update and kept, zero or more; the paper's epsilon again.
      nesterov: see `adam`.
      state_dtype: dtype of both moments.

    Source: Zhuang et al. 2020.
    """
    mean = ema(b1, state_dtype=state_dtype)  # one moment, of both sides
    square = chain(deviation(mean), mean_square(b2, added=eps_root, state_dtype=state_dtype))
    smoothing = debiased(mean)
    if nesterov:  # the mean that the next update will see, as far as it is known
        carried = chain(mean, scale(b1), bias_correction(b1, ahead=1))
        fresh = chain(identity(), scale(_rest(b1)), bias_correction(b1))
        smoothing = total(carried, fresh)
    return chain(
        ratio(smoothing, root(debiased(square), eps)), scale_by_learning_rate(learning_rate)
    )


@dataclass(frozen=True)
class _Rest:
    """`count -> 1 - decay(count)`."""

    decay: Callable[[Any], Any]

    def __call__(self, count: Any) -> Any:
        return 1 - self.decay(count)


def _rest(decay: Any) -> Any:
    return _Rest(decay) if callable(decay) else 1 - decay
