"""ISI, Debapriyo Majumdar, "Optimizing Deep Learning Models": its algorithms in its letters.

Parameters are `theta`, the learning rate is `alpha` and "needs to be tuned": it has no default.
`beta` decays a moving average, `epsilon` stands inside the root, and `lambda_` is the slides'
lambda, divided by the number `m` of training examples.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import optax

from lectopt import controls as _controls
from lectopt import optimizers as _optimizers
from lectopt import primitives as _primitives
from lectopt.combinators import chain, debiased
from lectopt.lectures.misprints import add_constant
from lectopt.schedules import scaled
from lectopt.settings import Bound, Decay, LearningRate, NonNegative, Numeric, Range, Scalar
from lectopt.signatures import checked
from lectopt.transformation import Transformation

__all__ = [
    "adam",
    "gradient_clipping",
    "gradient_descent",
    "gradual_unfreezing",
    "l2_regularization",
    "momentum",
    "moving_average",
    "rmsprop",
    "weight_decay",
]

Examples = Annotated[
    Numeric, Range(1, float("inf"), False, "a number of training examples, one or more", 1000)
]


@checked
def l2_regularization(
    lambda_: NonNegative, m: Examples[Scalar], mask: Any = None
) -> Transformation:
    """L2 Regularization: the gradient of `lambda/(2m) sum |W|^2 + lambda/(2m) sum |b|^2`, added
    to that of the loss: `g + lambda/m W`.

    First in a chain, before any optimizer; with Adam it is not weight decay. The loss is the mean
    over the examples, as in the slide's `J`; the gradient that the slide prints, `dL/dW + lambda/m
    W`, has lost the `1/m` before `L`.

    Args:
      lambda_: "regularization parameter", zero or more; not given.
      m: number of training examples.
      mask: which leaves are penalised, by default all; on biases it "matters less".

    Source: S2-06.
    """
    return _primitives.add_decayed_weights(_share(lambda_, m), mask)


@checked
def weight_decay(
    alpha: LearningRate, lambda_: NonNegative, m: Examples[Scalar], *, literal: bool = False
) -> Transformation:
    """Weight decay: `W := W - alpha (dL/dW + lambda/m W) = (1 - alpha lambda/m) W - alpha dL/dW`.

    Args:
      alpha: zero or more, or a schedule.
      lambda_: zero or more.
      m: number of training examples.
      literal: the right-hand side as printed, `W - alpha lambda/m - alpha dL/dW`, in which a W is
        lost: every weight drifts down.

    Source: S2-07.
    """
    share = _share(lambda_, m)
    pull = add_constant(share) if literal else _primitives.add_decayed_weights(share)
    return chain(pull, _optimizers.sgd(alpha))


@checked
def gradient_clipping(threshold: Bound, by: Literal["norm", "value"] = "norm") -> Transformation:
    """Gradient clipping, the "solution" for exploding gradients: `g min(1, threshold / |g|)`.

    The slide has neither formula nor number. By default the norm is that of the whole gradient.

    Args:
      threshold: zero or more.
      by: `"norm"`, or `"value"`: every coordinate brought into `[-threshold, threshold]`.

    Source: S2-10.
    """
    if by == "norm":
        return _primitives.clip_by_global_norm(threshold)
    return _primitives.clip_by_value(threshold)


@checked
def gradient_descent(alpha: LearningRate) -> Transformation:
    """Batch, mini-batch or stochastic gradient descent: `theta := theta - alpha grad J(theta)`.

    Which of them it is depends on the batch that the gradient is of: "say B = 256", "usually the
    choice".

    Args:
      alpha: zero or more, or a schedule.

    Source: S2-13, S2-14, S2-15.
    """
    return _optimizers.sgd(alpha)


@checked
def moving_average(beta: Decay = 0.9) -> Transformation:
    """Moving Average (Momentum): `v_t = beta v_{t-1} + (1 - beta) y_t`, `w_t = v_t / (1 -
    beta^{t+1})`, with `t` from 0.

    Out comes `w`, the average with bias correction, here of the gradients.

    Args:
      beta: in [0, 1); not given, the default is the `beta_1` of Adam.

    Source: S2-17.
    """
    return debiased(_primitives.ema(beta))


@checked
def momentum(
    alpha: LearningRate, beta: Decay = 0.9, *, bias_correction: bool = False
) -> Transformation:
    """Gradient descent with momentum: `v = beta v + (1 - beta) grad`, `theta := theta - alpha v`.

    A moving average, with the rate outside: its steps are `1 - beta` times as long as those of the
    other lectures' momentum.

    Args:
      alpha: zero or more, or a schedule.
      beta: in [0, 1); not given, the default is the `beta_1` of Adam.
      bias_correction: divide `v` by `1 - beta^{t+1}`, with `t` from 0; "not important in this
        case".

    Source: S2-18.
    """
    form = "debiased_ema" if bias_correction else "ema"
    return _optimizers.momentum(alpha, beta, form=form)


@checked
def rmsprop(
    alpha: LearningRate,
    beta: Decay = 0.9,
    epsilon: NonNegative = 1e-8,
    *,
    literal: bool = False,
) -> Transformation:
    """RMSProp: `S := beta S + (1 - beta) (grad * grad)`, `theta := theta - alpha grad / sqrt(S +
    epsilon)`.

    The slide has no epsilon, and divides 0 by 0 where a weight has not had a gradient. The default
    is to put it where the next slide, Adam, does.

    Args:
      alpha: zero or more, or a schedule.
      beta: in [0, 1); not given, the default is CMU's.
      epsilon: zero or more.
      literal: `grad / sqrt(S)` as printed, whatever `epsilon` is; 0/0 is read as 0.

    Source: S2-20.
    """
    epsilon = 0.0 if literal else epsilon
    return _optimizers.rmsprop(alpha, beta, epsilon, eps_placement="inside")


@checked
def adam(
    alpha: LearningRate,
    beta_1: Decay = 0.9,
    beta_2: Decay = 0.999,
    epsilon: NonNegative = 1e-8,
) -> Transformation:
    """Adaptive Moment Estimation (AdaM): `v := beta_1 v + (1 - beta_1) grad`, `S := beta_2 S + (1
    - beta_2) (grad * grad)`, "apply bias correction", `theta := theta - alpha v / sqrt(S +
    epsilon)`.

    Args:
      alpha: "needs to be tuned".
      beta_1: "beta_1 = 0.9".
      beta_2: "beta_2 = 0.999".
      epsilon: "epsilon = 1e-8", inside the root.

    Source: S2-21, with the correction of S2-17.
    """
    return _optimizers.adam(alpha, beta_1, beta_2, epsilon, eps_placement="inside")


def gradual_unfreezing(
    steps: Mapping[str, Any], inner: optax.GradientTransformation
) -> Transformation:
    """Freeze initial layers and only fine-tune final layers. Gradually unfreeze layers, slow down
    learning rate.

    The slide says no more. See `unfreeze_gradually`, and `scale_by_path` for rates by layer.

    Args:
      steps: for each pattern of paths, the number of updates before its leaves start to train.
      inner: the optimizer.

    Source: S2-25.
    """
    return _controls.unfreeze_gradually(steps, inner)


def _share(lambda_: Any, m: Any) -> Any:
    """`lambda / m`, a number or a schedule."""
    return scaled(lambda_, 1 / m) if callable(lambda_) else lambda_ / m
