"""Rules for noise: a rate that is read off the gradient's noise, and noise as temperature."""

from dataclasses import dataclass
from typing import Any

from lectopt.combinators import chain
from lectopt.primitives.noise import add_langevin_noise
from lectopt.primitives.scaling import scale_by_learning_rate
from lectopt.primitives.statistics import Window, scale_by_snr
from lectopt.schedules import power_decay
from lectopt.settings import LearningRate, NonNegative, Positive, Scalar
from lectopt.signatures import checked
from lectopt.transformation import Transformation


@checked
def snr_sgd(
    curvature: Positive,
    *,
    warmup: Window = 50,
    noise_factor: Positive = 16.0,
    min_window: Window = 2,
    max_window: Window = 1000,
    eps: NonNegative = 0.0,
    literal: bool = False,
    state_dtype: Any = None,
) -> Transformation:
    """SGD whose rate, for every weight, is what its signal-to-noise ratio allows: McAllester's
    algorithm.

    With mean `mu` and variance `nu` of the weight's gradient over a window of `N = noise_factor
    nu / mu^2` updates, `param - learning_rate min(1, mu^2 / (noise_factor nu)) g` with
    `learning_rate = 1 / (2 curvature)`; see `scale_by_snr`. It follows from maximising, per
    gradient computed, a lower bound (at two standard deviations) on the decrease of the loss: the
    best batch is `B* = 16 sigma^2 / g^2`, the best rate for it `1 / (2 L)`, and a smaller batch
    `B` gets the share `B / B*` of that rate.

    What to expect. The rate falls like `1 / (2 h t)` by itself, `h` being the curvature along the
    weight, without a schedule or a tuned rate. On a noisy parabola with `curvature = h` the loss
    is within 4 times that of the best possible estimate from 1e3 to 1e5 updates and below SGD and
    Adam at tuned constant rates; at tuned decaying rates SGD is ahead throughout and Adam from
    1e4 updates on. Where `h` is less than `curvature` the price grows like `16 curvature / h`. So
    in many dimensions it is not competitive: in 100, with condition number 100, the loss after 2e4
    updates is 44 times that of SGD or Adam at tuned decaying rates and 19 to 25 times that of Adam
    at a tuned constant one (15 and 10 times Adam's with badly scaled noise). With `noise_factor`
    and `curvature` tuned too it is about level with SGD at a constant rate; decaying rates stay
    ahead, and with badly scaled noise Adam does at either. Where the noise vanishes at the optimum
    it is slow, and SGD converges linearly. The benchmark `tests/benchmarks/snr_quadratics.py`
    prints these numbers.

    The rate can be multiplied by a schedule from outside, `chain(snr_sgd(L),
    optax.scale_by_schedule(schedule))`. `averaging_window(opt_state)` reads `N`, and
    `critical_batch_size(opt_state, batch_size)` the estimate of `B*`.

    Args:
      curvature: L, an upper bound on the second derivative of the loss along a weight, above zero;
        or a schedule. Too small a value overshoots, too large a value is slow.
      warmup: updates before the first step, one or more.
      noise_factor: 16 in the derivation, above zero; see `scale_by_snr`.
      min_window: see `scale_by_snr`.
      max_window: see `scale_by_snr`.
      eps: see `scale_by_snr`.
      literal: the slide as printed, which diverges or gives NaN beyond benign problems; see
        `scale_by_snr`. The printed batch size is 1.
      state_dtype: dtype of mean, variance and window.

    Source: TTIC 31230 (S3-12, S3-25 to S3-32; one dimension S3-30, many S3-31).
    """
    trusted = scale_by_snr(
        warmup, noise_factor, min_window, max_window, eps, literal, state_dtype=state_dtype
    )
    full_step = BestRate(curvature) if callable(curvature) else 0.5 / curvature
    return chain(trusted, scale_by_learning_rate(full_step))


@dataclass(frozen=True)
class BestRate:
    """`count -> 1 / (2 curvature(count))`."""

    curvature: Any

    def __call__(self, count: Any) -> Any:
        """The rate of a full step at update number `count`."""
        return 0.5 / self.curvature(count)


@checked
def sgld(
    learning_rate: LearningRate, temperature: NonNegative = 1.0, *, key: Any
) -> Transformation:
    """Stochastic gradient Langevin dynamics: `param - learning_rate g + sqrt(2 learning_rate
    temperature) xi`, with `xi` standard normal.

    For a small rate the iterates are samples with density proportional to `exp(-loss /
    temperature)`. With the gradient of a negative log posterior, a sum over all data,
    `temperature = 1` samples the posterior; with the mean over `n` data, `1/n` does. The noise of
    the gradient adds to the temperature, and its share falls with the rate: SGD alone, at a
    constant rate, is already a Markov chain, on a parabola of curvature 1 with stationary variance
    `learning_rate sigma^2 / (2 - learning_rate) / B`.

    Args:
      learning_rate: zero or more, or a schedule; Welling and Teh's `epsilon / 2`.
      temperature: zero or more, or a schedule; at 0 it is SGD.
      key: a JAX key, typed or raw, or an integer seed; one key for a run, see
        `add_langevin_noise`.

    Raises:
      ValueError: `key` is none of these, or holds several keys.

    Source: TTIC 31230, SGD as a Markov chain (S3-04) and the learning rate as temperature (S3-22);
    Welling and Teh 2011.
    """
    return chain(
        scale_by_learning_rate(learning_rate),
        add_langevin_noise(learning_rate, temperature, key=key),
    )


@checked
def noisy_sgd(
    learning_rate: LearningRate,
    eta: NonNegative[Scalar] = 0.01,
    gamma: NonNegative[Scalar] = 0.55,
    *,
    key: Any,
) -> Transformation:
    """Gradient descent with noise in the gradient that dies out: `param - learning_rate (g + xi)`,
    `xi` normal with the variance `eta / t^gamma`.

    Args:
      learning_rate: zero or more, or a schedule.
      eta: variance of the noise in the first update, zero or more.
      gamma: how fast it dies out, zero or more.
      key: see `sgld`. The noise is another one than Optax's from the same key.

    Raises:
      ValueError: `key` is no key.

    Source: Neelakantan et al. 2015 (`(1 + t)^gamma` with `t` from 0).
    """
    noise = add_langevin_noise(power_decay(0.5 * eta, gamma), key=key)
    return chain(noise, scale_by_learning_rate(learning_rate))
