"""What the programs of all languages share: which text stands for what, and where."""

from collections.abc import Iterable, Iterator
from typing import Any

from lectopt.explain.coding.layout import several, spelled
from lectopt.explain.coding.local import GRADIENTS, OWN, PARAMS, Slot
from lectopt.explain.coding.planning import Plan, is_array
from lectopt.explain.coding.spelling import NUMPY, Speller
from lectopt.explain.known import T
from lectopt.explain.rewriting import walk
from lectopt.explain.terms import INF, NAN, ONE, Term

LONG_LIST = 60
# Where a text stands: in a program of one array, in a pass over leaves, in a sum over leaves.
ALONE, PASS, OVER_LEAVES = "alone", "pass", "over"


def indented(lines: Iterable[str], by: int = 4) -> list[str]:
    """The lines, further right."""
    return [" " * by + x for x in lines]


class Writer:
    """The texts of a plan in a language; the languages say how they write what is looked up.

    Args:
      plan: of the program.
    """

    language = NUMPY
    cases = "if {}:", "elif {}:", "else:", ""  # of leaves that are treated differently
    names_leaves = {"names": "name", "ranks": "np.ndim(params[name])",
                    "shapes": "np.shape(params[name])"}  # fmt: skip

    def __init__(self, plan: Plan):
        self.plan, self.rules, self.names = plan, plan.rules, plan.names
        self.place = PASS if plan.several else ALONE
        self.lists: dict[str, str] = {}  # of leaves that have a name, by their text

    # What a language says.

    def gradient(self, where: str) -> str:
        """A gradient."""
        return {ALONE: "gradients", PASS: "g", OVER_LEAVES: "gradients[name]"}[where]

    def parameter(self, where: str) -> str:
        """A leaf of the parameters."""
        return {ALONE: "params", PASS: "p", OVER_LEAVES: "params[name]"}[where]

    def entry(self, slot: Slot, where: str) -> str:
        """The old value of a statistic."""
        raise NotImplementedError

    def leaf_of(self, variable: str) -> str:
        """The part of a leaf of a variable that is kept for all."""
        return f"{variable}[name]"

    def summed(self, speller: Speller, x: Term, where: str) -> str:
        """A sum, a maximum, ... over places."""
        raise NotImplementedError

    def placed(self, text: str) -> str:
        """An entry of an array, where a language looks at one by one."""
        return text

    def ended(self, k: int, spell: Speller) -> list[str]:
        """The end of an update of a leaf: the new state, and the step."""
        raise NotImplementedError

    def missing(self) -> str:
        """What is done with a leaf that no rule is for."""
        return "raise KeyError(name)"

    def loop(self, body: list[str]) -> list[str]:
        """A body for every leaf."""
        raise NotImplementedError

    # The parts of an update.

    def let(self, x: Term, spell: Speller) -> str:
        """The assignment of a term that has a name."""
        return f"{spell.text(x)} = {spell.written(x)}"

    def value(self, x: Term, spell: Speller, array: bool) -> str:
        """The value of a term, of an array if it is to be one."""
        return spell.root(x) if array else spell.text(x)

    def one_by_one(self, spell: Speller) -> list[str]:
        """What has a name, where every leaf is by itself."""
        stages = self.plan.stages
        return [self.let(x, spell) for s in stages for x in (*s.numbers, *s.passes[0])]

    def in_passes(self) -> list[str]:
        """What has a name, in passes over the leaves; and in the last one the new state."""
        lines, numbers, spell = [], self.speller(OVER_LEAVES), self.speller(PASS)
        for k, stage in enumerate(self.plan.stages):
            lines += [self.let(x, numbers) for x in stage.numbers]
            last = k == self.plan.last
            if last or any(stage.passes):
                bodies = [
                    [self.let(x, spell) for x in row] + (self.ended(j, spell) if last else [])
                    for j, row in enumerate(stage.passes)
                ]
                lines += self.loop(self.by_treatment(bodies))
        return lines

    def by_treatment(self, bodies: list[list[str]]) -> list[str]:
        """A body, or one for each treatment."""
        if len(bodies) == 1:
            return bodies[0]
        first, then, other, end = self.cases
        lines = []
        for j, (leaves, body) in enumerate(zip(self.rules.treatments, bodies, strict=True)):
            lines.append((then if j else first).format(self.condition(leaves)))
            lines += indented(body or self.nothing, self.indent)
        missing = indented([self.missing()], self.indent)
        return [*lines, other, *missing, *([end] if end else [])]

    nothing = ["pass"]
    indent = 4

    def condition(self, leaves: tuple[str, ...]) -> str:
        """Whether a leaf is one of these, "" if all are."""
        how, which = self.rules.chosen(leaves)
        if how == "all":
            return ""
        what = self.names_leaves[how]
        if len(which) == 1:
            return f"{what} == {spelled(which[0])}"
        return f"{what} in {self.listed(several(which))}"

    def kept(self) -> list[str]:
        """The variables that are kept for all leaves, in the order in which they are computed."""
        done = [x for s in self.plan.stages for row in s.passes for x in row]
        return list(dict.fromkeys(self.names.variables[x] for x in done if x in self.plan.kept))

    # What is looked up.

    def speller(self, where: str) -> Speller:
        """Terms as they are written there."""
        slots = {s.old: s for s in self.rules.local.slots}
        ranks: dict[str, int] = {}

        def named(x: Term) -> str | None:
            found = self._named(x, where, slots)
            if found is not None:
                ranks[found[0]] = found[1]
            return None if found is None else found[0]

        speller = Speller(
            self.language,
            named,
            lambda x: self.summed(speller, x, where),
            lambda text: ranks.get(text, 3),
            self.parameter(where),
        )
        return speller

    def _named(self, x: Term, where: str, slots: Any) -> tuple[str, int] | None:
        """The text that stands for a term, and its place in a product."""
        if x in self.names.variables:
            own = any(y.op == "sym" and y.args[0][-1] == "@" for y in walk(x, inside=True))
            return self._variable(x, where), 3 if own else 1
        if x.op != "sym" or x in (INF, NAN):
            return None
        if x is T:
            return "t", 1
        if x in slots:
            text = self.entry(slots[x], where)
            return (self.placed(text) if slots[x].array else text), 2
        if x.args[0] == GRADIENTS:
            return self.placed(self.gradient(where)), 4
        if x.args[0] == PARAMS:
            return self.placed(self.parameter(where)), 2
        return self.names.setting(x.args[0]), 1

    def _variable(self, x: Term, where: str) -> str:
        text = self.names.variables[x]
        if self.plan.several and (x in self.plan.kept or x in self.heads()):
            text = self.leaf_of(text)
        return self.placed(text) if is_array(x) else text

    def heads(self) -> set[Term]:
        """The new values of the statistics of leaves."""
        return {x for s in self.rules.leafwise() for x in s.next.values()}

    def listed(self, text: str) -> str:
        """A list of leaves, or its name if it is long."""
        if len(text) > LONG_LIST:
            return self.lists.setdefault(text, f"LEAVES_{len(self.lists) + 1}")
        return text

    # Settings and arguments.

    def settings_in(self, terms: Iterable[Term]) -> list[tuple[str, float | None]]:
        """The names and defaults of the settings in these terms; first those without one."""
        used = {x.args[0] for x in walk(*terms, inside=True) if x.op == "sym"}
        found = [
            (self.names.settings[k], v)
            for k, v in self.rules.settings.items()
            if f"setting {k}" in used
        ]
        return sorted(found, key=lambda item: item[1] is not None)

    def update_terms(self) -> list[Term]:
        """What an update computes."""
        after = [x for s in self.rules.local.slots for x in s.next.values()]
        return [*after, *self.rules.local.moves.values()]

    def start_terms(self) -> list[Term]:
        """What the first state holds."""
        return [x for s in self.rules.local.slots for x in s.start.values()]

    def point_terms(self) -> list[Term]:
        """Where gradients are taken."""
        return list(self.rules.local.points.values()) if self.rules.looks_ahead else []

    def arguments(self) -> list[str]:
        """What an update needs besides gradients, state and parameters: the loss."""
        known = {T, INF, NAN, *(s.old for s in self.rules.local.slots)}
        found = {
            self.names.setting(x.args[0]): None
            for x in walk(*self.update_terms(), inside=True)
            if x.op == "sym" and x not in known and x.args[0] not in (GRADIENTS, PARAMS)
        }
        settings = set(self.names.settings.values())
        return [k for k in found if k not in settings]

    def starts(self, slot: Slot) -> Iterator[tuple[tuple[str, ...], Term]]:
        """The leaves that begin alike, and how."""
        groups: dict[Term, list[str]] = {}
        for leaf, x in slot.start.items():
            groups.setdefault(x, []).append(leaf)
        return ((tuple(leaves), x) for x, leaves in groups.items())

    @staticmethod
    def own(x: Term) -> bool:
        """Whether a sum is over the places of one leaf."""
        return x.args[2][0][1] == OWN

    @staticmethod
    def is_size(x: Term) -> bool:
        """Whether a sum is the number of places."""
        return x.args[0] == "sum" and x.args[1] is ONE


def remarks(plan: Plan, how: str) -> list[str]:
    """What a reader of the program should know of it."""
    rules = plan.rules
    said = [f"{rules.title}, {how}; written by lectopt.explain."]
    if not rules.sizes:
        said.append("It holds for leaves of the shapes that it was read on.")
    said += sorted(x for x in rules.remarks if x)
    return said
