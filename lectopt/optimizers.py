"""The algorithms, as wiring: each names its parts, and the parts hold the recurrences.

Where Optax has the name, the same call gives Optax's numbers. Keywords after the `*` name the
conventions in which lectures and frameworks differ; they change the arithmetic, and the default is
Optax's.
"""

from dataclasses import dataclass
from typing import Any, Literal

from lectopt.combinators import chain, ratio, root
from lectopt.primitives import (
    add_decayed_weights,
    bias_correction,
    ema,
    ema_ahead,
    mean_square,
    scale_by_learning_rate,
    scale_by_rms,
    scale_by_rss,
    scale_by_stddev,
    shift_ahead,
    trace,
    trace_ahead,
    undamped_first,
)
from lectopt.settings import Decay, EpsPlacement, LearningRate, NonNegative, checked
from lectopt.transformation import Transformation


@checked
def sgd(
    learning_rate: LearningRate,
    momentum: Decay | None = None,
    nesterov: bool = False,
    *,
    state_dtype: Any = None,
) -> Transformation:
    """Stochastic gradient descent: `param - learning_rate g`.

    Args:
      learning_rate: zero or more, or a schedule.
      momentum: with it, the velocity `v = momentum v + g` takes the place of `g` (rate outside, as
        in PyTorch and Optax; see `momentum` for the lectures' form).
      nesterov: with momentum, `momentum v + g` takes the place of `v`.
      state_dtype: dtype of the velocity.

    Source: CMU (S0-06, S0-11, S0-24); Liège (S1-02, S1-04, S1-05); TTIC 31230 (S3-01).
    """
    descent = scale_by_learning_rate(learning_rate)
    if momentum is None:
        return descent
    return chain(trace(momentum, nesterov, state_dtype=state_dtype), descent)


@checked
def momentum(
    learning_rate: LearningRate,
    decay: Decay = 0.9,
    *,
    form: Literal["velocity", "heavy_ball", "ema", "debiased_ema"] = "velocity",
    dampening: Decay | None = None,
    dampen_first: bool = True,
    state_dtype: Any = None,
) -> Transformation:
    """Gradient descent with momentum, in the form that a source writes it.

    The forms are the same for a constant rate, up to a constant factor on it; under a schedule
    they are four algorithms.

    Args:
      learning_rate: zero or more, or a schedule.
      decay: momentum coefficient in [0, 1).
      form: `"velocity"`: `v = decay v - learning_rate g`, `param + v` (CMU, Liège, STAT 479,
        Keras); `"heavy_ball"`: `v = decay v + g`, `param - learning_rate v` (PyTorch, Optax);
        `"ema"`: `v = decay v + (1 - decay) g`, `param - learning_rate v` (ISI, TTIC 31230
        "nonstandard"); `"debiased_ema"`: the same with `v / (1 - decay^t)`.
      dampening: in the first two forms `(1 - dampening) g` takes the place of `g`; by default 0.
      dampen_first: whether the first gradient is dampened too (the STAT 479 slide) or not (PyTorch
        itself).
      state_dtype: dtype of the velocity.

    Raises:
      ValueError: dampening in a form that is already an average.

    Source: CMU (S0-31, S0-33); Liège (S1-11); ISI (S2-18); TTIC 31230 (S3-14, S3-15); STAT 479
    (S4-18, S4-20).
    """
    if form in ("ema", "debiased_ema"):
        if dampening is not None:
            raise ValueError(
                f"momentum: form={form!r} is already dampened by its decay. "
                'Write form="heavy_ball" to choose the dampening, or leave it out.'
            )
        dampening = decay
    dampening = 0.0 if dampening is None else dampening
    velocity = trace(decay, dampening=dampening, state_dtype=state_dtype)
    if not dampen_first:
        velocity = chain(undamped_first(dampening), velocity)
    descent = scale_by_learning_rate(learning_rate)
    match form:
        case "velocity":
            return chain(descent, velocity)
        case "debiased_ema":
            return chain(velocity, bias_correction(decay), descent)
        case _:
            return chain(velocity, descent)


@checked
def nesterov(
    learning_rate: LearningRate,
    decay: Decay = 0.9,
    *,
    form: Literal["shifted", "look_ahead", "simplified"] = "shifted",
    state_dtype: Any = None,
) -> Transformation:
    """Nesterov's accelerated gradient: momentum whose gradient is taken where the velocity is
    about to lead.

    The lectures' rule is `v = decay v - learning_rate g(param + decay v)`, `param + v`.

    Args:
      learning_rate: zero or more, or a schedule.
      decay: momentum coefficient in [0, 1), or a schedule.
      form: `"shifted"`: the model's parameters are the look-ahead points, so any training loop
        takes the gradient in the right place; exact for every schedule (Keras); read the base
        points with `evaluation_params`. `"look_ahead"`: the lectures' text; the loop must take the
        gradient at `tx.point(params, state)`. `"simplified"`: `v = decay v + g`, `param -
        learning_rate (decay v + g)` (PyTorch, Optax), equal to the others while the learning rate
        is constant.
      state_dtype: dtype of the velocity.

    Source: CMU (S0-34, S0-35); Liège (S1-14); STAT 479 (S4-21); Sutskever et al. 2013.
    """
    descent = scale_by_learning_rate(learning_rate)
    match form:
        case "shifted":
            return chain(descent, shift_ahead(_next(decay), state_dtype=state_dtype))
        case "look_ahead":
            return chain(descent, trace_ahead(decay, state_dtype=state_dtype))
        case _:
            return chain(trace(decay, nesterov=True, state_dtype=state_dtype), descent)


@checked
def adagrad(
    learning_rate: LearningRate,
    initial_accumulator_value: NonNegative = 0.1,
    eps: NonNegative = 1e-7,
    *,
    eps_placement: EpsPlacement = "inside",
    state_dtype: Any = None,
) -> Transformation:
    """AdaGrad: `r = r + g^2`, `param - learning_rate g / sqrt(r + eps)`.

    Args:
      learning_rate: zero or more, or a schedule.
      initial_accumulator_value: first value of `r`: 0 in the lecture and PyTorch, 0.1 in Keras and
        Optax.
      eps: epsilon, zero or more.
      eps_placement: `"inside"` (Keras, Optax) or `"outside"`, `sqrt(r) + eps` (Liège, PyTorch);
        see `root`.
      state_dtype: dtype of `r`.

    Source: Liège (S1-16); Duchi et al. 2011.
    """
    normalised = scale_by_rss(
        initial_accumulator_value, eps, eps_placement=eps_placement, state_dtype=state_dtype
    )
    return chain(normalised, scale_by_learning_rate(learning_rate))


@checked
def rmsprop(
    learning_rate: LearningRate,
    decay: Decay = 0.9,
    eps: NonNegative = 1e-8,
    initial_scale: NonNegative = 0.0,
    *,
    eps_placement: EpsPlacement = "inside",
    centered: bool = False,
    momentum: Decay | None = None,
    nesterov: bool = False,
    momentum_form: Literal["velocity", "heavy_ball"] = "velocity",
    bias_correction: bool = False,
    state_dtype: Any = None,
) -> Transformation:
    """RMSProp: `nu = decay nu + (1 - decay) g^2`, `param - learning_rate g / sqrt(nu + eps)`.

    Args:
      learning_rate: zero or more, or a schedule.
      decay: of the mean square, in [0, 1).
      eps: epsilon, zero or more; 0 is ISI's form, weights that never had a gradient then stand
        still.
      initial_scale: first value of `nu`; 1 in TensorFlow 1.
      eps_placement: `"inside"` (CMU, Keras, Optax) or `"outside"`, `sqrt(nu) + eps` (Liège, STAT
        479, PyTorch).
      centered: divide by the standard deviation instead, its variance never below 0.
      momentum: with it, a velocity of the normalised gradient.
      nesterov: with momentum, its simplified Nesterov form.
      momentum_form: `"velocity"`: rate inside the velocity (Keras, Optax); `"heavy_ball"`: outside
        (PyTorch).
      bias_correction: divide the moments by `1 - decay^t`.
      state_dtype: dtype of every slot.

    Source: CMU (S0-38, S0-39); Liège (S1-17); ISI (S2-20); TTIC 31230 (S3-13); STAT 479 (S4-24).
    """
    scale_by = scale_by_stddev if centered else scale_by_rms
    normalised = scale_by(
        decay,
        eps,
        initial_scale,
        eps_placement=eps_placement,
        bias_correction=bias_correction,
        state_dtype=state_dtype,
    )
    descent = scale_by_learning_rate(learning_rate)
    if momentum is None:
        return chain(normalised, descent)
    velocity = trace(momentum, nesterov, state_dtype=state_dtype)
    if momentum_form == "velocity":
        return chain(normalised, descent, velocity)
    return chain(normalised, velocity, descent)


@checked
def adam(
    learning_rate: LearningRate,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    eps: NonNegative = 1e-8,
    *,
    eps_placement: EpsPlacement = "outside",
    nesterov: bool = False,
    state_dtype: Any = None,
) -> Transformation:
    """Adam: smoothing over normalising, both corrected for their start at zero.

    `mu = b1 mu + (1 - b1) g`, `nu = b2 nu + (1 - b2) g^2`,
    `param - learning_rate mu_hat / (sqrt(nu_hat) + eps)` with `x_hat = x / (1 - b^t)`.

    Args:
      learning_rate: zero or more, or a schedule.
      b1: decay of the mean, in [0, 1).
      b2: decay of the mean square, in [0, 1).
      eps: epsilon, zero or more.
      eps_placement: `"outside"` (Kingma and Ba, Liège, STAT 479, PyTorch, Optax), `"inside"`:
        `sqrt(nu_hat + eps)` (CMU, ISI), `"uncorrected"` (Keras); see `root`.
      nesterov: the mean that the next update will see takes the place of the mean, as in Optax
        (see `ema_ahead`).
      state_dtype: dtype of both moments.

    Source: CMU (S0-40); Liège (S1-18); ISI (S2-21); TTIC 31230 (S3-17); STAT 479 (S4-26); Kingma
    and Ba 2015.
    """
    smoothing = chain(ema(b1, state_dtype=state_dtype), bias_correction(b1))
    if nesterov:
        smoothing = ema_ahead(b1, state_dtype=state_dtype)
    normalising = chain(mean_square(b2, state_dtype=state_dtype), bias_correction(b2))
    direction = ratio(smoothing, root(normalising, eps, eps_placement))
    return chain(direction, scale_by_learning_rate(learning_rate))


@checked
def adamw(
    learning_rate: LearningRate,
    b1: Decay = 0.9,
    b2: Decay = 0.999,
    eps: NonNegative = 1e-8,
    *,
    weight_decay: NonNegative = 1e-4,
    mask: Any = None,
    eps_placement: EpsPlacement = "outside",
    nesterov: bool = False,
    state_dtype: Any = None,
) -> Transformation:
    """Adam with decoupled weight decay: `param - learning_rate (adam + weight_decay param)`.

    Args:
      learning_rate: zero or more, or a schedule; it scales the decay too (the paper scales the
        decay by the schedule only).
      b1: see `adam`.
      b2: see `adam`.
      eps: see `adam`.
      weight_decay: zero or more; 1e-2 in PyTorch, 4e-3 in Keras, 1e-4 in Optax.
      mask: which leaves decay; see `add_decayed_weights`.
      eps_placement: see `adam`.
      nesterov: see `adam`.
      state_dtype: see `adam`.

    Source: Loshchilov and Hutter 2019; ISI (S2-07) for the equivalence of L2 and decay in plain
    SGD, which Adam breaks.
    """
    undecayed = adam(
        learning_rate,
        b1,
        b2,
        eps,
        eps_placement=eps_placement,
        nesterov=nesterov,
        state_dtype=state_dtype,
    )
    direction, descent = undecayed.members
    return chain(direction, add_decayed_weights(weight_decay, mask), descent)


def _next(decay: Any) -> Any:
    """A schedule read one update ahead, for the look-ahead that the next gradient will use."""
    return NextStep(decay) if callable(decay) else decay


@dataclass(frozen=True)
class NextStep:
    """`count -> schedule(count + 1)`."""

    schedule: Any

    def __call__(self, count: Any) -> Any:
        """The value at the update after `count`."""
        return self.schedule(count + 1)
