"""Whether two optimizers make the same updates: proved where that can be done, else tested.

The proof is an induction. The state of `b` is written in that of `a` (the entries of the same name
are the same, or as `map` says); this holds at the start; both take their gradients at the same
point; and one update of either leads from equal states to equal states, for every gradient and
every setting.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sympy as sp

from lectopt.explain import proving
from lectopt.explain.explaining import Pair, pair
from lectopt.explain.explanation import PARAMETERS, Explanation
from lectopt.explain.histories import Difference, first_difference
from lectopt.explain.nodes import t


@dataclass(frozen=True)
class Comparison:
    """The outcome; it is true if the two are the same.

    Attributes:
      same: whether they make the same updates.
      proved: whether that is proved, and not only what random histories showed.
      text: the outcome in words; `print` shows it.
      difference: where they differ: the step, the gradients of one weight up to it, and the two
        values that the weight has then; None if they are the same.
    """

    same: bool
    proved: bool
    text: str
    difference: Difference | None = field(default=None, repr=False)

    def __bool__(self) -> bool:
        return self.same

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__


def compared(a: Any, b: Any, map: Mapping[str, Any], params: Any) -> Comparison:
    """See `lectopt.same_update`.

    Raises:
      ValueError: `map` names something that `b` does not have.
    """
    both = pair(a, b, map, params)
    for explanation in (both.a, both.b):
        if explanation.obstacle:
            return Comparison(
                False, False, f"cannot compare: {explanation.title}: {explanation.obstacle}"
            )
    unproved = _unproved(both)
    notes = "".join(f"\n{note}" for note in both.notes)
    if unproved is None:
        settings = ", ".join(both.settings) or "its settings as they are"
        text = f"the same update: proved for all gradients, parameters and steps; {settings}"
        return Comparison(True, True, text + notes)
    difference = first_difference(both)
    if difference is None:
        text = f"the same update on random histories; not proved: {unproved}"
        return Comparison(True, False, text + notes)
    return Comparison(False, False, f"not the same update: {difference}{notes}", difference)
