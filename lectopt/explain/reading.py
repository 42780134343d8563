"""An optimizer as equations for each group of leaves: what is read off its programs.

Terms are of one leaf that stands for its group, at any one place; its symbols have no label, those
of other leaves have theirs (`g[t]@bias`). `m[t]` is the value of a slot after update t, `m[t-1]`
before it; `θ[t-1]` are the weights that the update is given.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from lectopt.explain.arrays import WHOLE_SUMS, Array, dimension, generic
from lectopt.explain.flat import Flat, flat
from lectopt.explain.formulas import AXES
from lectopt.explain.grouping import alike
from lectopt.explain.interpreting import RECORDED
from lectopt.explain.letters import symbol as name_of
from lectopt.explain.marks import draw, formula, is_loss, title
from lectopt.explain.numbering import NONE, Numbers
from lectopt.explain.readings import Group, Reading, Slot, with_scalars
from lectopt.explain.rewriting import rewrite
from lectopt.explain.roles import Roles
from lectopt.explain.spreads import of_leaf
from lectopt.explain.terms import LEAVES, TRUE, Term

MOST_GROUPS = 8


class Reader(Roles):
    """Reads the programs of an optimizer; see `readings.Reading`."""

    def read(self) -> Reading:
        """Read everything."""
        self.records = {}
        tokens = RECORDED.set(self.records), WHOLE_SUMS.set(True)
        try:
            return self._read()
        finally:
            RECORDED.reset(tokens[0])
            WHOLE_SUMS.reset(tokens[1])

    def _read(self) -> Reading:
        programs, count = self.programs, len(self.labels)
        init, self.update = _flat(programs.init), _flat(programs.update)
        self.states = self.slots(self.update, count)
        numbered = Numbered(self, self.states, init, self.update)
        classes = numbered.classes
        self.standing = {k: self.stands(group) for group in classes for k in group}
        first = [*self.rates(), *self.leaves("params", "0")]
        self.starts = self.run(init, numbered.init, first, {}, classes)
        outs = self.run(self.update, numbered.update, self.inputs("t-1"), numbered.draws, classes)
        self.moves, self.nexts, values = outs[:count], outs[count:], self.values
        pairs = {
            k: (self._entry(self.starts, k), self._entry(self.nexts, k))
            for k, s in enumerate(self.states)
            if s.role == "slot" and self.standing.get(s.leaf, s.leaf) == s.leaf
        }
        self.resolve = self.known(pairs)
        self.elsewhere = [
            (None if p is None else self.run(_flat(p), {}, self.inputs(time)), time)
            for p, time in ((programs.point, "t-1"), (programs.evaluation, "t"))
        ]
        common, others = self._names(pairs, len(classes))
        shared = self._group(NONE, (), {})
        groups = [
            self._group(leaf, found, common | {t: s for k, t, s in others if k != leaf})
            for leaf, found in ((self.stands(found), found) for found in classes)
        ]
        titles = {
            letter: self.resolve(values[ref].at(()))
            for letter, ref in reversed(self.update.titles)
            if not self.update.avals[ref].shape
        }
        return Reading(
            programs, self.notation, self.symbols, self.settings, self.extra, self.labels,
            tuple(self.shapes), tuple(self.states), shared, with_scalars(groups), titles,
            {name: text for name, text, *_ in numbered.draws.values()}, self.records, self.counts,
            self.facts, self.resolve.narrow, self.taken,
        )  # fmt: skip

    def _entry(self, arrays: Sequence[Array], k: int) -> Term:
        """What is at any one place of a slot."""
        return arrays[k].at(generic(self.states[k].aval.shape))

    def _names(
        self, pairs: Mapping[int, tuple[Term, Term]], classes: int
    ) -> tuple[dict[Term, Term], list[tuple[int, Term, Term]]]:
        """The names of new values of slots that belong to no leaf; and those of single leaves, of
        which the formulas of another may speak, if there are few."""
        common, others = {}, []
        for k in pairs:
            slot, term = self.states[k], self.resolve(pairs[k][1])
            if slot.role != "slot" or term.op in LEAVES or len(self.labels) == 1:
                continue
            if slot.leaf < 0:
                common[term] = slot.symbol("t")
            elif 1 < classes <= MOST_GROUPS:
                others.append((slot.leaf, term, slot.symbol("t")))
        return common, others

    def _group(self, leaf: int, indices: Sequence[int], names: Mapping[Term, Term]) -> Group:
        """The equations of leaves that one stands for, in these names."""
        own = of_leaf(self.labels[leaf] if leaf >= 0 else "", self._sizes(leaf))
        memo: dict[Term, Term] = {}

        def settled(x: Term) -> Term:
            return own(rewrite(self.resolve(x), names.get, memo))

        mine = [k for k, s in enumerate(self.states) if s.leaf == leaf and s.role != "known"]
        mine.sort(key=lambda k: _when(self.update.outputs[len(self.labels) + k]))
        roles = {k: self.states[k].role for k in mine}
        start = {
            own(self.states[k].symbol("0")): settled(self._entry(self.starts, k))
            for k in mine
            if roles[k] != "key"
        }
        later = {
            own(self.states[k].symbol("t")): settled(self._entry(self.nexts, k))
            for k in mine
            if roles[k] != "constant"
        }
        at = generic(self.shapes[leaf]) if leaf >= 0 else ()
        move = settled(self.moves[leaf].at(at)) if leaf >= 0 else TRUE
        point, evaluation = (
            None
            if found is None or leaf < 0
            else self._moved(settled(found[leaf].at(at)), time, leaf)
            for found, time in self.elsewhere
        )
        labels_ = tuple(self.labels[k] for k in indices)
        return Group(tuple(indices), labels_, leaf, start, later, move, point, evaluation)

    def _sizes(self, leaf: int) -> dict[Term, Term]:
        """The letters for sizes that are symbols: of the leaf, of its axes, and of all leaves."""
        if all(isinstance(d, int) for shape in self.shapes for d in shape):
            return {}
        n, total = (Term("sym", name, (), "int") for name in self.counts)
        found = {dimension(sum(math.prod(shape) for shape in self.shapes)): total}
        shape = self.shapes[leaf] if leaf >= 0 else ()
        if not all(isinstance(d, int) for d in shape):
            found[dimension(math.prod(shape))] = n
        for axis, d in enumerate(shape):
            if not isinstance(d, int):
                found.setdefault(dimension(d), Term("sym", f"n_{AXES[axis]}", (), "int"))
        return found

    def _moved(self, place: Term, time: str, leaf: int) -> Term | None:
        own = Term("sym", name_of(self.symbols["params"], time), generic(self.shapes[leaf]), "real")
        return None if place is own else place


class Numbered:
    """The numbers of all values of the two main programs, and the leaves that are alike."""

    def __init__(self, reader: Roles, slots: Sequence[Slot], init: Flat, update: Flat):
        count = len(reader.labels)
        table = Numbers(reader.shapes, apart=True)
        given = [(("setting", k), NONE) for k in range(len(reader.settings))]
        leaves = [(("weight",), k) for k in range(count)]
        grads = [(("gradient",), k) for k in range(count)]
        entries = [(("slot", s.key), s.leaf) for s in slots]
        inputs = [*given, *grads, *entries, *leaves]
        for name in sorted(reader.programs.extra):
            inputs += grads if name == "grad" else [(("extra", name), NONE)]
        self.draws: dict[int, tuple[str, str, int]] = {}
        self.init = table.run(init, [*given, *leaves])
        drawn = self._drawn(reader, update)
        self.update = table.run(update, inputs, drawn)
        moves = [(("move",), k) for k in range(count)]
        programs = [(init, self.init, entries), (update, self.update, [*moves, *entries])]
        self.classes = alike(count, programs, table)

    def _drawn(self, reader: Roles, update: Flat) -> dict[int, Any]:
        """Random numbers as inputs: draws from different keys, in the order of the leaves."""
        steps = [s for s in update.steps if len(s.outs) == 1 and draw(s.eqn)]
        sources = [s.ins[0] for s in steps]
        if len(set(map(str, sources))) < len(sources):
            return {}
        found: dict[int, Any] = {}
        letters: dict[int, str] = {}
        for k, step in enumerate(steps):
            turn, leaf = divmod(k, len(reader.labels))
            if tuple(update.avals[step.outs[0]].shape) != tuple(reader.shapes[leaf]):
                turn, leaf = k, NONE
            if turn not in letters:
                letters[turn] = reader.free("ξ")
            label = reader.labels[leaf] if leaf >= 0 else ""
            text = draw(step.eqn) or ""
            found[step.outs[0]] = ("draw", turn, text), leaf
            self.draws[step.outs[0]] = name_of(letters[turn], "t", label), text, leaf
        return found


def _flat(program: Any) -> Flat:
    return flat(program, lambda e: bool(draw(e)) or is_loss(e), title, formula)


def _when(ref: Any) -> int:
    """When a program computes a value: numbers are given in that order."""
    return ref if isinstance(ref, int) else -1
