"""The pairs themselves, run in plain JAX."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from tests.support.pairs.known import KnownPair, Witness
from tests.support.pairs.running import CLEAR, ROUNDING, apart_by, both, doubles
from tests.support.pairs.trees import FINITE, TREES, history, not_finite, widened


def assert_known(pair: KnownPair, seed: int = 0) -> None:
    """What is said of a pair is so."""
    if not pair.same or pair.finite_only:
        assert_differs(pair, pair.witness)
    if not pair.same:
        return
    random = np.random.default_rng(seed)
    trees = TREES.values() if pair.tree is None else [pair.tree]
    histories = [(kind, history(random, like, kind)) for like in trees for kind in FINITE]
    if pair.finite_only is False:
        histories += [("not finite", given) for like in trees for given in not_finite(random, like)]
    assert_agrees(pair, histories)
    if not pair.in_float32:  # where rounding is no excuse
        with doubles():
            assert_agrees(pair, [(kind, widened(given)) for kind, given in histories])


def assert_agrees(pair: KnownPair, histories: list[tuple[str, list[Any]]]) -> None:
    """Up to rounding in the types of the weights."""
    first, second = pair.built()
    wide = jax.config.jax_enable_x64
    for kind, (weights, *gradients) in histories:
        given = Witness(weights, gradients, pair.extra_of(len(gradients)))
        a, b = both(first, second, given)
        sizes = [float(jnp.max(jnp.abs(x))) for x in jax.tree.leaves((weights, gradients))]
        least = 0.0 if wide or pair.in_float32 else max(1.0, *sizes)  # settings are about 1
        gap = apart_by(a, b, ROUNDING, least)
        assert gap <= 1, f"{pair.name}: {gap} of what rounding explains, on {kind} gradients"


def assert_differs(pair: KnownPair, given: Witness | None) -> None:
    assert given is not None, f"{pair.name} has no witness"
    gap = apart_by(*both(*pair.built(), given), CLEAR)
    assert gap > 1, f"{pair.name}: {gap} of a clear difference"
