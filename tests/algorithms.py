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
import optax
import twins

import lectopt

part = ft.partial


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

    @property
    def first_value(self) -> float:
        """What the accumulator starts at."""
        return self.numbers.get("initial_accumulator_value", self.numbers.get("initial_scale", 0))

    def twin_path(self, theta: Any, grad: Any, rate: Any, steps: int) -> Any:
        """The twin's parameters after every update."""
        letters = {self.letters.get(k, k): v for k, v in self.numbers.items()}
        return self.twin(theta, grad, rate, steps, **letters)

    def build(self, learning_rate: Any = 0.1, **numbers: Any) -> lectopt.Transformation:
        """The optimizer, with the numbers of the row where none are given."""
        return self.make(learning_rate, **{**self.numbers, **numbers})


ALGORITHMS = (
    Algorithm(
        "sgd", lectopt.sgd, twins.sgd, optax=optax.sgd, source="S0-06 S0-11 S0-24 S1-02 S1-04 S3-01"
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
    ),
)


def train(
    tx: optax.GradientTransformation,
    theta: jax.Array,
    grad: Callable[[Any, Any], Any],
    steps: int,
) -> jax.Array:
    """The parameters after every update; `grad(theta, t)` is taken where the optimizer wants it."""

    def body(carry: Any, t: Any) -> Any:
        theta, state = carry
        at = tx.point(theta, state) if isinstance(tx, lectopt.Transformation) else theta
        updates, state = tx.update(grad(at, t), state, theta)
        theta = optax.apply_updates(theta, updates)
        return (theta, state), theta

    return jax.lax.scan(body, (theta, tx.init(theta)), jnp.arange(steps))[1]
