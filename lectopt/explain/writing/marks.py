"""The marks of plain text: what stands for a sum, a root, a norm, an index."""

from typing import Any

from lectopt.explain.algebra import nodes
from lectopt.explain.algebra.names import parse
from lectopt.explain.writing.terms import decimal


class Marks:
    """How the parts of an expression are put down; `time` is the letter of the step number."""

    time = "t"
    infinity, leaf = "inf", "leaf"
    names: dict[Any, str] = {
        nodes.Absolute: "abs",
        nodes.Total: "Σ",
        nodes.Largest: "max",
        nodes.All: "all",
        nodes.Some: "any",
        nodes.Maximum: "max",
        nodes.Minimum: "min",
    }

    def _symbol(self, name: str) -> str:
        parts = parse(name)
        time = f"[{parts['time'].replace('t', self.time)}]" if parts["time"] else ""
        leaf = f"{{{parts['leaf']}}}" if parts["leaf"] else ""
        return parts["base"] + (parts["hat"] or "") + leaf + time

    def _number(self, value: float) -> str:
        return decimal(value)

    def _parentheses(self, text: str) -> str:
        return f"({text})"

    def _list(self, items: list[str]) -> str:
        return f"[{', '.join(items)}]"

    def _relation(self, mark: str) -> str:
        return mark

    def _raised(self, base: str, exponent: str) -> str:
        return f"{base}^{exponent}"

    def _root(self, text: str) -> str:
        return f"sqrt({text})"

    def _bars(self, text: str) -> str:
        return f"‖{text}‖"

    def _subscript(self, text: str) -> str:
        return f"_{text}"

    def _word(self, word: str) -> str:
        return word

    def _name(self, name: str) -> str:
        return name
