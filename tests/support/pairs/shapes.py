"""What depends on the shape, the size, the place or the name of a leaf."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from tests.support.pairs.groups import named
from tests.support.pairs.known import (
    KnownPair,
    apart,
    by_count,
    by_weight,
    decimal,
    drawn_or,
    everywhere,
    family,
    noise,
    pick,
    same,
    whole,
    witness,
)  # fmt: skip
from tests.support.pairs.trees import MATRIX, NESTED, RANKS, VECTOR, tree


@family
def ranks(random: np.random.Generator) -> KnownPair:
    """Another rule for leaves of one rank or one size."""
    c = decimal(random, 1.5, 4)
    kinds = {
        "matrices": (lambda g: g.ndim == 2, MATRIX),
        "kernels": (lambda g: g.ndim >= 4, RANKS),
        "scalars": (lambda g: g.ndim == 0, RANKS),
        "rank 3": (lambda g: g.ndim == 3, tree(a=(2, 2, 3), b=(2,))),
        "large": (lambda g: g.size > 500, tree(a=(600,), b=(3,))),
        "square": (lambda g: g.ndim == 2 and g.shape[0] == g.shape[1], tree(a=(3, 3), b=(3, 4))),
        "wide": (lambda g: g.ndim == 2 and g.shape[0] < g.shape[1], tree(a=(3, 5), b=(5, 3))),
        "even": (lambda g: g.size % 2 == 0, tree(a=(6,), b=(5,))),
        "59": (lambda g: g.shape == (59,), tree(a=(59,), b=(58,))),
        "empty or one": (lambda g: g.size <= 1, tree(a=(1,), b=(2,))),
    }
    name = pick(random, *kinds)
    rare, like = kinds[name]
    first = by_weight(lambda g, p: c * g if rare(g) else g)
    tall = {} if like in (MATRIX, RANKS) else {"tree": like}
    if random.random() < 0.4:
        other = by_weight(lambda g, p: g if not rare(g) else g / (1 / c))
        return same(first, other, name, **tall)
    return apart(first, optax.identity(), noise(random, 1, like), name, **tall)


@family
def sizes(random: np.random.Generator) -> KnownPair:
    """Powers of sizes and of lengths of axes."""

    def over(size: Any) -> Any:
        return by_weight(lambda g, p: g / size(g) ** 0.5)

    by_size = [
        over(lambda g: g.size),
        over(lambda g: np.prod(g.shape)),
        by_weight(lambda g, p: g * g.size**0.5 / g.size),
        by_weight(lambda g, p: g / jnp.sqrt(jnp.sum(jnp.ones_like(g)))),
    ]
    faults = [
        over(lambda g: g.shape[-1] if g.ndim else 1),
        over(lambda g: g.shape[0] if g.ndim else 1),
        over(lambda g: 4),
        over(lambda g: g.size + 1),
        over(lambda g: 12),
    ]
    return drawn_or(random, by_size, faults, noise(random, 1, RANKS))


@family
def numbers_like_sizes(random: np.random.Generator) -> KnownPair:
    """A number that happens to be the size of some leaf."""
    n = pick(random, 59, 83, 142, 4, 12, 48, 3, 5, 7, 2)
    times, other = optax.scale(float(n)), whole(random, 6, 9)
    like = jnp.ones(other + (n == other))
    rows = [
        (times, by_weight(lambda g, p: g * g.size)),
        (times, by_weight(lambda g, p: g * (g.shape[-1] if g.ndim else n))),
        (optax.clip(float(n)), by_weight(lambda g, p: jnp.clip(g, -g.size, g.size))),
        (
            by_weight(lambda g, p: jnp.mean(g) * n + 0 * g),
            by_weight(lambda g, p: jnp.sum(g) + 0 * g),
        ),
        (by_count(lambda t: 0.5 ** (t / n)), by_weight(lambda g, p: g * 0.5 ** (1 / g.size))),
    ]
    k = int(random.integers(len(rows)))
    if random.random() < 0.35:
        return same(times, by_weight(lambda g, p: (n + 1) * g - g))
    return apart(*rows[k], witness([100.0, 100.0], like=like), f"{n}, {k}")


@family
def axes(random: np.random.Generator) -> KnownPair:
    """Sums over rows, columns, all: told apart only by a matrix, or by one that is not square."""

    def less(axis: Any, by: Any = jnp.mean) -> Any:
        return by_weight(lambda g, p: g - by(g, axis=axis, keepdims=True) if g.ndim == 2 else g)

    rows = [
        less(0),
        less(-2),
        by_weight(
            lambda g, p: (g.T - jnp.mean(g.T, axis=1, keepdims=True)).T if g.ndim == 2 else g
        ),
        by_weight(
            lambda g, p: (
                g - (jnp.ones((1, g.shape[0]), g.dtype) @ g) / g.shape[0] if g.ndim == 2 else g
            )
        ),
    ]
    faults = [
        less(1),
        less((0, 1)),
        optax.identity(),
        by_weight(
            lambda g, p: g - jnp.sum(g, axis=0, keepdims=True) / g.shape[1] if g.ndim == 2 else g
        ),
        less(0, jnp.max),
        less(0, jnp.median),
    ]
    return drawn_or(random, rows, faults, noise(random, 1, MATRIX))


@family
def matrix_methods(random: np.random.Generator) -> KnownPair:
    """Methods for matrices, with one setting that only these see."""
    rate = decimal(random, 0.01, 0.3)
    big, small = tree(w=(8, 6)), tree(w=(3, 4), b=(4,))

    def factored(**settings: Any) -> Any:
        return optax.chain(
            optax.scale_by_factored_rms(min_dim_size_to_factor=2, **settings), optax.scale(-rate)
        )

    def ada(**settings: Any) -> Any:
        return optax.adafactor(rate, min_dim_size_to_factor=2, **settings)

    if random.random() < 0.4:
        row = pick(
            random,
            (ada(), ada(), big),
            (factored(), factored(decay_rate=0.4 + 0.4), small),
            (ada(multiply_by_parameter_scale=False, clipping_threshold=None), factored(), small),
            (optax.contrib.muon(rate), optax.contrib.muon(rate), small),
        )
        return same(*row[:2], tree=row[2], compiled=True, in_float32=True)
    row = pick(
        random,
        (ada(), ada(factored=False), big),
        (factored(), factored(factored=False), small),
        (optax.contrib.muon(rate), optax.contrib.muon(rate, ns_steps=3), small),
        (optax.contrib.muon(rate), optax.adam(rate), small),
        (factored(), factored(decay_rate=0.9), small),
    )
    return apart(*row[:2], noise(random, 3, row[2]), tree=row[2], compiled=True)


@family
def other_leaves(random: np.random.Generator) -> KnownPair:
    """What a leaf gets depends on the other leaves: how many, the first, the largest, all."""
    c = decimal(random, 0.2, 0.8)

    def leaves(factor: Any) -> Any:
        return everywhere(
            lambda u, p: jax.tree.map(lambda g: (g * factor(jax.tree.leaves(u))).astype(g.dtype), u)
        )

    def total(gs: Any) -> Any:
        return sum(jnp.sum(jnp.abs(g)) for g in gs)

    kinds = [
        [leaves(lambda gs: c / len(gs)), leaves(lambda gs: c * (1 / sum(1 for _ in gs)))],
        [
            leaves(lambda gs: 1 / (1 + total(gs))),
            leaves(lambda gs: 1 / (1 + total(gs[1:]) + total(gs[:1]))),
            leaves(lambda gs: 0.5 / (0.5 + total(gs) / 2)),
        ],
        [
            leaves(lambda gs: 1 / (1 + total(gs[:1]))),
            leaves(lambda gs: 2 / (2 + 2 * total([gs[0]]))),
        ],
        [
            leaves(lambda gs: 1 / (1 + max(g.size for g in gs))),
            leaves(lambda gs: 1 / (1 + max(np.prod(g.shape) for g in gs))),
        ],
        [
            leaves(lambda gs: 1 / (1 + total(gs) / sum(g.size for g in gs))),
            leaves(lambda gs: sum(g.size for g in gs) / (sum(g.size for g in gs) + total(gs))),
        ],
    ]
    j, k = map(int, random.permutation(len(kinds))[:2])
    return drawn_or(random, kinds[j], kinds[k], noise(random, 1, NESTED))


@family
def names(random: np.random.Generator) -> KnownPair:
    """A rule for leaves of one name, in a tree that has it."""
    word = pick(random, "lm_head", "bias", "norm", "A", "kernel", "0")
    like = {word: tree(a=(3,)), "other": tree(kernelly=(2, 3), b=(4,))}
    c = decimal(random, 0.2, 0.8)
    chosen = named(f"'{word}'")
    first = optax.chain(optax.sgd(0.1), optax.masked(optax.scale(c), chosen))
    forms = [
        first,
        everywhere(
            lambda u, p: jax.tree.map(lambda g, x: -0.1 * (c if x else 1.0) * g, u, chosen(u))
        ),
    ]
    return drawn_or(
        random, forms, [optax.sgd(0.1), optax.sgd(0.1 * c)], noise(random, 1, like), tree=like
    )


@family
def places(random: np.random.Generator) -> KnownPair:
    """What depends on the place within a leaf: neighbours, order, the first, ties."""
    flat = {
        "turned": (lambda g: jnp.roll(g, 1), lambda g: jnp.concatenate([g[-1:], g[:-1]])),
        "reversed": (lambda g: g[::-1], jnp.flip),
        "summed up": (jnp.cumsum, lambda g: jnp.sum(g) - jnp.cumsum(g[::-1])[::-1] + g),
        "sorted": (jnp.sort, lambda g: -jnp.sort(-g)[::-1]),
        "neighbour": (lambda g: g - jnp.roll(g, 1), lambda g: -(jnp.roll(g, 1) - g)),
        "equal to its neighbour": (
            lambda g: jnp.where(g == jnp.roll(g, 1), 0.0, g),
            lambda g: jnp.where(g - jnp.roll(g, 1) != 0, g, 0.0),
        ),
        "largest": (
            lambda g: jnp.where(g == jnp.max(g), g, 0.0),
            lambda g: jnp.where(g >= jnp.max(g), g, 0.0),
        ),
        "first largest": (
            lambda g: jnp.where(jnp.arange(g.size) == jnp.argmax(g), g, 0.0),
            lambda g: jnp.zeros_like(g).at[jnp.argmax(g)].set(jnp.max(g)),
        ),
        "one of two": (
            lambda g: jnp.where(g > jnp.median(g), g, 0.0),
            lambda g: jnp.where(jnp.median(g) < g, g, 0.0),
        ),
    }

    def whole_leaf(f: Any) -> Any:
        return by_weight(lambda g, p: f(g.ravel()).reshape(g.shape))

    ties = jnp.asarray([3.0, 1.0, 1.0, 3.0])
    given = witness([ties, jnp.asarray([4.0, -1.0, 2.5, 3.0])], like=VECTOR)
    j, k = random.permutation([*flat])[:2]
    if random.random() < 0.5:
        return same(*map(whole_leaf, flat[j]), str(j))
    return apart(whole_leaf(flat[j][0]), whole_leaf(flat[k][1]), given, f"{j} / {k}")
