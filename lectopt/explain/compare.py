"""`same_update`: two transformations, on every tree and with all numbers that they are read for."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from lectopt.explain import scope
from lectopt.explain.contest import Contest
from lectopt.explain.proving import LAYERS
from lectopt.explain.readable import Unreadable, readable
from lectopt.explain.sides import sides
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
    for tree in reading.trees:
        for fixed in reading.numbers:
            outcomes.append(Contest(both, reading, tree, fixed).outcome())
            if outcomes[-1].verdict == "differ":
                return outcomes[-1]
    return _joined(outcomes, scope.numbers(reading.numbers))


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
