"""Keras' newer optimizers as wiring: Lion, Lamb, Ftrl, Adafactor, Muon, ScheduleFreeAdamW."""

import re
from dataclasses import dataclass, replace
from typing import Annotated, Any

import jax
import jax.numpy as jnp

from lectopt import optimizers as _lectopt
from lectopt.combinators import chain, debiased, masked, ratio, root
from lectopt.dialects.factored import relative_step as bounded
from lectopt.dialects.factored import scale_by_last_axes, scale_by_shrunk_weights
from lectopt.dialects.keras.frame import framed, framed_with_its_own_decay
from lectopt.dialects.spelling import Unneeded, absent, formula
from lectopt.optimizers import interpolated_ema
from lectopt.primitives import (
    clip_by_block_rms,
    ema,
    mean_square,
    orthogonalize,
    scale_by_learning_rate,
    scale_by_param_block_rms,
    scale_by_shape,
    scale_by_trust_ratio,
    shrink_weights,
    sign,
    trace,
)
from lectopt.schedules import scaled
from lectopt.settings import (
    Count,
    Decay,
    LearningRate,
    NonNegative,
    Numeric,
    Period,
    PositiveBound,
    Range,
    Scalar,
    Steps,
)
from lectopt.transformation import Transformation

Mixed = Annotated[
    Any,
    Unneeded(
        "Keras shrinks the mixture of the iterate and the average, from which it then reads the "
        "average. Write lectopt.schedule_free_adamw(0.0025, weight_decay=0.004)."
    ),
]
Power = Annotated[Numeric, Range(-100, 0, True, "a power, zero or less", -0.5)]


@framed
def Lion(
    learning_rate: LearningRate = 0.001, beta_1: Decay = 0.9, beta_2: Decay = 0.99
) -> Transformation:
    """`param - learning_rate sign(beta_1 m + (1 - beta_1) g)`, then `m = beta_2 m + (1 - beta_2)
    g`; see `lectopt.lion`.

    Args:
      learning_rate: zero or more, or a schedule.
      beta_1: the share of the average in the step, in [0, 1).
      beta_2: decay of the average, in [0, 1).
    """
    return chain(interpolated_ema(beta_1, beta_2), sign(), scale_by_learning_rate(learning_rate))


@framed_with_its_own_decay
def Lamb(
    learning_rate: LearningRate = 0.001,
    beta_1: Decay = 0.9,
    beta_2: Decay = 0.999,
    epsilon: NonNegative = 1e-7,
    weight_decay: NonNegative | None = None,
) -> Transformation:
    """Adam's step, scaled in every variable to the size of its weights; see `lectopt.lamb`, whose
    weight decay is scaled too.

    Args:
      learning_rate: zero or more, or a schedule.
      beta_1: see `Adam`.
      beta_2: see `Adam`.
      epsilon: zero or more, outside the corrected root.
      weight_decay: decoupled; it shrinks the weights before their size is taken.
    """
    step = ratio(debiased(ema(beta_1)), root(debiased(mean_square(beta_2)), epsilon))
    sized = scale_by_trust_ratio()
    if not absent(weight_decay):
        sized = scale_by_shrunk_weights(learning_rate, weight_decay)
    descent = scale_by_learning_rate(learning_rate)
    return chain(step, sized, descent, *_shrinking(learning_rate, weight_decay))


@framed
def Ftrl(
    learning_rate: LearningRate = 0.001,
    learning_rate_power: Power[Scalar] = -0.5,
    initial_accumulator_value: NonNegative = 0.1,
    l1_regularization_strength: NonNegative = 0.0,
    l2_regularization_strength: NonNegative[Scalar] = 0.0,
    l2_shrinkage_regularization_strength: NonNegative[Scalar] = 0.0,
    beta: NonNegative = 0.0,
) -> Transformation:
    """Follow the regularised leader; see `lectopt.ftrl`.

    Args:
      learning_rate: zero or more, or a schedule.
      learning_rate_power: of the sum of squares, zero or less.
      initial_accumulator_value: first value of the sum of squares.
      l1_regularization_strength: zero or more; makes weights exactly 0.
      l2_regularization_strength: zero or more.
      l2_shrinkage_regularization_strength: zero or more, of the gradient alone.
      beta: zero or more.
    """
    return _lectopt.ftrl(
        learning_rate,
        initial_accumulator_value,
        -learning_rate_power,
        l1_regularization_strength,
        2 * l2_regularization_strength,
        2 * l2_shrinkage_regularization_strength,
        beta,
    )


@framed_with_its_own_decay
def Adafactor(
    learning_rate: LearningRate = 0.001,
    beta_2_decay: Power[Scalar] = -0.8,
    epsilon_1: NonNegative = 1e-30,
    epsilon_2: NonNegative = 1e-3,
    clip_threshold: PositiveBound = 1.0,
    relative_step: bool = True,
    weight_decay: NonNegative | None = None,
) -> Transformation:
    """A rate per weight from means of rows and columns; see `lectopt.adafactor`.

    `param - max(epsilon_2, rms(param)) min(learning_rate, 1 / sqrt(t)) u / max(1, rms(u) /
    clip_threshold)` with `u = g / sqrt(v)`. The last two axes are factored, wherever there are two.

    Args:
      learning_rate: zero or more, or a schedule; an upper bound of the rate.
      beta_2_decay: the second moment has the decay `1 - t^beta_2_decay`.
      epsilon_1: added to the squared gradients, zero or more.
      epsilon_2: the least root mean square of the weights, zero or more.
      clip_threshold: above which root mean square a step is clipped, above zero.
      relative_step: changes nothing: Keras bounds the rate by `1 / sqrt(t)` either way.
      weight_decay: decoupled; it shrinks the weights before their size is taken.
    """
    del relative_step
    sized = scale_by_param_block_rms(epsilon_2)
    if not absent(weight_decay):
        sized = scale_by_shrunk_weights(learning_rate, weight_decay, epsilon_2)
    return chain(
        scale_by_last_axes(-beta_2_decay, epsilon_1, False),
        clip_by_block_rms(clip_threshold),
        scale_by_learning_rate(bounded(learning_rate)),
        sized,
        *_shrinking(learning_rate, weight_decay),
    )


@framed_with_its_own_decay
def ScheduleFreeAdamW(
    learning_rate: LearningRate = 0.0025,
    beta_1: Decay = 0.9,
    beta_2: Decay = 0.999,
    epsilon: NonNegative = 1e-8,
    warmup_steps: Count[Scalar] = 0,
    weight_decay: Mixed = None,
) -> Transformation:
    """AdamW without its mean, whose iterates are averaged; see `lectopt.schedule_free_adamw`.

    Args:
      learning_rate: zero or more, or a schedule.
      beta_1: the share of the average in the weights, in [0, 1).
      beta_2: decay of the mean square, in [0, 1).
      epsilon: zero or more, outside the corrected root.
      warmup_steps: the rate is multiplied by `min(t / warmup_steps, 1)`.
      weight_decay: not supported.
    """
    del weight_decay
    rate = learning_rate if absent(warmup_steps) else risen(learning_rate, warmup_steps)
    return _lectopt.schedule_free_adamw(rate, beta_1, beta_2, epsilon, weight_lr_power=0.0)


@formula("keras")
def risen(count: Any, *, learning_rate: LearningRate[Any], warmup_steps: Period[Any]) -> Any:
    """`learning_rate min(t / warmup_steps, 1)`, `t = count + 1`.

    Args:
      learning_rate: zero or more, or a schedule.
      warmup_steps: one or more.
    """
    return learning_rate * jnp.minimum((count + 1.0) / warmup_steps, 1)


@framed_with_its_own_decay
def Muon(
    learning_rate: LearningRate = 0.001,
    adam_beta_1: Decay = 0.9,
    adam_beta_2: Decay = 0.999,
    adam_weight_decay: NonNegative | None = 0.004,
    epsilon: NonNegative = 1e-7,
    weight_decay: NonNegative | None = 0.004,
    *,
    exclude_layers: Any = None,
    exclude_embeddings: bool = True,
    muon_a: float = 3.4445,
    muon_b: float = -4.775,
    muon_c: float = 2.0315,
    adam_lr_ratio: NonNegative[Scalar] = 1,
    momentum: Decay = 0.95,
    ns_steps: Steps[Scalar] = 5,
    nesterov: bool = True,
    rms_rate: NonNegative | None = 0.2,
) -> Transformation:
    """Orthogonal steps of matrices, and Adam for the rest; see `lectopt.muon`.

    Args:
      learning_rate: zero or more, or a schedule.
      adam_beta_1: see `Adam`.
      adam_beta_2: see `Adam`.
      adam_weight_decay: decoupled decay of what Adam trains.
      epsilon: see `Adam`.
      weight_decay: decoupled decay of the matrices.
      exclude_layers: patterns of paths that Adam trains.
      exclude_embeddings: whether Adam trains what has "embedding" in its path.
      muon_a: of the iteration.
      muon_b: of the iteration.
      muon_c: of the iteration.
      adam_lr_ratio: Adam's rate over the other.
      momentum: decay of the velocity, a sum, in [0, 1).
      ns_steps: iterations.
      nesterov: look ahead by one step.
      rms_rate: steps grow with `rms_rate sqrt(max(shape))`; None for not at all.
    """
    steps = ((muon_a, muon_b, muon_c),) * int(ns_steps)
    sized = [] if rms_rate is None else [scale_by_shape(rms_rate)]
    scheduled = callable(learning_rate)
    slower = scaled(learning_rate, adam_lr_ratio) if scheduled else learning_rate * adam_lr_ratio
    of_matrices = [
        trace(momentum, nesterov),
        orthogonalize(steps, 1e-7),
        *sized,
        scale_by_learning_rate(learning_rate),
        *_shrinking(learning_rate, weight_decay),
    ]
    of_others = [
        _lectopt.adam(
            slower,
            adam_beta_1,
            adam_beta_2,
            epsilon,
            eps_placement="uncorrected",
        ),
        *_shrinking(learning_rate, adam_weight_decay),
    ]
    where = Where(tuple(exclude_layers or ()), exclude_embeddings)
    others = replace(where, others=True)
    return chain(muon=masked(chain(*of_matrices), where), adam=masked(chain(*of_others), others))


@dataclass(frozen=True)
class Where:
    """Which leaves Keras' Muon makes orthogonal steps of, or which `others` it leaves to Adam."""

    exclude: tuple[str, ...] = ()
    embeddings: bool = True
    others: bool = False

    def __call__(self, params: Any) -> Any:
        """A tree of booleans like the parameters."""
        return jax.tree_util.tree_map_with_path(self._picks, params)

    def _picks(self, path: Any, leaf: Any) -> bool:
        name = jax.tree_util.keystr(path, simple=True, separator="/")
        embedding = self.embeddings and "embedding" in name.lower()
        excluded = any(re.search(pattern, name) for pattern in self.exclude)
        return (jnp.ndim(leaf) == 2 and not embedding and not excluded) != self.others

    def __repr__(self) -> str:
        return f"dialects.keras.Where{(self.exclude, self.embeddings, self.others)!r}"


def _shrinking(learning_rate: Any, weight_decay: Any) -> list[Transformation]:
    return [] if absent(weight_decay) else [shrink_weights(learning_rate, weight_decay)]
