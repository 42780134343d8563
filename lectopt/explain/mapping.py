"""A change of variables that the user gives: the second optimizer in terms of the first.

`{"theta": "theta + decay*trace", "trace": "-trace/learning_rate"}` says what the weights and a slot
of the second are. It is a relation like those that `induction` guesses; the second then does in
these variables what the first does.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from lectopt.explain.arrays import Index, generic
from lectopt.explain.primitives import constant
from lectopt.explain.relations import Relation
from lectopt.explain.rewriting import rewrite
from lectopt.explain.sides import formula
from lectopt.explain.systems import WEIGHT, Entry, System
from lectopt.explain.terms import Term, add, div, mul, neg, num, power, sub

PARAMETERS = ("theta", "params", "θ")


class _Algebra:
    """A term with the operators of Python, to read a formula into."""

    def __init__(self, term: Term):
        self.term = term

    def __add__(self, other: Any) -> "_Algebra":
        return _Algebra(add(self.term, _term(other)))

    __radd__ = __add__

    def __neg__(self) -> "_Algebra":
        return _Algebra(neg(self.term))

    def __sub__(self, other: Any) -> "_Algebra":
        return _Algebra(sub(self.term, _term(other)))

    def __rsub__(self, other: Any) -> "_Algebra":
        return _Algebra(sub(_term(other), self.term))

    def __mul__(self, other: Any) -> "_Algebra":
        return _Algebra(mul(self.term, _term(other)))

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> "_Algebra":
        return _Algebra(div(self.term, _term(other)))

    def __rtruediv__(self, other: Any) -> "_Algebra":
        return _Algebra(div(_term(other), self.term))

    def __pow__(self, k: int) -> "_Algebra":
        return _Algebra(power(self.term, k))


def _term(x: Any) -> Term:
    return x.term if isinstance(x, _Algebra) else num(x) if isinstance(x, int) else constant(x)


@dataclass(frozen=True)
class Mapped:
    """The second system in the weights of the first, what is given of its slots, and for every
    leaf what its weights are (None: the same)."""

    second: System
    given: tuple[Relation, ...]
    weights: tuple[Term | None, ...]

    def after(self, first: System, k: int) -> tuple[Term, Term]:
        """The new weights of leaf `k`: as the map wants them, and as the second makes them."""
        word = self.weights[k]
        assert word is not None
        leaf = first.leaves[k]
        new = {e.old: e.next for e in first.entries}
        new[_weight(leaf, first.shapes[k])] = add(_weight(leaf, first.shapes[k]), first.moves[k])
        return rewrite(word, new.get, {}), add(word, self.second.moves[k])


def mapped(
    relations: Mapping[str, str],
    numbers: Mapping[str, float],
    letters: tuple[str, ...],
    a: System,
    b: System,
    title: str,
) -> Mapped:
    """The second system under a user's map of weights and slots.

    Raises:
      ValueError: a key names no slot of `b`, or a formula something that `a` does not have.
    """
    slots = {short(e.slot) for e in b.entries}
    unused = [k for k in relations if k not in slots and k not in PARAMETERS]
    if unused:
        raise ValueError(
            f"map names {', '.join(unused)}, which {title} does not have as a number. It has "
            f"{', '.join(sorted(slots | {'theta'}))}; a key of map is a name of the second "
            "optimizer."
        )
    settings = {
        k: Term("sym", k, (), "real") if k in letters else constant(float(v))
        for k, v in numbers.items()
    }
    theta = next((relations[k] for k in PARAMETERS if k in relations), None)
    words: list[Term | None] = [
        None if theta is None else _read(theta, a, leaf, settings, generic(shape))
        for leaf, shape in zip(a.leaves, a.shapes, strict=True)
    ]
    second = b if theta is None else _substituted(a, b, theta, settings)
    given = [
        Relation(
            entry,
            lambda i, e=entry: _read(relations[short(e.slot)], a, e.leaf, settings, i),
            a.entries,
        )
        for entry in second.entries
        if short(entry.slot) in relations
    ]
    return Mapped(second, tuple(given), tuple(words))


def short(slot: str) -> str:
    """The name of a slot: the last word of its path."""
    words = re.findall(r"[^\W\d]\w*", slot)
    return words[-1] if words else slot


def _weight(leaf: str, shape: Any) -> Term:
    return Term("sym", WEIGHT + leaf, generic(shape), "real")


def _read(text: str, a: System, leaf: str, settings: Mapping[str, Term], index: Index) -> Term:
    known = {k: _Algebra(v) for k, v in settings.items()}
    known |= {name: _Algebra(Term("sym", WEIGHT + leaf, index, "real")) for name in PARAMETERS}
    for e in a.entries:
        if e.leaf in (leaf, ""):
            at = index if e.leaf == leaf and e.shape else ()
            known[short(e.slot)] = _Algebra(Term("sym", e.symbol, at, e.sort))
    return _term(formula(text, known))


def _substituted(a: System, b: System, theta: str, settings: Mapping[str, Term]) -> System:
    """`b` with the map's word for its weights; at the start with the first state of `a`."""
    names = {WEIGHT + leaf: leaf for leaf in b.leaves}
    starts = {e.symbol: e for e in a.entries}

    def here(x: Term) -> Term | None:
        if x.op == "sym" and x.args[0] in names:
            return _read(theta, a, names[x.args[0]], settings, x.args[1])
        return None

    def first(x: Term) -> Term | None:
        return starts[x.args[0]].start if x.op == "sym" and x.args[0] in starts else None

    def entry(e: Entry) -> Entry:
        start = rewrite(rewrite(e.start, here, {}), first, {})
        return replace(e, start=start, next=rewrite(e.next, here, {}))

    return replace(
        b,
        entries=tuple(map(entry, b.entries)),
        moves=tuple(rewrite(x, here, {}) for x in b.moves),
        points=tuple(rewrite(x, here, {}) for x in b.points),
    )
