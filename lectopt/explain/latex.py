"""Writing a formula in LaTeX: the same order as in text, with the marks of mathematics."""

from collections.abc import Sequence
from typing import Any

from lectopt.explain.formulas import Cases, Function, Number, Symbol
from lectopt.explain.letters import escaped, tex, upright
from lectopt.explain.operations import AGGREGATES, FUNCTIONS
from lectopt.explain.styles import ATOM, LOOSE, PRODUCT, decimal
from lectopt.explain.text import Text

RELATIONS = {"==": "=", "!=": r"\neq", "<=": r"\leq", ">=": r"\geq"}


class Latex(Text):
    """LaTeX, for mathematics mode."""

    infinity, leaf = r"\infty", r"\mathrm{leaf}"
    names = {k: row.latex for k, row in (FUNCTIONS | AGGREGATES).items() if row.latex}

    def __call__(self, x: Any) -> str:
        """The formula."""
        return self.write(x)[0]

    def _write(self, x: Any) -> tuple[str, int]:
        text, own = super()._write(x)
        number = isinstance(x, Number) and "^" in text  # it may have a power of ten
        return text, min(own, PRODUCT) if number else own

    def symbol(self, x: Symbol) -> str:
        """A letter, and its index if it does not stand where its array does."""
        if x.name == "π":
            return r"\pi"
        return upright("nan") if x.name == "nan" else super().symbol(x)

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

    def exponent(self, x: Any) -> str:
        """What stands above a base, in braces already."""
        return self(x)

    def cases(self, x: Any) -> str:
        """The cases below each other."""
        rows = []
        while isinstance(x, Cases):
            rows.append(rf"{self(x.yes)} & \text{{if }} {self(x.condition)}")
            x = x.no
        rows.append(rf"{self(x)} & \text{{otherwise}}")
        return r"\begin{cases} " + r" \\ ".join(rows) + r" \end{cases}"

    def function(self, x: Function) -> str:
        """A function of its arguments; bars for the absolute value."""
        if x.name in ("True", "False"):
            return upright(x.name)
        if x.name == "abs":
            return rf"\left|{self(x.args[0])}\right|"
        return super().function(x)

    def _applied(self, name: str, args: Sequence[Any]) -> str:
        return name + self._parentheses(", ".join(map(self, args)))

    def _symbol(self, name: str) -> str:
        return tex(name, tex(self.time))

    def _number(self, value: float) -> str:
        mantissa, _, exponent = decimal(value).partition("e")
        if not exponent:
            return mantissa
        power = f"10^{{{int(exponent)}}}"
        return power if mantissa == "1" else rf"{mantissa} \cdot {power}"

    def _parentheses(self, text: str) -> str:
        return rf"\left({text}\right)"

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

    def _at(self, text: str, index: Sequence[str]) -> str:
        return rf"\left[{text}\right]_{{{','.join(index)}}}"

    def _word(self, word: str) -> str:
        return rf"\text{{{word}}}"

    def _name(self, name: str) -> str:
        return rf"\operatorname{{{escaped(name)}}}"


__all__ = ["ATOM", "Latex"]
