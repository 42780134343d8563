"""From the places of arrays to those of any one leaf: see `local`."""

from collections.abc import Iterable
from typing import Any

from lectopt.explain.arrays import Index, generic, size
from lectopt.explain.coding.local import (
    AT,
    GRADIENTS,
    OWN,
    PARAMS,
    Local,
    Slot,
    Unwritten,
)  # fmt: skip
from lectopt.explain.systems import GRADIENT, WEIGHT, Entry, System
from lectopt.explain.terms import (
    LEAVES,
    MAKE,
    ONE,
    TRUE,
    ZERO,
    Term,
    add,
    both,
    is_num,
    mul,
    rewrite,
    total,
    walk,
)  # fmt: skip


def localized(system: System) -> Local:
    """The system in the terms of any one leaf.

    Raises:
      Unwritten: it looks at single places, at rows or at columns, or at the places of other leaves.
    """
    here = _Localizer(system)
    leaves = system.leaves
    return Local(
        tuple(here.slot(name) for name in here.slots),
        leaves,
        {leaf: here.of_leaf(x, leaf) for leaf, x in zip(leaves, system.moves, strict=True)},
        {leaf: here.of_leaf(x, leaf) for leaf, x in zip(leaves, system.points, strict=True)},
    )


SAME = ("max", "min", "and", "or")  # what equal ones give


class _Localizer:
    def __init__(self, system: System):
        self.shapes = dict(zip(system.leaves, system.shapes, strict=True))
        # The symbol of an array: its new symbol, its leaf ("" if it has none), whether it is one.
        self.owners: dict[str, tuple[str, str, bool]] = {}
        for leaf in system.leaves:
            self.owners[GRADIENT + leaf] = GRADIENTS, leaf, True
            self.owners[WEIGHT + leaf] = PARAMS, leaf, True
        self.slots: dict[str, list[Entry]] = {}
        for entry in system.entries:
            leafwise, array = self._kind(entry)
            name = entry.slot + ("@" if leafwise else "")
            self.slots.setdefault(name, []).append(entry)
            self.owners[entry.symbol] = name, entry.leaf if leafwise else "", array
        self.sizes = {
            size(shape): leaf for leaf, shape in self.shapes.items() if not is_num(size(shape))
        }
        self.known: dict[tuple[Term, str, Index], Term] = {}

    def _kind(self, entry: Entry) -> tuple[bool, bool]:
        """Whether it is one of a leaf, and as large as that."""
        if entry.leaf in self.shapes and str(entry.shape) == str(self.shapes[entry.leaf]):
            return True, True
        return entry.leaf in self.shapes and bool(entry.leaf), False

    def slot(self, name: str) -> Slot:
        entries = self.slots[name]
        kinds = {self._kind(e) for e in entries}
        if len(kinds) > 1 or any(e.many for e in entries if not self._kind(e)[1]):
            raise Unwritten(
                f"the statistic {name.rstrip('@')} is an array of another shape than its leaf"
            )
        ((leafwise, array),) = kinds
        if not leafwise and len(entries) > 1:
            raise Unwritten(f"there are several {name}")
        key = {e.symbol: e.leaf if leafwise else "" for e in entries}
        return Slot(
            name,
            entries[0].sort,
            leafwise,
            array,
            {key[e.symbol]: self.of_leaf(e.start, key[e.symbol], e.shape) for e in entries},
            {key[e.symbol]: self.of_leaf(e.next, key[e.symbol], e.shape) for e in entries},
        )

    def of_leaf(self, term: Term, leaf: str, shape: Any = None) -> Term:
        """The term at any place of a leaf."""
        shape = self.shapes[leaf] if shape is None else shape
        return self.local(term, leaf, generic(shape))

    def local(self, x: Term, leaf: str, at: Index) -> Term:
        key = x, leaf, at
        if key not in self.known:
            self.known[key] = self._local(x, leaf, at)
        return self.known[key]

    def _local(self, x: Term, leaf: str, at: Index) -> Term:
        if x in self.sizes:
            return self._over("sum", ONE, [self.sizes[x]], leaf)
        match x.op:
            case "num" | "bool":
                return x
            case "idx":
                raise Unwritten("it computes with the number of a place")
            case "sym":
                return self._symbol(x, leaf, at)
            case "agg":
                if x.args[0] in SAME and not x.args[1].indices & {k for k, _ in x.args[2]}:
                    return self.local(x.args[1], leaf, at)
                kind, body, own = self._aggregate(x)
                return self._over(kind, body, [own], leaf)
            case "opq":
                names = [y.args[0].partition(" ")[0] for y in walk(x, inside=True) if y.op == "opq"]
                if any(name.startswith(("random", "threefry", "key")) for name in names):
                    raise Unwritten("it draws random numbers, which have no formula")
                raise Unwritten(f"{names[-1]} is a function of whole arrays without a formula")
            case "add":
                return self._sum(x, leaf, at)
            case "and":
                return self._all(x, leaf, at)
        args = [self.local(y, leaf, at) if isinstance(y, Term) else y for y in x.args]
        return MAKE[x.op](*args) if x.op in MAKE else Term(x.op, *args)

    def _symbol(self, x: Term, leaf: str, at: Index) -> Term:
        name, index, sort = x.args
        if name not in self.owners:
            if name.startswith("|"):
                raise Unwritten("it computes with the length of one axis")
            if index:
                raise Unwritten(f"it takes an array {name} besides gradients and parameters")
            return x
        new, own, array = self.owners[name]
        if not array and own in ("", leaf):
            return Term("sym", new, (), sort)
        if array and own == leaf and index == at:
            return Term("sym", new, (AT,), sort)
        if array and own != leaf and not self.shapes[own]:  # a scalar is the sum of its one place
            return self._over("sum", Term("sym", new, (AT,), sort), [own], leaf)
        raise Unwritten(f"it looks at single places, rows or columns of {new.rstrip('@')}")

    def _over(self, kind: str, body: Term, leaves: Iterable[str], leaf: str) -> Term:
        """An aggregate over the places of leaves, seen from a leaf."""
        there = tuple(k for k in self.shapes if k in leaves)
        return total(kind, body, (("@", OWN if there == (leaf,) else there),))

    def _aggregate(self, x: Term) -> tuple[str, Term, str]:
        """The kind of an aggregate, its body at any place, and the leaf of that place."""
        kind, body, over = _flat(x)
        while body.op == "agg" and body.args[0] == kind:
            body, over = body.args[1], (*over, *body.args[2])
        names = {k for k, _ in over}
        for y in _symbols(body):
            _, own, array = self.owners.get(y.args[0], ("", "", False))
            index = y.args[1]
            if array and index and all(k.op == "idx" for k in index):
                if {k.args[0] for k in index} == names and len(set(index)) == len(index):
                    return kind, self.local(body, own, index), own
        raise Unwritten("it has a sum over rows or columns")

    def _sum(self, x: Term, leaf: str, at: Index) -> Term:
        """A sum of sums over leaves that have one body is one sum."""
        groups: dict[tuple[Term, Term], list[str]] = {}
        others: list[Term] = []
        for y in _addends(x):
            found = self._share(y, leaf, at)
            if found is not None and found[2] not in groups.setdefault(found[:2], []):
                groups[found[:2]].append(found[2])
            else:
                others.append(self.local(y, leaf, at))
        sums = [mul(c, self._over("sum", b, own, leaf)) for (c, b), own in groups.items() if own]
        out = ZERO
        for y in [*others, *sums]:
            out = add(out, y)
        return out

    def _all(self, x: Term, leaf: str, at: Index) -> Term:
        """Conditions at all places of leaves that are one condition are one."""
        groups: dict[Term, list[str]] = {}
        out = TRUE
        for y in _conjuncts(x):
            if y.op == "agg" and y.args[0] == "and":
                _, body, own = self._aggregate(y)
                groups.setdefault(body, []).append(own)
            else:
                out = both(out, self.local(y, leaf, at))
        for body, own in groups.items():
            out = both(out, self._over("and", body, own, leaf))
        return out

    def _share(self, x: Term, leaf: str, at: Index) -> tuple[Term, Term, str] | None:
        """Of `c*(a sum over a leaf)` the factor, the body and the leaf."""
        factor = ONE
        while x.op == "mul" and x not in self.sizes:
            a, b = x.args
            if _sums(a) and _sums(b):
                return None
            x, other = (a, b) if _sums(a) or a in self.sizes else (b, a)
            factor = mul(factor, self.local(other, leaf, at))
        if x in self.sizes:
            return factor, ONE, self.sizes[x]
        if x.op == "agg" and x.args[0] == "sum":
            _, body, own = self._aggregate(x)
            return factor, body, own
        return None


def _flat(x: Term) -> tuple[str, Term, Any]:
    """A sum over the places of arrays that were made flat, as one over their own places."""
    kind, body, over = x.args
    place = tuple(Term("idx", k) for k, _ in over)
    flat = {
        y: y.args[2][0]
        for y in walk(body)
        if y.op == "opq" and y.args[0].startswith("reshape ") and y.args[3] == place
    }
    shapes = {y.args[0].rpartition(" of ")[2] for y in flat}
    if len(place) != 1 or len(shapes) != 1:
        return kind, body, over
    changed = rewrite(body, lambda y: flat.get(y), {})
    names = tuple(f"k{j}" for j in range(len(next(iter(shapes)).split(","))))
    # Nothing but these arrays may depend on the place.
    outside = rewrite(body, lambda y: ONE if y in flat else None, {})
    if outside.indices & {place[0].args[0]}:
        return kind, body, over
    return kind, changed, tuple((k, None) for k in names)


def _sums(x: Term) -> bool:
    return x.op == "agg" or (x.op in ("mul", "add") and any(map(_sums, x.args)))


def _conjuncts(x: Term) -> list[Term]:
    return [y for part in x.args for y in _conjuncts(part)] if x.op == "and" else [x]


def _addends(x: Term) -> list[Term]:
    return [y for part in x.args for y in _addends(part)] if x.op == "add" else [x]


def _symbols(x: Term) -> Iterable[Term]:
    """The symbols of a term, also inside sums."""
    if x.op == "sym":
        yield x
    elif x.op not in LEAVES:
        for y in (x.args[1],) if x.op == "agg" else x.args:
            if isinstance(y, Term):
                yield from _symbols(y)
