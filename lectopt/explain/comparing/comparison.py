"""Whether two optimizers make the same updates: proved where that can be done, else tested.

The proof is an induction. The state of `b` is written in that of `a` (entries of the same name are
the same, or as `map` says); this holds at the start; both take their gradients at the same point;
and one update of either leads from equal states to equal states, for every gradient and setting.
Beside that both are run on the same gradients; what they do there has the last word.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from lectopt.explain.algebra.conditions import rebuilt
from lectopt.explain.algebra.names import own
from lectopt.explain.comparing import proving
from lectopt.explain.comparing.histories import Difference, first_difference, length
from lectopt.explain.comparing.pairing import Pair, pair
from lectopt.explain.explanation import Explanation


@dataclass(frozen=True, repr=False)
class Comparison:
    """The outcome of `same_update`; it is true if the two are the same.

    Attributes:
      same: whether they make the same updates.
      proved: whether that is proved, and not only what random histories showed.
      text: the outcome in words; `print` shows it.
      difference: where they first differ, None if they are the same.
    """

    same: bool
    proved: bool
    text: str
    difference: Difference | None = field(default=None)

    def __bool__(self) -> bool:
        return self.same

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__


def compared(a: Any, b: Any, map: Mapping[str, Any], params: Any) -> Comparison:
    """See `lectopt.same_update`.

    Raises:
      TypeError: `map` is no mapping from names to formulas.
      ValueError: `map` names something that `b` does not have, or its formulas cannot be read.
    """
    both = pair(a, b, map, params)
    for explanation in (both.a, both.b):
        if explanation.obstacle:
            title, why = explanation.title, explanation.obstacle
            return Comparison(False, False, f"cannot compare: {title} is not explained: {why}")
    notes = "".join(f"\n{note}" for note in both.notes)
    unproved = next(_unproved(both), None)
    # A proof speaks of the formulas, and `g^2/g` is `g`; a program may divide by zero there, or
    # compute in few digits. So the programs are run too, unless they are one.
    one_program = unproved is None and _text(both.a) == _text(both.b)
    difference = None if one_program else first_difference(both)
    if difference is not None:
        return Comparison(False, False, f"not the same update: {difference}{notes}", difference)
    if unproved is None:
        settings = f" and every {', '.join(both.settings)}" if both.settings else ""
        text = f"the same update, proved for all parameters, gradients{settings}"
    else:
        histories = f"on random histories of {length(both)} steps, to rounding"
        text = f"the same update {histories}; not proved: {unproved}"
    return Comparison(True, unproved is None, text + notes)


def _text(explanation: Explanation) -> str:
    programs = explanation.system.programs
    return f"{programs.init}\n{programs.update}\n{programs.point}"


def _unproved(both: Pair) -> Iterator[str]:
    """What of the induction is not proved."""
    if both.missing:
        yield f"what {', '.join(both.missing)} of the second is in the first is unknown, see map="
        return
    for leaf in both.leaves:
        yield from _of_leaf(both, leaf)


def _of_leaf(both: Pair, leaf: str) -> Iterator[str]:
    a, b = both.a.system, both.b.system
    theta, theta_b = own(a.parameter(leaf), leaf), own(b.parameter(leaf), leaf)
    start = {theta: own(a.parameter(leaf, "0"), leaf)}
    after = {theta: both.a.value("theta", leaf, True)}
    for state in a.states:
        if state.role != "known" and state.name.leaf in (leaf, ""):
            old = own(state.value("t-1").expr, leaf)
            start[old] = own(state.start, leaf)
            after[old] = both.a.value(state.key, leaf, True)
    here = both.words[theta_b]
    begin = dict(both.words) | {own(b.parameter(leaf, "0"), leaf): rebuilt(here, start)}

    def word(expr: Any) -> Any:
        return rebuilt(expr, both.words)

    points = [own(x.points.get(leaf, x.parameter(leaf)), leaf) for x in (a, b)]
    if not proving.equal(points[0], word(points[1])):
        yield "that they take their gradients at the same point"
    for state in b.states:
        if state.role == "known" or state.name.leaf not in (leaf, ""):
            continue
        meant = both.words[own(state.value("t-1").expr, leaf)]
        if not proving.equal(rebuilt(meant, start), rebuilt(own(state.start, leaf), begin)):
            yield f"the first value of {state.key}"
        if not proving.equal(rebuilt(meant, after), word(both.b.value(state.key, leaf, True))):
            yield f"the new value of {state.key}"
    if not proving.equal(rebuilt(here, after), word(both.b.value("theta", leaf, True))):
        yield "the new parameters"
