"""A transformation in the terms of any one leaf, without the leaf's name and rank.

Here an array stands at the index `@`: any place of the leaf that is looked at. A sum over all
places of that leaf binds `@` with `OWN`, a sum over the places of several leaves with their paths.
Leaves of which the terms are then the same are treated alike.
"""

from dataclasses import dataclass

from lectopt.explain.terms import Term

AT = Term("idx", "@")
OWN = "own"
GRADIENTS, PARAMS = "g@", "p@"
SETTING = "setting "


class Unwritten(Exception):
    """The transformation holds something that cannot be written as code; the message says what."""


@dataclass(frozen=True, eq=False)
class Slot:
    """An entry of the state: `leafwise` if there is one for every leaf, `array` if that is as large
    as the leaf. Its first and new values by leaf, by "" if it is not leafwise."""

    name: str
    sort: str
    leafwise: bool
    array: bool
    start: dict[str, Term]
    next: dict[str, Term]

    @property
    def old(self) -> Term:
        """Its value before the update."""
        return Term("sym", self.name, (AT,) if self.array else (), self.sort)


@dataclass(frozen=True)
class Local:
    """A transformation in these terms; moves and points by leaf."""

    slots: tuple[Slot, ...]
    leaves: tuple[str, ...]
    moves: dict[str, Term]
    points: dict[str, Term]
