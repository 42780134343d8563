"""Conditions at one place that stand beside sums over all places."""

from typing import Any

import jax.numpy as jnp
import numpy as np

from tests.support.pairs.known import (
    KnownPair,
    apart,
    by_leaf,
    by_weight,
    decimal,
    drawn_or,
    family,
    noise,
    pick,
    same,
    whole,
    witness,
)
from tests.support.pairs.trees import VECTOR


def row(*values: float) -> Any:
    return jnp.asarray(values, jnp.float32)


@family
def condition_and_sum(random: np.random.Generator) -> KnownPair:
    """Where a gradient is large, a share of the large ones, or of all of them."""
    limit = decimal(random, 1, 9, 1) * 10.0 ** whole(random, -1, 6)
    by = pick(
        random,
        jnp.sum,
        jnp.max,
        jnp.mean,
        lambda x: jnp.sqrt(jnp.sum(x * x)),
        lambda x: jnp.sort(x.ravel())[-1],
    )
    small = 1e-3 * limit

    def share(of: Any) -> Any:
        return by_weight(
            lambda g, p: jnp.where(g > limit, limit * g / jnp.maximum(by(of(g)), small), 0.0)
        )

    large = share(lambda g: jnp.where(g > limit, g, 0.0))
    if random.random() < 0.4:
        others = [
            share(lambda g: jnp.where(~(g <= limit), g, 0.0)),
            share(lambda g: jnp.where(limit >= g, 0.0, g)),
            by_weight(
                lambda g, p: (
                    jnp.where(g > limit, g, 0.0)
                    * limit
                    / jnp.maximum(by(jnp.where(g > limit, g, 0.0)), small)
                )
            ),
        ]
        return same(large, pick(random, *others))
    at = witness([row(2, 3, 0.9, 0.8) * np.float32(limit)])
    wrong, given = pick(
        random,
        (jnp.abs, at),
        (lambda g: jnp.where(g > 0.85 * limit, g, 0.0), at),
        (lambda g: g, at),
        (lambda g: jnp.where(g > 2.5 * limit, g, 0.0), at),
    )
    second = share(wrong)
    if by is jnp.max or by(row(1, 5)) == 5:  # the largest of all is the largest of the large
        second, given = share(lambda g: jnp.where(g < 2.5 * limit, g, 0.0)), at
    return apart(large, second, given)


@family
def cautious(random: np.random.Generator) -> KnownPair:
    """Updates whose sign agrees with that of the weight, made larger by how few they are."""
    floor = decimal(random, 0.001, 0.1)

    def make(share: Any, inside: Any = None) -> Any:
        def f(g: Any, p: Any) -> Any:
            agree = g * p > 0
            return jnp.where(agree, g / jnp.maximum(share(agree, g), floor), 0.0)

        return by_weight(f)

    forms = [
        make(lambda m, g: jnp.mean(jnp.where(m, 1.0, 0.0)).astype(g.dtype)),
        make(lambda m, g: (jnp.sum(m) / m.size).astype(g.dtype)),
        by_weight(
            lambda g, p: (
                jnp.where(g * p > 0, g, 0.0)
                / jnp.maximum(jnp.mean((g * p > 0).astype(jnp.float32)).astype(g.dtype), floor)
            )
        ),
    ]
    if random.random() < 0.5:
        j, k = random.permutation(3)[:2]
        return same(forms[j], forms[k], in_float32=True)  # a share of whole numbers
    faults = [
        make(lambda m, g: 1.0),
        make(lambda m, g: jnp.mean(jnp.where(m, 0.0, 1.0)).astype(g.dtype)),
        make(lambda m, g: jnp.mean(jnp.where(g > 0, 1.0, 0.0)).astype(g.dtype)),
    ]
    return apart(
        pick(random, *forms), pick(random, *faults), witness([row(1, 2, -1, -2)], row(1, 1, -1, 1))
    )


@family
def how_many(random: np.random.Generator) -> KnownPair:
    """Exactly so many places above a number, or at least, or an even number of them."""
    c, k = decimal(random, 0.5, 3), whole(random, 1, 3)

    def when(condition: Any) -> Any:
        return by_weight(lambda g, p: jnp.where(condition(jnp.sum(g > c)), 2 * g, g))

    counts = {
        "exactly": (lambda n: n == k, lambda n: (n >= k) & ~(n > k)),
        "at least": (lambda n: n >= k, lambda n: n > k - 1),
        "even": (lambda n: n % 2 == 0, lambda n: (n & 1) == 0),
    }
    name = pick(random, *counts)
    first, second = map(when, counts[name])
    if random.random() < 0.4:
        return same(first, second, name)
    given = {"exactly": [k, k + 1], "at least": [4], "even": [2]}[name]
    other = {
        "exactly": lambda n: n == k + 1,
        "at least": lambda n: n >= 5,
        "even": lambda n: n == 0,
    }[name]
    at = witness([row(*(2 * c if j < n else 0.5 * c for j in range(4))) for n in given])
    return apart(first, when(other), at, name)


@family
def two_places(random: np.random.Generator) -> KnownPair:
    """A rare branch that needs more than one place or more than one step at once."""
    c = decimal(random, 1, 9, 1) * 10.0 ** whole(random, 0, 4)

    def rare(condition: Any) -> Any:
        return by_weight(lambda g, p: jnp.where(condition(g.ravel(), p.ravel()), 3 * g, g))

    rows = [
        (lambda g, p: jnp.sum(g > c) >= 2, [row(2 * c, 0, 2 * c, 0)], 1.0),
        (lambda g, p: (jnp.max(g) > c) & (jnp.min(g) < -c), [row(2 * c, -2 * c, 0.5, 0.5)], 1.0),
        (lambda g, p: jnp.sum(g) > c, [row(c, c, c, c)], 1.0),
        (lambda g, p: jnp.sum(jnp.abs(p)) > c, [1.0], c),
        (lambda g, p: jnp.sum(g == 0) == 3, [row(0, 0, 0, 1)], 1.0),
        (lambda g, p: (g[0] > c) & (p[-1] < -c), [row(2 * c, 1, 1, 1)], row(1, 1, 1, -2 * c)),
        (lambda g, p: jnp.linalg.norm(g) > c, [2 * c], 1.0),
        (lambda g, p: jnp.all(g > c), [2 * c], 1.0),
    ]
    k = int(random.integers(len(rows)))
    condition, gradients, weight = rows[k]
    if random.random() < 0.3:
        other = by_weight(lambda g, p: g + 2 * jnp.where(condition(g.ravel(), p.ravel()), g, 0.0))
        return same(rare(condition), other, str(k))
    return apart(rare(condition), by_weight(lambda g, p: g), witness(gradients, weight), str(k))


@family
def several_in_a_row(random: np.random.Generator) -> KnownPair:
    """A rare branch after so many gradients of a kind, one after the other."""
    n = whole(random, 2, 40)
    kind = pick(random, "zero", "large", "negative", "equal")
    is_so = {
        "zero": lambda g, last: g == 0,
        "large": lambda g, last: g > 50.0,
        "negative": lambda g, last: g < 0,
        "equal": lambda g, last: g == last,
    }[kind]
    value = {"zero": 0.0, "large": 100.0, "negative": -2.0, "equal": 7.0}[kind]

    def make(rare: Any) -> Any:
        def step(g: Any, p: Any, t: Any, run: Any, last: Any) -> Any:
            run = jnp.where(is_so(g, last), run + 1, 0)
            return jnp.where(rare(run), 1.0 + g, 0.1 * g), run, g

        return by_leaf(step, 0.0, 0.0)

    if random.random() < 0.3:
        return same(make(lambda run: run >= n), make(lambda run: ~(run < n)), kind)
    return apart(
        make(lambda run: run >= n),
        make(lambda run: run < 0),
        witness([value] * (n + 2), like=VECTOR),
        f"{n} {kind}",
    )


@family
def variances(random: np.random.Generator) -> KnownPair:
    """Sums that cancel: of equal large gradients only rounding is left, which is no difference."""
    c = decimal(random, 0.2, 2)
    forms = [
        lambda g: jnp.var(g),
        lambda g: jnp.mean(jnp.square(g)) - jnp.square(jnp.mean(g)),
        lambda g: jnp.mean(g * (g - jnp.mean(g))),
    ]
    faults = [
        lambda g: jnp.mean(jnp.square(g)),
        lambda g: jnp.mean(jnp.square(g)) - jnp.mean(g),
        lambda g: jnp.mean(jnp.abs(g - jnp.mean(g))),
    ]

    def times_p(f: Any) -> Any:
        return by_weight(lambda g, p: (c * p * f(g)).astype(g.dtype))

    return drawn_or(random, [*map(times_p, forms)], [*map(times_p, faults)], noise(random, 2))
