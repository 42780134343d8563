"""What is always so of the states of two transformations: guessed from a run, proved by induction.

An entry of one state may be another entry, up to a factor and a shift, a power of a base by a
counter, or constant; a real entry may never be negative; a counter may count. Whatever held in the
run is taken to hold; what does not hold at the start, or does not follow for the next step from
what is taken to hold, is dropped, until the rest carries itself.
"""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from lectopt.explain.arrays import generic
from lectopt.explain.facts import Facts
from lectopt.explain.proving import LAYERS, Answer, Prover
from lectopt.explain.relations import Relation, Run, guesses
from lectopt.explain.rewriting import rewrite
from lectopt.explain.systems import Entry
from lectopt.explain.terms import ONE, ZERO, Term, add, both, less, negate, num
from lectopt.explain.work import Work

LARGEST_START = 2**16  # of a counter, which from there grows by 1 at most: see `logic.MOST_UPDATES`


class Induction:
    """What carries itself of the entries of two states.

    Args:
      entries: of both, those of the first before those of the second; counters before all, so that
        numbers which count are told by them.
      run: their values in a run.
      facts: of the settings.
      given: relations that are taken from the user, and not dropped.
    """

    def __init__(
        self, entries: Sequence[Entry], run: Run, facts: Facts, given: Sequence[Relation] = ()
    ):
        self.entries, self.run = list(entries), run
        self.given = {r.entry.symbol: r for r in given}
        if not given:
            self.entries.sort(key=lambda e: e.sort != "int")
        self.facts, self.work = _guessed(self.entries, run, facts), Work()
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
            self.prover = Prover(self.facts, work=self.work)
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
        facts = replace(self.facts, counters=self.facts.counters | counted)
        return Prover(facts, work=self.work)

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
