"""Liège, Gilles Louppe's Deep Learning, Lecture 5, "Training neural networks", in its letters.

Parameters are `theta`, the learning rate is `gamma`, a momentum coefficient `alpha`; `rho` is a
decay and `delta` an epsilon, always outside the root.
"""

from typing import Literal

from lectopt import controls as _controls
from lectopt import optimizers as _optimizers
from lectopt import schedules as _schedules
from lectopt.combinators import chain
from lectopt.controls.wolfe import Slope
from lectopt.schedules import Schedule
from lectopt.settings import Decay, Fraction, LearningRate, NonNegative, Steps
from lectopt.signatures import checked
from lectopt.transformation import Transformation

__all__ = [
    "adagrad",
    "adam",
    "exponential_decay",
    "gradient_descent",
    "momentum",
    "nesterov",
    "one_over_t_decay",
    "rmsprop",
    "sgd",
    "step_decay",
    "wolfe_line_search",
]


@checked
def gradient_descent(gamma: LearningRate) -> Transformation:
    """Batch gradient descent: `theta_{t+1} = theta_t - gamma g_t`, with `g_t` the mean gradient
    over all `N` samples.

    Args:
      gamma: zero or more, or a schedule.

    Source: S1-02.
    """
    return _optimizers.sgd(gamma)


@checked
def sgd(gamma: LearningRate) -> Transformation:
    """Updating the parameters after every sample, or mini-batch: `theta_{t+1} = theta_t - gamma
    g_t`, with `g_t` the gradient of one sample, or the mean over `B`.

    Args:
      gamma: zero or more, or a schedule.

    Source: S1-04, S1-05.
    """
    return _optimizers.sgd(gamma)


@checked
def wolfe_line_search(c_1: Slope = 1e-4, c_2: Slope = 0.9) -> Transformation:
    """Gradient descent whose `gamma_t` satisfies "the Wolfe conditions": `f(x + gamma p) <= f(x) +
    c_1 gamma p^T grad f(x)` and `c_2 p^T grad f(x) <= p^T grad f(x + gamma p)`, for `p = -grad
    f(x)`.

    The lecture gives the conditions and says that they "can be used to design line search
    algorithms"; the search here is a bisection, see `scale_by_wolfe_line_search`. `update` wants
    `value=`, `grad=` and `value_fn=`. To test one step, see `wolfe_conditions`.

    Args:
      c_1: "Typical values are c_1 = 1e-4".
      c_2: "and c_2 = 0.9".

    Source: S1-07, S1-08.
    """
    return chain(gradient_descent(1.0), _controls.scale_by_wolfe_line_search("weak", c_1, c_2))


@checked
def momentum(gamma: LearningRate, alpha: Decay = 0.9) -> Transformation:
    """Momentum to add inertia: `u_t = alpha u_{t-1} - gamma g_t`, `theta_{t+1} = theta_t + u_t`.

    The rate stands inside the velocity `u`, which starts at 0.

    Args:
      gamma: zero or more, or a schedule.
      alpha: "Usually, alpha = 0.9, with alpha > gamma".

    Source: S1-11, S1-12.
    """
    return _optimizers.momentum(gamma, alpha, form="velocity")


@checked
def nesterov(
    gamma: LearningRate,
    alpha: Decay = 0.9,
    *,
    form: Literal["shifted", "look_ahead"] = "shifted",
) -> Transformation:
    """Simulating a step in the direction of the velocity: `g_t = grad l(theta_t + alpha
    u_{t-1})`, `u_t = alpha u_{t-1} - gamma g_t`, `theta_{t+1} = theta_t + u_t`.

    The slide does not give `alpha`; the default is that of momentum.

    Args:
      gamma: zero or more, or a schedule.
      alpha: in [0, 1).
      form: `"shifted"`: the model's parameters are where the gradient is taken, and
        `evaluation_params` gives `theta`; `"look_ahead"`: they are `theta`, and the loop must take
        the gradient at `tx.point(params, state)`.

    Source: S1-14.
    """
    return _optimizers.nesterov(gamma, alpha, form=form)


@checked
def adagrad(gamma: LearningRate = 0.01, delta: NonNegative = 1e-8) -> Transformation:
    """AdaGrad: `r_t = r_{t-1} + g_t * g_t`, `theta_{t+1} = theta_t - gamma / (delta + sqrt(r_t))
    * g_t`.

    Neither `r_0` nor `delta` is given; `r_0` is 0 here.

    Args:
      gamma: "Most implementation use gamma = 0.01 as default".
      delta: zero or more.

    Source: S1-16.
    """
    return _optimizers.adagrad(gamma, 0.0, delta, eps_placement="outside")


@checked
def rmsprop(gamma: LearningRate, rho: Decay = 0.9, delta: NonNegative = 1e-8) -> Transformation:
    """RMSProp: `r_t = rho r_{t-1} + (1 - rho) g_t * g_t`, `theta_{t+1} = theta_t - gamma /
    (delta + sqrt(r_t)) * g_t`.

    The words of the slide, "average of the gradient", mean that of its square. No value is given:
    `rho` is CMU's, and `gamma` has no default.

    Args:
      gamma: zero or more, or a schedule.
      rho: in [0, 1).
      delta: zero or more.

    Source: S1-17.
    """
    return _optimizers.rmsprop(gamma, rho, delta, eps_placement="outside")


@checked
def adam(
    gamma: LearningRate,
    rho_1: Decay = 0.9,
    rho_2: Decay = 0.999,
    delta: NonNegative = 1e-8,
) -> Transformation:
    """Adam: `s_t = rho_1 s_{t-1} + (1 - rho_1) g_t`, `shat_t = s_t / (1 - rho_1^t)`,
    `r_t = rho_2 r_{t-1} + (1 - rho_2) g_t * g_t`, `rhat_t = r_t / (1 - rho_2^t)`,
    `theta_{t+1} = theta_t - gamma shat_t / (delta + sqrt(rhat_t))`.

    `gamma` and `delta` are not given.

    Args:
      gamma: zero or more, or a schedule.
      rho_1: "Good defaults are rho_1 = 0.9".
      rho_2: "and rho_2 = 0.999".
      delta: zero or more.

    Source: S1-18.
    """
    return _optimizers.adam(gamma, rho_1, rho_2, delta, eps_placement="outside")


@checked
def step_decay(
    gamma_0: LearningRate, factor: Fraction = 0.5, every: Steps = 10, steps_per_epoch: Steps = 1
) -> Schedule:
    """Step decay: reduce the learning rate by some factor every few epochs (e.g, by half every 10
    epochs): `gamma_0 factor^floor(epoch / every)`.

    Args:
      gamma_0: the rate of the first epochs.
      factor: what is left of it after a step, in [0, 1].
      every: epochs between two steps.
      steps_per_epoch: updates in an epoch; the default makes every update an epoch.

    Source: S1-22, S1-25.
    """
    return _schedules.step_decay(gamma_0, factor, every, steps_per_epoch)


@checked
def exponential_decay(
    gamma_0: LearningRate, k: NonNegative, steps_per_epoch: Steps = 1
) -> Schedule:
    """Exponential decay: `gamma_t = gamma_0 exp(-k t)`.

    The unit of `t` is not given; by default it is an update, and `t` is 0 at the first.

    Args:
      gamma_0: the rate at the first update.
      k: zero or more.
      steps_per_epoch: with it, `t` is the time in epochs.

    Source: S1-23.
    """
    return _schedules.exponential_decay(gamma_0, k, steps_per_epoch=steps_per_epoch)


@checked
def one_over_t_decay(gamma_0: LearningRate, k: NonNegative, steps_per_epoch: Steps = 1) -> Schedule:
    """1/t decay: `gamma_t = gamma_0 / (1 + k t)`.

    The unit of `t` is not given; by default it is an update, and `t` is 0 at the first.

    Args:
      gamma_0: the rate at the first update.
      k: zero or more.
      steps_per_epoch: with it, `t` is the time in epochs.

    Source: S1-24.
    """
    return _schedules.inverse_time_decay(gamma_0, k, steps_per_epoch)
