"""Writing an expression the way a slide has it: settings before statistics before the gradient.

`Text` finds the order of terms and factors, the fractions, roots, norms and cases; `latex.Latex`
changes only the marks.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import sympy as sp
from sympy.core.relational import Relational

from lectopt.explain import nodes
from lectopt.explain.names import parse
from lectopt.explain.nodes import t

LOOSE, SUM, PRODUCT, POWER, ATOM = range(5)  # how tightly an expression holds together
RELATIONS = {sp.Eq: "==", sp.Ne: "!=", sp.Lt: "<", sp.Le: "<=", sp.Gt: ">", sp.Ge: ">="}


def decimal(value: float) -> str:
    """A number with as few digits as tell it from its neighbours in float32."""
    return next(
        text for d in range(1, 18) if abs(float(text := f"{value:.{d}g}") - value) <= 6e-8 * abs(value)
    )


class Text:
    """Plain text.

    Args:
      gradient: the letter of the gradient, which comes last in a product.
      params: the letter of the parameters, which come first in a sum.
      time: the letter of the step number.
      letters: of the places of a whole leaf: a sum over them all needs no index.
      leafwise: whether a sum over one leaf must be told from one over all.
      rates: letters of settings that change with the step.
    """

    def __init__(
        self,
        gradient: str = "g",
        params: str = "θ",
        time: str = "t",
        letters: str = "i",
        leafwise: bool = False,
        rates: frozenset[str] = frozenset(),
    ):
        self.gradient, self.params, self.time = gradient, params, time
        self.letters, self.leafwise, self.rates = letters, leafwise, rates

    def __call__(self, expr: Any) -> str:
        """The expression, without parentheses around it."""
        text, _ = self.write(expr)
        return text[1:-1] if isinstance(expr, nodes.Case) and text.startswith("(") else text

    def tight(self, expr: Any, strength: int) -> str:
        """The expression, in parentheses if it holds together less tightly than needed."""
        text, own = self.write(expr)
        return text if own >= strength else self.parentheses(text)

    def rank(self, expr: Any) -> int:
        """Reading order: numbers, settings, the state, the gradient."""
        parts = [parse(s.name) for s in expr.free_symbols if s != t]
        if any(p["base"] == self.gradient for p in parts):
            return 3
        changing = any(p["time"] and p["base"] not in self.rates for p in parts)
        return 2 if changing else int(bool(parts) or expr.has(t))

    def in_order(self, exprs: Iterable[Any]) -> list[Any]:
        """By rank, then by SymPy's order."""
        return sorted(exprs, key=lambda x: (self.rank(x), self.steps(x), sp.default_sort_key(x)))

    def steps(self, expr: Any) -> bool:
        """Whether an expression is a bare letter: these come first among their rank."""
        return not expr.is_Symbol

    def write(self, expr: Any) -> tuple[str, int]:
        """The expression and how tightly it holds together."""
        if isinstance(expr, nodes.Decimal):
            return self.number(expr.value), ATOM
        if expr.is_Symbol:
            return (self.time if expr == t else self.symbol(expr.name)), ATOM
        if isinstance(expr, sp.Rational) and not expr.is_Integer:
            return self.product(expr), PRODUCT
        if expr.is_Number or expr in (sp.zoo, sp.true, sp.false):
            text = {sp.oo: self.infinity, -sp.oo: "-" + self.infinity}.get(expr, str(expr))
            return text, ATOM if not text.startswith("-") else SUM
        if isinstance(expr, sp.Add):
            return self.sum(expr), SUM
        if isinstance(expr, sp.Mul) or (isinstance(expr, sp.Pow) and _below(expr)):
            return self.product(expr), SUM if _negative(expr) else PRODUCT
        if isinstance(expr, sp.Pow):
            return self.power(expr)
        if isinstance(expr, nodes.Case):
            return self.cases(expr), ATOM
        if isinstance(expr, Relational):
            a, b = (self.tight(x, SUM) for x in expr.args)
            if isinstance(expr, sp.Eq) and expr.rhs == 0:
                a = self.norm(expr.lhs) or a
            return f"{a} {self.relation(RELATIONS[type(expr)])} {b}", LOOSE
        if isinstance(expr, sp.And | sp.Or | sp.Not):
            return self.condition(expr), LOOSE
        if isinstance(expr, nodes.Minimum) and (clip := self.clipped(expr)):
            return clip, ATOM
        return self.function(expr), ATOM

    def sum(self, expr: Any) -> str:
        """Parameters first, then what is added, then what is taken off."""

        def order(x: Any) -> Any:
            bare = x.is_Symbol and parse(x.name)["base"] == self.params
            constant = self.rank(x) < 2 and not _negative(x)
            return not bare, _negative(x), constant, self.rank(x), sp.default_sort_key(x)

        text = ""
        for term in sorted(expr.args, key=order):
            minus = _negative(term)
            part = self.tight(-term if minus else term, PRODUCT)
            text += (" - " if minus else " + ") + part if text else ("-" if minus else "") + part
        return text

    def product(self, expr: Any) -> str:
        """Settings, statistics, gradient over what divides them."""
        sign = "-" if _negative(expr) else ""
        factors = sp.Mul.make_args(-expr if sign else expr)
        above: list[Any] = []
        below: list[Any] = []
        for factor in factors:
            if isinstance(factor, sp.Rational):
                above += [sp.Integer(factor.p)] * (factor.p != 1)
                below += [sp.Integer(factor.q)] * (factor.q != 1)
            elif _below(factor):
                below.append(1 / factor)
            else:
                above.append(factor)
        roots = [x for x in above if isinstance(x, sp.Pow) and x.exp == sp.S.Half and self.rank(x) < 2]
        if len(roots) > 1:  # one root of settings, not one of each
            together = sp.Pow(sp.Mul(*(x.base for x in roots)), sp.S.Half, evaluate=False)
            above = [together, *(x for x in above if x not in roots)]
        return sign + self.fraction(self.in_order(above), self.in_order(below))

    def fraction(self, above: Sequence[Any], below: Sequence[Any]) -> str:
        top = "*".join(self.tight(x, PRODUCT) for x in above) or "1"
        if not below:
            return top
        text = "*".join(self.tight(x, POWER if len(below) == 1 else PRODUCT) for x in below)
        return f"{top}/{text if len(below) == 1 else self.parentheses(text)}"

    def power(self, expr: Any) -> tuple[str, int]:
        """A root, a norm, or a power."""
        base, exponent = expr.args
        if exponent.is_Rational and exponent.q == 2:
            root = self.norm(base) or self.root(base)
            return (root, ATOM) if exponent.p == 1 else (self.raised(root, str(exponent.p)), POWER)
        return self.raised(self.tight(base, ATOM), self.tight(exponent, ATOM)), POWER

    def norm(self, base: Any) -> str:
        """The root of a sum of squares, "" for other roots."""
        total = base.args[0] if isinstance(base, nodes.Everywhere) else base
        if not isinstance(total, nodes.Total):
            return ""
        factors = sp.Mul.make_args(total.args[0])
        if not all(isinstance(f, sp.Pow) and f.exp.is_Integer and f.exp % 2 == 0 for f in factors):
            return ""
        inside = sp.Mul(*(f.base ** (f.exp / 2) for f in factors))
        return self.bars(self(inside)) + self.index(base)

    def index(self, expr: Any) -> str:
        """Over what a sum goes, if not over all there is."""
        if isinstance(expr, nodes.Everywhere | nodes.Throughout):
            return ""
        letters = "".join(s.name for s in expr.args[1:])
        if letters != self.letters:
            return self.subscript(letters)
        return self.subscript(self.leaf) if self.leafwise else ""

    def clipped(self, expr: Any) -> str:
        """`min(max(x, low), high)` as a clip, "" if it is none."""
        for high, inner in (expr.args, expr.args[::-1]):
            if isinstance(inner, nodes.Maximum) and self.rank(high) <= self.rank(inner):
                low, x = self.in_order(inner.args)
                return self.applied("clip", [x, low, high])
        return ""

    def cases(self, expr: Any) -> str:
        """`a if c else b if d else e`, in parentheses."""
        text = ""
        while isinstance(expr, nodes.Case):
            condition, yes, expr = expr.args
            text += f"{self.tight(yes, SUM)} if {self(condition)} else "
        return self.parentheses(text + self(expr))

    def condition(self, expr: Any) -> str:
        """`a and b`, `a or b`, `not a`."""
        if isinstance(expr, sp.Not):
            return self.word("not ") + self.tight(expr.args[0], SUM)
        word = self.word(" and " if isinstance(expr, sp.And) else " or ")
        args = sorted(expr.args, key=sp.default_sort_key)
        return word.join(self.tight(x, LOOSE if isinstance(x, Relational) else SUM) for x in args)

    def function(self, expr: Any) -> str:
        """A function of its arguments; of an operation without a formula, what it depends on."""
        if isinstance(expr, nodes.Everywhere | nodes.Throughout):
            expr, whole = expr.args[0], expr
            return self.applied(self.names[type(expr)] + self.index(whole), expr.args[:1])
        if isinstance(expr, nodes.Call):
            name = expr.args[0].name.partition("#")[0]
            inputs = set().union(*(x.free_symbols for x in expr.args[1:]))
            inputs = {sp.Symbol(s.name.partition("@")[0]) for s in inputs if _varies(s)}
            return self.applied(self.name(name), self.in_order(inputs))
        if isinstance(expr, nodes.Remainder):
            return self.parentheses(self.word(" mod ").join(self.tight(x, ATOM) for x in expr.args))
        name = self.names.get(type(expr)) or self.name(type(expr).__name__.lower())
        if type(expr) in (nodes.Total, nodes.Largest, nodes.All, nodes.Some):
            return self.applied(name + self.index(expr), expr.args[:1])
        return self.applied(name, expr.args)

    def applied(self, name: str, args: Sequence[Any]) -> str:
        return f"{name}({', '.join(map(self, args))})"

    # The marks.
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

    def symbol(self, name: str) -> str:
        parts = parse(name)
        time = f"[{parts['time'].replace('t', self.time)}]" if parts["time"] else ""
        leaf = f"{{{parts['leaf']}}}" if parts["leaf"] else ""
        return parts["base"] + (parts["hat"] or "") + leaf + time

    def number(self, value: float) -> str:
        return decimal(value)

    def parentheses(self, text: str) -> str:
        return f"({text})"

    def relation(self, mark: str) -> str:
        return mark

    def raised(self, base: str, exponent: str) -> str:
        return f"{base}^{exponent}"

    def root(self, base: Any) -> str:
        return f"sqrt({self(base)})"

    def bars(self, text: str) -> str:
        return f"‖{text}‖"

    def subscript(self, text: str) -> str:
        return f"_{text}"

    def word(self, word: str) -> str:
        return word

    def name(self, name: str) -> str:
        return name


def _negative(expr: Any) -> bool:
    """Whether it reads with a minus sign in front."""
    coefficient = expr.as_coeff_Mul()[0] if isinstance(expr, sp.Mul) else expr
    return bool(coefficient.is_Number and coefficient.is_negative)


def _varies(symbol: Any) -> bool:
    """Whether a symbol is more than a number or the name of an operation."""
    return not isinstance(symbol, nodes.Decimal) and "#" not in symbol.name


def _below(factor: Any) -> bool:
    """Whether a factor stands below the line of a fraction."""
    exponent = factor.exp if isinstance(factor, sp.Pow) else sp.S.One
    return bool(exponent.is_Number and exponent.is_negative)
