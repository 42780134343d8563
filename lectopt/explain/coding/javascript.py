"""The rules of a transformation as JavaScript, for plain arrays of numbers."""

import textwrap
from collections.abc import Iterable
from dataclasses import replace

from lectopt.explain.coding.layout import WIDTH, broken, spelled
from lectopt.explain.coding.local import Slot, Unwritten
from lectopt.explain.coding.modules import Items, Module
from lectopt.explain.coding.planning import Plan, is_array
from lectopt.explain.coding.spelling import JAVASCRIPT, Speller
from lectopt.explain.coding.writing import OVER_LEAVES, indented, remarks
from lectopt.explain.operations import AGGREGATES
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
NAMES = "const names = Object.keys(params);"


def functions(plan: Plan) -> str:
    """The text of a module that exports `init` and `update`."""
    writer = _JavaScript(plan)
    how = "for an object of arrays" if plan.several else "for one array of numbers"
    text = " ".join(remarks(plan, f"in JavaScript, {how}"))
    said = [f"// {x}" for x in textwrap.wrap(text, WIDTH - 3)]
    parts = writer.functions()
    helpers = [f"const {k} = {HELPERS[k]};" for k in HELPERS if k in writer.helpers]
    helpers += [_long(f"const {k} = {text};") for text, k in writer.lists.items()]
    helped = ["\n".join(helpers)] if helpers else []
    return "\n\n".join(["\n".join(said), *helped, *parts]) + "\n"


class _JavaScript(Module):
    language = JAVASCRIPT
    cases = "if ({}) {{", "}} else if ({}) {{", "} else {", "}"
    nothing: list[str] = []
    indent = 2
    counter = "const t = {} + 1;"

    def __init__(self, plan: Plan):
        super().__init__(plan)
        self.helpers: set[str] = set()
        if plan.rules.by_mark and plan.rules.named:
            self.rules = replace(plan.rules, by_mark=False)
        elif plan.rules.by_mark:
            raise Unwritten(
                "plain arrays of numbers have no rank, by which it tells leaves apart; give params="
            )

    def state(self, name: str) -> str:
        return f"state.{name}"

    def placed(self, text: str) -> str:
        return f"{text}[i]"

    def missing(self) -> str:
        return "throw new Error(`no rule for ${name}`);"

    def summed(self, speller: Speller, x: Term, where: str) -> str:
        name = AGGREGATES[x.args[0]].javascript
        inner = speller if self.own(x) else self.speller(OVER_LEAVES)
        text = f"{inner.like}.length"
        if not self.is_size(x):
            text = inner.text(x.args[1])
            if is_array(x.args[1]):
                self.helpers.add(name)
                text = f"{name}({inner.like}, (i) => {text})"
        if self.own(x):
            return text
        self.helpers.add(name)
        leaves = self.leaves(x.args[2][0][1])
        # A sum over names is one over the places of the list of them.
        return f"{name}({leaves}, (k) => {text.replace('[name]', f'[{leaves}[k]]')})"

    def leaves(self, leaves: tuple[str, ...]) -> str:
        """The names of these leaves."""
        how, which = self.rules.chosen(leaves)
        return "names" if how == "all" else self.listed(f"[{', '.join(map(spelled, which))}]")

    def condition(self, leaves: tuple[str, ...]) -> str:
        how, _ = self.rules.chosen(leaves)
        return "" if how == "all" else f"{self.leaves(leaves)}.includes(name)"

    def value(self, x: Term, spell: Speller, array: bool) -> str:
        return self.array(x, spell) if array else spell.text(x)

    def array(self, x: Term, spell: Speller, written: bool = False) -> str:
        """An array of the values of a term at all places."""
        text = spell.written(x) if written else spell.text(x)
        if not is_array(x):
            return f"{spell.like}.map(() => {text})"
        if x.op == "sym" or (x in self.names.variables and not written):
            return f"{text.removesuffix('[i]')}.slice()"
        return f"{spell.like}.map((_, i) => {text})"

    def let(self, x: Term, spell: Speller) -> str:
        target = spell.text(x).removesuffix("[i]") if is_array(x) else spell.text(x)
        value = self.array(x, spell, True) if is_array(x) else spell.written(x)
        return f"{'' if '[name]' in target else 'const '}{target} = {value};"

    def put(self, target: str, value: str) -> str:
        return f"{'' if '[name]' in target else 'const '}{target} = {value};"

    def loop(self, body: list[str]) -> list[str]:
        given = ["const g = gradients[name];", "const p = params[name];"]
        return ["for (const name of names) {", *indented([*given, *body], 2), "}"]

    def declared(self, names: list[str]) -> list[str]:
        return [f"const {k} = {{}};" for k in names]

    def function(
        self, name: str, first: Iterable[str], terms: list[Term], says: str, body: list[str]
    ) -> str:
        del says
        named = "names" in "".join(body) and NAMES not in body
        lines = [*body[: self.rules.counted * (name == "update")]] if named else []
        body = [*lines, NAMES, *body[len(lines) :]] if named else body
        return "\n".join([self.signature(name, first, terms), *_folded(indented(body, 2)), "}"])

    def signature(self, name: str, first: Iterable[str], terms: list[Term]) -> str:
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

    def returned(self, items: Items, before: str = "") -> list[str]:
        texts = [name if text == name else f"{name}: {text}" for name, text in items]
        record = f"{{ {', '.join(texts)} }}" if texts else "{}"
        short = f"return [{before}, {record}];" if before else f"return {record};"
        if len(short) <= WIDTH - 2:
            return [short]
        lines = [*indented([f"{x}," for x in texts], 2), "};"]
        if not before:
            return ["return {", *lines]
        return ["const after = {", *lines, f"return [{before}, after];"]

    def returns(self, text: str) -> list[str]:
        return [f"return {text};"]

    def of_leaves(self, text: str, leaves: tuple[str, ...]) -> str:
        return f"Object.fromEntries({self.leaves(leaves)}.map((name) => [name, {text}]))"

    def joined(self, parts: list[str]) -> str:
        return parts[0] if len(parts) == 1 else f"Object.assign({', '.join(parts)})"

    def first(self, slot: Slot, x: Term, spell: Speller) -> str:
        return self.value(x, spell, slot.array)


def _long(line: str) -> str:
    """A list over several lines."""
    return textwrap.fill(line, WIDTH, subsequent_indent="  ", break_long_words=False)


def _folded(lines: list[str]) -> list[str]:
    found = []
    for line in lines:
        indent = line[: len(line) - len(line.lstrip())]
        if len(line) <= WIDTH:
            found.append(line)
        else:
            first, *rest = broken(line.strip(), WIDTH - len(indent) - 2)
            found += [indent + first, *(f"{indent}  {x}" for x in rest)]
    return found
