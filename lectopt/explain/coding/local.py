"""A transformation in the terms of any one leaf, without the leaf's name and rank.

Here an array stands at the index `@`: any place of the leaf that is looked at. A sum over all
places of that leaf binds `@` with `OWN`, a sum over the places of several leaves with their paths.
Leaves of which the terms are then the same are treated alike.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lectopt.explain.rewriting import rewrite, walk
from lectopt.explain.terms import ONE, Term, mul

AT = Term("idx", "@")
OWN = "own"
# The beginnings of names, so that no name means two things; at the end `@` if every leaf has one.
SETTING, STATE, GIVEN = "setting ", "state ", "given "
GRADIENTS, PARAMS = "gradients@", "params@"


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
    def key(self) -> str:
        """What the transformation calls it."""
        return self.name.removeprefix(STATE).rstrip("@")

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


def is_leafy(x: Term) -> bool:
    """Whether it is one number, or one array, for every leaf."""
    return any(
        y.args[0].endswith("@") if y.op == "sym" else y.op == "agg" and y.args[2][0][1] == OWN
        for y in walk(x)
    )


def addends(x: Term) -> list[Term]:
    """What is added up."""
    return [y for part in x.args for y in addends(part)] if x.op == "add" else [x]


def share(x: Term) -> tuple[Term, Term]:
    """Of `c*(a sum over leaves)` the factor and the sum."""
    factor = ONE
    while x.op == "mul":
        a, b = x.args if x.args[1].op in ("agg", "mul") else x.args[::-1]
        factor, x = mul(factor, a), b
    return factor, x


def wraps(x: Term) -> bool:
    """Whether it is a whole number that wraps where it does not fit."""
    _, inside, outside = x.args
    return outside.op == "fn" and outside.args[0].startswith("wrap ") and outside.args[2] is inside


def flat(x: Term) -> tuple[str, Term, Any]:
    """A sum over the places of arrays that were made flat, as one over their own places."""
    kind, body, over = x.args
    place = tuple(Term("idx", k) for k, _ in over)
    flat: Mapping[Term, Term] = {
        y: y.args[2][0]
        for y in walk(body)
        if y.op == "opq" and y.args[0].startswith("reshape ") and y.args[3] == place
    }
    shapes = {y.args[0].rpartition(" of ")[2] for y in flat}
    if len(place) != 1 or len(shapes) != 1:
        return kind, body, over
    # Nothing but these arrays may depend on the place.
    outside = rewrite(body, lambda y: ONE if y in flat else None, {})
    if outside.indices & {place[0].args[0]}:
        return kind, body, over
    names = (f"k{j}" for j in range(len(next(iter(shapes)).split(","))))
    return kind, rewrite(body, flat.get, {}), tuple((k, None) for k in names)
