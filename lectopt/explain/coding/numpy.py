"""The rules of a transformation as a NumPy module."""

from collections.abc import Iterable

from lectopt.explain.coding.layout import constants, docstring, folded, header, several, wrapped
from lectopt.explain.coding.local import Slot
from lectopt.explain.coding.modules import Items, Module
from lectopt.explain.coding.planning import Plan, is_array
from lectopt.explain.coding.spelling import Speller
from lectopt.explain.coding.writing import OVER_LEAVES, PASS, indented, remarks
from lectopt.explain.operations import AGGREGATES
from lectopt.explain.rewriting import walk
from lectopt.explain.terms import ZERO, Term


def module(plan: Plan) -> str:
    """The text of the module."""
    writer = _Numpy(plan)
    how = "for a dict of arrays" if plan.several else "for one array"
    head = docstring(remarks(plan, f"as a NumPy program {how}"))
    functions = [f"\n{x}" for x in writer.functions()]
    return "\n\n".join([head, "import numpy as np", *constants(writer.lists), *functions]) + "\n"


class _Numpy(Module):
    each = PASS

    def state(self, name: str) -> str:
        return f'state["{name}"]'

    def summed(self, speller: Speller, x: Term, where: str) -> str:
        row, inner = AGGREGATES[x.args[0]], speller if self.own(x) else self.speller(OVER_LEAVES)
        body = row.numpy.format(inner.text(x.args[1])) if is_array(x.args[1]) else ""
        body = f"np.size({inner.like})" if self.is_size(x) else body or inner.text(x.args[1])
        if self.own(x):
            return body
        return row.number.format(f"{body} for name in {self.names_of(x.args[2][0][1])}")

    def names_of(self, leaves: tuple[str, ...]) -> str:
        """These leaves, to loop over."""
        how, which = self.rules.chosen(leaves)
        if how == "names":
            return self.listed(several(which))
        return f"params if {self.condition(leaves)}" if how != "all" else "params"

    def loop(self, body: list[str]) -> list[str]:
        return ["for name, p in params.items():", *indented(["g = gradients[name]", *body])]

    def function(
        self, name: str, first: Iterable[str], terms: list[Term], says: str, body: list[str]
    ) -> str:
        head = header(name, list(first), self.settings_in(terms))
        cases = any(x.op == "ite" and is_array(x.args[0]) for x in walk(*terms, inside=True))
        before = ['@np.errstate(all="ignore")'] if cases and name == "update" else []
        return "\n".join([*before, head, *folded(indented([f'"""{says}"""', *body]))])

    def returned(self, items: Items, before: str = "") -> list[str]:
        texts = [f'"{name}": {text}' for name, text in items]
        start = f"{before}, " if before else ""
        line = f"    return {start}{{{', '.join(texts)}}}"
        return [x.removeprefix("    ") for x in wrapped(line, texts)]

    def returns(self, text: str) -> list[str]:
        return [f"return {text}"]

    def declared(self, names: list[str]) -> list[str]:
        return [f"{', '.join(names)} = {', '.join(['{}'] * len(names))}"]

    def of_leaves(self, text: str, leaves: tuple[str, ...]) -> str:
        condition = self.condition(leaves)
        end = f" if {condition}" if condition else ""
        return f"{{name: {text} for name, p in params.items(){end}}}"

    def joined(self, parts: list[str]) -> str:
        return " | ".join(parts)

    def first(self, slot: Slot, x: Term, spell: Speller) -> str:
        p, text = spell.like, spell.text(x)
        if not slot.array:
            return f"np.float64({text})" if slot.sort == "real" else text
        if is_array(x):
            return f"np.array({text})" if x.op == "sym" else text
        if slot.sort == "bool":
            return f"np.full(np.shape({p}), {text})"
        return f"np.zeros_like({p})" if x is ZERO else f"np.full_like({p}, {text})"
