"""From the equations of groups of leaves to those of any one place of any one leaf: see `local`."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lectopt.explain.arrays import generic, size
from lectopt.explain.coding.local import (
    AT,
    GIVEN,
    GRADIENTS,
    OWN,
    PARAMS,
    SETTING,
    STATE,
    Local,
    Slot,
    Unwritten,
    addends,
    flat,
    is_leafy,
    share,
    wraps,
)  # fmt: skip
from lectopt.explain.known import T
from lectopt.explain.letters import leaf_of, untagged
from lectopt.explain.letters import symbol as name_of
from lectopt.explain.readings import Group, Reading, stands
from lectopt.explain.rewriting import walk
from lectopt.explain.terms import INF, MAKE, NAN, ONE, ZERO, Term, add, is_num, mul, total

FLOATS = ("float64", "float32", "float16", "bfloat16")
OVERFLOW = "Whole numbers are taken never to overflow."
Place = tuple[Term, ...] | None  # the index of the place that is looked at, if one is


def localized(reading: Reading, remarks: set[str]) -> Local:
    """The equations in the terms of any one leaf.

    Args:
      reading: the equations.
      remarks: what the transformation does and these equations do not, filled in.

    Raises:
      Unwritten: it looks at single places, at rows or at columns, or at the places of other leaves.
    """
    here = _Localizer(reading, remarks)
    moves: dict[str, Term] = {}
    points: dict[str, Term] = {}
    own = Term("sym", PARAMS, (AT,), "real")
    for group in reading.groups:
        move = here.of_group(group.update, group)
        point = own if group.point is None else here.of_group(group.point, group)
        for leaf in group.leaves:
            moves[leaf], points[leaf] = move, point
    leaves = reading.labels
    return Local(
        tuple(map(here.slot, dict.fromkeys(key for key, _ in here.kept))),
        leaves,
        {k: moves[k] for k in leaves},
        {k: points[k] for k in leaves},
    )


class _Localizer:
    def __init__(self, reading: Reading, remarks: set[str]):
        self.reading, self.remarks, self.shapes = reading, remarks, reading.shapes
        letters = reading.symbols
        self.arrays = {
            name_of(letters["gradient"], "t"): GRADIENTS,
            name_of(letters["params"], "t-1"): PARAMS,
            name_of(letters["params"], "0"): PARAMS,
        }
        self.kept = {(s.key, s.leaf): s for s in reading.states if s.role in ("slot", "constant")}
        self.old = {s.name("t-1").partition("@")[0]: s.key for s in self.kept.values()}
        self.new = {name_of(s.base, "t"): s.key for s in self.kept.values() if s.role == "slot"}
        self.numbers = {k: SETTING + name for k, name in reading.settings.items()}
        self.numbers |= {name_of(k, "t"): GIVEN + name for name, k in reading.extra.items()}
        self.drawn = {untagged(name) for name in reading.draws}
        sizes = ((size(shape), k) for k, shape in enumerate(self.shapes))
        self.sizes = {x: k for x, k in sizes if not is_num(x)}
        self.known: dict[tuple[Term, int, Place], Term] = {}

    def slot(self, key: str) -> Slot:
        """A statistic that is kept, by its name."""
        mine = [s for s in self.kept.values() if s.key == key]
        ((leafwise, array), *others) = dict.fromkeys(self.kind(key, s.leaf) for s in mine)
        if others:
            raise Unwritten(f"the statistic {key} is an array of another shape than its leaf")
        name, sort = STATE + key + "@" * leafwise, mine[0].symbol("t").sort
        old = Term("sym", name, (AT,) if array else (), sort)
        begin, new = (mine[0].name(time).partition("@")[0] for time in ("0", "t"))
        start: dict[str, Term] = {}
        later: dict[str, Term] = {}
        for group in self.reading.groups if leafwise else [self.reading.shared]:
            first, after = _by_name(group.start).get(begin), _by_name(group.next).get(new)
            if first is None:
                continue
            for leaf in group.leaves if leafwise else [""]:
                start[leaf] = self.of_group(first, group)
                later[leaf] = old if after is None else self.of_group(after, group)
        return Slot(name, sort, leafwise, array, start, later)

    def kind(self, key: str, leaf: int) -> tuple[bool, bool]:
        """Whether a statistic is one of a leaf, and as large as that."""
        shape = self.kept[key, leaf].aval.shape
        if leaf >= 0 and str(shape) == str(self.shapes[leaf]):
            return True, True
        if any(d != 1 for d in shape):
            raise Unwritten(f"the statistic {key} is an array of another shape than its leaf")
        return leaf >= 0, False

    def of_group(self, term: Term, group: Group) -> Term:
        """The term at any place of the leaf that stands for a group."""
        shape = self.shapes[group.stands] if group.stands >= 0 else ()
        if len(group.leaves) > 1 and self._is_ambiguous(term, group):
            raise Unwritten("it computes with the sizes of single leaves")
        return self.local(term, group.stands, generic(shape))

    def _is_ambiguous(self, term: Term, group: Group) -> bool:
        """Whether a term speaks of the leaf that stands for a group as of any and as of that one,
        and of its size."""
        parts = list(walk(term, inside=True))
        names = [y.args[0] for y in parts if y.op == "sym"]
        label = self.reading.labels[group.stands]
        sized = any(y in self.sizes for y in parts) or self.reading.counts[0] in names
        return sized and any(leaf_of(name) == label for name in names)

    def local(self, x: Term, leaf: int, at: Place) -> Term:
        """The term at a place of a leaf."""
        key = x, leaf, at
        if key not in self.known:
            self.known[key] = self._local(x, leaf, at)
        return self.known[key]

    def _local(self, x: Term, leaf: int, at: Place) -> Term:
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
                return self._aggregate(x, leaf)
            case "opq":
                names = [y.args[0].partition(" ")[0] for y in walk(x, inside=True) if y.op == "opq"]
                if any(name.startswith(("random", "threefry", "key")) for name in names):
                    raise Unwritten("it draws random numbers, which have no formula")
                raise Unwritten(f"{names[-1]} is a function of whole arrays without a formula")
            case "add":
                return self._sum([self.local(y, leaf, at) for y in addends(x)], leaf)
            case "ite" if wraps(x):
                self.remarks.add(OVERFLOW)
                return self.local(x.args[1], leaf, at)
            case "fn" if x.args[0].startswith("cast "):
                return self._cast(x.args[0].split()[2], self.local(x.args[2], leaf, at))
            case "fn" if x.args[0].startswith("leaves "):
                return self._over_leaves(x, leaf)
        args = [self.local(y, leaf, at) if isinstance(y, Term) else y for y in x.args]
        return MAKE[x.op](*args) if x.op in MAKE else Term(x.op, *args)

    def _cast(self, new: str, x: Term) -> Term:
        if new not in FLOATS:
            self.remarks.add(OVERFLOW)
            return Term("fn", "trunc", "real", x)
        self.remarks.add(f"The original rounds to {new} on the way; this does not.")
        return x

    def _symbol(self, x: Term, leaf: int, at: Place) -> Term:
        name, index, sort = x.args
        label, bare = leaf_of(name), untagged(name)
        own = self.reading.labels.index(label) if label else leaf
        if x in (T, INF, NAN):
            return x
        if bare in self.numbers and not index:
            return Term("sym", self.numbers[bare], (), sort)
        if bare in self.reading.counts:
            every = bare == self.reading.counts[1]
            return self._over("sum", ONE, range(len(self.shapes)) if every else [own], leaf)
        if bare in self.drawn:
            raise Unwritten("it draws random numbers, which have no formula")
        if bare in self.arrays:
            return self._entry(x, self.arrays[bare], True, own, leaf, at)
        key = self.old.get(bare) or self.new.get(bare)
        if key is None and (name[0] == "|" or name.startswith("n_")):
            raise Unwritten("it computes with the length of one axis")
        if key is None:
            raise Unwritten(f"it takes an array {name} besides gradients and parameters")
        own = own if (key, own) in self.kept else -1
        leafwise, array = self.kind(key, own)
        if bare in self.new and not leafwise:  # what the tree has in common, after the update
            return self.of_group(_by_name(self.reading.shared.next)[bare], self.reading.shared)
        if bare in self.new:
            raise Unwritten(f"it looks at what it makes of {key}, of single leaves")
        return self._entry(x, STATE + key + "@" * leafwise, array, own, leaf, at)

    def _entry(self, x: Term, name: str, array: bool, own: int, leaf: int, at: Place) -> Term:
        """An entry of a statistic, of gradients or of parameters."""
        _, index, sort = x.args
        if not array and own in (-1, leaf):
            return Term("sym", name, (), sort)
        if array and own == leaf and at is not None and self._is_there(index, at, own):
            return Term("sym", name, (AT,), sort)
        if array and own != leaf and not self.shapes[own]:  # a scalar is the sum of its one place
            return self._over("sum", Term("sym", name, (AT,), sort), [own], leaf)
        raise Unwritten(f"it looks at single places, rows or columns of {name[:-1].split()[-1]}")

    def _is_there(self, index: Sequence[Term], at: Sequence[Term], leaf: int) -> bool:
        one = (isinstance(d, int) and d == 1 for d in self.shapes[leaf])
        same = (i is k or (d and is_num(i, 0)) for i, k, d in zip(index, at, one, strict=False))
        return len(index) == len(at) and all(same)

    # Sums.

    def _over(self, kind: str, body: Term, leaves: Iterable[int], leaf: int) -> Term:
        """An aggregate over the places of leaves, seen from a leaf."""
        there = sorted(leaves)
        names = tuple(self.reading.labels[k] for k in there)
        return total(kind, body, (("@", OWN if there == [leaf] else names),))

    def _aggregate(self, x: Term, leaf: int) -> Term:
        kind, body, over = flat(x)
        while body.op == "agg" and body.args[0] == kind:
            body, over = body.args[1], (*over, *body.args[2])
        names = {k for k, _ in over}
        for y in walk(body, inside=True):
            if y.op != "sym" or not y.args[1] or not all(k.op == "idx" for k in y.args[1]):
                continue
            label = leaf_of(y.args[0])
            own = self.reading.labels.index(label) if label else leaf
            one = [d for d in self.shapes[own] if isinstance(d, int) and d == 1]
            bound = {k.args[0] for k in y.args[1]}
            if bound >= names and len(bound) == len(y.args[1]) <= len(names) + len(one):
                seen = -1 if label else leaf  # a leaf that is named is not any one
                return self._gathered(kind, self.local(body, own, y.args[1]), own, seen)
        raise Unwritten("it has a sum over rows or columns")

    def _gathered(self, kind: str, body: Term, own: int, leaf: int) -> Term:
        """An aggregate of a body; what is the same at all places is not looked at at all."""
        if body.indices:
            return self._over(kind, body, [own], leaf)
        if kind == "sum":
            return mul(body, self._over(kind, ONE, [own], leaf))
        if kind == "prod":
            raise Unwritten("it has a product of what is the same at all places")
        return body

    def _sum(self, parts: Sequence[Term], leaf: int) -> Term:
        """A sum, in which sums over leaves that have one body are one."""
        shares: dict[Any, list[int]] = {}
        for y in parts:
            factor, y = share(y)
            if y.op == "agg" and y.args[0] == "sum":
                _, body, ((_, names),) = y.args
                where = [leaf] if names == OWN else map(self.reading.labels.index, names)
                shares.setdefault((factor, body), []).extend(where)
        joined = {k: v for k, v in shares.items() if len(set(v)) == len(v)}
        out = ZERO
        for y in parts:
            factor, inner = share(y)
            if inner.op == "agg" and inner.args[0] == "sum":
                where = joined.get((factor, inner.args[1]))
                if where is not None and not where:
                    continue  # it is in the sum with the first of these
                if where is not None and len(where) > 1:
                    y = mul(factor, self._over("sum", inner.args[1], where, leaf))
                if where is not None:
                    where.clear()
            out = add(out, y)
        return out

    def _over_leaves(self, x: Term, leaf: int) -> Term:
        _, kind, which, _ = x.args[0].split(" ")
        leaves = range(len(self.shapes)) if which == "all" else list(map(int, which.split(",")))
        body = self.local(x.args[2], stands(self.shapes, leaves), None)
        return self._spread(kind, body, leaves, leaf)

    def _spread(self, kind: str, body: Term, leaves: Sequence[int], leaf: int) -> Term:
        """What is gathered over leaves, of a number for each of them."""
        if body.op == "agg" and body.args[0] == kind and body.args[2][0][1] == OWN:
            return self._over(kind, body.args[1], leaves, leaf)
        if kind == "sum" and body.op in ("mul", "div"):
            a, b = body.args
            if not is_leafy(b):
                return MAKE[body.op](self._spread(kind, a, leaves, leaf), b)
            if body.op == "mul" and not is_leafy(a):
                return mul(a, self._spread(kind, b, leaves, leaf))
        if not is_leafy(body):
            raise Unwritten("it computes with the number of leaves")
        return self._over(kind, body, leaves, leaf)


def _by_name(terms: Mapping[Term, Term]) -> dict[str, Term]:
    return {untagged(symbol.args[0]): x for symbol, x in terms.items()}
