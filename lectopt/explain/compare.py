"""`same_update`: two transformations, on every tree and with all numbers that they are read for."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import jax.numpy as jnp

from lectopt.explain import scope
from lectopt.explain.contest import Contest
from lectopt.explain.proving import LAYERS
from lectopt.explain.readable import Reading, Unreadable, readable
from lectopt.explain.sides import Sides, sides
from lectopt.explain.trees import Tree
from lectopt.explain.verdicts import ONE_PROGRAM, Comparison

RANK = ("differ", "unknown", "proved for finite inputs", "proved")


def compared(a: Any, b: Any, map: Mapping[str, Any], params: Any) -> Comparison:
    """See `lectopt.same_update`.

    Raises:
      TypeError: `map` is no mapping from names to formulas.
      ValueError: `map` names something that `b` does not have, or its formulas cannot be read.
    """
    both = sides(a, b, map)
    try:
        reading = readable(a, b, both, params)
    except Unreadable as error:
        return Comparison("unknown", open=f"cannot compare: {error}", names=both.names)
    outcomes: list[Comparison] = []
    readings = [(reading, {})] if reading.asking else []
    plain = replace(reading, letters=()) if reading.asking else reading
    readings += [(plain, fixed) for fixed in reading.numbers]
    if both.states:
        Contest(both, reading, reading.trees[0], {}).check_map()
    for tree, (one, fixed) in itertools.product(reading.trees, readings):
        found = _outcome(both, one, tree, fixed)
        outcomes.append(_built(found) if one.asking and one.letters else found)
        if outcomes[-1].verdict == "differ":
            return outcomes[-1]
    others = {*reading.letters, *(k for one in reading.numbers for k in one)}
    kept = {k: v for k, v in both.numbers.items() if k not in others}
    return _joined(outcomes, scope.numbers(reading.numbers, kept))


def _outcome(both: Sides, reading: Reading, tree: Tree, fixed: Mapping[str, float]) -> Comparison:
    try:
        return Contest(both, reading, tree, fixed).outcome()
    except Exception as error:  # whatever a stranger's program holds, no traceback from inside
        met = f"comparing them met {type(error).__name__}: {str(error).splitlines()[0][:200]}"
        return Comparison("unknown", open=met, names=both.names, notes=both.notes)


def _built(outcome: Comparison) -> Comparison:
    """The outcome for makers that ask what they are given: they were run with settings that are
    being traced, and an example is to show with numbers, or else with arrays, what it shows."""
    if outcome.verdict != "differ" or outcome.example is None:
        return outcome
    for kind in (float, jnp.float32):
        example = outcome.example.built_of(kind)
        if example is not None:
            return replace(outcome, example=example)
    said = "they differ where their settings are traced, and not decided: what numbers make of them"
    return Comparison("unknown", open=said, names=outcome.names, notes=outcome.notes)


def _joined(outcomes: Sequence[Comparison], numbers: str) -> Comparison:
    """The weakest of the outcomes, with the scope of all."""
    worst = min(outcomes, key=lambda x: RANK.index(x.verdict))
    if worst.verdict == "unknown":
        return worst
    all_of_them = "; and ".join(dict.fromkeys(x.scope for x in outcomes)) + numbers
    layers = (ONE_PROGRAM, *LAYERS)
    return replace(
        worst, scope=all_of_them, layer=max((x.layer for x in outcomes), key=layers.index)
    )
