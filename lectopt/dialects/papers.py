"""The papers' own algorithms, in their letters and with the defaults they print.

Where the paper gives no default the argument has none. No epsilon means none: a weight that never
had a gradient then stands still.
"""

from typing import Any

from lectopt import optimizers as _lectopt
from lectopt.averaging import uniform
from lectopt.combinators import chain
from lectopt.controls import average_params
from lectopt.controls import swats as _swats
from lectopt.dialects.spelling import spelled
from lectopt.primitives import scale_by_adadelta, scale_by_learning_rate, shrink_weights
from lectopt.schedules import scaled
from lectopt.settings import Bound, Decay, Fraction, Growth, LearningRate, NonNegative
from lectopt.transformation import Transformation

__all__ = [
    "adadelta",
    "adagrad",
    "adam",
    "adamax",
    "adamw",
    "amsgrad",
    "averaged_sgd",
    "heavy_ball",
    "nadam",
    "nesterov",
    "radam",
    "rmsprop",
    "rmsprop_graves",
    "rprop",
    "swats",
]


@spelled()
def heavy_ball(alpha: LearningRate, beta: Decay) -> Transformation:
    """`x_(t+1) = x_t - alpha g + beta (x_t - x_(t-1))`.

    Args:
      alpha: zero or more, or a schedule; inside the velocity, which is the last step.
      beta: in [0, 1).

    Source: Polyak 1964.
    """
    return _lectopt.momentum(alpha, beta)


@spelled()
def nesterov(epsilon: LearningRate, mu: Decay) -> Transformation:
    """`v = mu v - epsilon grad f(theta + mu v)`, `theta + v`.

    Take the gradient at `tx.point(params, state)`.

    Args:
      epsilon: zero or more, or a schedule.
      mu: in [0, 1), or a schedule, as in the paper `1 - 2^(-1 - log2(floor(t / 250) + 1))`.

    Source: Sutskever, Martens, Dahl and Hinton 2013, equations (3) and (4), for Nesterov 1983.
    """
    return _lectopt.nesterov(epsilon, mu, form="look_ahead")


@spelled()
def rprop(
    delta_0: LearningRate = 0.1,
    eta_minus: Fraction = 0.5,
    eta_plus: Growth = 1.2,
    delta_min: NonNegative = 1e-6,
    delta_max: Bound = 50.0,
) -> Transformation:
    """Rprop with weight backtracking: after a change of sign the last move is taken back.

    Args:
      delta_0: the first step size.
      eta_minus: factor after a change of sign.
      eta_plus: factor while the sign stays.
      delta_min: lower bound of a step.
      delta_max: upper bound of a step.

    Source: Riedmiller and Braun 1993.
    """
    return _lectopt.rprop(delta_0, eta_minus, eta_plus, delta_min, delta_max, variant="rprop+")


@spelled()
def averaged_sgd(gamma: LearningRate) -> Transformation:
    """`x_t = x_(t-1) - gamma g`, and the mean of all `x_t`, read with `evaluation_params`.

    Args:
      gamma: zero or more, or a schedule that falls more slowly than `1/t`.

    Source: Polyak and Juditsky 1992.
    """
    return chain(_lectopt.sgd(gamma), average_params(uniform()))


@spelled()
def adagrad(eta: LearningRate, delta: NonNegative = 0.0) -> Transformation:
    """`x - eta g / (delta + sqrt(sum of g^2))`.

    Args:
      eta: zero or more, or a schedule.
      delta: zero or more.

    Source: Duchi, Hazan and Singer 2011, with the diagonal matrix.
    """
    return _lectopt.adagrad(eta, 0.0, delta, eps_placement="outside")


@spelled()
def rmsprop(eta: LearningRate) -> Transformation:
    """`MeanSquare = 0.9 MeanSquare + 0.1 g^2`, `w - eta g / sqrt(MeanSquare)`.

    Args:
      eta: zero or more, or a schedule.

    Source: Tieleman and Hinton 2012, lecture 6e.
    """
    return _lectopt.rmsprop(eta, 0.9, 0.0)


@spelled()
def rmsprop_graves(
    eta: LearningRate = 1e-4, aleph: Decay = 0.95, beth: Decay = 0.9, daleth: NonNegative = 1e-4
) -> Transformation:
    """`Delta = beth Delta - eta g / sqrt(n - gbar^2 + daleth)`, `w + Delta`, with averages `n` of
    the squares and `gbar` of the gradients.

    Args:
      eta: zero or more, or a schedule; the paper's `gimel`.
      aleph: decay of both averages, in [0, 1).
      beth: momentum, in [0, 1).
      daleth: zero or more, inside the root.

    Source: Graves 2013, equations (38) to (45).
    """
    return _lectopt.rmsprop(eta, aleph, daleth, centered=True, momentum=beth)


@spelled()
def adadelta(rho: Decay = 0.95, epsilon: NonNegative = 1e-6) -> Transformation:
    """`x - sqrt(E[dx^2] + epsilon) / sqrt(E[g^2] + epsilon) g`, without a learning rate.

    Args:
      rho: in [0, 1).
      epsilon: zero or more.

    Source: Zeiler 2012, algorithm 1.
    """
    return chain(scale_by_adadelta(rho, epsilon), scale_by_learning_rate(1.0))


@spelled()
def adam(
    alpha: LearningRate = 0.001,
    beta1: Decay = 0.9,
    beta2: Decay = 0.999,
    epsilon: NonNegative = 1e-8,
) -> Transformation:
    """`theta - alpha m_hat / (sqrt(v_hat) + epsilon)`.

    Args:
      alpha: zero or more, or a schedule.
      beta1: in [0, 1).
      beta2: in [0, 1).
      epsilon: zero or more, outside the root.

    Source: Kingma and Ba 2015, algorithm 1.
    """
    return _lectopt.adam(alpha, beta1, beta2, epsilon)


@spelled()
def adamax(alpha: LearningRate = 0.002, beta1: Decay = 0.9, beta2: Decay = 0.999) -> Transformation:
    """`u = max(beta2 u, |g|)`, `theta - alpha / (1 - beta1^t) m / u`.

    Args:
      alpha: zero or more, or a schedule.
      beta1: in [0, 1).
      beta2: in [0, 1).

    Source: Kingma and Ba 2015, algorithm 2.
    """
    return _lectopt.adamax(alpha, beta1, beta2, eps_placement="none")


@spelled()
def adamw(
    alpha: LearningRate = 0.001,
    beta1: Decay = 0.9,
    beta2: Decay = 0.999,
    epsilon: NonNegative = 1e-8,
    *,
    weight_decay: NonNegative,
    eta: LearningRate = 1.0,
) -> Transformation:
    """`theta - eta (alpha m_hat / (sqrt(v_hat) + epsilon) + weight_decay theta)`.

    Args:
      alpha: zero or more; it does not scale the decay.
      beta1: in [0, 1).
      beta2: in [0, 1).
      epsilon: zero or more.
      weight_decay: the paper's lambda, zero or more. In PyTorch it is `weight_decay / alpha`.
      eta: the schedule multiplier, a number or a schedule, which scales both.

    Source: Loshchilov and Hutter 2019, algorithm 2.
    """
    rate: Any = scaled(eta, alpha) if callable(eta) or callable(alpha) else eta * alpha
    return chain(adam(rate, beta1, beta2, epsilon), shrink_weights(eta, weight_decay))


@spelled()
def amsgrad(alpha: LearningRate, beta1: Decay = 0.9, beta2: Decay = 0.999) -> Transformation:
    """`x - alpha m / sqrt(v_max)`, without bias corrections.

    Args:
      alpha: zero or more, or a schedule.
      beta1: in [0, 1), or a schedule.
      beta2: in [0, 1).

    Source: Reddi, Kale and Kumar 2018, algorithm 2.
    """
    return _lectopt.amsgrad(alpha, beta1, beta2, 0.0, maximum_of="uncorrected")


@spelled()
def nadam(
    alpha: LearningRate, mu: Decay, nu: Decay = 0.999, epsilon: NonNegative = 1e-8
) -> Transformation:
    """Adam whose mean looks ahead, its coefficient `mu_t = mu (1 - 0.96^(t / 250) / 2)` throughout.

    Args:
      alpha: zero or more, or a schedule.
      mu: in [0, 1).
      nu: in [0, 1).
      epsilon: zero or more.

    Source: Dozat 2016, algorithm 2.
    """
    return _lectopt.nadam(alpha, mu, nu, epsilon, momentum_decay=4e-3, form="paper")


@spelled()
def radam(alpha: LearningRate = 0.001, beta1: Decay = 0.9, beta2: Decay = 0.999) -> Transformation:
    """Adam without its denominator while `rho_t <= 4`, and without epsilon.

    Args:
      alpha: zero or more, or a schedule.
      beta1: in [0, 1).
      beta2: in [0, 1).

    Source: Liu et al. 2020, algorithm 2.
    """
    return _lectopt.radam(alpha, beta1, beta2, 0.0, threshold=4.0)


@spelled()
def swats(
    alpha: LearningRate = 0.001,
    beta1: Decay = 0.9,
    beta2: Decay = 0.999,
    epsilon: NonNegative = 1e-9,
) -> Transformation:
    """Adam until the rate that SGD would need has settled, then SGD with that rate.

    Args:
      alpha: zero or more, or a schedule.
      beta1: in [0, 1).
      beta2: in [0, 1).
      epsilon: zero or more; also how closely the rate must settle.

    Source: Keskar and Socher 2017, algorithm 1; see `lectopt.swats`.
    """
    return _swats(alpha, beta1, beta2, epsilon, switch_tol=epsilon, min_adam_steps=2)
