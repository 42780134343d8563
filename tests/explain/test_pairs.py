"""Pairs of optimizers of known truth: no false verdict, no wrong page.

The truth is known by construction and is first run in plain JAX; what is said of the pairs is then
held against it. What stays open is counted by family: `python -m tests.support.pairs 1 300`.
"""

from collections import Counter
from types import SimpleNamespace

import jax.numpy as jnp
import optax
import pytest

from lectopt.explain import explain, same_update
from tests.support.pairs import FAMILIES, KnownPair, pairs
from tests.support.pairs.checks import assert_known
from tests.support.pairs.judge import assert_no_false_verdict, said, table
from tests.support.pairs.pages import NEAR, PARAMS, Unreadable, needs_more, page_gap
from tests.support.sampling import sampled

COUNT = len(FAMILIES)  # one of each family
# As many as take a few minutes; hundreds, of any seed, by `python -m tests.support.pairs`.
SEEDS, CHUNKS, CHUNK = (1,), 2, 14
PLAIN = 16  # of so many families one pair is compared in plain `pytest`, and the others are slow
FEW = pairs(0, COUNT)
MANY = [(seed, chunk) for seed in SEEDS for chunk in range(CHUNKS)]
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

some = pytest.mark.parametrize(
    "pair",
    sampled(FEW, PLAIN, ids=lambda pair: pair.family),
)
many = pytest.mark.parametrize("seed, chunk", MANY)


def chunk_of(seed, chunk):
    return pairs(seed, CHUNKS * CHUNK)[chunk * CHUNK : (chunk + 1) * CHUNK]


def failures(check, of):
    """What is asserted of them and is not so."""
    found = []
    for one in of:
        try:
            check(one)
        except AssertionError as error:
            found.append(str(error))
    return found


@some
def test_the_truth_is_so(pair):
    assert_known(pair)


@pytest.mark.slow
@many
def test_the_truth_of_many_is_so(seed, chunk):
    assert failures(assert_known, chunk_of(seed, chunk)) == []


SAME = KnownPair(lambda: optax.sgd(0.1), lambda: optax.scale(-0.1), True, "sgd")
APART = KnownPair(lambda: optax.sgd(0.1), lambda: optax.sgd(0.2), False, "two rates")
AT_NAN = KnownPair(optax.identity, optax.zero_nans, True, "NaN", finite_only=True)


def example(gradient, first, second, again=None):
    """That some weight of 1 moves by the one or the other."""
    updates = (jnp.asarray(first), jnp.asarray(second))
    return SimpleNamespace(
        step=1, weights=jnp.ones([]), gradients=[jnp.asarray(gradient)], updates=updates,
        run=lambda: updates if again is None else tuple(map(jnp.asarray, again)),
    )  # fmt: skip


def outcome(verdict, at=None, scope="for all"):
    proved = verdict == "proved"
    return SimpleNamespace(verdict=verdict, proved=proved, scope=scope, layer="z3", example=at)


@pytest.mark.parametrize(
    "pair, told, fault",
    [
        (SAME, outcome("proved"), None),
        (SAME, outcome("unknown"), None),
        (APART, outcome("unknown"), None),
        (APART, outcome("differ", example(1.0, -0.1, -0.2)), None),
        (AT_NAN, outcome("proved for finite inputs", example(jnp.nan, jnp.nan, 0.0)), None),
        (AT_NAN, outcome("differ", example(jnp.nan, jnp.nan, 0.0)), None),
        (SAME, outcome("the same"), "sgd"),
        (SAME, outcome("proved", scope=""), "not for what"),
        (SAME, outcome("differ", example(1.0, -0.1, -0.2)), "false difference"),
        (APART, outcome("proved"), "false proof"),
        (APART, outcome("proved for finite inputs"), "false proof"),
        (APART, outcome("differ", example(0.0, -0.1, -0.2)), "does not differ, in plain JAX"),
        (APART, outcome("differ", example(1.0, -0.1, -0.1)), "does not differ, told"),
        (
            APART,
            outcome("differ", example(1.0, -0.1, -0.2, (-0.1, -0.1))),
            "does not differ, run again",
        ),
        (AT_NAN, outcome("proved"), "false proof: they differ for NaN"),
        (AT_NAN, outcome("proved for finite inputs", example(1.0, 1.0, 0.0)), "is finite"),
        (AT_NAN, outcome("differ", example(1.0, 1.0, 0.0)), "false difference"),
    ],
)
def test_the_judge_sees_what_is_false(pair, told, fault):
    if fault is None:
        assert_no_false_verdict(pair, told)
    else:
        with pytest.raises(AssertionError, match=fault):
            assert_no_false_verdict(pair, told)


def compared(pair):
    return same_update(*pair.subjects(), params=pair.tree)


@some
def test_no_false_verdict(pair):
    assert_no_false_verdict(pair, compared(pair))


@pytest.mark.slow
@many
def test_no_false_verdict_on_many(seed, chunk):
    tally = Counter()

    def check(pair):
        told = compared(pair)
        tally[said(pair, told)] += 1
        assert_no_false_verdict(pair, told)

    found = failures(check, chunk_of(seed, chunk))
    print(table(tally))
    assert found == []


def assert_page(pair):
    """Both optimizers of a pair do what is printed of them, where it can be evaluated."""
    plain = pair.tree is None and not pair.told and not pair.undefined
    for tx in pair.built() if plain else ():
        explanation = explain(tx, params=PARAMS)
        if explanation.obstacle or needs_more(explanation.text):
            continue
        for kind in ("normal", "sparse", "large"):
            try:
                gap = page_gap(tx, explanation.text, {}, kind)
            except Unreadable:
                break
            assert gap < NEAR, f"{pair.name}, {kind} gradients: {gap}\n{explanation.text}"


@some
def test_no_wrong_page(pair):
    assert_page(pair)


@pytest.mark.slow
@many
def test_no_wrong_page_of_many(seed, chunk):
    assert failures(assert_page, chunk_of(seed, chunk)) == []
