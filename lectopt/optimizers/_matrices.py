"""Muon: orthogonal updates of matrices, and Adam for the other weights."""

from typing import Any, Literal

import numpy as np

from lectopt.combinators import chain, debiased, masked
from lectopt.optimizers._adam import adamw
from lectopt.primitives import (
    add_decayed_weights,
    all_but_matrices,
    ema,
    matrices,
    nesterov_ema,
    orthogonalize,
    scale_by_learning_rate,
    scale_by_shape,
    trace,
)
from lectopt.settings import Decay, LearningRate, NonNegative
from lectopt.signatures import checked
from lectopt.transformation import Transformation


@checked
def muon(
    learning_rate: LearningRate,
    ns_coeffs: Any = None,
    beta: Decay = 0.95,
    eps: NonNegative = 1e-8,
    weight_decay: NonNegative = 0.0,
    weight_decay_mask: Any = None,
    *,
    nesterov: bool = True,
    bias_correction: bool = True,
    eps_placement: Literal["outside", "least"] = "outside",
    dtype: Any = None,
    consistent_rms: NonNegative | None = None,
    layout: Literal["in_out", "out_in"] = "in_out",
    adam_learning_rate: LearningRate | None = None,
    adam_b1: Decay = 0.9,
    adam_b2: Decay = 0.999,
    adam_weight_decay: NonNegative = 0.0,
    state_dtype: Any = None,
) -> Transformation:
    """Muon: a matrix moves along the orthogonal matrix that is nearest to its velocity; what is no
    matrix moves as in AdamW.

    With `mu = beta mu + (1 - beta) g` and its look-ahead `m` (see `nesterov_ema`), `param -
    learning_rate (sqrt(max(1, n_out / n_in)) orthogonalize(m) + weight_decay param)`.

    Args:
      learning_rate: zero or more, or a schedule.
      ns_coeffs: three numbers for each step of the iteration, by default Jordan's five times; see
        `orthogonalize`.
      beta: decay of the velocity, in [0, 1).
      eps: epsilon, of the norm and in Adam's denominator, zero or more.
      weight_decay: decoupled, zero or more.
      weight_decay_mask: which of the matrices decay; see `add_decayed_weights`.
      nesterov: `beta mu + (1 - beta) g` in the place of `mu`, for Adam's mean too.
      bias_correction: correct both parts of the velocity for their start, as Optax does; Jordan's
        code and PyTorch do not. Without `nesterov` it is a factor, which only epsilon sees.
      eps_placement: see `orthogonalize`.
      dtype: see `orthogonalize`; `"bfloat16"` in PyTorch and in Jordan's code.
      consistent_rms: see `scale_by_shape`.
      layout: see `scale_by_shape`.
      adam_learning_rate: of what is no matrix; by default the other one.
      adam_b1: see `adamw`.
      adam_b2: see `adamw`.
      adam_weight_decay: decoupled decay of what is no matrix.
      state_dtype: dtype of all moments.

    Source: Jordan et al. 2024; Liu et al. 2025 for the decay and the consistent size.
    """
    if bias_correction:
        ahead, plain = nesterov_ema, debiased(ema(beta, state_dtype=state_dtype))
        velocity = ahead(beta, state_dtype=state_dtype) if nesterov else plain
    else:
        velocity = trace(beta, nesterov, beta, state_dtype=state_dtype)
    dtype = None if dtype is None else str(np.dtype(dtype))
    orthogonal = orthogonalize(ns_coeffs, eps, eps_placement=eps_placement, dtype=dtype)
    of_matrices = chain(
        velocity,
        orthogonal,
        scale_by_shape(consistent_rms, layout),
        add_decayed_weights(weight_decay, weight_decay_mask),
        scale_by_learning_rate(learning_rate),
    )
    of_others = adamw(
        learning_rate if adam_learning_rate is None else adam_learning_rate,
        adam_b1,
        adam_b2,
        eps,
        weight_decay=adam_weight_decay,
        nesterov=nesterov,
        state_dtype=state_dtype,
    )
    return chain(muon=masked(of_matrices, matrices), adam=masked(of_others, all_but_matrices))
