"""Chains as training scripts have them: clipping, decay, norms, and the order of these.

What a script does in one line is written out beside it, or a mistake is made that scripts are known
for.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from tests.support.pairs.known import (
    KnownPair,
    apart,
    by_leaf,
    by_weight,
    decimal,
    drawn_or,
    everywhere,
    family,
    noise,
    norm,
    pick,
    same,
    times,
    witness,
)
from tests.support.pairs.trees import MATRIX, RANKS


@family
def clip_by_norm_by_hand(random: np.random.Generator) -> KnownPair:
    limit, rate = decimal(random, 0.5, 3), decimal(random, 0.01, 0.5)
    clips = {
        "minimum": everywhere(lambda u, p: times(jnp.minimum(1.0, limit / norm(u)), u)),
        "maximum": everywhere(lambda u, p: times(limit / jnp.maximum(norm(u), limit), u)),
        "where": everywhere(
            lambda u, p: times(jnp.where(norm(u) > limit, limit / norm(u), 1.0), u)
        ),
        "squares": everywhere(
            lambda u, p: times(limit / jnp.sqrt(jnp.maximum(norm(u) ** 2, limit**2)), u)
        ),
        "optax": optax.clip_by_global_norm(limit),
    }
    faults = {
        "each leaf": everywhere(
            lambda u, p: jax.tree.map(lambda g: g * jnp.minimum(1.0, limit / norm(g)), u)
        ),
        "squared": everywhere(lambda u, p: times(jnp.minimum(1.0, limit / norm(u) ** 2), u)),
        "one leaf left out": everywhere(
            lambda u, p: times(jnp.minimum(1.0, limit / norm(jax.tree.leaves(u)[1:])), u)
        ),
        "values": optax.clip(limit),
    }
    (a, first), (b, second) = (list(clips.items())[k] for k in random.permutation(5)[:2])
    after = pick(random, optax.sgd(rate), optax.adam(rate, eps=0.1), optax.sgd(rate, momentum=0.9))
    if random.random() < 0.6:
        return same(optax.chain(first, after), optax.chain(second, after), f"{a} / {b}")
    b = pick(random, *faults)
    given = witness([limit, 3 * limit], like=RANKS)
    return apart(optax.chain(first, after), optax.chain(faults[b], after), given, f"{a} / {b}")


@family
def clip_by_value_by_hand(random: np.random.Generator) -> KnownPair:
    c = decimal(random, 0.1, 2)
    forms = [
        by_weight(lambda g, p: jnp.where(g > c, c, jnp.where(g < -c, -c, g))),
        by_weight(lambda g, p: jnp.minimum(c, jnp.maximum(-c, g))),
        by_weight(lambda g, p: jnp.where(jnp.abs(g) <= c, g, c * jnp.sign(g))),
        by_weight(lambda g, p: 0.5 * (jnp.abs(g + c) - jnp.abs(g - c))),
        optax.clip(c),
    ]
    faults = [
        by_weight(lambda g, p: jnp.where(jnp.abs(g) <= c, g, c)),
        by_weight(lambda g, p: jnp.where(jnp.abs(g) <= c, g, 0)),
        by_weight(lambda g, p: c * jnp.tanh(g / c)),
    ]
    return drawn_or(random, forms, faults, witness([-3 * c, 0.5 * c]))


@family
def decay_by_hand(random: np.random.Generator) -> KnownPair:
    rate, decay, b = (
        decimal(random, 0.01, 0.2),
        decimal(random, 0.01, 0.3),
        decimal(random, 0.5, 0.95),
    )
    plain = [
        optax.chain(optax.add_decayed_weights(decay), optax.sgd(rate)),
        by_weight(lambda g, p: -rate * g - rate * decay * p),
        optax.chain(optax.sgd(rate), optax.add_decayed_weights(-rate * decay)),
        by_weight(lambda g, p: (1 - rate * decay) * p - rate * g - p),
    ]
    momentum = [
        optax.chain(optax.add_decayed_weights(decay), optax.sgd(rate, momentum=b)),
        optax.chain(optax.add_decayed_weights(decay), optax.trace(b), optax.scale(-rate)),
        by_leaf(lambda g, p, t, m: (-rate * (b * m + g + decay * p), b * m + g + decay * p), 0.0),
    ]
    coupled = [
        optax.chain(optax.add_decayed_weights(decay), optax.adam(rate, eps=0.1)),
        optax.chain(
            optax.add_decayed_weights(decay), optax.scale_by_adam(eps=0.1), optax.scale(-rate)
        ),
    ]
    decoupled = [
        optax.adamw(rate, eps=0.1, weight_decay=decay),
        optax.chain(
            optax.scale_by_adam(eps=0.1), optax.add_decayed_weights(decay), optax.scale(-rate)
        ),
        optax.chain(optax.adam(rate, eps=0.1), optax.add_decayed_weights(-rate * decay)),
    ]
    after = [optax.chain(optax.sgd(rate, momentum=b), optax.add_decayed_weights(-rate * decay))]
    one, other = pick(
        random, (plain, after), (momentum, after), (coupled, decoupled), (decoupled, coupled)
    )
    return drawn_or(random, one, other, noise(random, 3))


@family
def order_in_a_chain(random: np.random.Generator) -> KnownPair:
    a, b, rate = decimal(random, 0.1, 0.9), decimal(random, 1.1, 3), decimal(random, 0.01, 0.5)
    scale, clip, trace, adam = (
        optax.scale(a),
        optax.clip(b),
        optax.trace(a),
        optax.scale_by_adam(eps=0.1),
    )
    equal = [
        (optax.chain(scale, optax.scale(b)), optax.scale(a * b)),
        (optax.chain(scale, trace), optax.chain(trace, scale)),
        (optax.chain(clip, scale), optax.chain(scale, optax.clip(a * b))),
        (
            optax.chain(optax.clip_by_global_norm(b), scale),
            optax.chain(scale, optax.clip_by_global_norm(a * b)),
        ),
        (optax.chain(optax.identity(), adam, optax.identity()), adam),
        (
            optax.chain(optax.chain(scale, clip), trace),
            optax.chain(scale, optax.chain(clip, trace)),
        ),
        (optax.chain(optax.scale(-1), optax.clip(b)), optax.chain(optax.clip(b), optax.scale(-1))),
        (optax.adam(rate), optax.chain(optax.scale_by_adam(), optax.scale_by_learning_rate(rate))),
        (
            optax.chain(trace, optax.scale_by_sign()),
            optax.chain(trace, optax.scale(b), optax.scale_by_sign()),
        ),
        (optax.chain(clip, clip), clip),
        (optax.named_chain(("one", trace), ("two", scale)), optax.chain(trace, scale)),
        (
            optax.chain(trace, optax.ema(0.9, debias=False)),
            optax.chain(optax.ema(0.9, debias=False), trace),
        ),
    ]
    different = [
        (optax.chain(scale, clip), optax.chain(clip, scale)),
        (optax.chain(scale, adam), optax.chain(adam, scale)),
        (optax.chain(clip, trace), optax.chain(trace, clip)),
        (optax.chain(trace, optax.scale_by_sign()), optax.chain(optax.scale_by_sign(), trace)),
        (
            optax.chain(optax.clip_by_global_norm(b), optax.clip(a)),
            optax.chain(optax.clip(a), optax.clip_by_global_norm(b)),
        ),
        (optax.chain(trace, trace), trace),
    ]
    if random.random() < 0.65:
        k = int(random.integers(len(equal)))
        return same(*equal[k], f"equal {k}")
    k = int(random.integers(len(different)))
    given = witness([9 * b, 2.5 * b, -b, 0.2])
    given.gradients[1] = given.gradients[1].at[0].set(0.3)
    return apart(*different[k], given, f"different {k}")


@family
def trust_ratios(random: np.random.Generator) -> KnownPair:
    """Each leaf, or all of them, by the size of its weights over that of its update."""

    def ratio(p: Any, g: Any) -> Any:
        a, b = norm(p), norm(g)
        return jnp.where((a == 0) | (b == 0), 1.0, a / b)

    def by_leaf_of(scale: Any) -> Any:
        return everywhere(
            lambda u, p: jax.tree.map(lambda g, x: (scale(x, g) * g).astype(g.dtype), u, p)
        )

    rate = decimal(random, 0.01, 0.3)
    forms = [
        optax.chain(optax.scale_by_trust_ratio(), optax.scale(-rate)),
        by_leaf_of(lambda p, g: -rate * ratio(p, g)),
        by_leaf_of(lambda p, g: -rate / ratio(g, p)),
    ]
    scaled_first = optax.chain(optax.scale(-rate), by_leaf_of(ratio))
    if random.random() < 0.2:  # the rate cancels, but where the weights are 0
        made = [optax.chain(scaled_first, optax.scale(rate)), forms[0]]
        return apart(*made, witness([1.0], 0.0), "weights of 0")
    faults = [everywhere(lambda u, p: times(-rate * ratio(p, u), u)), optax.scale(-rate)]
    return drawn_or(random, forms, faults, noise(random, 2, RANKS))


@family
def centred(random: np.random.Generator) -> KnownPair:
    """Gradients without the mean of their leading axis, as `centralize` has it for matrices."""

    def less_mean(axes: Any) -> Any:
        return by_weight(
            lambda g, p: g - jnp.mean(g, axis=axes(g.ndim), keepdims=True) if g.ndim > 1 else g
        )

    rest = [
        optax.centralize(),
        less_mean(lambda n: tuple(range(1, n))),
        by_weight(
            lambda g, p: (
                g - (jnp.sum(g, tuple(range(1, g.ndim)), keepdims=True) / (g.size // g.shape[0]))
                if g.ndim > 1
                else g
            )
        ),
    ]
    faults = [optax.identity(), less_mean(lambda n: 0), less_mean(lambda n: None)]
    return drawn_or(random, rest, faults, noise(random, 1, MATRIX))
