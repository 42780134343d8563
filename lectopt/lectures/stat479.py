"""STAT 479, Sebastian Raschka, Lecture 12, "Common Optimization Algorithms", Spring 2019.

Weights are `w`, the rate is `eta`, `alpha` is the momentum coefficient (and the step size in Adam),
`beta` decays a mean square, `epsilon` stands outside the root. What the slides quote from PyTorch
has PyTorch's argument names.
"""

from typing import Any, Literal

from lectopt import controls as _controls
from lectopt import optimizers as _optimizers
from lectopt.combinators import chain, ratio
from lectopt.controls._swats import AdamSteps
from lectopt.lectures.misprints import gains_that_shrink_at_zero, without_root
from lectopt.lectures.stat479_decay import (
    ExponentialLR,
    LambdaLR,
    adjust_learning_rate,
    exponential_decay,
    halving,
    inverse_decay,
    triangular,
)
from lectopt.primitives import (
    add_decayed_weights,
    mean_square,
    negate,
    scale_by_learning_rate,
    trace,
)
from lectopt.settings import Decay, Fraction, LearningRate, NonNegative
from lectopt.signatures import checked
from lectopt.transformation import Transformation
from lectopt.values import is_concrete

__all__ = [
    "ExponentialLR",
    "LambdaLR",
    "SGD",
    "adam",
    "adjust_learning_rate",
    "exponential_decay",
    "halving",
    "inverse_decay",
    "local_gains",
    "momentum",
    "nesterov",
    "original_momentum",
    "rmsprop",
    "swats",
    "triangular",
]

UNBOUNDED = 1e30  # of a gain that grows by at most 1 in an update


@checked
def momentum(eta: LearningRate, alpha: Decay = 0.9) -> Transformation:
    """Momentum: `Dw_t := alpha Dw_{t-1} + eta grad L(w_t)`, `w_{t+1} := w_t - Dw_t`.

    The rate stands inside `Dw`, whose sign is opposite to that of CMU and Liège.

    Args:
      eta: zero or more, or a schedule; not given.
      alpha: "a momentum rate between 0.9 and 0.999".

    Source: S4-17, S4-18.
    """
    return _optimizers.momentum(eta, alpha, form="velocity")


@checked
def SGD(
    lr: LearningRate,
    momentum: Decay = 0.0,
    dampening: Decay = 0.0,
    weight_decay: NonNegative = 0.0,
    nesterov: bool = False,
    *,
    literal: bool = False,
) -> Transformation:
    """`torch.optim.SGD` on the slide: `v = momentum * v + (1-dampening) * gradientW`,
    `W = W - lr * v`.

    The rate is outside the velocity, and `weight_decay W` joins the gradient first. PyTorch itself
    starts at `v = gradientW`: the first gradient is not dampened.

    Args:
      lr: zero or more, or a schedule; "required parameter".
      momentum: in [0, 1).
      dampening: in [0, 1).
      weight_decay: zero or more.
      nesterov: `W - lr (gradientW + momentum v)`; needs momentum and no dampening.
      literal: the slide's two lines from `v = 0`, which dampen the first gradient too.

    Raises:
      ValueError: `nesterov` without momentum, or with dampening.

    Source: S4-20.
    """
    if nesterov and (_zero(momentum) or not _zero(dampening)):
        raise ValueError(
            "stat479.SGD: nesterov needs a momentum and no dampening, got "
            f"{momentum=!r}, {dampening=!r}. Write for example momentum=0.9."
        )
    descent = scale_by_learning_rate(lr)
    if nesterov:
        optimizer = chain(trace(momentum, nesterov=True), descent)
    elif _zero(momentum) and not literal:
        optimizer = descent
    else:
        optimizer = _optimizers.momentum(
            lr,
            momentum,
            form="heavy_ball",
            dampening=dampening,
            dampen_first=literal or _zero(dampening),
        )
    return optimizer if _zero(weight_decay) else chain(add_decayed_weights(weight_decay), optimizer)


@checked
def original_momentum(
    lr: LearningRate, momentum: Decay = 0.0, dampening: Decay = 0.0
) -> Transformation:
    """The original definition: `v = momentum * v + (1-dampening) * lr * gradientW`,
    `W = W - v`.

    The rate is inside the velocity: without dampening it is `stat479.momentum`.

    Args:
      lr: zero or more, or a schedule.
      momentum: in [0, 1); the default is that of `SGD`.
      dampening: in [0, 1).

    Source: S4-20.
    """
    return _optimizers.momentum(lr, momentum, form="velocity", dampening=dampening)


@checked
def nesterov(
    eta: LearningRate,
    alpha: Decay = 0.9,
    *,
    form: Literal["shifted", "look_ahead"] = "shifted",
) -> Transformation:
    """Nesterov Accelerated Gradient, "a better momentum method": `Dw_t := alpha Dw_{t-1} + eta grad
    L(w_t - alpha Dw_{t-1})`, `w_{t+1} := w_t - Dw_t`.

    Args:
      eta: zero or more, or a schedule; not given.
      alpha: in [0, 1); the default is that of momentum.
      form: `"shifted"`: the model's parameters are where the gradient is taken, and
        `evaluation_params` gives `w`; `"look_ahead"`: they are `w`, and the loop must take the
        gradient at `tx.point(params, state)`.

    Source: S4-21.
    """
    return _optimizers.nesterov(eta, alpha, form=form)


@checked
def local_gains(
    eta: LearningRate, beta: Fraction = 0.05, *, literal: bool = False
) -> Transformation:
    """Adaptive Learning Rates: `Dw := eta g dL/dw`, with `g(t) := g(t-1) + beta` "if gradient is
    consistent", else `g(t) := g(t-1) (1 - beta)`, from `g = 1`.

    Consistent means here that it has the sign of the gradient before; where one of them is 0 the
    gain stays. The gain is changed before it is used, and has no bounds, as on the slide;
    `lectopt.local_gains` has Hinton's.

    Args:
      eta: zero or more, or a schedule; not given.
      beta: in [0, 1]; not given, the default is Hinton's.
      literal: "else" as printed, which shrinks the gain where one of the gradients is 0 too: the
        gain of a weight without a gradient dies out. The first gradient is used with `g = 1`.

    Source: S4-22, S4-23.
    """
    if literal:
        return chain(gains_that_shrink_at_zero(beta), scale_by_learning_rate(eta))
    return _optimizers.local_gains(eta, beta, beta, min_gain=0.0, max_gain=UNBOUNDED)


@checked
def rmsprop(eta: LearningRate, beta: Decay = 0.9, epsilon: NonNegative = 1e-8) -> Transformation:
    """Adaptive Learning Rate via RMSProp: `MeanSquare(t) := beta MeanSquare(t-1) + (1 - beta)
    (dL/dw)^2`, `w := w - eta dL/dw / (sqrt(MeanSquare(t)) + epsilon)`.

    The slide prints `dL/w`: a derivative without its second d, which cannot be run.

    Args:
      eta: zero or more, or a schedule; not given.
      beta: "typically between 0.9 and 0.999".
      epsilon: "small epsilon term"; not given.

    Source: S4-24.
    """
    return _optimizers.rmsprop(eta, beta, epsilon, eps_placement="outside")


@checked
def adam(
    alpha: LearningRate = 0.001,
    beta_1: Decay = 0.9,
    beta_2: Decay = 0.999,
    epsilon: NonNegative = 1e-8,
    *,
    literal: bool = False,
) -> Transformation:
    """Algorithm 1: Adam, as the slide quotes it from Kingma and Ba: `m_t = beta_1 m_{t-1} + (1 -
    beta_1) g_t`, `v_t = beta_2 v_{t-1} + (1 - beta_2) g_t^2`, `theta_t = theta_{t-1} - alpha
    mhat_t / (sqrt(vhat_t) + epsilon)`, with `mhat_t = m_t / (1 - beta_1^t)`, `vhat_t = v_t / (1 -
    beta_2^t)`.

    Args:
      alpha: "alpha = 0.001".
      beta_1: "beta_1 = 0.9".
      beta_2: "beta_2 = 0.999".
      epsilon: "epsilon = 1e-8".
      literal: the lecture's own formulas on the slides before: `Dw := beta_1 Dw + alpha g`, `m :=
        beta_1 Dw + (1 - beta_1) Dw`, `r := beta_2 r + (1 - beta_2) g^2`, `w := w - alpha m / (r +
        epsilon)`, in the letters `alpha` for `beta_1`, `beta` for `beta_2` and `eta` for `alpha`.
        The root is missing, `m` is `Dw`, the rate comes twice and nothing is corrected. (A later
        slide loses the square in `r` too: that may divide by 0, and is not built.)

    Source: S4-25 for `literal`, S4-26, S4-27.
    """
    if not literal:
        return _optimizers.adam(alpha, beta_1, beta_2, epsilon, eps_placement="outside")
    velocity = chain(negate(), scale_by_learning_rate(alpha), trace(beta_1))
    direction = ratio(velocity, chain(mean_square(beta_2), without_root(epsilon)))
    return chain(direction, scale_by_learning_rate(alpha))


@checked
def swats(
    alpha: LearningRate = 1e-3,
    beta_1: Decay = 0.9,
    beta_2: Decay = 0.999,
    epsilon: NonNegative = 1e-9,
    *,
    switch_tol: NonNegative = 1e-9,
    relative: bool = False,
    min_adam_steps: AdamSteps = 2,
) -> Transformation:
    """SWATS, a simple strategy which switches from Adam to SGD when a triggering condition is
    satisfied.

    The slide quotes the abstract; the algorithm and the values are those of Keskar and Socher 2017,
    whose trigger hardly ever fires: see `lectopt.swats` for what to choose.

    Args:
      alpha: Adam's rate.
      beta_1: Adam's, and the momentum of SGD.
      beta_2: Adam's, and that of the average of projected rates.
      epsilon: Adam's; the paper has the same number as tolerance.
      switch_tol: how close the projected rate must come to its average.
      relative: whether that is a share of the average.
      min_adam_steps: updates that Adam makes at least, two or more.

    Source: S4-30, S4-31.
    """
    return _controls.swats(
        alpha,
        beta_1,
        beta_2,
        epsilon,
        switch_tol=switch_tol,
        relative=relative,
        min_adam_steps=min_adam_steps,
    )


def _zero(setting: Any) -> bool:
    """Whether a setting leaves its part of the algorithm out."""
    return is_concrete(setting) and setting == 0
