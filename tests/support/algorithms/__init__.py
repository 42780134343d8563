"""THE table of algorithms. Every contract test runs over it; a new algorithm is a function, an
export and a row here.

A row says how the algorithm is made, which of its settings are numbers (at values where the
conventions differ visibly), which twin computes the same from the source's text and what the twin
calls the numbers, which Optax call should give the same numbers, and which entries of the lectures
it answers (S0 CMU 11-785, S1 Liège, S2 ISI, S3 TTIC 31230, S4 STAT 479)."""

import functools as ft
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

import lectopt
from tests.support import twins

part = ft.partial
RPROP = dict(eta_minus=0.4, eta_plus=1.3, min_step_size=0.005, max_step_size=0.3)
RPROP_LETTERS = dict(min_step_size="Delta_min", max_step_size="Delta_max")
GAINS = dict(increment=0.3, decrement=0.4, min_gain=0.5, max_gain=2.0)
GAINS_LETTERS = dict(min_gain="low", max_gain="high", momentum="mu")


def l2(twin: Callable[..., Any]) -> Callable[..., Any]:
    """The twin on the loss with an L2 penalty."""

    def penalised(theta: Any, grad: Any, *args: Any, weight_decay: float, **letters: float) -> Any:
        return twin(theta, lambda x, t: grad(x, t) + weight_decay * x, *args, **letters)

    return penalised


def snr_sgd(
    learning_rate: Any,
    warmup: Any,
    noise_factor: Any,
    eps: Any,
    min_window: Any = 2.0,
    max_window: Any = 1e3,
    literal: bool = False,
    state_dtype: Any = None,
) -> lectopt.Transformation:
    """The signal-to-noise rule by the rate of its full step, `1 / (2 curvature)`."""
    scheduled = callable(learning_rate)
    return lectopt.snr_sgd(
        (lambda count: 0.5 / learning_rate(count)) if scheduled else 0.5 / learning_rate,
        warmup=warmup,
        noise_factor=noise_factor,
        min_window=min_window,
        max_window=max_window,
        eps=eps,
        literal=literal,
        state_dtype=state_dtype,
    )


SNR_LETTERS = dict(warmup="K", noise_factor="lambda_B", min_window="N_min", max_window="N_max")
SWATS_LETTERS = dict(b1="beta1", b2="beta2", switch_tol="tol", min_adam_steps="min_steps")
SGLD_KEY = 3


def sgld_twin(theta: Any, grad: Any, rate: Any, steps: int, **letters: float) -> Any:
    """The twin with the library's own noise, at the scale of 1."""
    noise = lectopt.add_langevin_noise(0.5, 1.0, key=SGLD_KEY)
    xi = jax.vmap(lambda t: noise.update(0 * jnp.asarray(theta), {"count": t})[0])
    return twins.sgld(theta, grad, rate, steps, xi=xi(jnp.arange(steps)), **letters)


def visit_count(learning_rate: Any, state_dtype: Any = None) -> lectopt.Transformation:
    """Online k-means, as a chain that users would write."""
    count = lectopt.scale_by_visit_count(state_dtype=state_dtype)
    return lectopt.chain(count, lectopt.scale_by_learning_rate(learning_rate))


@dataclass(frozen=True)
class Algorithm:
    """One row: `make(learning_rate, **numbers)` is the optimizer.

    `twin(theta, grad, rate, steps, **letters)` is its reference.
    """

    id: str
    make: Callable[..., lectopt.Transformation]
    twin: Callable[..., Any]
    numbers: Mapping[str, float] = field(default_factory=dict)
    letters: Mapping[str, str] = field(default_factory=dict)  # number -> the twin's name for it
    optax: Callable[..., Any] | None = None
    source: str = ""
    conditioning: float = 1.0  # how much a rounding is magnified: nu - |mu|^2 cancels
    decays: bool = False  # a weight without a gradient moves
    needs_value: bool = False  # `update` wants `value=`, the loss
    starts_at_rate: bool = False  # a slot starts at the learning rate
    idle: int = 0  # updates before the first one that moves
    scalars: tuple[str, ...] = ()  # entries of the state that are one number for the whole tree
    slots: bool = True  # it stores something for every weight
    any_history: bool = True  # False: without noise its source divides by rounding errors
    reduces: bool = False  # it takes sums over all weights, which on many devices are communicated

    @property
    def extra(self) -> dict[str, Any]:
        """The extra arguments of an update, where any loss will do."""
        return {"value": 1.0} if self.needs_value else {}

    @property
    def first_value(self) -> float:
        """What the accumulator starts at."""
        if self.starts_at_rate:
            return 0.1
        return self.numbers.get("initial_accumulator_value", self.numbers.get("initial_scale", 0))

    def twin_path(self, theta: Any, grad: Any, rate: Any, steps: int, value: Any = None) -> Any:
        """The twin's parameters after every update; `value(theta, t)` is the loss."""
        letters = {self.letters.get(k, k): v for k, v in self.numbers.items()}
        return self.twin(theta, grad, rate, steps, **letters, **self.loss(value))

    def loss(self, value: Any) -> dict[str, Any]:
        """`value` as the keyword that the twin and `train` take, if this rule wants the loss."""
        return {"value": value} if self.needs_value else {}

    def build(self, learning_rate: Any = 0.1, **numbers: Any) -> lectopt.Transformation:
        """The optimizer, with the numbers of the row where none are given."""
        return self.make(learning_rate, **{**self.numbers, **numbers})


ALGORITHMS = (
    Algorithm(
        "sgd",
        lectopt.sgd,
        twins.sgd,
        optax=optax.sgd,
        source="S0-06 S0-11 S0-24 S1-02 S1-04 S3-01",
        slots=False,
    ),
    Algorithm(
        "sgd/momentum",
        lectopt.sgd,
        twins.momentum_outside,
        dict(momentum=0.8),
        dict(momentum="mu"),
        optax=optax.sgd,
        source="PyTorch, Optax",
    ),
    Algorithm(
        "sgd/nesterov",
        part(lectopt.sgd, nesterov=True),
        twins.nesterov_simplified,
        dict(momentum=0.8),
        dict(momentum="mu"),
        optax=part(optax.sgd, nesterov=True),
        source="PyTorch, Optax",
    ),
    Algorithm(
        "momentum/velocity",
        lectopt.momentum,
        twins.momentum_inside,
        dict(decay=0.8),
        dict(decay="beta"),
        source="S0-31 S0-33 S1-11 S3-15 S4-18",
    ),
    Algorithm(
        "momentum/velocity-dampened",
        lectopt.momentum,
        twins.momentum_original,
        dict(decay=0.8, dampening=0.3),
        dict(decay="mu", dampening="d"),
        source="S4-20",
    ),
    Algorithm(
        "momentum/heavy_ball",
        part(lectopt.momentum, form="heavy_ball"),
        twins.momentum_outside,
        dict(decay=0.8, dampening=0.3),
        dict(decay="mu", dampening="d"),
        source="S4-20",
    ),
    Algorithm(
        "momentum/heavy_ball-first-undamped",
        part(lectopt.momentum, form="heavy_ball", dampen_first=False),
        twins.momentum_torch,
        dict(decay=0.8, dampening=0.3),
        dict(decay="mu", dampening="d"),
        source="PyTorch",
    ),
    Algorithm(
        "momentum/ema",
        part(lectopt.momentum, form="ema"),
        twins.momentum_ema,
        dict(decay=0.8),
        dict(decay="beta"),
        source="S2-18 S3-14",
    ),
    Algorithm(
        "momentum/debiased_ema",
        part(lectopt.momentum, form="debiased_ema"),
        twins.momentum_ema_corrected,
        dict(decay=0.8),
        dict(decay="beta"),
        source="S2-17",
    ),
    Algorithm(
        "nesterov/shifted",
        lectopt.nesterov,
        twins.nesterov_shifted,
        dict(decay=0.8),
        dict(decay="beta"),
        source="Keras",
    ),
    Algorithm(
        "nesterov/look_ahead",
        part(lectopt.nesterov, form="look_ahead"),
        twins.nesterov_lookahead,
        dict(decay=0.8),
        dict(decay="beta"),
        source="S0-34 S0-35 S1-14 S4-21",
    ),
    Algorithm(
        "nesterov/simplified",
        part(lectopt.nesterov, form="simplified"),
        twins.nesterov_simplified,
        dict(decay=0.8),
        dict(decay="mu"),
        source="PyTorch, Optax",
    ),
    Algorithm(
        "adagrad/inside",
        lectopt.adagrad,
        twins.adagrad_inside,
        dict(initial_accumulator_value=0.2, eps=1e-2),
        dict(initial_accumulator_value="r0"),
        optax=optax.adagrad,
        source="Keras, Optax",
    ),
    Algorithm(
        "adagrad/outside",
        part(lectopt.adagrad, eps_placement="outside"),
        twins.adagrad_outside,
        dict(initial_accumulator_value=0.0, eps=1e-2),
        dict(initial_accumulator_value="r0", eps="delta"),
        source="S1-16",
    ),
    Algorithm(
        "rmsprop/inside",
        lectopt.rmsprop,
        twins.rmsprop_inside,
        dict(decay=0.8, eps=1e-2, initial_scale=0.1),
        dict(decay="gamma", initial_scale="E0"),
        optax=optax.rmsprop,
        source="S0-38 S0-39 S3-13",
    ),
    Algorithm(
        "rmsprop/outside",
        part(lectopt.rmsprop, eps_placement="outside"),
        twins.rmsprop_outside,
        dict(decay=0.8, eps=1e-2),
        dict(decay="rho", eps="delta"),
        optax=part(optax.rmsprop, eps_in_sqrt=False),
        source="S1-17 S4-24",
    ),
    Algorithm(
        "rmsprop/no-eps",
        part(lectopt.rmsprop, eps=0.0),
        twins.rmsprop_bare,
        dict(decay=0.8),
        dict(decay="beta"),
        source="S2-20",
    ),
    Algorithm(
        "rmsprop/bias-corrected",
        part(lectopt.rmsprop, bias_correction=True),
        twins.rmsprop_corrected,
        dict(decay=0.8, eps=1e-2),
        optax=part(optax.rmsprop, bias_correction=True),
        source="Optax",
    ),
    Algorithm(
        "rmsprop/centered",
        part(lectopt.rmsprop, centered=True),
        twins.rmsprop_centered,
        dict(decay=0.8, eps=1e-2),
        optax=part(optax.rmsprop, centered=True),
        conditioning=1e3,
        source="Graves 2013",
    ),
    Algorithm(
        "rmsprop/centered-outside",
        part(lectopt.rmsprop, centered=True, eps_placement="outside"),
        part(twins.rmsprop_centered, inside=False),
        dict(decay=0.8, eps=1e-2),
        conditioning=1e3,
        source="PyTorch",
    ),
    Algorithm(
        "rmsprop/centered-bias-corrected",
        part(lectopt.rmsprop, centered=True, bias_correction=True),
        part(twins.rmsprop_centered, corrected=True),
        dict(decay=0.8, eps=1e-2),
        optax=part(optax.rmsprop, centered=True, bias_correction=True),
        conditioning=1e3,
        source="Optax",
    ),
    Algorithm(
        "rmsprop/momentum-inside",
        part(lectopt.rmsprop, centered=True),
        part(twins.rmsprop_momentum_inside, centered=True),
        dict(decay=0.8, eps=1e-2, momentum=0.7),
        dict(decay="rho", momentum="mu"),
        optax=part(optax.rmsprop, centered=True),
        conditioning=1e3,
        source="Keras, Optax",
    ),
    Algorithm(
        "rmsprop/momentum-outside",
        part(lectopt.rmsprop, eps_placement="outside", momentum_form="heavy_ball"),
        twins.rmsprop_torch,
        dict(decay=0.8, eps=1e-2, momentum=0.7),
        dict(decay="alpha", momentum="mu"),
        source="PyTorch",
    ),
    Algorithm(
        "rmsprop/nesterov",
        part(lectopt.rmsprop, nesterov=True),
        twins.rmsprop_nesterov,
        dict(decay=0.8, eps=1e-2, momentum=0.7),
        dict(momentum="mu"),
        optax=part(optax.rmsprop, nesterov=True),
        source="Optax",
    ),
    Algorithm(
        "adam/outside",
        lectopt.adam,
        twins.adam_kingma,
        dict(b1=0.8, b2=0.95, eps=1e-2),
        optax=optax.adam,
        source="S1-18 S4-26 S3-17",
    ),
    Algorithm(
        "adam/inside",
        part(lectopt.adam, eps_placement="inside"),
        twins.adam_cmu,
        dict(b1=0.8, b2=0.95, eps=1e-2),
        dict(b1="delta", b2="gamma"),
        source="S0-40 S2-21",
    ),
    Algorithm(
        "adam/uncorrected",
        part(lectopt.adam, eps_placement="uncorrected"),
        twins.adam_keras,
        dict(b1=0.8, b2=0.95, eps=1e-2),
        source="Keras",
    ),
    Algorithm(
        "adam/nesterov",
        part(lectopt.adam, nesterov=True),
        twins.nadam_optax,
        dict(b1=0.8, b2=0.95, eps=1e-2),
        optax=part(optax.adam, nesterov=True),
        source="Optax",
    ),
    Algorithm(
        "adamw",
        lectopt.adamw,
        twins.adamw,
        dict(b1=0.8, b2=0.95, eps=1e-2, weight_decay=0.1),
        dict(weight_decay="wd"),
        optax=optax.adamw,
        source="S2-07",
        decays=True,
    ),
    Algorithm(
        "rprop/irprop-",
        lectopt.rprop,
        twins.irprop_minus,
        RPROP,
        RPROP_LETTERS,
        source="S0-02, PyTorch",
        starts_at_rate=True,
    ),
    Algorithm(
        "rprop/rprop-",
        part(lectopt.rprop, variant="rprop-"),
        twins.rprop_minus,
        RPROP,
        RPROP_LETTERS,
        source="Igel and Huesken 2000",
        starts_at_rate=True,
    ),
    Algorithm(
        "rprop/rprop+",
        part(lectopt.rprop, variant="rprop+"),
        twins.rprop_plus,
        RPROP,
        RPROP_LETTERS,
        source="Riedmiller and Braun 1993",
        starts_at_rate=True,
    ),
    Algorithm(
        "rprop/irprop+",
        part(lectopt.rprop, variant="irprop+"),
        twins.irprop_plus,
        RPROP,
        RPROP_LETTERS,
        source="Igel and Huesken 2000",
        starts_at_rate=True,
        needs_value=True,
        scalars=("prev_value",),
    ),
    Algorithm(
        "local_gains/gradient",
        lectopt.local_gains,
        twins.local_gains,
        GAINS,
        GAINS_LETTERS,
        source="S4-22 S4-23",
    ),
    Algorithm(
        "local_gains/gradient-momentum",
        lectopt.local_gains,
        twins.local_gains,
        dict(**GAINS, momentum=0.7),
        GAINS_LETTERS,
        source="S4-23",
    ),
    Algorithm(
        "local_gains/velocity",
        part(lectopt.local_gains, agree="velocity"),
        part(twins.local_gains, agree="velocity"),
        dict(**GAINS, momentum=0.7),
        GAINS_LETTERS,
        source="S4-23, Hinton",
    ),
    Algorithm(
        "adadelta",
        lectopt.adadelta,
        twins.adadelta,
        dict(rho=0.8, eps=1e-2),
        optax=optax.adadelta,
        source="S0-42",
    ),
    Algorithm(
        "adadelta/l2",
        lectopt.adadelta,
        l2(twins.adadelta),
        dict(rho=0.8, eps=1e-2, weight_decay=0.1),
        optax=optax.adadelta,
        source="PyTorch, Optax",
        decays=True,
    ),
    Algorithm(
        "adamax/in_max",
        lectopt.adamax,
        twins.adamax_torch,
        dict(b1=0.8, b2=0.9, eps=1e-2),
        optax=optax.adamax,
        source="S0-42, PyTorch, Optax",
    ),
    Algorithm(
        "adamax/outside",
        part(lectopt.adamax, eps_placement="outside"),
        twins.adamax_keras,
        dict(b1=0.8, b2=0.9, eps=1e-2),
        source="Keras",
    ),
    Algorithm(
        "adamax/no-eps",
        part(lectopt.adamax, eps_placement="none"),
        twins.adamax_kingma,
        dict(b1=0.8, b2=0.9),
        source="Kingma and Ba 2015",
    ),
    Algorithm(
        "amsgrad/corrected",
        lectopt.amsgrad,
        twins.amsgrad_optax,
        dict(b1=0.8, b2=0.9, eps=1e-2),
        optax=optax.amsgrad,
        source="Optax",
    ),
    Algorithm(
        "amsgrad/raw",
        part(lectopt.amsgrad, maximum_of="raw"),
        twins.amsgrad_torch,
        dict(b1=0.8, b2=0.9, eps=1e-2),
        source="PyTorch",
    ),
    Algorithm(
        "amsgrad/raw-uncorrected-eps",
        part(lectopt.amsgrad, maximum_of="raw", eps_placement="uncorrected"),
        twins.amsgrad_keras,
        dict(b1=0.8, b2=0.9, eps=1e-2),
        source="Keras",
    ),
    Algorithm(
        "amsgrad/uncorrected",
        part(lectopt.amsgrad, maximum_of="uncorrected"),
        twins.amsgrad_reddi,
        dict(b1=0.8, b2=0.9, eps=1e-2),
        optax=part(optax.amsgrad, bias_correction_mu=False, bias_correction_nu=False),
        source="Reddi et al. 2018",
    ),
    Algorithm(
        "nadam",
        lectopt.nadam,
        twins.nadam_optax,
        dict(b1=0.8, b2=0.95, eps=1e-2),
        optax=optax.nadam,
        source="Optax",
    ),
    Algorithm(
        "nadam/warmed",
        lectopt.nadam,
        twins.nadam_torch,
        dict(b1=0.8, b2=0.95, eps=1e-2, momentum_decay=0.1),
        dict(momentum_decay="psi"),
        source="PyTorch",
        scalars=("mu_product",),
    ),
    Algorithm(
        "nadam/warmed-fast",
        part(lectopt.nadam, momentum_decay=1.0),
        twins.nadam_keras,
        dict(b1=0.8, b2=0.95, eps=1e-2),
        source="Keras",
        scalars=("mu_product",),
    ),
    Algorithm(
        "nadam/paper",
        part(lectopt.nadam, form="paper"),
        twins.nadam_dozat,
        dict(b1=0.8, b2=0.95, eps=1e-2, momentum_decay=0.1),
        dict(b1="mu", b2="nu", momentum_decay="psi"),
        source="Dozat 2016",
        scalars=("mu_product",),
    ),
    Algorithm(
        "radam/outside",
        lectopt.radam,
        part(twins.radam, place="outside"),
        dict(b1=0.8, b2=0.95, eps=1e-2, threshold=5.0),
        optax=optax.radam,
        source="Optax",
    ),
    Algorithm(
        "radam/uncorrected",
        part(lectopt.radam, eps_placement="uncorrected"),
        part(twins.radam, place="hat"),
        dict(b1=0.8, b2=0.95, eps=1e-2, threshold=5.0),
        source="PyTorch",
    ),
    Algorithm(
        "radam/skip",
        part(lectopt.radam, eps_placement="uncorrected", fallback="skip"),
        part(twins.radam, place="hat", fallback="skip"),
        dict(b1=0.8, b2=0.95, eps=0.0, threshold=4.5),
        source="Liu et al. 2020, without its first steps",
        idle=4,
    ),
    Algorithm(
        "asgd",
        lectopt.asgd,
        twins.asgd_torch,
        dict(lambd=0.1, alpha=0.6, t0=10.0),
        source="PyTorch",
        decays=True,
        scalars=("share",),
    ),
    Algorithm(
        "snr_sgd",
        snr_sgd,
        twins.snr_sgd,
        dict(warmup=2.0, noise_factor=4.0, min_window=2.0, max_window=8.0, eps=1e-3),
        SNR_LETTERS,
        conditioning=1e3,
        source="S3-29 S3-30 S3-31",
    ),
    Algorithm(
        "snr_sgd/literal",
        part(snr_sgd, literal=True),
        twins.snr_sgd_literal,
        dict(warmup=2.0, noise_factor=16.0, eps=1e-2),
        SNR_LETTERS,
        any_history=False,
        source="S3-30 S3-31",
    ),
    Algorithm(
        "swats",
        lectopt.swats,
        twins.swats,
        dict(b1=0.8, b2=0.95, eps=1e-2, switch_tol=1e-2, min_adam_steps=5.0),
        SWATS_LETTERS,
        conditioning=1e3,
        source="S4-31",
        scalars=("rate_average", "sgd_rate"),
        reduces=True,
    ),
    Algorithm(
        "swats/relative",
        part(lectopt.swats, relative=True),
        part(twins.swats, relative=True),
        dict(b1=0.8, b2=0.95, eps=1e-2, switch_tol=0.1, min_adam_steps=5.0),
        SWATS_LETTERS,
        conditioning=1e3,
        source="S4-31",
        scalars=("rate_average", "sgd_rate"),
        reduces=True,
    ),
    Algorithm(
        "visit_count",
        visit_count,
        twins.visit_count,
        source="S0-20",
        reduces=True,
    ),
    Algorithm(
        "sgld",
        part(lectopt.sgld, key=SGLD_KEY),
        sgld_twin,
        dict(temperature=0.1),
        dict(temperature="T"),
        source="S3-04 S3-22",
        decays=True,
        slots=False,
    ),
)


def train(
    tx: optax.GradientTransformation,
    theta: jax.Array,
    grad: Callable[[Any, Any], Any],
    steps: int,
    value: Callable[[Any, Any], Any] | None = None,
) -> jax.Array:
    """The parameters after every update; `grad(theta, t)` is taken where the optimizer wants it.

    `value(theta, t)` is the loss, for rules that need it.
    """

    def body(carry: Any, t: Any) -> Any:
        theta, state = carry
        at = tx.point(theta, state) if isinstance(tx, lectopt.Transformation) else theta
        extra = {} if value is None else {"value": value(at, t)}
        updates, state = tx.update(grad(at, t), state, theta, **extra)
        theta = optax.apply_updates(theta, updates)
        return (theta, state), theta

    return jax.lax.scan(body, (theta, tx.init(theta)), jnp.arange(steps))[1]


def train_by_steps(
    tx: lectopt.Transformation,
    theta: Any,
    grad: Callable[[Any, Any], Any],
    steps: int,
    value: Callable[[Any, Any], Any] | None = None,
) -> np.ndarray:
    """What `train` returns, for functions of NumPy arrays. Nothing is compiled but the rules, which
    all settings share; for one short training that is sooner done than a program of its own."""
    theta, path = jnp.asarray(theta), []
    state = tx.init(theta)
    for t in range(steps):
        at = np.asarray(tx.point(theta, state))
        extra = {} if value is None else {"value": jnp.asarray(value(at, t))}
        updates, state = tx.update(jnp.asarray(grad(at, t)), state, theta, **extra)
        theta = optax.apply_updates(theta, updates)
        path.append(theta)
    return np.array(path)
