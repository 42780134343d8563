"""The numbers of all values of an optimizer, and the leaves that it treats alike."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lectopt.explain.flat import Flat
from lectopt.explain.grouping import alike
from lectopt.explain.letters import symbol as name_of
from lectopt.explain.marks import draw
from lectopt.explain.numbering import NONE, Numbers
from lectopt.explain.readings import Slot

LETTERS = ("ξ",)

if TYPE_CHECKING:
    from lectopt.explain.running import Runner


class Numbered:
    """The numbers of all values of the two main programs, and the leaves that are alike."""

    def __init__(self, reader: "Runner", slots: Sequence[Slot], init: Flat, update: Flat):
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

    def _drawn(self, reader: "Runner", update: Flat) -> dict[int, Any]:
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
                letters[turn] = reader.free(*LETTERS)
            label = reader.labels[leaf] if leaf >= 0 else ""
            text = draw(step.eqn) or ""
            found[step.outs[0]] = ("draw", turn, text), leaf
            self.draws[step.outs[0]] = name_of(letters[turn], "t", label), text, leaf
        return found
