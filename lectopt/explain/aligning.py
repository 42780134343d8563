"""Indices by the axes of a leaf: the sum over columns of a matrix is over its second index."""

from collections.abc import Mapping, Sequence
from typing import Any

from lectopt.explain.readings import Group
from lectopt.explain.rewriting import rewrite, walk
from lectopt.explain.terms import Term


class Aligned:
    """Terms of a leaf of this shape, with the indices that sums are over called as those of the
    leaf, where they can be: of a sum over columns of `g` the index is `i1`, the place in a row."""

    def __init__(self, shape: Sequence[Any] | None = None):
        self.shape = shape
        self._known: dict[Term, Term] = {}

    def __call__(self, term: Term) -> Term:
        """The term, so."""
        return rewrite(term, self._changed, self._known)

    def _changed(self, x: Term) -> Term | None:
        if x.op == "fn" and x.args[0].startswith("leaves "):
            return Term("fn", *x.args[:2], Aligned()(x.args[2]))
        if x.op == "agg":
            return self._summed(x)
        if x.op == "opq":
            bodies = []
            for body in x.args[2]:
                change = {k: f"i{k[1:]}" for k in body.indices if k[0] == "k"}
                bodies.append(self(shifted(body, change)))
            return Term("opq", x.args[0], x.args[1], tuple(bodies), x.args[3])
        return None

    def _summed(self, x: Term) -> Term:
        kind, body, over = x.args
        body, change = self(body), {}
        for k, d in over:
            place = _axis(body, k)
            if self.shape is not None and (
                place >= len(self.shape) or str(self.shape[place]) != str(d)
            ):
                continue
            axis = f"i{place}"
            if axis not in x.indices | _summed_inside(body, k) and axis not in change.values():
                change[k] = axis
        over = tuple((change.get(k, k), d) for k, d in over)
        return Term("agg", kind, shifted(body, change), over)


def _summed_inside(body: Term, index: str) -> set[str]:
    """The indices of the sums within a body that also speak of this one."""
    sums = (x for x in walk(body, inside=True) if x.op == "agg" and index in x.indices)
    return {k for x in sums for k, _ in x.args[2]}


def _axis(body: Term, index: str) -> int:
    """The axis of a leaf that an index runs over."""
    places = (x.args[1] for x in walk(body, inside=True) if x.op == "sym" and index in x.indices)
    longest = max(places, key=len, default=())
    found = [k for k, i in enumerate(longest) if i.op == "idx" and i.args[0] == index]
    return found[0] if found else int(index[1:])


def shifted(term: Term, change: Mapping[str, str]) -> Term:
    """The term at other indices."""

    def new(x: Term) -> Term | None:
        if not x.indices & change.keys():
            return x
        if x.op == "idx":
            return Term("idx", change.get(x.args[0], x.args[0]))
        if x.op == "sym":
            return Term("sym", x.args[0], tuple(rewrite(i, new, {}) for i in x.args[1]), x.args[2])
        if x.op == "agg":
            bound = {k for k, _ in x.args[2]}
            if bound & change.keys():  # another index of that name
                rest = {k: v for k, v in change.items() if k not in bound}
                return Term("agg", x.args[0], shifted(x.args[1], rest), x.args[2])
        if x.op == "opq":
            at = tuple(rewrite(i, new, {}) for i in x.args[3])
            return Term("opq", x.args[0], x.args[1], x.args[2], at)
        return None

    return rewrite(term, new, {}) if change else term


def aligned_group(group: Group, shape: Sequence[Any] | None = None) -> Group:
    """All formulas of a group of leaves, `Aligned`; a slot for rows or columns with their index."""
    aligned = Aligned(shape)
    later: dict[Term, Term] = {}
    start: dict[Term, Term] = {}
    for symbol, term in group.next.items():
        home = _home(symbol, term)
        later[shifted(symbol, home)] = aligned(shifted(term, home))
        begin = Term("sym", symbol.args[0].replace("[t]", "[0]"), symbol.args[1], symbol.args[2])
        if begin in group.start:
            start[shifted(begin, home)] = aligned(shifted(group.start[begin], home))
    moved = {x.args[0] for x in start}
    start |= {x: aligned(t) for x, t in group.start.items() if x.args[0] not in moved}

    places = (group.point, group.evaluation)
    point, evaluation = (None if x is None else aligned(x) for x in places)
    return Group(
        group.indices, group.leaves, group.stands, start, later,
        aligned(group.update), point, evaluation,
    )  # fmt: skip


def _home(symbol: Term, term: Term) -> dict[str, str]:
    """Which axes of the leaf the axes of a slot run over: of row sums the first, of column sums
    the second."""
    found: dict[str, str] = {}
    if any(x.op == "sym" and len(x.args[1]) > len(symbol.args[1]) for x in walk(term, inside=True)):
        for index in symbol.args[1]:
            axis = f"i{_axis(term, index.args[0])}"
            if axis not in found.values():
                found[index.args[0]] = axis
    same = all(a == b for a, b in found.items())
    return {} if same or len(found) < len(symbol.args[1]) else found
