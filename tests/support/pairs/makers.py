"""Makers that ask what they are given, pairs with letters, and functions with misleading names."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from tests.support.pairs.known import (
    KnownPair,
    Witness,
    apart,
    by_weight,
    decimal,
    drawn_or,
    family,
    noise,
    pick,
    same,
    witness,
)


@family
def makers_that_ask(random: np.random.Generator) -> KnownPair:
    """One rule for numbers, another for arrays, schedules or small numbers."""
    limit = decimal(random, 0.02, 0.2)
    clip = decimal(random, 0.1, 0.5)

    def clipped(learning_rate: Any) -> Any:
        return optax.chain(optax.clip(clip), optax.sgd(learning_rate))

    asks = {
        "a float above": lambda x: isinstance(x, float) and x > limit,
        "a float": lambda x: isinstance(x, float),
        "above": lambda x: x > limit,
        "as a float": lambda x: float(x) > limit,
        "no tracer": lambda x: not isinstance(x, jax.core.Tracer),
        "one number": lambda x: x == 2 * limit,
        "a scalar": lambda x: jnp.ndim(x) == 0,
        "no float": lambda x: not isinstance(x, (float, int)),
    }
    name = pick(random, *asks)
    ask = asks[name]

    def make(learning_rate: Any) -> Any:
        return clipped(learning_rate) if ask(learning_rate) else optax.sgd(learning_rate)

    settings = {"learning_rate": 2 * limit}
    if name == "no float":
        settings = {"learning_rate": jnp.float32(2 * limit)}
    if random.random() < 0.25:

        def other(learning_rate: Any) -> Any:
            if not ask(learning_rate):
                return optax.chain(optax.scale(-1.0), optax.scale(learning_rate))
            return optax.chain(optax.clip(clip), optax.scale(-learning_rate))

        return same(make, other, name, settings=settings)
    return apart(
        make,
        lambda learning_rate: optax.sgd(learning_rate),
        witness([clip * 3]),
        name,
        settings=settings,
    )


@family
def settings_at_their_ends(random: np.random.Generator) -> KnownPair:
    """Makers that agree for most settings and not for all: 0, 1, negative, both large."""

    def sgd(factor: Any) -> Any:
        return lambda learning_rate, decay: by_weight(
            lambda g, p: -learning_rate * factor(learning_rate, decay) * g
        )

    plain = sgd(lambda lr, b: 1 + b)
    rows = [
        (
            plain,
            sgd(lambda lr, b: (1 - b * b) / (1 - b)),
            {"learning_rate": 0.1, "decay": jnp.float32(1.0)},
        ),
        (plain, sgd(lambda lr, b: 1 + jnp.abs(b)), {"learning_rate": 0.1, "decay": -0.5}),
        (plain, sgd(lambda lr, b: 1 + jnp.minimum(b, 0.999)), {"learning_rate": 0.1, "decay": 1.5}),
        (
            plain,
            sgd(lambda lr, b: jnp.where(lr * b > 1e4, 0.5, 1.0) * (1 + b)),
            {"learning_rate": 300.0, "decay": 200.0},
        ),
        (
            plain,
            sgd(lambda lr, b: jnp.where(b == 0.25, 2.0, 1.0) * (1 + b)),
            {"learning_rate": 0.1, "decay": 0.25},
        ),
    ]
    first, second, settings = rows[k := int(random.integers(len(rows)))]
    if random.random() < 0.4:
        return same(
            first, sgd(lambda lr, b: (2 + 2 * b) / 2), settings={"learning_rate": 0.1, "decay": 0.9}
        )
    outside = {0: "where the decay is 1"}.get(k, "")
    return apart(first, second, witness([1.0]), str(k), settings=settings, undefined=outside)


@family
def schedules_as_settings(random: np.random.Generator) -> KnownPair:
    """Makers given a number or a schedule, as Optax's are."""

    def by_type(learning_rate: Any) -> Any:
        if callable(learning_rate):
            return optax.chain(optax.scale_by_schedule(learning_rate), optax.scale(-1.0))
        return optax.scale(-learning_rate)

    def wrong(learning_rate: Any) -> Any:
        if callable(learning_rate):
            return optax.scale(-learning_rate(0))
        return optax.scale(-learning_rate)

    line = optax.linear_schedule(decimal(random, 0.1, 0.5), 0.0, 10)
    if random.random() < 0.5:
        return same(
            by_type, lambda learning_rate: optax.sgd(learning_rate), settings={"learning_rate": 0.1}
        )
    return apart(lambda: wrong(line), lambda: by_type(line), witness([1.0, 1.0]))


@family
def names_that_mislead(random: np.random.Generator) -> KnownPair:
    """Functions called `normal`, `L`, `learning_rate`: what they do counts."""
    a = decimal(random, 0.2, 0.8)

    def called(name: str, f: Any) -> Any:
        f.__name__ = f.__qualname__ = name
        jitted = jax.jit(f)
        return by_weight(lambda g, p: jitted(g))

    name = pick(
        random, "normal", "L", "g", "theta", "learning_rate", "uniform", "clip", "_where", "norm"
    )
    forms = [
        called(name, lambda x: a * x),
        optax.scale(a),
        called("h", lambda x: x * a),
        called(name, lambda x: x / (1 / a)),
    ]
    faults = [
        called(name, lambda x: 2 * a * x),
        optax.identity(),
        called(name, lambda x: a * jnp.abs(x)),
    ]
    return drawn_or(random, forms, faults, witness([-2.0]))


@family
def closed_over(random: np.random.Generator) -> KnownPair:
    """Operations without a formula: what they hold inside, or what order they come in, differs."""
    a, b = random.normal(size=(2, 4)).astype(np.float32)

    def loop(n: int, c: float) -> Any:
        return by_weight(lambda g, p: jax.lax.fori_loop(0, n, lambda i, x: jnp.cos(c * x), g))

    def search(table: Any) -> Any:
        return by_weight(
            lambda g, p: (
                jnp.searchsorted(jnp.sort(jnp.asarray(table)), g.ravel())
                .reshape(g.shape)
                .astype(g.dtype)
            )
        )

    def spectrum(f: Any) -> Any:
        return by_weight(
            lambda g, p: (
                f(jnp.fft.fft(g.ravel().astype(jnp.float32))).reshape(g.shape).astype(g.dtype)
            )
        )

    def branch(first: float, second: float) -> Any:
        return by_weight(
            lambda g, p: jax.lax.cond(jnp.sum(g) > 0, lambda: first * g, lambda: second * g)
        )

    c = decimal(random, 0.2, 0.8)
    rows = [
        (loop(3, c), loop(3, c), loop(4, c)),
        (loop(5, c), loop(5, c), loop(5, 0.9 * c)),
        (search(a), search(a[::-1].copy()), search(a + 0.5)),
        (spectrum(jnp.real), spectrum(lambda z: jnp.real(z)), spectrum(jnp.imag)),
        (spectrum(jnp.abs), spectrum(jnp.abs), spectrum(lambda z: jnp.abs(z) * (1 + 0.1 * c))),
        (branch(2.0, c), branch(2.0, c), branch(c, 2.0)),
    ]
    k = int(random.integers(len(rows)))
    first, other, wrong = rows[k]
    if random.random() < 0.35:
        return same(first, other, str(k), in_float32=True, compiled=True)
    gradients = jnp.asarray(np.stack([a + 0.25, b, -np.abs(a), np.abs(b)]))
    return apart(first, wrong, Witness(jnp.ones(4), list(gradients)), str(k))


@family
def further_arguments(random: np.random.Generator) -> KnownPair:
    """An update told the loss and another number: which of the two it uses."""

    def make(f: Any) -> Any:
        def update(
            updates: Any, state: Any, params: Any = None, *, value: Any, other: Any, **rest: Any
        ) -> Any:
            return jax.tree.map(lambda g: (f(value, other) * g).astype(g.dtype), updates), state

        return optax.GradientTransformationExtraArgs(lambda params: (), update)

    c = decimal(random, 0.5, 3)
    forms = [
        make(lambda v, w: c * v - w),
        make(lambda v, w: -(w - v * c)),
        make(lambda v, w: 0.5 * (2 * c * v - 2 * w)),
    ]
    faults = [
        make(lambda v, w: c * w - v),
        make(lambda v, w: (c - 1) * v),
        make(lambda v, w: c * v - v),
    ]
    ordinary = noise(random, 1)
    given = Witness(ordinary.params, ordinary.gradients, [{"value": 2.0, "other": 0.7}])
    if random.random() < 0.4:
        return same(forms[0], pick(random, *forms[1:]), told=("value", "other"))
    return apart(forms[0], pick(random, *faults), given, told=("value", "other"))
