"""What is read off a program: slots, and equations for each group of leaves."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lectopt.explain.arrays import generic, sort_of
from lectopt.explain.known import Known
from lectopt.explain.letters import Notation
from lectopt.explain.letters import symbol as name_of
from lectopt.explain.spreads import of_one_weight
from lectopt.explain.terms import (
    Term,
)  # fmt: skip
from lectopt.explain.tracing import Programs


@dataclass(frozen=True)
class Slot:
    """One array of the state: `key` is what the optimizer calls it, `base` its letter, `leaf` the
    index of its leaf or `NONE`.

    `role` is "slot" for what the update changes, "known" if it is a `formula` in t (a counter is
    `t - 1`), "constant" if it stays as it starts, "key" if it is a key of random numbers.
    """

    key: str
    leaf: int
    label: str
    aval: Any
    base: str = ""
    role: str = "slot"
    formula: Term | None = None

    def name(self, time: str) -> str:
        """The name of its symbol at a time."""
        return name_of(self.base, "" if self.role == "constant" else time, self.label)

    def symbol(self, time: str) -> Term:
        """Its symbol at a time, at any one place."""
        sort = sort_of(self.aval.dtype)
        return Term("sym", self.name(time), generic(self.aval.shape), sort)


@dataclass(frozen=True)
class Group:
    """The equations of some leaves: first values, definitions and the update of the leaf that
    stands for them; where its gradient is taken and its weights are evaluated, if elsewhere."""

    indices: tuple[int, ...]
    leaves: tuple[str, ...]
    stands: int
    start: Mapping[Term, Term]
    next: Mapping[Term, Term]
    update: Term
    point: Term | None
    evaluation: Term | None


@dataclass
class Reading:
    """All that was read. `shared` is a group of no leaf: the slots that belong to none."""

    programs: Programs
    notation: Notation
    symbols: Mapping[str, str]
    settings: Mapping[str, str]
    extra: Mapping[str, str]
    labels: tuple[str, ...]
    shapes: tuple[tuple[Any, ...], ...]
    states: tuple[Slot, ...]
    shared: Group
    groups: tuple[Group, ...]
    titles: Mapping[str, Term]
    draws: Mapping[str, str]
    records: Mapping[str, Any]
    counts: tuple[str, str]
    facts: Known
    narrow: bool
    taken: set[str] = field(default_factory=set)


def stands(shapes: Sequence[Any], group: Iterable[int]) -> int:
    """The leaf that stands for a group: a vector, else one with the fewest axes."""
    return min(group, key=lambda k: (not len(shapes[k]), len(shapes[k]), k))


def with_scalars(groups: Sequence[Group]) -> tuple[Group, ...]:
    """The groups; that of scalars together with that of vectors, if its formulas are those of a
    vector of one weight."""
    found = list(groups)
    for scalar in groups:
        for vector in groups:
            if scalar is not vector and _is_one_weight(scalar, vector):
                joined = sorted(
                    zip(
                        (*scalar.indices, *vector.indices),
                        (*scalar.leaves, *vector.leaves),
                        strict=True,
                    )
                )
                both = replace(
                    vector,
                    indices=tuple(k for k, _ in joined),
                    leaves=tuple(x for _, x in joined),
                )
                found = [both if x is vector else x for x in found if x is not scalar]
                return tuple(sorted(found, key=lambda g: g.indices[0]))
    return tuple(found)


def _is_one_weight(scalar: Group, vector: Group) -> bool:

    def terms(g: Group) -> list[Term | None]:
        return [*g.start.values(), *g.next.values(), g.update, g.point, g.evaluation]

    if any(any(k not in ("i0",) for k in x.indices) for x in terms(vector) if x is not None):
        return False
    if any(x.indices for x in terms(scalar) if x is not None):
        return False
    pairs = zip(terms(scalar), terms(vector), strict=False)
    return len(terms(scalar)) == len(terms(vector)) and all(
        a is b if a is None or b is None else a is of_one_weight(b) for a, b in pairs
    )
