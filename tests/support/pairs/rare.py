"""What differs rarely: at one number, beyond a large one, late, or by the history."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import optax

from tests.support.pairs.known import (
    KnownPair,
    apart,
    by_count,
    by_leaf,
    by_weight,
    decimal,
    drawn_or,
    family,
    pick,
    same,
    whole,
    witness,
)


def when(condition: Any, factor: float = 3.0) -> Any:
    return by_weight(lambda g, p: jnp.where(condition(g, p), factor * g, g))


@family
def one_number(random: np.random.Generator) -> KnownPair:
    """Equality, ties, and which side of a step a number is on."""
    c = decimal(random, 0.1, 9)
    forms = [
        when(lambda g, p: g == c),
        when(lambda g, p: (g >= c) & (g <= c)),
        when(lambda g, p: ~(g != c)),
    ]
    strict = [when(lambda g, p: g >= c), when(lambda g, p: ~(g < c))]
    rows = [
        (
            forms,
            [optax.identity(), when(lambda g, p: g == 1.5 * c), when(lambda g, p: g > c)],
            witness([c], -c),
        ),
        (strict, [when(lambda g, p: g > c)], witness([c])),
        (
            [when(lambda g, p: g == p), when(lambda g, p: g - p == 0)],
            [optax.identity(), when(lambda g, p: g > p)],
            witness([c], c),
        ),
        (
            [when(lambda g, p: g == -p), when(lambda g, p: g + p == 0)],
            [optax.identity()],
            witness([c], -c),
        ),
        (
            [when(lambda g, p: p == 0), when(lambda g, p: ~(p != 0))],
            [optax.identity()],
            witness([c], 0.0),
        ),
        (
            [
                by_weight(lambda g, p: jnp.sign(g)),
                by_weight(
                    lambda g, p: jnp.where(g > 0, 1.0, jnp.where(g == 0, 0.0, -1.0)).astype(g.dtype)
                ),
            ],
            [by_weight(lambda g, p: jnp.where(g >= 0, 1.0, -1.0).astype(g.dtype))],
            witness([0.0]),
        ),
    ]
    return drawn_or(random, *pick(random, *rows))


@family
def large_numbers(random: np.random.Generator) -> KnownPair:
    """Thresholds up to 1e20 on gradients, weights and states, and narrow intervals."""
    limit = decimal(random, 1, 9, 1) * 10.0 ** whole(random, 2, 20)
    rows = [
        (lambda g, p: g > limit, witness([2 * limit])),
        (lambda g, p: p > limit, witness([1.0], 2 * limit)),
        (lambda g, p: p < -limit, witness([1.0], -2 * limit)),
        (lambda g, p: (g > limit) & (g < 1.01 * limit), witness([1.005 * limit])),
        (lambda g, p: jnp.abs(g - limit) < 1e-3 * limit, witness([limit])),
        (lambda g, p: g * p < -limit, witness([-2 * limit], 2.0)),
        (lambda g, p: (g > limit) & (p > 3 * g), witness([2 * limit], 9 * limit)),
        (lambda g, p: jnp.abs(g) < 1 / limit, witness([0.5 / limit])),
    ]
    k = int(random.integers(len(rows)))
    condition, given = rows[k]
    if random.random() < 0.25:
        return same(when(condition), when(lambda g, p: ~~condition(g, p)), str(k))
    return apart(when(condition), optax.identity(), given, f"{k}, {limit:g}")


@family
def negative_weights(random: np.random.Generator) -> KnownPair:
    """What is the same as long as weights, or gradients, are positive."""
    c = decimal(random, 0.01, 0.5)
    rows = [
        (
            lambda g, p: c * jnp.sign(g) + jnp.maximum(p, 0),
            lambda g, p: c * jnp.sign(g) + p,
            witness([1.0], -1.0),
        ),
        (lambda g, p: g * jnp.sqrt(p * p), lambda g, p: g * p, witness([1.0], -2.0)),
        (lambda g, p: g + c * jnp.abs(p), lambda g, p: g + c * p, witness([1.0], -2.0)),
        (lambda g, p: g * jnp.abs(g), lambda g, p: g * g, witness([-2.0])),
        (lambda g, p: jnp.sign(p) * p + g, lambda g, p: p + g, witness([1.0], -2.0)),
        (
            lambda g, p: g + jnp.where(p < -5, 1.0, 0.0).astype(g.dtype),
            lambda g, p: g,
            witness([1.0], -6.0),
        ),
    ]
    equal = [
        (lambda g, p: jnp.sign(p) * p + g, lambda g, p: jnp.abs(p) + g),
        (lambda g, p: g * jnp.sqrt(p * p), lambda g, p: g * jnp.abs(p)),
        (lambda g, p: jnp.maximum(p, 0) + jnp.minimum(p, 0), lambda g, p: p),
    ]
    if random.random() < 0.3:
        return same(*map(by_weight, pick(random, *equal)))
    k = int(random.integers(len(rows)))
    return apart(*map(by_weight, rows[k][:2]), rows[k][2], str(k))


@family
def undefined_somewhere(random: np.random.Generator) -> KnownPair:
    """A quotient that is cancelled, but is 0/0 at one number."""
    c = float(whole(random, 1, 8))
    at = f"where the gradient is {c:g}"
    rows = [
        (lambda g, p: g * g / g, lambda g, p: g, 0.0),
        (lambda g, p: g / jnp.abs(g), lambda g, p: jnp.sign(g), 0.0),
        (lambda g, p: (g * g - c * c) / (g - c), lambda g, p: g + c, c),
        (lambda g, p: (g - c) / (g - c) * p, lambda g, p: p, c),
        (lambda g, p: jnp.exp(jnp.log(g * g)) / g, lambda g, p: g, 0.0),
        (lambda g, p: g * p / p, lambda g, p: g, None),
    ]
    first, second, bad = rows[k := int(random.integers(len(rows)))]
    given = witness([1.0], 0.0) if bad is None else witness([bad])
    return apart(
        by_weight(first), by_weight(second), given, str(k), undefined=at if bad else "where it is 0"
    )


@family
def late_steps(random: np.random.Generator) -> KnownPair:
    """Schedules, tables and cycles that part after many updates."""
    rate, n = decimal(random, 0.1, 1), whole(random, 30, 3000)
    table = random.uniform(0.1, 1, 40).astype(np.float32)
    at = whole(random, 8, 39)
    changed = table.copy()
    changed[at] *= 1.5

    def look_up(values: Any) -> Any:
        return lambda t: jnp.asarray(values)[jnp.minimum(t, len(values) - 1)]

    constant = optax.constant_schedule(rate)
    late = [
        (optax.piecewise_constant_schedule(rate, {n: 0.1}), constant, n + 2),
        (lambda t: jnp.where(t == n, 0.0, rate), constant, n + 1),
        (
            lambda t: jnp.where(t >= n, 2 * rate, rate),
            lambda t: jnp.where(t > n, 2 * rate, rate),
            n + 1,
        ),
        (look_up(table), look_up(changed), at + 1),
        (look_up(table), lambda t: jnp.asarray(table)[t % 40], 42),
        (lambda t: rate * (1 + (t % 64 == 63)), constant, 64),
        (optax.linear_schedule(rate, 0.0, n), lambda t: rate * (1 - t / n), n + 3),
        (
            optax.cosine_decay_schedule(rate, n),
            lambda t: 0.5 * rate * (1 + jnp.cos(jnp.pi * t / n)),
            n + n // 2 + 1,
        ),
        (
            optax.warmup_cosine_decay_schedule(0.0, rate, 5, n),
            optax.warmup_cosine_decay_schedule(0.0, rate, 5, n, end_value=rate / 2),
            n,
        ),
        (
            optax.exponential_decay(rate, 10, 0.9, staircase=True),
            optax.exponential_decay(rate, 10, 0.9),
            5,
        ),
    ]
    equal = [
        (look_up(table), look_up([*map(float, table)])),
        (
            optax.piecewise_constant_schedule(rate, {n: 0.1, 2 * n: 0.1}),
            lambda t: rate * jnp.where(t < n, 1.0, jnp.where(t < 2 * n, 0.1, 0.01)),
        ),
        (lambda t: jnp.where(t < n, rate, 2 * rate), lambda t: rate * (1 + (t >= n))),
        (lambda t: rate * (t % 2), lambda t: jnp.where(t % 2 == 1, rate, 0.0)),
    ]
    if random.random() < 0.3:
        k = int(random.integers(len(equal)))
        return same(*map(by_count, equal[k]), f"equal {k}", in_float32=True)
    k = int(random.integers(len(late)))
    first, second, steps = late[k]
    return apart(by_count(first), by_count(second), witness([1.0] * steps), f"{k}, {steps} updates")


@family
def histories(random: np.random.Generator) -> KnownPair:
    """States that remember: the largest gradient, a flag, a count of rare events."""
    c = decimal(random, 1, 9, 1) * 10.0 ** whole(random, 0, 5)

    def make(new: Any, move: Any, start: float = 0.0) -> Any:
        return by_leaf(lambda g, p, t, s: (move(g, new(g, s, t)), new(g, s, t)), start)

    def flag(g: Any, s: Any, t: Any) -> Any:
        return jnp.where(g > c, 1.0, s)

    def mean(g: Any, s: Any, t: Any) -> Any:
        return 0.9 * s + 0.1 * g

    rows = [
        (
            make(flag, lambda g, s: g * (1 + s)),
            make(flag, lambda g, s: jnp.where(g > c, 2 * g, g)),
            [2 * c, 1.0],
        ),
        (make(mean, lambda g, s: jnp.where(s > c, 3 * g, g)), optax.identity(), [20 * c]),
        (
            make(lambda g, s, t: jnp.maximum(s, jnp.abs(g)), lambda g, s: g / (1 + s)),
            by_weight(lambda g, p: g / (1 + jnp.abs(g))),
            [2.0, 1.0],
        ),
        (
            make(lambda g, s, t: s + (g > c), lambda g, s: jnp.where(s >= 3, 0.0, g)),
            optax.identity(),
            [2 * c] * 3,
        ),
        (make(lambda g, s, t: g, lambda g, s: g + s), optax.scale(2.0001), [1.0]),
        (
            make(lambda g, s, t: jnp.where(t == 1, g, s), lambda g, s: g + s),
            optax.scale(2.0),
            [1.0, 3.0],
        ),
        (
            make(lambda g, s, t: s * jnp.where(g > c, 0.5, 1.0), lambda g, s: g * s, 1.0),
            optax.identity(),
            [2 * c],
        ),
    ]
    equal = [
        (
            make(flag, lambda g, s: g * (1 + s)),
            make(
                lambda g, s, t: jnp.maximum(s, jnp.where(g > c, 1.0, 0.0)), lambda g, s: g + g * s
            ),
        ),
        (
            make(lambda g, s, t: 2 * mean(g, s / 2, t), lambda g, s: s / 2),
            make(mean, lambda g, s: s),
        ),
        (make(lambda g, s, t: -mean(g, -s, t), lambda g, s: -s), make(mean, lambda g, s: s)),
        (
            make(lambda g, s, t: s + g, lambda g, s: s - 3, 3.0),
            make(lambda g, s, t: s + g, lambda g, s: s),
        ),
        (
            make(lambda g, s, t: s + 1, lambda g, s: g / s),
            by_leaf(lambda g, p, t: (g / t.astype(g.dtype),)),
        ),
    ]
    if random.random() < 0.35:
        k = int(random.integers(len(equal)))
        return same(*equal[k], f"equal {k}")
    k = int(random.integers(len(rows)))
    return apart(*rows[k][:2], witness(rows[k][2]), f"{k}, {c:g}")
