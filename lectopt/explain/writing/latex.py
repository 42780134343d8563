"""Writing an expression in LaTeX: the same order as in text, with the marks of mathematics."""

from collections.abc import Sequence
from typing import Any

import sympy as sp

from lectopt.explain.algebra import nodes
from lectopt.explain.algebra.cases import Case
from lectopt.explain.algebra.names import escaped, tex, upright
from lectopt.explain.algebra.nodes import Decimal, t
from lectopt.explain.writing.terms import ATOM, LOOSE, PRODUCT, decimal
from lectopt.explain.writing.text import Text

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
        sp.sin: r"\sin",
        sp.cos: r"\cos",
        sp.tanh: r"\tanh",
    }

    def __call__(self, expr: Any) -> str:
        """The expression."""
        return self.write(expr)[0]

    def write(self, expr: Any) -> tuple[str, int]:
        """The expression and how tightly it holds together: a number may have a power of ten."""
        if expr == t:
            return tex(self.time), ATOM
        text, own = super().write(expr)
        if expr in (sp.nan, sp.true, sp.false):
            return upright(text), ATOM
        return text, min(own, PRODUCT) if isinstance(expr, Decimal) and "^" in text else own

    def _fraction(self, above: Sequence[Any], below: Sequence[Any]) -> str:
        rest = [x for x in above if self.rank(x) > 1]
        front = [x for x in above if x not in rest] if below and rest else []
        rest = [x for x in above if x not in front]
        top = r" \, ".join(self.tight(x, PRODUCT) for x in rest) or "1"
        if not below:
            return top
        bottom = r" \, ".join(self.tight(x, LOOSE if len(below) == 1 else PRODUCT) for x in below)
        top = self(rest[0]) if len(rest) == 1 else top
        before = "".join(self.tight(x, PRODUCT) + r" \, " for x in front)
        return before + rf"\frac{{{top}}}{{{bottom}}}"

    def exponent(self, expr: Any) -> str:
        """What stands above a base, in braces already."""
        return self(expr)

    def cases(self, expr: Any) -> str:
        """The cases below each other."""
        rows = []
        while isinstance(expr, Case):
            condition, yes, expr = expr.args
            rows.append(rf"{self(yes)} & \text{{if }} {self(condition)}")
        rows.append(rf"{self(expr)} & \text{{otherwise}}")
        return r"\begin{cases} " + r" \\ ".join(rows) + r" \end{cases}"

    def function(self, expr: Any) -> str:
        """A function of its arguments; bars for the absolute value."""
        if isinstance(expr, nodes.Absolute | sp.Abs):
            return rf"\left|{self(expr.args[0])}\right|"
        return super().function(expr)

    def _applied(self, name: str, args: Sequence[Any]) -> str:
        name = rf"\operatorname{{{name}}}" if name == "clip" else name
        return name + self._parentheses(", ".join(map(self, args)))

    def _symbol(self, name: str) -> str:
        return tex(name, tex(self.time))

    def _number(self, value: float) -> str:
        mantissa, _, exponent = decimal(value).replace("π", r"\pi").partition("e")
        if not exponent:
            return mantissa
        power = f"10^{{{int(exponent)}}}"
        return power if mantissa == "1" else rf"{mantissa} \cdot {power}"

    def _parentheses(self, text: str) -> str:
        return rf"\left({text}\right)"

    def _list(self, items: list[str]) -> str:
        return rf"\left[{', '.join(items)}\right]"

    def _relation(self, mark: str) -> str:
        return RELATIONS.get(mark, mark)

    def _raised(self, base: str, exponent: str) -> str:
        base = self._parentheses(base) if base.endswith(r"\end{cases}") else base
        return f"{base}^{{{exponent}}}"

    def _root(self, text: str) -> str:
        return rf"\sqrt{{{text}}}"

    def _bars(self, text: str) -> str:
        return rf"\left\lVert {text} \right\rVert"

    def _subscript(self, text: str) -> str:
        return f"_{{{text}}}"

    def _word(self, word: str) -> str:
        return rf"\text{{{word}}}"

    def _name(self, name: str) -> str:
        return rf"\operatorname{{{escaped(name)}}}"
