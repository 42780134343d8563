"""TTIC 31230, David McAllester, "SGD", Winter 2018: its algorithms in its letters.

Parameters are `Phi`, the rate is `eta`, `ghat` is the gradient of a batch and `g` that of all the
training data; `mu` is the momentum coefficient, `s` the running average of `ghat^2`. The state has
the index `t` when the gradient `ghat^{t+1}` arrives. Greek letters and hats are read as in the
author's source of the slides, where the extracted text has lost them.
"""

from typing import Any, Literal

from lectopt import optimizers as _optimizers
from lectopt import schedules as _schedules
from lectopt.combinators import chain, identity, ratio, root
from lectopt.lectures.misprints import stale_mean_square, times_bias
from lectopt.primitives import ema, mean_square, scale_by_learning_rate, scale_by_snr
from lectopt.primitives.statistics import Window
from lectopt.schedules import Schedule
from lectopt.settings import Decay, LearningRate, NonNegative, Positive, Scalar, Steps
from lectopt.signatures import checked
from lectopt.transformation import Transformation
from lectopt.values import shown

__all__ = [
    "adam",
    "cosine_restarts",
    "learning_rate_scaling",
    "momentum",
    "rmsprop",
    "running_average",
    "sgd_as_mcmc",
    "statistical",
    "statistical_1d",
    "vanilla_sgd",
]

Placement = Literal["inside", "outside"]


@checked
def vanilla_sgd(eta: LearningRate) -> Transformation:
    """Vanilla SGD: `Phi -= eta ghat`.

    The theorem of the lecture asks of a schedule `eta^t > 0`, `lim eta^t = 0` (it prints the limit
    for `t -> 0`) and `sum eta^t = inf`, and not CMU's `sum (eta^t)^2 < inf`.

    Args:
      eta: zero or more, or a schedule; at a constant rate it is `sgd_as_mcmc`.

    Source: S3-01, S3-05.
    """
    return _optimizers.sgd(eta)


@checked
def running_average(N: Steps[Scalar]) -> Transformation:
    """Running averages: `muhat_{t+1} = (1 - 1/N) muhat_t + (1/N) x_{t+1}`, from `muhat_0 = 0`.

    The next slide's explicit form prints the exponents `-(t - s)` and `-n`; with these its sums are
    infinite, and it means `t - s` and `n`.

    Args:
      N: number of values that the average reaches back over.

    Source: S3-09, S3-10.
    """
    return ema(1 - 1 / N)


@checked
def rmsprop(
    eta: LearningRate,
    beta: Decay = 0.99,
    epsilon: NonNegative = 1e-8,
    *,
    eps_placement: Placement = "inside",
    literal: bool = False,
) -> Transformation:
    """RMSProp: `s^{t+1} = beta s^t + (1 - beta) ghat^2`, and a rate proportional to `1 / sqrt(s +
    epsilon)`.

    The factor is `eta`. Epsilon has no value, and the extracted text does not show where the root
    ends; the author's source has it inside.

    Args:
      eta: zero or more, or a schedule; not given.
      beta: "the PyTorch default for beta is .99".
      epsilon: zero or more.
      eps_placement: where epsilon stands; PyTorch has it outside.
      literal: the rate from `s^t`, as printed, which does not know the gradient that it scales; the
        first step is `eta ghat / sqrt(epsilon)`.

    Source: S3-13.
    """
    moment = stale_mean_square(beta) if literal else mean_square(beta)
    normalised = ratio(identity(), root(moment, epsilon, eps_placement))
    return chain(normalised, scale_by_learning_rate(eta))


@checked
def momentum(
    eta: LearningRate,
    mu: Decay = 0.9,
    *,
    parameterization: Literal["standard", "nonstandard"] = "standard",
) -> Transformation:
    """Momentum, standard: `v^{t+1} = mu v^t + eta ghat`, `Phi^{t+1} = Phi^t - v^{t+1}`;
    nonstandard: `gtilde^{t+1} = mu gtilde^t + (1 - mu) ghat`, `Phi^{t+1} = Phi^t - eta'
    gtilde^{t+1}`.

    The lecture calls them equivalent with `eta' = eta / (1 - mu)`. They are while the rate is
    constant: the standard one keeps old rates in `v`.

    Args:
      eta: zero or more, or a schedule; the slides' `eta'` in the nonstandard form.
      mu: "typically mu = .9".
      parameterization: which of the two.

    Source: S3-14, S3-15, S3-16.
    """
    form = "velocity" if parameterization == "standard" else "ema"
    return _optimizers.momentum(eta, mu, form=form)


@checked
def adam(
    lr: LearningRate,
    beta_1: Decay = 0.9,
    beta_2: Decay = 0.999,
    epsilon: NonNegative = 1e-8,
    *,
    eps_placement: Placement = "outside",
    literal: bool = False,
    t_0: Literal[0, 1] = 0,
) -> Transformation:
    """Adam: `gtilde^{t+1} = beta_1 gtilde^t + (1 - beta_1) ghat`, `s^{t+1} = beta_2 s^t + (1 -
    beta_2) ghat^2`, `Phi -= lr / (sqrt(s / (1 - beta_2^t)) + epsilon) gtilde / (1 - beta_1^t)`.

    The slide multiplies by `1 - beta^t`, and the next one says so in words; Adam divides, which is
    what makes `s` "a better average". Epsilon has no value, and the extracted text does not show
    where the root ends; the author's source has it outside.

    Args:
      lr: zero or more, or a schedule; not given.
      beta_1: "pytorch default: beta_1 = .9".
      beta_2: "pytorch default: beta_2 = .999".
      epsilon: zero or more.
      eps_placement: where epsilon stands; see `root`.
      literal: multiply by `1 - beta^t`, as printed.
      t_0: the `t` of the first update, with `literal` only. On the slide it is that of the old
        state, 0, and nothing moves; from 1 the first step is ten times `lr`.

    Source: S3-17, S3-18, S3-19.
    """
    if not literal:
        return _optimizers.adam(lr, beta_1, beta_2, epsilon, eps_placement=eps_placement)
    smoothing = chain(ema(beta_1), times_bias(beta_1, t_0 == 0))
    moment = chain(mean_square(beta_2), times_bias(beta_2, t_0 == 0))
    direction = ratio(smoothing, root(moment, epsilon, eps_placement))
    return chain(direction, scale_by_learning_rate(lr))


@checked
def learning_rate_scaling(eta_1: LearningRate, B: Steps[Scalar]) -> Any:
    """Learning rate scaling: `eta_B = B eta_1`, the rate for batches of `B`.

    Args:
      eta_1: the rate for batches of one; a number or a schedule.
      B: the batch size, one or more.

    Returns:
      A number, or a schedule if `eta_1` is one.

    Source: S3-20.
    """
    return _schedules.scale_learning_rate(eta_1, B, 1)


@checked
def sgd_as_mcmc(eta: Positive) -> Transformation:
    """SGD as MCMC: at a constant rate `Phi -= eta ghat` is a Markov chain with a stationary
    distribution, from which it draws samples.

    On the lecture's example, `loss = (Phi - y)^2 / 2`, the stationary variance is `eta sigma^2 /
    ((2 - eta) B)`: the rate is a temperature. `lectopt.sgld` adds the noise of a temperature of
    one's choice.

    Args:
      eta: a constant, above zero.

    Raises:
      ValueError: `eta` is a schedule: the chain then has no stationary distribution.

    Source: S3-04, S3-22.
    """
    if callable(eta):
        raise ValueError(
            f"sgd_as_mcmc: eta must be constant, got the schedule {shown(eta)}: a chain whose rate "
            "changes has no stationary distribution. Write vanilla_sgd(schedule)."
        )
    return _optimizers.sgd(eta)


@checked
def cosine_restarts(T: Steps, M: Steps = 6, alpha_0: LearningRate = 0.1) -> Schedule:
    """Learning rate as a temperature parameter: `alpha(t) = alpha_0 / 2 (cos(pi mod(t - 1, ceil(T
    / M)) / ceil(T / M)) + 1)`, `t` from 1.

    The slide is a figure of Huang et al. 2017, whose formula this is: the rate falls `M` times, and
    the model at the end of each cycle joins an ensemble.

    Args:
      T: length of the training in updates; 300 epochs in the figure.
      M: number of cycles; 6 in the figure.
      alpha_0: rate at the start of a cycle; 0.1 in the figure.

    Source: S3-22.
    """
    return _schedules.cosine_restarts(alpha_0, T, M)


@checked
def statistical_1d(
    L: Positive, K: Window = 50, epsilon: NonNegative = 0.0, *, literal: bool = False
) -> Transformation:
    """A complete calculation of eta (in one dimension): `gtilde` and `stilde` are running
    averages of `ghat` and `ghat^2` with weight `B / B*`, `sigma^2 = stilde - gtilde^2`, `B* = 16
    sigma^2 / (gtilde^2 + epsilon)`, `eta = gtilde^2 / (32 sigma^2 L)`; for `t <= K`, `B* = K` and
    `eta = 0`.

    `statistical` with `lambda_B = 16` and `lambda_eta = 1 / (32 L)`; see there.

    Args:
      L: bound on the second derivative of the loss, above zero.
      K: updates before the first step; not given.
      epsilon: zero or more; not given.
      literal: see `statistical`.

    Source: S3-25 to S3-30, S3-32.
    """
    return _optimizers.snr_sgd(L, warmup=K, eps=epsilon, literal=literal)


@checked
def statistical(
    lambda_eta: Positive,
    lambda_B: Positive = 16.0,
    K: Window = 50,
    epsilon: NonNegative = 0.0,
    *,
    literal: bool = False,
) -> Transformation:
    """A complete algorithm, for each parameter by itself: `B* = lambda_B sigma^2 / (gtilde^2 +
    epsilon)`, `eta = lambda_eta gtilde^2 / sigma^2`, `Phi -= eta ghat`; for `t <= K`, `B* = K` and
    `eta = 0`.

    Averages are as in `statistical_1d`. `lambda_B` is 16 in the derivation; of the others the
    lecture gives no value. Its `B*` is measured in updates here, so that the batch size appears
    nowhere, it lies in [2, 1000], the rate is at most `lambda_B lambda_eta`, and the averages are
    exact means during the warm-up; see `lectopt.snr_sgd` for the reasons and to choose the bounds.

    Args:
      lambda_eta: above zero; `1 / (32 L)` in the derivation.
      lambda_B: above zero.
      K: updates before the first step.
      epsilon: zero or more, in units of the squared gradient.
      literal: the slide as printed, without the bounds and with averages that start at 0, for `B =
        1`. It may diverge or become NaN. For larger batches the slide compares `K` with a number of
        updates and uses it as a number of samples, and takes the variance of a batch for that of a
        sample; that is not built.

    Source: S3-12, S3-31. The printed `Phi[c] - eta[c] Phi[c]` of S3-12 means `ghat[c]`.
    """
    trusted = scale_by_snr(K, lambda_B, eps=epsilon, literal=literal)
    if callable(lambda_B) or callable(lambda_eta):
        full_step = _schedules.scaled(lambda_B, lambda_eta)
    else:
        full_step = lambda_B * lambda_eta
    return chain(trusted, scale_by_learning_rate(full_step))
