"""What may be said of a pair of known truth, and whether an example shows what it is said to."""

from collections import Counter
from typing import Any

import jax
import numpy as np

from tests.support.pairs.known import KnownPair, Witness
from tests.support.pairs.running import CLEAR, ROUNDING, apart_by, both, doubles, rerun
from tests.support.pairs.trees import TREES, not_finite, widened

VERDICTS = ("proved", "differ", "proved for finite inputs", "unknown")


def assert_no_false_verdict(pair: KnownPair, outcome: Any) -> None:
    """Nothing is said of the pair that is not so; to say nothing is always right."""
    verdict, say = outcome.verdict, f"{pair.name}: {outcome}"
    assert verdict in VERDICTS, say
    assert outcome.proved == (verdict == "proved"), say
    if verdict.startswith("proved"):
        assert outcome.scope and outcome.layer, f"proved, and not for what or by what. {say}"
        excepted = pair.undefined and "not 0" in outcome.scope
        assert pair.same or excepted, f"false proof: they differ. {say}"
    if verdict == "proved":
        assert not pair.finite_only, f"false proof: they differ for NaN or infinity. {say}"
        if not pair.undefined:
            assert_same_if_not_finite(pair, say)
    elif verdict == "proved for finite inputs":
        if outcome.example is not None:
            shows = not _finite(outcome.example) or _overflows(outcome.example)
            assert shows, f"the example is finite. {say}"
            assert_example(pair, outcome.example, say)
    elif verdict == "differ":
        at_the_ends = pair.finite_only is not False and not _finite(outcome.example)
        assert not pair.same or at_the_ends, f"false difference: they are the same. {say}"
        assert_example(pair, outcome.example, say)


def assert_same_if_not_finite(pair: KnownPair, say: str) -> None:
    """ "proved" without more speaks of NaN and infinity, too; in float64, to leave rounding out."""
    random = np.random.default_rng(0)
    with doubles(not pair.in_float32):
        first, second = pair.built()
        for like in TREES.values() if pair.tree is None else [pair.tree]:
            for weights, *gradients in not_finite(random, like):
                given = weights, gradients
                given = given if pair.in_float32 else widened(given)
                a, b = both(first, second, Witness(*given, pair.extra_of(len(gradients))))
                gap = apart_by(a, b, ROUNDING, 1.0)
                assert gap <= 1, f"false proof: they differ for NaN or infinity. {say}"


def assert_example(pair: KnownPair, example: Any, say: str) -> None:
    """An example shows a difference: as told, run again by itself, and run in plain JAX here."""
    assert len(example.gradients) == example.step, say
    told, again = example.updates, example.run()
    settings = dict(getattr(example, "settings", None) or {}) if pair.settings is not None else {}
    with doubles(is_wide(example)):
        first, second = pair.built(**settings)
    extra = getattr(example, "extra", None)
    extras = [dict(extra)] * len(example.gradients) if extra else None
    a, b = rerun(first, second, example.weights, example.gradients, extras)
    for how, (x, y) in {"told": told, "run again": again, "in plain JAX": (a[-1], b[-1])}.items():
        gap = apart_by([x], [y], CLEAR)
        assert gap > 1, f"the example does not differ, {how}: {x} and {y}. {say}"


def is_wide(example: Any) -> bool:
    leaves = jax.tree.leaves((example.weights, example.gradients))
    return any(np.asarray(x).dtype == np.float64 for x in leaves)


def _finite(example: Any) -> bool:
    leaves = jax.tree.leaves((example.weights, example.gradients))
    return all(np.isfinite(np.asarray(x, np.float64)).all() for x in leaves)


def _overflows(example: Any) -> bool:
    """Whether an input is so large that something overflows."""
    largest = max(
        np.abs(np.asarray(x, np.float64)).max() for x in jax.tree.leaves(example.gradients)
    )
    return largest >= 1e15


def said(pair: KnownPair, outcome: Any) -> str:
    """A line of the tally."""
    truth = "the same" if pair.same else "different"
    if pair.finite_only:
        truth = "the same if finite"
    return f"{pair.family}: {truth}, {outcome.verdict}"


def table(lines: Counter[str]) -> str:
    """What was left open, the most first, and how many verdicts there were of each kind."""
    kinds = Counter[str]()
    for line, n in lines.items():
        kinds[line.partition(": ")[2]] += n
    open_ = [(n, line) for line, n in lines.items() if line.endswith("unknown")]
    rows = [f"{n:5} {line}" for line, n in kinds.most_common()]
    return "\n".join([*rows, "", *(f"{n:5} {line}" for n, line in sorted(open_, reverse=True))])
