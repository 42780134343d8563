"""The proof for two systems on one tree of parameters, and what it leaves open."""

from collections.abc import Mapping, Sequence
from typing import Any

from lectopt.explain import histories
from lectopt.explain.facts import Facts
from lectopt.explain.induction import Induction
from lectopt.explain.mapping import Mapped
from lectopt.explain.proving import LAYERS, Answer
from lectopt.explain.relations import Run
from lectopt.explain.systems import System
from lectopt.explain.terms import Term

SHOWN = 160  # characters of a term that is open


def shortened(term: Term) -> str:
    """A term in words, or its beginning."""
    text = str(term)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


class Proof:
    """That two systems make equal updates at any one place of every leaf, by induction.

    Attributes:
      open: what was not proved; nothing if it is a proof.
      models: z3's counterexamples to that.
      layer: what it needed.
      needs: what must not be 0.
    """

    def __init__(self, first: System, second: Mapped, run: Run, facts: Facts):
        self.systems, self.map = (first, second.second), second
        self.open: list[str] = []
        self.models: list[Any] = []
        self.layer, self.needs = LAYERS[0], frozenset()
        entries = [*first.entries, *second.second.entries]
        self.induction = Induction(entries, run, facts, second.given)
        self._conclude(*self.systems)

    def _conclude(self, a: System, b: System) -> None:
        induction = self.induction
        for relation, answer in induction.failed:
            if relation.entry.symbol in induction.given:
                self._note(f"the map of {relation.entry.slot}", answer)
        for k, leaf in enumerate(a.leaves):
            name = leaf or "the weights"
            moved = self.map.after(a, k) if self.map.weights[k] else (a.moves[k], b.moves[k])
            self._ask(f"the update of {name}", *moved)
            self._ask(f"where the gradient of {name} is taken", a.points[k], b.points[k])
            if self.open:  # what is open for one leaf is mostly open for all
                break
        self.models += [x.model for _, x in induction.failed if x.model is not None]

    def _ask(self, what: str, x: Term, y: Term) -> None:
        answer = self.induction.equal(x, y)
        if answer.holds is True:
            self.layer = max(self.layer, answer.layer, key=LAYERS.index)
            self.needs |= answer.needs
        else:
            sides = (shortened(self.induction.prover.form(self.induction.word(z))) for z in (x, y))
            self._note(f"{what}: {' against '.join(sides)}", answer)

    def _note(self, what: str, answer: Answer) -> None:
        self.open.append(what)
        if answer.model is not None:
            self.models.insert(0, answer.model)

    def asked(self, numbers: Mapping[str, float]) -> tuple[Sequence[float], set[int]]:
        """The numbers and the steps that the programs ask for."""
        terms = [x for s in self.systems for x in s.terms()]
        counters = {e.symbol for s in self.systems for e in s.entries if e.sort == "int"}
        return histories.asked(terms, self.needs, dict(numbers), counters)
