"""What is always so of the states of two transformations: guessed from a run, proved by induction.

An entry of one state may be another entry, up to a factor and a shift, a power of a base by a
counter, or constant; a real entry may never be negative; a counter may count. Whatever held in the
run is taken to hold; what does not hold at the start, or does not follow for the next step from
what is taken to hold, is dropped, until the rest carries itself.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from lectopt.explain.arrays import Index, generic
from lectopt.explain.logic import Facts
from lectopt.explain.proving import LAYERS, Answer, Prover
from lectopt.explain.systems import Entry
from lectopt.explain.terms import (
    MINUS_ONE,
    ONE,
    ZERO,
    Term,
    add,
    both,
    div,
    less,
    mul,
    negate,
    num,
    rewrite,
    sub,
)  # fmt: skip

CLOSE = 2e-5  # by which the numbers of a run may miss a relation
LARGEST_START = 2**16  # of a counter, which from there grows by 1 at most: see `logic.MOST_UPDATES`
Word = Callable[[Index], Term]


@dataclass(frozen=True)
class Relation:
    """`entry` is `word` at every index; `bases` are the entries that it may speak of."""

    entry: Entry
    word: Word
    bases: tuple[Entry, ...] = ()

    def after(self) -> Term:
        """What the relation wants after an update, in terms of the entries before it."""
        return self._with(lambda e: e.next)

    def begin(self) -> Term:
        """What the relation wants at the start."""
        return self._with(lambda e: e.start)

    def _with(self, value: Callable[[Entry], Term]) -> Term:
        values = {base.old: value(base) for base in self.bases}
        return rewrite(self.word(generic(self.entry.shape)), values.get, {})


@dataclass(frozen=True)
class Run:
    """The values of all entries in a run, by symbol, a row for every step; and of the settings."""

    values: Mapping[str, np.ndarray]
    numbers: Mapping[str, float]


def guesses(entry: Entry, earlier: Sequence[Entry], run: Run) -> Iterator[Relation]:
    """The relations of an entry to those before it that held in the run, the likeliest first."""
    y = run.values[entry.symbol]
    if entry.sort not in ("real", "int") or not y.size or not np.isfinite(y).all():
        yield from _alike(entry, earlier, run)
        return
    rank = {e.symbol: _rank(entry, e) for e in earlier}
    for base in sorted(earlier, key=lambda e: rank[e.symbol]):
        x = run.values[base.symbol]
        if base.sort != entry.sort and {base.sort, entry.sort} != {"int", "real"}:
            continue
        if str(base.shape) == str(entry.shape) and np.isfinite(x).all():
            yield from _affine(entry, base, x, y, run)
    if np.ptp(y) == 0:
        for c in rationals(float(y.flat[0]), run.numbers):
            yield Relation(entry, lambda i, c=c: c)
    elif entry.sort == "real" and not entry.many:
        yield from _powers(entry, earlier, y.reshape(len(y)), run)


def _alike(entry: Entry, earlier: Sequence[Entry], run: Run) -> Iterator[Relation]:
    y = run.values[entry.symbol]
    for base in sorted(earlier, key=lambda e: _rank(entry, e)):
        x = run.values[base.symbol]
        if base.sort == entry.sort and str(base.shape) == str(entry.shape):
            if x.shape == y.shape and np.array_equal(x, y, equal_nan=entry.sort == "real"):
                yield Relation(entry, _entry_of(base), (base,))


def _rank(entry: Entry, other: Entry) -> tuple[bool, bool, bool]:
    return other.leaf != entry.leaf, other.slot != entry.slot, other.sort != entry.sort


def _entry_of(base: Entry) -> Word:
    return lambda i: Term("sym", base.symbol, i, base.sort)


def _affine(
    entry: Entry, base: Entry, x: np.ndarray, y: np.ndarray, run: Run
) -> Iterator[Relation]:
    """`entry = c*base + d`; with simple numbers first."""
    if x.shape != y.shape or np.ptp(x) == 0 or np.ptp(y) == 0:
        return
    x, y = x.astype(float), y.astype(float)
    slope = float(((x - x.mean()) * (y - y.mean())).sum() / ((x - x.mean()) ** 2).sum())
    size = np.abs(y).max()
    for c in dict.fromkeys((1.0, -1.0, slope)):
        d = float((y - c * x).mean())
        if abs(c) < 1e-9 or np.abs(y - c * x - d).max() > CLOSE * size:
            continue
        shifts = [ZERO] if abs(d) < CLOSE * size else list(rationals(d, run.numbers))
        for factor, shift in itertools.product(rationals(c, run.numbers), shifts):
            yield Relation(entry, _line(factor, _entry_of(base), shift), (base,))
        return


def _line(factor: Term, word: Word, shift: Term) -> Word:
    return lambda i: add(mul(factor, word(i)), shift)


def _powers(entry: Entry, earlier: Sequence[Entry], y: np.ndarray, run: Run) -> Iterator[Relation]:
    """`entry = b^(count + shift)`, or 1 less that."""
    for base in earlier:
        count = run.values[base.symbol]
        if base.sort != "int" or base.many or len(set(np.diff(count.reshape(-1)))) != 1:
            continue
        for flipped, z in ((False, y), (True, 1 - y)):
            if (z > 1e-12).all() and len(z) > 2:
                ratios = z[1:] / z[:-1]
                if np.ptp(ratios) < CLOSE * ratios.max() and abs(ratios[0] - 1) > CLOSE:
                    first = float(z[0] / ratios.mean() ** float(count.reshape(-1)[0]))
                    for b, c in itertools.product(
                        rationals(float(ratios.mean()), run.numbers), rationals(first, run.numbers)
                    ):
                        power = mul(c, Term("pow", b, base.old))
                        word = sub(ONE, power) if flipped else power
                        yield Relation(entry, lambda i, w=word: w, (base,))


def rationals(x: float, numbers: Mapping[str, float]) -> Iterator[Term]:
    """Terms that a number of a run may be: plus or minus a product of settings, of 1 minus them,
    of their inverses, else a short decimal."""
    if numbers and x and abs(abs(x) - 1) > 1e-6:
        atoms = [(Term("sym", k, (), "real"), v) for k, v in numbers.items() if v]
        atoms += [(sub(ONE, t), 1 - v) for t, v in atoms if 0 < v < 1]
        atoms += [(div(ONE, t), 1 / v) for t, v in atoms]
        for (s, u), (t, v) in itertools.combinations_with_replacement([(ONE, 1.0), *atoms], 2):
            for sign, unit in ((1, ONE), (-1, MINUS_ONE)):
                if abs(sign * u * v - x) < 1e-4 * abs(x):
                    yield mul(unit, mul(s, t))
    for digits in (3, 5, 7):
        short = Fraction(f"{x:.{digits}g}")
        if abs(float(short) - x) <= 1e-4 * abs(x):
            yield num(short)
            return


class Induction:
    """What carries itself of the entries of two states.

    Args:
      entries: of both, those of the first before those of the second.
      run: their values in a run.
      facts: of the settings.
      given: relations that are taken from the user, and not dropped.
    """

    def __init__(
        self, entries: Sequence[Entry], run: Run, facts: Facts, given: Sequence[Relation] = ()
    ):
        self.entries, self.run = list(entries), run
        self.given = {r.entry.symbol: r for r in given}
        self.facts = _guessed(self.entries, run, facts)
        self.choices = {e.symbol: self._choices(k) for k, e in enumerate(self.entries)}
        self.failed: list[tuple[Relation, Any]] = []
        self._symbols = {e.symbol: e for e in self.entries}
        self._settle()

    def _choices(self, k: int) -> list[Relation]:
        entry = self.entries[k]
        if entry.symbol in self.given:
            return [self.given[entry.symbol]]
        return list(itertools.islice(guesses(entry, self.entries[:k], self.run), 6))

    @property
    def relations(self) -> dict[str, Relation]:
        """What is taken to hold now."""
        return {k: rest[0] for k, rest in self.choices.items() if rest}

    def word(self, term: Term) -> Term:
        """A term in the entries that stand for themselves."""
        relations = self.relations

        def change(x: Term) -> Term | None:
            if x.op == "sym" and x.args[0] in relations:
                return self.word(relations[x.args[0]].word(x.args[1]))
            return None

        return rewrite(term, change, {})

    def _settle(self) -> None:
        while True:
            self.prover = Prover(self.facts)
            self.later = self._after_first()
            if not self._drop():
                return

    def _drop(self) -> bool:
        """Drop what does not carry itself; whether there was anything."""
        weak = [e for e in self.entries if not self._bounds_hold(e)]
        for e in weak:
            self.facts.counters.pop(e.symbol, None)
            self.facts.nonnegative.discard(e.symbol)
        dropped = bool(weak)
        for symbol, relation in self.relations.items():
            answer = self._carries(relation)
            if answer is not None:
                self.failed.append((relation, answer))
                if symbol in self.given:
                    continue
                self.choices[symbol] = self.choices[symbol][1:]
                return True
        return dropped

    def _carries(self, relation: Relation) -> Any:
        """None if the relation holds at the start and after an update, else z3's answer."""
        pairs = (
            (relation.begin(), relation.entry.start),
            (relation.after(), relation.entry.next),
        )
        for wanted, found in pairs:
            answer = self.equal(wanted, found)
            if answer.holds is not True:
                return answer
        return None

    def equal(self, x: Term, y: Term) -> Answer:
        """Whether two terms are equal at every step: at any, or at the first and at later ones."""
        x, y = self.word(x), self.word(y)
        answer = self.prover.equal(x, y)
        if answer.holds is True or self.later is None:
            return answer
        first = self.prover.equal(*(rewrite(z, self._begin, {}) for z in (x, y)))
        if first.holds is not True:
            return first
        later = self.later.equal(x, y)
        if later.holds is not True:
            return later
        return Answer(
            True, max(first.layer, later.layer, key=LAYERS.index), first.needs | later.needs
        )

    def _begin(self, x: Term) -> Term | None:
        """An entry at the start."""
        entry = self._symbols.get(x.args[0]) if x.op == "sym" else None
        if entry is None or x.args[1] != generic(entry.shape):
            return None
        return self.word(entry.start)

    def _after_first(self) -> Prover | None:
        """What is known after the first update, if a counter tells that there was one."""
        counted = {
            k: 1
            for k, e in self._symbols.items()
            if k in self.facts.counters
            and self.word(e.start) is ZERO
            and self.prover.always(less(ZERO, self.word(e.next)))
        }
        if not counted:
            return None
        return Prover(replace(self.facts, counters=self.facts.counters | counted))

    def _bounds_hold(self, entry: Entry) -> bool:
        symbol, always = entry.symbol, self.prover.always
        start, after = self.word(entry.start), self.word(entry.next)
        if symbol in self.facts.counters:
            grown = less(add(self.word(entry.old), ONE), after)
            wanted = (
                negate(less(start, ZERO)),
                negate(less(num(LARGEST_START), start)),
                negate(less(after, ZERO)),
                negate(both(grown, less(num(LARGEST_START), after))),
            )
            return all(map(always, wanted))
        if symbol in self.facts.nonnegative:
            return self.prover.nonnegative(self.prover.form(start)) and (
                self.facts.plainly(after) or self.prover.nonnegative(self.prover.form(after))
            )
        return True


def signs(entries: Sequence[Entry]) -> Facts:
    """The entries that plainly stay at least 0: sums and averages of squares, and counters."""
    facts = Facts(
        nonnegative={e.symbol for e in entries if e.sort == "real"},
        counters={e.symbol: 0 for e in entries if e.sort == "int"},
    )
    while True:
        weak = [
            e.symbol
            for e in entries
            if e.symbol in facts.nonnegative
            and not (facts.plainly(e.start) and facts.plainly(e.next))
        ]
        if not weak:
            return facts
        facts.nonnegative.difference_update(weak)


def _guessed(entries: Sequence[Entry], run: Run, facts: Facts) -> Facts:
    """The facts, and what the run shows of the signs of entries."""
    found = replace(facts, nonnegative=set(facts.nonnegative), counters=dict(facts.counters))
    for entry in entries:
        values = run.values[entry.symbol]
        if not values.size or entry.sort not in ("int", "real") or not (values >= 0).all():
            continue
        if entry.sort == "int":
            found.counters[entry.symbol] = 0
        else:
            found.nonnegative.add(entry.symbol)
    return found
