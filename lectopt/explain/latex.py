"""Writing an expression in LaTeX: the same order as in text, with the marks of mathematics."""

from collections.abc import Sequence
from typing import Any

import sympy as sp

from lectopt.explain import nodes
from lectopt.explain.names import tex
from lectopt.explain.writing import LOOSE, PRODUCT, Text, decimal

RELATIONS = {"==": "=", "!=": r"\neq", "<=": r"\leq", ">=": r"\geq"}


class Latex(Text):
    """LaTeX, for mathematics mode."""

    infinity, leaf = r"\infty", r"\mathrm{leaf}"
    names = {
        nodes.Total: r"\sum",
        nodes.Largest: r"\max",
        nodes.All: r"\operatorname{all}",
        nodes.Some: r"\operatorname{any}",
        nodes.Maximum: r"\max",
        nodes.Minimum: r"\min",
        sp.exp: r"\exp",
        sp.log: r"\log",
    }

    def __call__(self, expr: Any) -> str:
        return self.write(expr)[0]

    def fraction(self, above: Sequence[Any], below: Sequence[Any]) -> str:
        front = [x for x in above if self.rank(x) < 2] if below and above else []
        rest = [x for x in above if x not in front]
        top = r" \, ".join(self.tight(x, PRODUCT) for x in rest) or "1"
        if not below:
            return top
        bottom = r" \, ".join(self.tight(x, LOOSE if len(below) == 1 else PRODUCT) for x in below)
        top = self(rest[0]) if len(rest) == 1 else top
        before = "".join(self.tight(x, PRODUCT) + r" \, " for x in front)
        return before + rf"\frac{{{top}}}{{{bottom}}}"

    def cases(self, expr: Any) -> str:
        rows = []
        while isinstance(expr, nodes.Case):
            condition, yes, expr = expr.args
            rows.append(rf"{self(yes)} & \text{{if }} {self(condition)}")
        rows.append(rf"{self(expr)} & \text{{otherwise}}")
        return r"\begin{cases} " + r" \\ ".join(rows) + r" \end{cases}"

    def function(self, expr: Any) -> str:
        if isinstance(expr, nodes.Absolute):
            return rf"\left|{self(expr.args[0])}\right|"
        return super().function(expr)

    def applied(self, name: str, args: Sequence[Any]) -> str:
        name = rf"\operatorname{{{name}}}" if name == "clip" else name
        return name + self.parentheses(", ".join(map(self, args)))

    def symbol(self, name: str) -> str:
        return tex(name, self.time)

    def number(self, value: float) -> str:
        mantissa, _, exponent = decimal(value).partition("e")
        return mantissa if not exponent else rf"{mantissa} \cdot 10^{{{int(exponent)}}}"

    def parentheses(self, text: str) -> str:
        return rf"\left({text}\right)"

    def relation(self, mark: str) -> str:
        return RELATIONS.get(mark, mark)

    def raised(self, base: str, exponent: str) -> str:
        return f"{base}^{{{exponent}}}"

    def root(self, base: Any) -> str:
        return rf"\sqrt{{{self(base)}}}"

    def bars(self, text: str) -> str:
        return rf"\left\lVert {text} \right\rVert"

    def subscript(self, text: str) -> str:
        return f"_{{{text}}}"

    def word(self, word: str) -> str:
        return rf"\text{{{word}}}"

    def name(self, name: str) -> str:
        escaped = name.replace("_", r"\_")
        return rf"\operatorname{{{escaped}}}"
