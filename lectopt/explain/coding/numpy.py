"""The rules of a transformation as a NumPy module: `init` and `update`."""

from lectopt.explain.coding.layout import (
    constants,
    docstring,
    folded,
    header,
    several,
    spelled,
    wrapped,
)
from lectopt.explain.coding.local import Slot
from lectopt.explain.coding.operations import OVER
from lectopt.explain.coding.planning import Plan, is_array
from lectopt.explain.coding.spelling import NUMPY, Speller
from lectopt.explain.coding.writing import ALONE, OVER_LEAVES, PASS, Writer, remarks
from lectopt.explain.terms import ZERO, Term, walk


def module(plan: Plan) -> str:
    """The text of the module."""
    return _Numpy(plan).module()


class _Numpy(Writer):
    language = NUMPY

    def gradient(self, where: str) -> str:
        return {ALONE: "gradients", PASS: "g", OVER_LEAVES: "gradients[name]"}[where]

    def parameter(self, where: str) -> str:
        return {ALONE: "params", PASS: "p", OVER_LEAVES: "params[name]"}[where]

    def entry(self, slot: Slot, where: str) -> str:
        text = f'state["{self.names.slots[slot.name]}"]'
        return f"{text}[name]" if slot.leafwise and where != ALONE else text

    def leaf_of(self, variable: str) -> str:
        return f"{variable}[name]"

    def summed(self, speller: Speller, x: Term, where: str) -> str:
        if self.own(x):
            if self.is_size(x):
                return f"np.size({self.parameter(where)})"
            return OVER[x.args[0]].numpy.format(speller.text(x.args[1]))
        inner = self.speller(OVER_LEAVES)
        body = "np.size(params[name])"
        if not self.is_size(x):
            body = OVER[x.args[0]].numpy.format(inner.text(x.args[1]))
        whole = OVER[x.args[0]].number.format(
            f"{body} for name in {self.names_of(x.args[2][0][1])}"
        )
        return whole

    def names_of(self, leaves: tuple[str, ...]) -> str:
        """These leaves, to loop over."""
        how, which = self.rules.chosen(leaves)
        if how == "names":
            return self.listed(several(which))
        return f"params if {self.condition(leaves)}" if how != "all" else "params"

    def condition(self, leaves: tuple[str, ...]) -> str:
        """Whether `name` is one of these leaves, "" if all are."""
        how, which = self.rules.chosen(leaves)
        if how == "all":
            return ""
        what = {
            "names": "name",
            "ranks": "np.ndim(params[name])",
            "shapes": "np.shape(params[name])",
        }
        return (
            f"{what[how]} == {spelled(which[0])}"
            if len(which) == 1
            else (f"{what[how]} in {self.listed(several(which))}")
        )

    # The parts of the module.

    def module(self) -> str:
        how = "for a dict of arrays" if self.plan.several else "for one array"
        parts = [docstring(remarks(self.plan, f"as a NumPy program {how}"))]
        functions = ["\n" + self.init(), "\n" + self.update()]
        if self.rules.looks_ahead:
            functions.append("\n" + self.point())
        parts += ["import numpy as np", *constants(self.lists), *functions]
        return "\n\n".join(parts) + "\n"

    def init(self) -> str:
        """The function that gives the first state."""
        items = ['"t": 0'] if self.rules.counted else []
        for slot in self.rules.local.slots:
            items.append(f'"{self.names.slots[slot.name]}": {self.start(slot)}')
        head = header("init", ["params"], self.settings_in(self.start_terms()))
        return "\n".join(
            [
                head,
                '    """The state before the first update."""',
                *wrapped(f"    return {{{', '.join(items)}}}", items),
            ]
        )

    def start(self, slot: Slot) -> str:
        """The first value of a statistic."""
        if not slot.leafwise:
            return _number(self.speller(ALONE).text(slot.start[""]), slot.sort)
        if not self.plan.several:
            (x,) = set(slot.start.values())
            return self._first(slot, x, ALONE)
        parts = []
        for leaves, x in self.starts(slot):
            condition = self.condition(leaves)
            end = f" if {condition}" if condition else ""
            first = self._first(slot, x, PASS)
            parts.append(f"{{name: {first} for name, p in params.items(){end}}}")
        return " | ".join(parts)

    def _first(self, slot: Slot, x: Term, where: str) -> str:
        p, text = self.parameter(where), self.speller(where).text(x)
        if not slot.array:
            return _number(text, slot.sort)
        if is_array(x):
            return f"np.array({text})" if x.op == "sym" else text
        if slot.sort == "bool":
            return f"np.full(np.shape({p}), {text})"
        return f"np.zeros_like({p})" if x is ZERO else f"np.full_like({p}, {text})"

    def update(self) -> str:
        """The function that makes an update."""
        terms = self.update_terms()
        head = header(
            "update", ["gradients", "state", "params", *self.arguments()], self.settings_in(terms)
        )
        if any(x.op == "ite" and is_array(x.args[0]) for x in walk(*terms, inside=True)):
            head = '@np.errstate(all="ignore")\n' + head
        lines = [head, '    """What is added to the parameters, and the state after that."""']
        if self.rules.counted:
            lines.append('    t = state["t"] + 1')
        lines += self.several() if self.plan.several else self.alone()
        return "\n".join([lines[0], *folded(lines[1:])])

    def alone(self) -> list[str]:
        """The body, for one array."""
        spell, lines = self.speller(ALONE), []
        for stage in self.plan.stages:
            for x in [*stage.numbers, *stage.passes[0]]:
                lines.append(f"    {self.names.variables[x]} = {spell.written(x)}")
        lines.append(f"    updates = {spell.root(next(iter(self.rules.local.moves.values())))}")
        after = {s: self.after(s, spell) for s in self.rules.local.slots}
        return [*lines, *self.returned(after)]

    def after(self, slot: Slot, spell: Speller) -> str:
        """The new value of a statistic, of one array."""
        x = next(iter(slot.next.values()))
        return spell.root(x) if slot.array else spell.text(x)

    def several(self) -> list[str]:
        """The body, for a dict of arrays."""
        leafwise = {s: self.names.slots[s.name] for s in self.rules.leafwise()}
        kept = dict.fromkeys([*leafwise.values(), *(self.names.variables[x] for x in self.order())])
        lines = [f"    {', '.join([*kept, 'updates'])} = {', '.join(['{}'] * (len(kept) + 1))}"]
        numbers = self.speller(OVER_LEAVES)
        for k, stage in enumerate(self.plan.stages):
            for x in stage.numbers:
                lines.append(f"    {self.names.variables[x]} = {numbers.written(x)}")
            if k == self.plan.last or any(stage.passes):
                lines += self.one_pass(k, k == self.plan.last)
        after = {s: leafwise.get(s) or numbers.text(s.next[""]) for s in self.rules.local.slots}
        return [*lines, *self.returned(after)]

    def order(self) -> list[Term]:
        """What is kept, in the order in which it is computed."""
        done = [x for s in self.plan.stages for row in s.passes for x in row]
        return [x for x in dict.fromkeys(done) if x in self.plan.kept]

    def one_pass(self, k: int, last: bool) -> list[str]:
        """A loop over the leaves."""
        spell, lines = self.speller(PASS), ["    for name, p in params.items():"]
        lines.append("        g = gradients[name]")
        rules = self.rules
        for j, row in enumerate(self.plan.stages[k].passes):
            leaf, body = self.first_of(j), []
            for x in row:
                body.append(f"{spell.text(x)} = {spell.written(x)}")
            if last:
                for s in self.plan.own(j):
                    name = f"{self.names.slots[s.name]}[name]"
                    text = spell.root(s.next[leaf]) if s.array else spell.text(s.next[leaf])
                    body += [f"{name} = {text}"] if text != name else []
                body.append(f"updates[name] = {spell.root(rules.local.moves[leaf])}")
            condition = self.condition(rules.treatments[j])
            if condition:
                lines.append(f"        {'el' if j else ''}if {condition}:")
                lines += [f"            {line}" for line in body or ["pass"]]
            else:
                lines += [f"        {line}" for line in body]
        if len(rules.treatments) > 1:
            lines += ["        else:", "            raise KeyError(name)"]
        return lines

    def returned(self, after: dict[Slot, str]) -> list[str]:
        """The end of the update."""
        items = ['"t": t'] if self.rules.counted else []
        items += [f'"{self.names.slots[s.name]}": {text}' for s, text in after.items()]
        return wrapped(f"    return updates, {{{', '.join(items)}}}", items)

    def point(self) -> str:
        """The function that says where gradients are taken."""
        terms = self.point_terms()
        lines = [header("point", ["state", "params"], self.settings_in(terms))]
        lines.append('    """Where to take the gradient of the next update."""')
        if self.plan.counts(terms):
            lines.append('    t = state["t"] + 1')
        if not self.plan.several:
            return "\n".join([*lines, f"    return {self.speller(ALONE).written(terms[0])}"])
        parts = []
        for leaves in self.rules.treatments:
            condition = self.condition(leaves)
            text = self.speller(PASS).text(self.rules.local.points[leaves[0]])
            end = f" if {condition}" if condition else ""
            parts.append(f"{{name: {text} for name, p in params.items(){end}}}")
        return "\n".join([*lines, f"    return {' | '.join(parts)}"])


def _number(text: str, sort: str) -> str:
    return f"np.float64({text})" if sort == "real" else text
