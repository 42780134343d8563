"""Adam's relatives: another second moment (AdaMax, AMSGrad), another mean (NAdam), a cautious
start (RAdam)."""

from typing import Any, Literal

from lectopt.combinators import chain, debiased, ratio, root
from lectopt.primitives import (
    ema,
    infinity_moment,
    mean_square,
    nesterov_ema,
    nesterov_ema_warmed,
    rectification,
    running_max,
    scale,
    scale_by_learning_rate,
)
from lectopt.settings import Decay, EpsPlacement, LearningRate, NonNegative, RectificationThreshold
from lectopt.signatures import checked
from lectopt.transformation import Transformation


@checked
def adamax(
    learning_rate: LearningRate,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    eps: NonNegative = 1e-8,
    *,
    eps_placement: Literal["in_max", "outside", "none"] = "in_max",
    state_dtype: Any = None,
) -> Transformation:
    """AdaMax: Adam with the largest recent gradient for the root mean square.

    `mu = b1 mu + (1 - b1) g`, `nu = max(b2 nu, |g|)`, `param - learning_rate mu_hat / nu`.

    Args:
      learning_rate: zero or more, or a schedule.
      b1: decay of the mean, in [0, 1).
      b2: decay of the maximum, in [0, 1).
      eps: epsilon, zero or more.
      eps_placement: `"in_max"`: `max(b2 nu, |g| + eps)` (PyTorch, Optax); `"outside"`: `nu + eps`
        (Keras); `"none"`: no epsilon (the paper), and a weight that never had a gradient stands
        still.
      state_dtype: dtype of both moments.

    Source: CMU (S0-42); Kingma and Ba 2015.
    """
    smoothing = debiased(ema(b1, state_dtype=state_dtype))
    largest = infinity_moment(
        b2,
        0.0 if eps_placement == "none" else eps,
        eps_in_max=eps_placement == "in_max",
        state_dtype=state_dtype,
    )
    return chain(ratio(smoothing, largest), scale_by_learning_rate(learning_rate))


@checked
def amsgrad(
    learning_rate: LearningRate,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    eps: NonNegative = 1e-8,
    *,
    maximum_of: Literal["corrected", "raw", "uncorrected"] = "corrected",
    eps_placement: EpsPlacement = "outside",
    state_dtype: Any = None,
) -> Transformation:
    """AMSGrad: Adam whose mean square never falls, `nu_max = max(nu_max, nu_hat)`.

    Args:
      learning_rate: zero or more, or a schedule.
      b1: see `adam`.
      b2: see `adam`.
      eps: see `adam`.
      maximum_of: `"corrected"`: the maximum of `nu_hat`, in which the first gradient counts in
        full (Optax); `"raw"`: the maximum of `nu`, corrected afterwards (PyTorch, and Keras with
        `eps_placement="uncorrected"`); `"uncorrected"`: the maximum of `nu`, and neither moment is
        corrected (Reddi et al.).
      eps_placement: see `root`.
      state_dtype: dtype of the three moments.

    Raises:
      ValueError: an epsilon that joins the root before the correction, where the correction comes
        first.

    Source: Reddi et al. 2018.
    """
    if maximum_of == "corrected" and eps_placement == "uncorrected":
        raise ValueError(
            'amsgrad: eps_placement="uncorrected" adds epsilon before the bias correction, but '
            'maximum_of="corrected" corrects first. Write maximum_of="raw".'
        )
    mean, square = ema(b1, state_dtype=state_dtype), mean_square(b2, state_dtype=state_dtype)
    largest = running_max(state_dtype=state_dtype)
    match maximum_of:
        case "corrected":
            square = chain(debiased(square), largest)
        case "raw":
            square = debiased(chain(square, largest))
        case _:
            square = chain(square, largest)
    smoothing = mean if maximum_of == "uncorrected" else debiased(mean)
    direction = ratio(smoothing, root(square, eps, eps_placement))
    return chain(direction, scale_by_learning_rate(learning_rate))


@checked
def nadam(
    learning_rate: LearningRate,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    eps: NonNegative = 1e-8,
    *,
    momentum_decay: NonNegative | None = None,
    form: Literal["framework", "paper"] = "framework",
    eps_placement: EpsPlacement = "outside",
    state_dtype: Any = None,
) -> Transformation:
    """NAdam: Adam with Nesterov's look-ahead in the mean.

    `c_(t+1) mu / (1 - p c_(t+1)) + (1 - c_t) g / (1 - p)` takes the place of `mu_hat`, with the
    momentum coefficients `c_t` and their product `p = c_1 ... c_t`.

    Args:
      learning_rate: zero or more, or a schedule.
      b1: see `adam`.
      b2: see `adam`.
      eps: see `adam`.
      momentum_decay: None: `c_t = b1` (Optax). A number `psi`, zero or more: `c_t = b1 (1 -
        0.96^(psi t) / 2)`, with 0.004 in PyTorch and the paper, 1 in Keras.
      form: `"framework"`: the mean itself keeps `b1` (PyTorch, Keras, Optax); `"paper"`: its
        coefficient is `c_t` too, and `nu_hat` is multiplied by `b2`.
      eps_placement: see `root`.
      state_dtype: dtype of both moments.

    Source: Dozat 2016.
    """
    if momentum_decay is None:
        mean = nesterov_ema(b1, state_dtype=state_dtype)
    else:
        mean = nesterov_ema_warmed(b1, momentum_decay, form == "paper", state_dtype=state_dtype)
    square = debiased(mean_square(b2, state_dtype=state_dtype))
    if form == "paper":
        square = chain(square, scale(b2))
    direction = ratio(mean, root(square, eps, eps_placement))
    return chain(direction, scale_by_learning_rate(learning_rate))


@checked
def radam(
    learning_rate: LearningRate,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    eps: NonNegative = 1e-8,
    *,
    threshold: RectificationThreshold = 5.0,
    eps_placement: EpsPlacement = "outside",
    fallback: Literal["sgd", "skip"] = "sgd",
    nesterov: bool = False,
    state_dtype: Any = None,
) -> Transformation:
    """RAdam: Adam that does not divide by its root mean square until that has a variance.

    Adam's denominator goes through `rectification`; in the first steps (five, unless `b2` is
    small) the weights move by the mean of the gradients alone.

    Args:
      learning_rate: zero or more, or a schedule.
      b1: see `adam`.
      b2: see `adam`.
      eps: see `adam`.
      threshold: the worth in gradients from which the mean square is used, 4 or more; 5 in PyTorch
        and Optax, 4 in the paper.
      eps_placement: see `root`; `"outside"` in Optax, `"uncorrected"` in PyTorch.
      fallback: below the threshold: `"sgd"`, a step along the mean, whose size is that of the
        gradient; `"skip"`, no step.
      nesterov: see `adam`.
      state_dtype: dtype of both moments.

    Source: Liu et al. 2020.
    """
    mean, square = ema(b1, state_dtype=state_dtype), mean_square(b2, state_dtype=state_dtype)
    smoothing = nesterov_ema(b1, state_dtype=state_dtype) if nesterov else debiased(mean)
    rectified = rectification(b2, threshold, fallback)
    denominator = chain(root(debiased(square), eps, eps_placement), rectified)
    return chain(ratio(smoothing, denominator), scale_by_learning_rate(learning_rate))
