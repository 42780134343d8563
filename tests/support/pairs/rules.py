"""Optimizers written by hand in two algebraic forms, and mistakes that are made in them.

Each rule is a function of its settings: half of the pairs are makers, asked about for every
setting, the others are built with random numbers.
"""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
import optax

from tests.support.pairs.known import KnownPair, apart, by_leaf, decimal, family, noise, pick, same


def asked(
    random: np.random.Generator, first: Any, second: Any, ok: bool, name: str, **settings: float
) -> KnownPair:
    """A pair of makers, or of what they make with random settings near these."""
    near = {
        k: 1 - decimal(random, 0.5, 2) * (1 - x) if x > 0.8 else decimal(random, 0.5, 2) * x
        for k, x in settings.items()
    }
    near = {k: float(f"{x:.3g}") for k, x in near.items()}
    if random.random() < 0.5:
        pair = (first, second)
        known: dict[str, Any] = {"settings": near}
    else:
        pair = (lambda: first(**near), lambda: second(**near))
        known = {}
    if ok:
        return same(*pair, name, **known)
    return apart(*pair, noise(random, 6), name, **known)


def told(
    forms: list[tuple[str, Callable[..., Any]]],
    mistakes: list[tuple[str, Callable[..., Any]]],
    **settings: float,
) -> Callable[..., KnownPair]:
    """Two of the forms, or one and a mistake."""

    def drawn(random: np.random.Generator) -> KnownPair:
        ok = not mistakes or random.random() < 0.6
        (a, first), (b, second) = (forms[k] for k in random.permutation(len(forms))[:2])
        if not ok:
            b, second = pick(random, *mistakes)
        return asked(random, first, second, ok, f"{a} / {b}", **settings)

    return drawn


def corrections(b1: Any, b2: Any, t: Any, like: Any) -> tuple[Any, Any]:
    return (1 - b1**t).astype(like.dtype), (1 - b2**t).astype(like.dtype)


# --- Adam and its kin. The states of `by_leaf` follow those of the leaf, as Optax's do.


def adam_with(update: Callable[..., Any]) -> Callable[..., Any]:
    """A maker of Adams that differ in how m, v and t make the update."""

    def make(learning_rate: Any, b1: Any, b2: Any, eps: Any) -> Any:
        def step(g: Any, p: Any, t: Any, m: Any, v: Any) -> Any:
            m = b1 * m + (1 - b1) * g
            v = b2 * v + (1 - b2) * g * g
            c1, c2 = corrections(b1, b2, t, g)
            return update(learning_rate, eps, g, m, v, c1, c2), m, v

        return by_leaf(step, 0.0, 0.0)

    return make


def adam_by_differences(learning_rate: Any, b1: Any, b2: Any, eps: Any) -> Any:
    def step(g: Any, p: Any, t: Any, m: Any, v: Any) -> Any:
        m = m + (1 - b1) * (g - m)
        v = v + (1 - b2) * (g * g - v)
        c1, c2 = corrections(b1, b2, t, g)
        return -(learning_rate / c1) * m / (jnp.sqrt(v) / jnp.sqrt(c2) + eps), m, v

    return by_leaf(step, 0.0, 0.0)


def adam_of_sums(learning_rate: Any, b1: Any, b2: Any, eps: Any) -> Any:
    """The states without their factors 1 - b."""

    def step(g: Any, p: Any, t: Any, m: Any, v: Any) -> Any:
        m, v = b1 * m + g, b2 * v + g * g
        c1, c2 = corrections(b1, b2, t, g)
        mean, square = (1 - b1) * m / c1, (1 - b2) * v / c2
        return -learning_rate * mean / (jnp.sqrt(square) + eps), m, v

    return by_leaf(step, 0.0, 0.0)


ADAM = [
    ("hats", adam_with(lambda lr, eps, g, m, v, c1, c2: -lr * (m / c1) / (jnp.sqrt(v / c2) + eps))),
    (
        "roots apart",
        adam_with(
            lambda lr, eps, g, m, v, c1, c2: -lr * m / c1 / (jnp.sqrt(v) / jnp.sqrt(c2) + eps)
        ),
    ),
    (
        "one rate",
        adam_with(
            lambda lr, eps, g, m, v, c1, c2: (
                -lr * (jnp.sqrt(c2) / c1) * m / (jnp.sqrt(v) + eps * jnp.sqrt(c2))
            )
        ),
    ),
    ("differences", adam_by_differences),
    ("sums", adam_of_sums),
    ("optax", optax.adam),
]
ADAM_MISTAKES = [
    (
        "eps uncorrected",
        adam_with(
            lambda lr, eps, g, m, v, c1, c2: -lr * (jnp.sqrt(c2) / c1) * m / (jnp.sqrt(v) + eps)
        ),
    ),
    (
        "eps inside",
        adam_with(lambda lr, eps, g, m, v, c1, c2: -lr * (m / c1) / jnp.sqrt(v / c2 + eps)),
    ),
    ("no correction", adam_with(lambda lr, eps, g, m, v, c1, c2: -lr * m / (jnp.sqrt(v) + eps))),
    (
        "corrections swapped",
        adam_with(lambda lr, eps, g, m, v, c1, c2: -lr * (m / c2) / (jnp.sqrt(v / c1) + eps)),
    ),
    (
        "the gradient",
        adam_with(lambda lr, eps, g, m, v, c1, c2: -lr * g / (jnp.sqrt(v / c2) + eps)),
    ),
]
family_adam = told(ADAM, ADAM_MISTAKES, learning_rate=0.01, b1=0.9, b2=0.99, eps=1e-2)


@family
def adam_by_hand(random: np.random.Generator) -> KnownPair:
    return family_adam(random)


def second_moment(learn: Callable[..., Any], root: Any = jnp.sqrt) -> Callable[..., Any]:
    """A maker of rules with a second moment that is `learn(b, v, g)`."""

    def make(learning_rate: Any, decay: Any, eps: Any) -> Any:
        def step(g: Any, p: Any, t: Any, v: Any) -> Any:
            v = learn(decay, v, g)
            return -learning_rate * g / (root(v) + eps), v

        return by_leaf(step, 0.0)

    return make


def yogi_by(step: Callable[..., Any]) -> Callable[..., Any]:
    return second_moment(lambda b, v, g: v + (1 - b) * step(g * g, v))


@family
def second_moments(random: np.random.Generator) -> KnownPair:
    rms = [
        ("mean", second_moment(lambda b, v, g: b * v + (1 - b) * g**2)),
        ("difference", second_moment(lambda b, v, g: v - (1 - b) * (v - g * g))),
        ("root", second_moment(lambda b, r, g: jnp.sqrt(b * r * r + (1 - b) * g * g), lambda r: r)),
        (
            "optax",
            lambda learning_rate, decay, eps: optax.rmsprop(
                learning_rate, decay, eps, eps_in_sqrt=False
            ),
        ),
    ]
    yogi = [
        ("sign", yogi_by(lambda s, v: s * jnp.sign(s - v))),
        ("cases", yogi_by(lambda s, v: jnp.where(s > v, s, jnp.where(s < v, -s, 0)))),
        ("minus sign", yogi_by(lambda s, v: -s * jnp.sign(v - s))),
    ]
    largest = [
        ("max", second_moment(lambda b, v, g: jnp.maximum(b * v, jnp.abs(g)), lambda r: r)),
        (
            "where",
            second_moment(
                lambda b, v, g: jnp.where(b * v < jnp.abs(g), jnp.abs(g), b * v), lambda r: r
            ),
        ),
    ]
    kinds = [rms, yogi, largest]
    k = int(random.integers(3))
    others = kinds[(k + 1) % 3]
    return told(kinds[k], others, learning_rate=0.01, decay=0.9, eps=1e-2)(random)
