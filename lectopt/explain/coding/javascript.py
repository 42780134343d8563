"""The rules of a transformation as JavaScript, for plain arrays of numbers."""

import textwrap
from dataclasses import replace

from lectopt.explain.coding.layout import WIDTH, broken, spelled
from lectopt.explain.coding.local import Slot, Unwritten
from lectopt.explain.coding.operations import OVER
from lectopt.explain.coding.planning import Plan, is_array
from lectopt.explain.coding.spelling import JAVASCRIPT, Speller
from lectopt.explain.coding.writing import ALONE, OVER_LEAVES, PASS, Writer, remarks
from lectopt.explain.terms import Term

# What sums over the places of an array, and over arrays.
HELPERS = {
    "sum": "(x, f) => x.reduce((total, _, i) => total + f(i), 0)",
    "product": "(x, f) => x.reduce((total, _, i) => total * f(i), 1)",
    "largest": "(x, f) => x.reduce((most, _, i) => Math.max(most, f(i)), -Infinity)",
    "smallest": "(x, f) => x.reduce((least, _, i) => Math.min(least, f(i)), Infinity)",
    "all": "(x, f) => x.every((_, i) => f(i))",
    "any": "(x, f) => x.some((_, i) => f(i))",
}


def functions(plan: Plan) -> str:
    """The text of a module that exports `init` and `update`."""
    return _JavaScript(plan).module()


class _JavaScript(Writer):
    language = JAVASCRIPT

    def __init__(self, plan: Plan):
        super().__init__(plan)
        self.helpers: set[str] = set()
        if plan.rules.by_mark and plan.rules.named:
            self.rules = replace(plan.rules, by_mark=False)
        elif plan.rules.by_mark:
            raise Unwritten(
                "plain arrays of numbers have no rank, by which it tells leaves apart; give params="
            )

    def gradient(self, where: str) -> str:
        return {ALONE: "gradients", PASS: "g", OVER_LEAVES: "gradients[name]"}[where]

    def parameter(self, where: str) -> str:
        return {ALONE: "params", PASS: "p", OVER_LEAVES: "params[name]"}[where]

    def entry(self, slot: Slot, where: str) -> str:
        text = f"state.{self.names.slots[slot.name]}"
        return f"{text}[name]" if slot.leafwise and where != ALONE else text

    def leaf_of(self, variable: str) -> str:
        return f"{variable}[name]"

    def placed(self, text: str) -> str:
        return f"{text}[i]"

    def summed(self, speller: Speller, x: Term, where: str) -> str:
        name, like = OVER[x.args[0]].javascript, self.parameter(where)
        if self.own(x):
            if self.is_size(x):
                return f"{like}.length"
            self.helpers.add(name)
            return f"{name}({like}, (i) => {speller.text(x.args[1])})"
        self.helpers.add(name)
        inner = "params[name].length"
        if not self.is_size(x):
            body = self.speller(OVER_LEAVES).text(x.args[1])
            inner = f"{name}(params[name], (i) => {body})"
        leaves = self.leaves(x.args[2][0][1])
        # A sum over names is one over the places of the list of them.
        return f"{name}({leaves}, (k) => {inner.replace('[name]', f'[{leaves}[k]]')})"

    def leaves(self, leaves: tuple[str, ...]) -> str:
        """The names of these leaves."""
        how, which = self.rules.chosen(leaves)
        return "names" if how == "all" else self.listed(f"[{', '.join(map(spelled, which))}]")

    def condition(self, leaves: tuple[str, ...]) -> str:
        """Whether `name` is one of these leaves, "" if all are."""
        how, _ = self.rules.chosen(leaves)
        return "" if how == "all" else f"{self.leaves(leaves)}.includes(name)"

    # The parts of the module.

    def module(self) -> str:
        how = "for an object of arrays" if self.plan.several else "for one array of numbers"
        text = " ".join(remarks(self.plan, f"in JavaScript, {how}"))
        said = [f"// {x}" for x in textwrap.wrap(text, WIDTH - 3)]
        parts = [self.init(), self.update()]
        if self.rules.looks_ahead:
            parts.append(self.point())
        helpers = [f"const {k} = {HELPERS[k]};" for k in HELPERS if k in self.helpers]
        helpers += [_long(f"const {k} = {text};") for text, k in self.lists.items()]
        helped = ["\n".join(helpers)] if helpers else []
        return "\n\n".join(["\n".join(said), *helped, *parts]) + "\n"

    def signature(self, name: str, first: list[str], terms: list[Term]) -> str:
        """`export function name(first, { settings })`."""
        settings = self.settings_in(terms)
        given = [k if v is None else f"{k} = {v!r}" for k, v in settings]
        inner = ", ".join([*first, *([f"{{ {', '.join(given)} }}"] if given else [])])
        if settings and all(v is not None for _, v in settings):
            inner += " = {}"
        text = f"export function {name}({inner}) {{"
        if len(text) <= WIDTH:
            return text
        head, _, tail = text.partition("{ ")
        return f"{head}{{\n  " + tail.replace(" }", ",\n}", 1).replace(", ", ",\n  ")

    def init(self) -> str:
        spell, items = self.speller(self.place), ["t: 0"] if self.rules.counted else []
        for slot in self.rules.local.slots:
            name = self.names.slots[slot.name]
            if not slot.leafwise:
                items.append(f"{name}: {spell.text(slot.start[''])}")
            elif not self.plan.several:
                x = next(iter(slot.start.values()))
                items.append(f"{name}: {self.array(x, spell) if slot.array else spell.text(x)}")
            else:
                items.append(f"{name}: {self._first_of_all(slot)}")
        body = [f"    {x}," for x in items]
        head = self.signature("init", ["params"], self.start_terms())
        lines = [f"  return {{ {', '.join(items)} }};"]
        if len(lines[0]) > WIDTH:
            lines = ["  return {", *body, "  };"]
        names = ["  const names = Object.keys(params);"] if "names" in "".join(lines) else []
        return "\n".join([head, *names, *_folded(lines), "}"])

    def _first_of_all(self, slot: Slot) -> str:
        spell, parts = self.speller(OVER_LEAVES), []
        for leaves, x in self.starts(slot):
            first = self.array(x, spell, OVER_LEAVES) if slot.array else spell.text(x)
            pairs = f"{self.leaves(leaves)}.map((name) => [name, {first}])"
            parts.append(f"Object.fromEntries({pairs})")
        return parts[0] if len(parts) == 1 else f"Object.assign({', '.join(parts)})"

    def array(self, x: Term, spell: Speller, where: str = "", written: bool = False) -> str:
        """An array of the values of a term at all places."""
        text, like = (
            spell.written(x) if written else spell.text(x),
            self.parameter(where or self.place),
        )
        if not is_array(x):
            return f"{like}.map(() => {text})"
        if x.op == "sym" or (x in self.names.variables and not written):
            return f"{text.removesuffix('[i]')}.slice()"
        return f"{like}.map((_, i) => {text})"

    def update(self) -> str:
        terms = self.update_terms()
        first = ["gradients", "state", "params", *self.arguments()]
        lines = [self.signature("update", first, terms)]
        if self.rules.counted:
            lines.append("  const t = state.t + 1;")
        lines += self.several() if self.plan.several else self.alone()
        return "\n".join([*_folded(lines), "}"])

    def statement(self, x: Term, spell: Speller, target: str) -> str:
        """The assignment of a named term."""
        value = self.array(x, spell, written=True) if is_array(x) else spell.written(x)
        return f"{target} = {value};"

    def alone(self) -> list[str]:
        spell, lines = self.speller(ALONE), []
        for stage in self.plan.stages:
            for x in [*stage.numbers, *stage.passes[0]]:
                lines.append("  " + self.statement(x, spell, f"const {self.names.variables[x]}"))
        move = next(iter(self.rules.local.moves.values()))
        lines.append(f"  const updates = {self.array(move, spell)};")
        items = []
        for s in self.rules.local.slots:
            name, x = self.names.slots[s.name], next(iter(s.next.values()))
            text = self._again(x, spell) if s.array else spell.text(x)
            items.append(name if text == name else f"{name}: {text}")
        return [*lines, *self.returned(items)]

    def _again(self, x: Term, spell: Speller) -> str:
        """An array that has a name, or that is written out."""
        return self.names.variables.get(x) or self.array(x, spell)

    def returned(self, items: list[str]) -> list[str]:
        items = [*(["t"] if self.rules.counted else []), *items]
        if not items:
            return ["  return [updates, {}];"]
        short = f"  return [updates, {{ {', '.join(items)} }}];"
        if len(short) <= WIDTH:
            return [short]
        return [
            "  const after = {",
            *(f"    {x}," for x in items),
            "  };",
            "  return [updates, after];",
        ]

    def several(self) -> list[str]:
        leafwise = [self.names.slots[s.name] for s in self.rules.leafwise()]
        done = [x for s in self.plan.stages for row in s.passes for x in row]
        kept = [self.names.variables[x] for x in done if x in self.plan.kept]
        lines = ["  const names = Object.keys(params);"]
        lines += [f"  const {k} = {{}};" for k in dict.fromkeys([*leafwise, *kept, "updates"])]
        numbers = self.speller(OVER_LEAVES)
        for k, stage in enumerate(self.plan.stages):
            for x in stage.numbers:
                lines.append("  " + self.statement(x, numbers, f"const {self.names.variables[x]}"))
            if k == self.plan.last or any(stage.passes):
                lines += self.one_pass(k, k == self.plan.last)
        items = []
        for s in self.rules.local.slots:
            name = self.names.slots[s.name]
            text = name if s.leafwise else numbers.text(s.next[""])
            items.append(name if text == name else f"{name}: {text}")
        return [*lines, *self.returned(items)]

    def one_pass(self, k: int, last: bool) -> list[str]:
        spell = self.speller(PASS)
        lines = ["  for (const name of names) {", "    const g = gradients[name];"]
        lines.append("    const p = params[name];")
        many = len(self.rules.treatments) > 1
        for j, row in enumerate(self.plan.stages[k].passes):
            leaf, body = self.first_of(j), []
            for x in row:
                target = (spell.text(x) or "").removesuffix("[i]") if is_array(x) else spell.text(x)
                local = "" if "[name]" in str(target) else "const "
                body.append(self.statement(x, spell, f"{local}{target}"))
            if last:
                for s in self.plan.own(j):
                    target = f"{self.names.slots[s.name]}[name]"
                    x = s.next[leaf]
                    if self.names.variables.get(x) != self.names.slots[s.name]:
                        value = self.array(x, spell) if s.array else spell.text(x)
                        body.append(f"{target} = {value};")
                body.append(f"updates[name] = {self.array(self.rules.local.moves[leaf], spell)};")
            if many:
                start = "    " + ("} else " if j else "")
                lines.append(f"{start}if ({self.condition(self.rules.treatments[j])}) {{")
            lines += [f"    {'  ' if many else ''}{x}" for x in body]
        if many:
            lines += ["    } else {", "      throw new Error(`no rule for ${name}`);", "    }"]
        return [*lines, "  }"]

    def point(self) -> str:
        terms = self.point_terms()
        lines = [self.signature("point", ["state", "params"], terms)]
        if self.plan.counts(terms):
            lines.append("  const t = state.t + 1;")
        if not self.plan.several:
            return "\n".join(
                [*lines, f"  return {self.array(terms[0], self.speller(ALONE))};", "}"]
            )
        lines += ["  const names = Object.keys(params);", "  const found = {};"]
        lines += ["  for (const name of names) {", "    const p = params[name];"]
        for leaves in self.rules.treatments:
            text = self.array(self.rules.local.points[leaves[0]], self.speller(PASS))
            condition = self.condition(leaves)
            lines.append(f"    {f'if ({condition}) ' if condition else ''}found[name] = {text};")
        return "\n".join([*_folded(lines), "  }", "  return found;", "}"])


def _long(line: str) -> str:
    """A list over several lines."""
    return textwrap.fill(line, WIDTH, subsequent_indent="  ", break_long_words=False)


def _folded(lines: list[str]) -> list[str]:
    found = []
    for line in lines:
        indent = line[: len(line) - len(line.lstrip())]
        if len(line) <= WIDTH or "\n" in line:
            found.append(line)
        else:
            first, *rest = broken(line.strip(), WIDTH - len(indent) - 2)
            found += [indent + first, *(f"{indent}  {x}" for x in rest)]
    return found
