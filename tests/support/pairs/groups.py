"""Leaves treated apart: by their rank, their name or their depth."""

from typing import Any

import jax
import numpy as np
import optax

from tests.support.pairs.known import KnownPair, decimal, drawn_or, everywhere, family, noise, pick
from tests.support.pairs.trees import NESTED, RANKS, tree


def matrices(params: Any) -> Any:
    return jax.tree.map(lambda x: x.ndim > 1, params)


@family
def masks_by_rank(random: np.random.Generator) -> KnownPair:
    """Weight decay of matrices only, as every script does it."""
    rate, decay = decimal(random, 0.01, 0.2), decimal(random, 0.05, 0.5)

    def adamw(mask: Any) -> Any:
        return optax.adamw(rate, eps=0.1, weight_decay=decay, mask=mask)

    def labels(params: Any) -> Any:
        return jax.tree.map(lambda x: "decay" if x.ndim >= 2 else "rest", params)

    forms = [
        adamw(matrices),
        adamw(lambda params: jax.tree.map(lambda x: len(x.shape) >= 2, params)),
        optax.chain(
            optax.scale_by_adam(eps=0.1),
            optax.masked(optax.add_decayed_weights(decay), matrices),
            optax.scale(-rate),
        ),
        optax.partition({"decay": adamw(None), "rest": optax.adam(rate, eps=0.1)}, labels),
    ]
    faults = [
        optax.adam(rate, eps=0.1),
        adamw(None),
        adamw(lambda params: jax.tree.map(lambda x: x.ndim > 2, params)),
        adamw(lambda params: jax.tree.map(lambda x: x.ndim > 0, params)),
    ]
    return drawn_or(random, forms, faults, noise(random, 2, RANKS))


def named(*words: str) -> Any:
    """A mask of the leaves with one of these words in their path."""

    def mask(params: Any) -> Any:
        return jax.tree_util.tree_map_with_path(
            lambda path, x: any(w in jax.tree_util.keystr(path) for w in words), params
        )

    return mask


@family
def masks_by_name(random: np.random.Generator) -> KnownPair:
    rate, decay = decimal(random, 0.01, 0.2), decimal(random, 0.05, 0.5)
    word = pick(random, "bias", "head", "embed")
    inside = named(word)

    def labels(params: Any) -> Any:
        return jax.tree.map(lambda x: "yes" if x else "no", inside(params))

    def outside(params: Any) -> Any:
        return jax.tree.map(lambda x: not x, inside(params))

    frozen = [
        optax.chain(optax.sgd(rate), optax.masked(optax.set_to_zero(), inside)),
        optax.partition({"yes": optax.set_to_zero(), "no": optax.sgd(rate)}, labels),
        optax.chain(
            optax.masked(optax.sgd(rate), outside), optax.masked(optax.set_to_zero(), inside)
        ),
    ]
    decayed = [
        optax.chain(optax.masked(optax.add_decayed_weights(decay), inside), optax.sgd(rate)),
        optax.partition(
            {
                "yes": optax.chain(optax.add_decayed_weights(decay), optax.sgd(rate)),
                "no": optax.sgd(rate),
            },
            labels,
        ),
    ]
    faults = [optax.sgd(rate), optax.masked(optax.sgd(rate), outside)]
    return drawn_or(
        random, pick(random, frozen, decayed), faults, noise(random, 2, NESTED), tree=NESTED
    )


@family
def rates_by_depth(random: np.random.Generator) -> KnownPair:
    """A smaller rate for earlier layers."""
    rate, factor = decimal(random, 0.01, 0.2), decimal(random, 0.3, 0.9)
    like = {f"block_{k}": tree(kernel=(3, 3), bias=(3,)) for k in range(3)}

    def depth(path: Any) -> int:
        return int(path[0].key[-1])

    def by_path(rate_of: Any) -> Any:
        return everywhere(
            lambda u, p: jax.tree_util.tree_map_with_path(
                lambda path, g: -rate_of(depth(path)) * g, u
            )
        )

    def labels(params: Any) -> Any:
        return {
            name: jax.tree.map(lambda x, name=name: name, leaves) for name, leaves in params.items()
        }

    forms = [
        by_path(lambda k: rate * factor ** (2 - k)),
        by_path(lambda k: rate * factor**2 / factor**k),
        optax.partition(
            {f"block_{k}": optax.sgd(rate * factor ** (2 - k)) for k in range(3)}, labels
        ),
    ]
    faults = [
        by_path(lambda k: rate * factor**k),
        by_path(lambda k: rate * factor ** (3 - k)),
        optax.sgd(rate),
    ]
    return drawn_or(random, forms, faults, noise(random, 1, like), tree=like)
