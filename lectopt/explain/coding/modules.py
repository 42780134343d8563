"""Programs with the functions `init` and `update`, and `point` if gradients are taken elsewhere."""

from collections.abc import Iterable, Sequence

from lectopt.explain.coding.local import Slot
from lectopt.explain.coding.spelling import Speller
from lectopt.explain.coding.writing import ALONE, OVER_LEAVES, Writer
from lectopt.explain.terms import Term

Items = Sequence[tuple[str, str]]  # names, and the texts of their values


class Module(Writer):
    """What NumPy's and JavaScript's modules have in common."""

    counter = "t = {} + 1"  # the number of the update

    def function(
        self, name: str, first: Iterable[str], terms: list[Term], says: str, body: list[str]
    ) -> str:
        """A function with the settings in these terms as arguments."""
        raise NotImplementedError

    def returned(self, items: Items, before: str = "") -> list[str]:
        """The end of a function: a record, after something else."""
        raise NotImplementedError

    def of_leaves(self, text: str, leaves: tuple[str, ...]) -> str:
        """A dict of texts for these leaves."""
        raise NotImplementedError

    def joined(self, parts: list[str]) -> str:
        """One dict of several."""
        raise NotImplementedError

    def first(self, slot: Slot, x: Term, spell: Speller) -> str:
        """The first value of a statistic."""
        raise NotImplementedError

    def declared(self, names: list[str]) -> list[str]:
        """Empty dicts."""
        raise NotImplementedError

    def returns(self, text: str) -> list[str]:
        """The end of a function."""
        raise NotImplementedError

    each = OVER_LEAVES  # where the texts of `of_leaves` stand

    def functions(self) -> list[str]:
        """All that the module defines."""
        points = [self.point()] if self.rules.looks_ahead else []
        return [self.init(), self.update(), *points]

    def init(self) -> str:
        """The function that gives the first state."""
        items = [("t", "0")] if self.rules.counted else []
        for slot in self.rules.local.slots:
            items.append((self.names.slots[slot.name], self.start(slot)))
        says = "The state before the first update."
        return self.function("init", ["params"], self.start_terms(), says, self.returned(items))

    def start(self, slot: Slot) -> str:
        """The first value of a statistic, for all leaves if there are several."""
        if not slot.leafwise:
            return self.first(slot, slot.start[""], self.speller(ALONE))
        if not self.plan.several:
            (x,) = set(slot.start.values())
            return self.first(slot, x, self.speller(ALONE))
        spell = self.speller(self.each)
        return self.joined(
            [self.of_leaves(self.first(slot, x, spell), k) for k, x in self.starts(slot)]
        )

    def update(self) -> str:
        """The function that makes an update."""
        spell, rules = self.speller(ALONE), self.rules
        body = [self.counter.format(self.state("t"))] if rules.counted else []
        if self.plan.several:
            leafwise = [self.names.slots[s.name] for s in rules.leafwise()]
            body += self.declared(list(dict.fromkeys([*leafwise, *self.kept(), "updates"])))
            spell = self.speller(OVER_LEAVES)
            body += self.in_passes()
        else:
            move = next(iter(rules.local.moves.values()))
            body += [*self.one_by_one(spell), self.put("updates", self.value(move, spell, True))]
        items = [("t", "t")] if rules.counted else []
        for s in rules.local.slots:
            name, x = self.names.slots[s.name], next(iter(s.next.values()))
            whole = name if self.plan.several and s.leafwise else ""
            named = self.names.variables.get(x) if s.array else None
            items.append((name, whole or named or self.value(x, spell, s.array)))
        body += self.returned(items, "updates")
        says = "What is added to the parameters, and the state after that."
        first = ["gradients", "state", "params", *self.arguments()]
        return self.function("update", first, self.update_terms(), says, body)

    def state(self, name: str) -> str:
        """An entry of the state."""
        raise NotImplementedError

    def entry(self, slot: Slot, where: str) -> str:
        """The old value of a statistic."""
        text = self.state(self.names.slots[slot.name])
        return f"{text}[name]" if slot.leafwise and where != ALONE else text

    def put(self, target: str, value: str) -> str:
        """A last assignment."""
        return f"{target} = {value}"

    def ended(self, k: int, spell: Speller) -> list[str]:
        """The end of an update of a leaf: the new state, and the step."""
        leaf, lines = self.rules.treatments[k][0], []
        for s in self.plan.own(k):
            name, x = self.names.slots[s.name], s.next[leaf]
            if self.names.variables.get(x) != name:
                lines.append(self.put(f"{name}[name]", self.value(x, spell, s.array)))
        move = self.value(self.rules.local.moves[leaf], spell, True)
        return [*lines, self.put("updates[name]", move)]

    def point(self) -> str:
        """The function that says where gradients are taken."""
        terms, points = self.point_terms(), self.rules.local.points
        body = [self.counter.format(self.state("t"))] if self.plan.counts(terms) else []
        if self.plan.several:
            spell = self.speller(self.each)
            parts = [
                self.of_leaves(self.value(points[k[0]], spell, True), k)
                for k in self.rules.treatments
            ]
            body += self.returns(self.joined(parts))
        else:
            body += self.returns(self.value(terms[0], self.speller(ALONE), True))
        says = "Where to take the gradient of the next update."
        return self.function("point", ["state", "params"], terms, says, body)
