"""Momentum, sums of squares and powers by hand, in several algebraic forms."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
import optax

from tests.support.pairs.known import KnownPair, apart, by_leaf, family, noise
from tests.support.pairs.rules import told


def momentum_by(step: Callable[..., Any]) -> Callable[..., Any]:
    return lambda learning_rate, decay: by_leaf(
        lambda g, p, t, m: step(learning_rate, decay, g, m), 0.0
    )


def _sutskever(lr: Any, b: Any, g: Any, m: Any) -> Any:
    m = b * m - lr * g
    return m, m


def _velocity(lr: Any, b: Any, g: Any, m: Any) -> Any:
    m = b * m + lr * g
    return -m, m


def _heavy(lr: Any, b: Any, g: Any, m: Any) -> Any:
    m = b * m + g
    return -lr * m, m


def _averaged(lr: Any, b: Any, g: Any, m: Any) -> Any:
    m = m + (1 - b) * (g - m)
    return -lr / (1 - b) * m, m


def _nesterov(lr: Any, b: Any, g: Any, m: Any) -> Any:
    new = b * m + g
    return -lr * (g + b * new), new


def _nesterov_of_change(lr: Any, b: Any, g: Any, m: Any) -> Any:
    """A velocity, and the update of the weights looked ahead from."""
    new = b * m - lr * g
    return (1 + b) * new - b * m, new


def _nesterov_without_the_new(lr: Any, b: Any, g: Any, m: Any) -> Any:
    return -lr * (g + b * m), b * m + g


@family
def momentum_by_hand(random: np.random.Generator) -> KnownPair:
    heavy = [
        ("trace", _heavy),
        ("velocity", _velocity),
        ("Sutskever", _sutskever),
        ("averaged", _averaged),
    ]
    ahead = [("Nesterov", _nesterov), ("change of variable", _nesterov_of_change)]
    mistake = [("no new velocity", _nesterov_without_the_new)]
    one, other = (heavy, ahead) if random.random() < 0.6 else (ahead, heavy + mistake)
    forms, mistakes = ([(name, momentum_by(f)) for name, f in rows] for rows in (one, other))
    forms.append(
        (
            "optax",
            lambda learning_rate, decay: optax.sgd(learning_rate, decay, nesterov=one is ahead),
        )
    )
    return told(forms, mistakes, learning_rate=0.05, decay=0.9)(random)


@family
def signs(random: np.random.Generator) -> KnownPair:
    """Lion, with three forms of its sign; what is inside is the same to the bit."""

    def lion(sign: Callable[[Any], Any]) -> Any:
        def make(learning_rate: Any, b1: Any, b2: Any) -> Any:
            def step(g: Any, p: Any, t: Any, m: Any) -> Any:
                return -learning_rate * sign(b1 * m + (1 - b1) * g), b2 * m + (1 - b2) * g

            return by_leaf(step, 0.0)

        return make

    forms = [
        ("sign", lion(jnp.sign)),
        ("comparisons", lion(lambda x: (x > 0).astype(x.dtype) - (x < 0).astype(x.dtype))),
        ("where", lion(lambda x: jnp.where(x > 0, 1.0, jnp.where(x < 0, -1.0, 0 * x)))),
    ]
    mistakes = [
        ("zero is positive", lion(lambda x: jnp.where(x >= 0, 1.0, -1.0 + 0 * x))),
        ("clip", lion(lambda x: jnp.clip(x, -1, 1))),
    ]
    pair = told(forms, mistakes, learning_rate=0.01, b1=0.9, b2=0.99)(random)
    if pair.same:
        return pair
    sparse = noise(random, 3)
    given = sparse.gradients[0].at[0].set(0.0)
    return apart(
        pair.first,
        pair.second,
        type(sparse)(sparse.params, [given]),
        pair.name,
        settings=pair.settings,
    )


@family
def sums_of_squares(random: np.random.Generator) -> KnownPair:
    """Adagrad, by the sum or by the mean of all squares so far, or by their root."""

    def adagrad(new: Callable[..., Any], size: Callable[..., Any]) -> Any:
        def make(learning_rate: Any, eps: Any) -> Any:
            def step(g: Any, p: Any, t: Any, s: Any) -> Any:
                t = t.astype(g.dtype)
                s = new(s, g, t)
                return -learning_rate * g / (size(s, t) + eps), s

            return by_leaf(step, 0.0)

        return make

    forms = [
        ("sum", adagrad(lambda s, g, t: s + g * g, lambda s, t: jnp.sqrt(s))),
        ("mean", adagrad(lambda s, g, t: s + (g * g - s) / t, lambda s, t: jnp.sqrt(s * t))),
        ("root", adagrad(lambda s, g, t: jnp.hypot(s, g), lambda s, t: s)),
        (
            "weighted mean",
            adagrad(lambda s, g, t: ((t - 1) * s + g * g) / t, lambda s, t: jnp.sqrt(t * s)),
        ),
    ]
    mistakes = [
        ("mean alone", adagrad(lambda s, g, t: s + (g * g - s) / t, lambda s, t: jnp.sqrt(s)))
    ]
    return told(forms, mistakes, learning_rate=0.1, eps=1e-2)(random)


@family
def powers_kept(random: np.random.Generator) -> KnownPair:
    """b^t from the count, or as a product that is carried along, or b^(t-1)."""

    def corrected(power: Callable[..., Any], state: bool) -> Any:
        def make(learning_rate: Any, b: Any) -> Any:
            def step(g: Any, p: Any, t: Any, m: Any, c: Any) -> Any:
                m, c = b * m + (1 - b) * g, b * c
                return (
                    -learning_rate * m / (1 - (c if state else power(b, t).astype(g.dtype))),
                    m,
                    c,
                )

            return by_leaf(step, 0.0, 1.0)

        return make

    forms = [
        ("power", corrected(lambda b, t: b**t, False)),
        ("state", corrected(lambda b, t: None, True)),
        ("exponential", corrected(lambda b, t: jnp.exp(t * jnp.log(b)), False)),
    ]
    mistakes = [("one more", corrected(lambda b, t: b ** (t + 1), False))]
    return told(forms, mistakes, learning_rate=0.1, b=0.9)(random)
