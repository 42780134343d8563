"""CMU 11-785, "Training Neural Networks: Optimization", Spring 2024: its algorithms in its letters.

Weights are `W`, the rate is `eta`, a momentum coefficient `beta`; in Adam `delta` decays the mean
and `gamma` the mean square. Updates are counted from 1 (`j`, `k`, `t`), so a rate `eta_j` is the
schedule's value at count `j - 1`. The gradient is the mean over the mini-batch; the pseudo-code
prints `Div(Y_t, d_t)` inside its loop over `t'`, where it means `t'`. AdaGrad, AdaDelta and AdaMax
are named (S0-42) and not defined: see `lectopt.adagrad`, `lectopt.adadelta`, `lectopt.adamax`.
"""

import math
from typing import Annotated, Literal

from lectopt import controls as _controls
from lectopt import optimizers as _optimizers
from lectopt import schedules as _schedules
from lectopt.averaging import polynomial_decay as _polynomial_decay
from lectopt.combinators import chain, identity, ratio, root
from lectopt.lectures.misprints import mean_square_per_epoch
from lectopt.primitives import scale_by_learning_rate
from lectopt.schedules import Schedule
from lectopt.settings import (
    Bound,
    Count,
    Decay,
    Fraction,
    Growth,
    LearningRate,
    NonNegative,
    Numeric,
    Positive,
    Range,
    Scalar,
    Steps,
)
from lectopt.signatures import checked
from lectopt.transformation import Transformation

Divisor = Annotated[Numeric, Range(1, math.inf, False, "what the rate is divided by", 10.0, True)]

__all__ = [
    "adam",
    "momentum",
    "nesterov",
    "one_over_k",
    "one_over_lambda_t",
    "one_over_sqrt_k",
    "plateau",
    "polynomial_decay_averaging",
    "rmsprop",
    "rprop",
    "sgd",
]


@checked
def rprop(
    Delta_0: LearningRate,
    eta_minus: Fraction = 0.5,
    eta_plus: Growth = 1.2,
    Delta_min: NonNegative = 1e-6,
    Delta_max: Bound = 50.0,
) -> Transformation:
    """Rprop, "methods that decouple the dimensions": a step `Delta` for every weight.

    `Delta = eta_plus Delta` while the derivative keeps its sign, `eta_minus Delta` when it changes
    it, within the bounds; `w - sign(g) Delta`. The slides name it only. The numbers and the variant
    (no move after a change of sign) are those of `lectopt.rprop`; the first step has no default.

    Args:
      Delta_0: the first step.
      eta_minus: in [0, 1].
      eta_plus: one or more.
      Delta_min: least step.
      Delta_max: largest step.

    Source: S0-02.
    """
    return _optimizers.rprop(Delta_0, eta_minus, eta_plus, Delta_min, Delta_max)


@checked
def sgd(eta: LearningRate) -> Transformation:
    """Incremental Update: Stochastic Gradient Descent: `W_k = W_k - eta_j grad_{W_k}
    Div(Y_t, d_t)^T`.

    With the gradient of a mini-batch it is "Mini-batch update", with that of all data gradient
    descent. One slide prints `W_k = W_k eta grad`: without the minus sign it is no update of
    vectors, and cannot be run.

    Args:
      eta: the rate, or the schedule of the `eta_j`. `j` runs on through the epochs.

    Source: S0-04, S0-06, S0-11, S0-24.
    """
    return _optimizers.sgd(eta)


@checked
def one_over_k(eta: LearningRate) -> Schedule:
    """`eta_k = eta / k`, "the fastest converging series that satisfies both requirements".

    The slide has `eta_k` proportional to `1/k`; the factor is open, and so has no default here.

    Args:
      eta: the rate at `k = 1`, the first update.

    Source: S0-12, S0-14.
    """
    return _schedules.power_decay(eta, 1.0)


@checked
def one_over_sqrt_k(eta: LearningRate) -> Schedule:
    """`eta_k = eta / sqrt(k)`, the rate for a "generically convex" function.

    Args:
      eta: the rate at `k = 1`, the first update.

    Source: S0-15.
    """
    return _schedules.power_decay(eta, 0.5)


@checked
def one_over_lambda_t(lambda_: Positive) -> Schedule:
    """`eta_t = 1 / (lambda t)`, "if f is lambda-strongly convex".

    The slide prints `1/lambda_t`; there is no such sequence, so that cannot be run.

    Args:
      lambda_: constant of strong convexity, above 0. `t` is 1 at the first update.

    Source: S0-17.
    """
    return _schedules.inverse_strong_convexity(lambda_)


@checked
def polynomial_decay_averaging(gamma: NonNegative = 3.0) -> Transformation:
    """Polynomial Decay Averaging: `wbar_t = (1 - (gamma+1)/(t+gamma)) wbar_{t-1} +
    (gamma+1)/(t+gamma) w_t`, "e.g. gamma = 3".

    Last in a chain; `evaluation_params` reads `wbar`. The slide does not say whether `w_1` is the
    weight before or after the first update; here it is after, see `average_params`.

    Args:
      gamma: zero or more.

    Source: S0-19.
    """
    return _controls.average_params(_polynomial_decay(gamma))


@checked
def plateau(factor: Divisor[Scalar] = 10.0, patience: Count = 10) -> Transformation:
    """Fix learning rate until the error plateaus, then reduce learning rate by a fixed factor
    (e.g. 10).

    After the optimizer in a chain; `update` wants `value=`, the error. When an error has plateaued
    the slide does not say; here it is after `patience` evaluations in a row without improvement by
    a ten-thousandth, one more makes the reduction. See `reduce_on_plateau`.

    Args:
      factor: by which the rate is divided, a number above 1.
      patience: zero or more.

    Source: S0-30.
    """
    return _controls.reduce_on_plateau(1 / factor, patience)


@checked
def momentum(eta: LearningRate, beta: Decay = 0.9) -> Transformation:
    """The momentum method: `DeltaW^(k) = beta DeltaW^(k-1) - eta grad Loss(W^(k-1))^T`,
    `W^(k) = W^(k-1) + DeltaW^(k)`.

    The rate stands inside `DeltaW`, which starts at 0, once and not in every epoch. The slide calls
    `DeltaW` a running average; its weights sum to `1 / (1 - beta)`.

    Args:
      eta: zero or more, or the schedule of the `eta_j`.
      beta: "Typical beta value is 0.9".

    Source: S0-31, S0-33.
    """
    return _optimizers.momentum(eta, beta, form="velocity")


@checked
def nesterov(
    eta: LearningRate,
    beta: Decay = 0.9,
    *,
    form: Literal["shifted", "look_ahead"] = "shifted",
) -> Transformation:
    """Nestorov's Accelerated Gradient: `DeltaW^(k) = beta DeltaW^(k-1) - eta grad Loss(W^(k-1) +
    beta DeltaW^(k-1))^T`, `W^(k) = W^(k-1) + DeltaW^(k)`.

    "First extend the previous step, then compute the gradient at the resultant position." The
    two-stage pseudo-code of the mini-batch slide is the same algorithm, number by number. The slide
    does not give `beta`; the default is that of momentum.

    Args:
      eta: zero or more, or the schedule of the `eta_j`.
      beta: in [0, 1).
      form: `"shifted"`: the model's parameters are where the gradient is taken, as between the two
        stages of the pseudo-code, and `evaluation_params` gives `W^(k)`; `"look_ahead"`: they are
        `W^(k)`, and the loop must take the gradient at `tx.point(params, state)`.

    Source: S0-34, S0-35.
    """
    return _optimizers.nesterov(eta, beta, form=form)


@checked
def rmsprop(
    eta: LearningRate = 0.001,
    gamma: Decay = 0.9,
    epsilon: NonNegative = 1e-8,
    *,
    literal: bool = False,
    steps_per_epoch: Steps | None = None,
) -> Transformation:
    """RMS Prop: `E[d2]_k = gamma E[d2]_{k-1} + (1 - gamma) (d2)_k`,
    `w_{k+1} = w_k - eta / sqrt(E[d2]_k + epsilon) d`.

    `d` is the derivative and `d2` its square. Epsilon is inside the root; its value is not given.

    Args:
      eta: "Typical values: eta = 0.001".
      gamma: of the mean square; "gamma = 0.9".
      epsilon: zero or more.
      literal: the procedure as printed, with "Initialize" inside the loop over epochs: `E[d2]`
        starts at 0 again in every epoch.
      steps_per_epoch: updates in an epoch; with `literal` only, and needed there.

    Raises:
      ValueError: only one of `literal` and `steps_per_epoch`.

    Source: S0-38, S0-39.
    """
    if literal != (steps_per_epoch is not None):
        raise ValueError(
            "cmu11785.rmsprop: the printed procedure starts anew in every epoch, so literal=True "
            f"and steps_per_epoch go together; got {literal=}, {steps_per_epoch=}. Write for "
            "example rmsprop(literal=True, steps_per_epoch=100)."
        )
    if steps_per_epoch is None:
        return _optimizers.rmsprop(eta, gamma, epsilon, eps_placement="inside")
    moment = mean_square_per_epoch(gamma, steps_per_epoch)
    return chain(ratio(identity(), root(moment, epsilon, "inside")), scale_by_learning_rate(eta))


@checked
def adam(
    eta: LearningRate = 1e-3,
    delta: Decay = 0.9,
    gamma: Decay = 0.999,
    epsilon: NonNegative = 1e-8,
) -> Transformation:
    """ADAM: RMSprop with momentum: `m_k = delta m_{k-1} + (1 - delta) d_k`,
    `v_k = gamma v_{k-1} + (1 - gamma) d_k^2`, `mhat_k = m_k / (1 - delta^k)`,
    `vhat_k = v_k / (1 - gamma^k)`, `w_{k+1} = w_k - eta / sqrt(vhat_k + epsilon) mhat_k`.

    Epsilon is inside the root; its value is not given.

    Args:
      eta: "ADAM: eta = 0.001".
      delta: of the mean; "delta = 0.9".
      gamma: of the mean square; "gamma = 0.999".
      epsilon: zero or more.

    Source: S0-40, S0-41.
    """
    return _optimizers.adam(eta, delta, gamma, epsilon, eps_placement="inside")
