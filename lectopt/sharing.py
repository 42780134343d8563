"""A moment that several members of a combination share: computed and kept once, in the first."""

from collections.abc import Iterator
from typing import Any

from lectopt.programs import Again as AgainExpression
from lectopt.programs import Expression
from lectopt.records import Place
from lectopt.segments import ByLeaf, Layout
from lectopt.transformation import State, Transformation


class Again(ByLeaf):
    """A rule that stands in another member of the same combination too: one moment, kept there."""

    original: Transformation

    def expression(self, layout: Layout, place: Place) -> Expression:
        """See `ByLeaf`."""
        return AgainExpression(layout.index(self.original))  # pyright: ignore[reportArgumentType]

    def entries(self) -> dict[str, Any]:
        """See `Transformation`."""
        return {}

    def start(self, params: Any) -> State:
        """See `Transformation`."""
        return {}

    def _key_among(self, seen: dict[int, int]) -> Any:
        return ("again", seen.get(id(self.original), -1))

    def _text(self, names: dict[int, str]) -> str:
        return names.get(id(self.original)) or self.original._text(names)


class Shared:
    """Finds the moments that several members share."""

    def __init__(self) -> None:
        self.seen: set[int] = set()

    def once(self, tx: Transformation) -> Transformation:
        """`tx`, with a reference in the place of what an earlier member has."""
        own = {id(part) for part in walk(tx) if part.keys and not part.parts}
        shared, self.seen = own & self.seen, own | self.seen
        return _referring(tx, shared) if shared else tx


def _referring(tx: Transformation, shared: set[int]) -> Transformation:
    """`tx`, with references in the place of what is shared."""
    if id(tx) in shared:
        return Again(
            name="again", settings={}, original=tx, parts=(), keys=(), counted=tx.counted,
            by_leaf=True,
        )  # fmt: skip
    if not any(id(part) in shared for part in walk(tx)):
        return tx
    if not (tx.by_leaf and isinstance(tx, ByLeaf)):
        raise ValueError(
            f"{tx!r} shares a moment with another member, but is no rule for one weight. Write the "
            "moment twice, with two calls."
        )
    return tx.mapped(lambda part: _referring(part, shared))


def walk(tx: Transformation) -> Iterator[Transformation]:
    """A transformation and all that it is made of."""
    yield tx
    for part in tx.parts:
        yield from walk(part)
