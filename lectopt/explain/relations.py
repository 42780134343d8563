"""Relations between the entries of states, guessed from a run.

An entry may be another entry, up to a factor and a shift, a power of a base by a counter, or
constant. What is guessed is proved, or dropped, by `induction`.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from lectopt.explain.arrays import Index, generic
from lectopt.explain.rewriting import rewrite
from lectopt.explain.systems import Entry
from lectopt.explain.terms import MINUS_ONE, ONE, ZERO, Term, add, div, mul, num, sub

CLOSE = 2e-5  # by which the numbers of a run may miss a relation
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
