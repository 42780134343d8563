"""Writing an expression the way a slide has it: settings before statistics before the gradient.

`Text` finds the order of terms and factors, the fractions, roots, norms and cases; `latex.Latex`
changes only the marks.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import sympy as sp
from sympy.core.relational import Relational

from lectopt.explain.algebra import nodes
from lectopt.explain.algebra.cases import Case
from lectopt.explain.algebra.names import parse, untagged
from lectopt.explain.algebra.nodes import Decimal, constant, square_root, t
from lectopt.explain.writing.marks import Marks
from lectopt.explain.writing.terms import (
    ATOM,
    LOOSE,
    POWER,
    PRODUCT,
    RELATIONS,
    SUM,
    divides,
    is_pi,
    negative,
    over,
    varies,
)

MOVES = ("transposed", "moved")


class Text(Marks):
    """Plain text.

    Args:
      gradient: the letter of the gradient, which comes last in a product.
      params: the letter of the parameters, which come first in a sum.
      time: the letter of the step number.
      letters: of the places of a whole leaf: a sum over them all needs no index.
      leaves: how many there are: a sum over one of several must be told from one over all.
      rates: letters of settings that change with the step.
    """

    def __init__(
        self,
        gradient: str = "g",
        params: str = "θ",
        time: str = "t",
        letters: str = "i",
        leaves: int = 1,
        rates: frozenset[str] = frozenset(),
    ):
        self.gradient, self.params, self.time = gradient, params, time
        self.letters, self.leaves, self.rates = letters, leaves, rates

    def __call__(self, expr: Any) -> str:
        """The expression, without parentheses around it."""
        text, _ = self.write(expr)
        return text[1:-1] if isinstance(expr, Case) and text.startswith("(") else text

    def tight(self, expr: Any, strength: int) -> str:
        """The expression, in parentheses if it holds together less tightly than needed."""
        text, own = self.write(expr)
        return text if own >= strength else self._parentheses(text)

    def rank(self, expr: Any) -> int:
        """Reading order: numbers, settings, the old state, the new one, the gradient."""
        parts = [parse(s.name) for s in expr.free_symbols if s != t]
        if any(p["base"] == self.gradient for p in parts):
            return 4
        times = {p["time"] for p in parts if p["time"] and p["base"] not in self.rates}
        if times:
            return 2 if times == {"t-1"} else 3
        return int(bool(parts) or expr.has(t))

    def in_order(self, exprs: Iterable[Any]) -> list[Any]:
        """By rank, then by SymPy's order."""
        return sorted(exprs, key=lambda x: (self.rank(x), self.steps(x), sp.default_sort_key(x)))

    def steps(self, expr: Any) -> bool:
        """Whether an expression is a bare letter: these come first among their rank."""
        return not expr.is_Symbol

    def write(self, expr: Any) -> tuple[str, int]:
        """The expression and how tightly it holds together."""
        if isinstance(expr, nodes.Decimal):
            return self._number(expr.value), ATOM
        if expr.is_Symbol:
            return (self.time if expr == t else self._symbol(expr.name)), ATOM
        if isinstance(expr, sp.Rational) and not expr.is_Integer:
            return self.product(expr), PRODUCT
        if expr.is_Number or expr in (sp.zoo, sp.true, sp.false):
            infinite: dict[Any, str] = {sp.oo: self.infinity, sp.zoo: self.infinity}
            text = (infinite | {-sp.oo: f"-{self.infinity}"}).get(expr, str(expr))
            return text, ATOM if not text.startswith("-") else SUM
        if isinstance(expr, sp.Add) and over(expr)[1] == 1:
            return self.sum(expr), SUM
        if isinstance(expr, sp.Add | sp.Mul) or (isinstance(expr, sp.Pow) and divides(expr)):
            return self.product(expr), SUM if negative(expr) else PRODUCT
        if isinstance(expr, sp.Pow):
            return self.power(expr)
        if isinstance(expr, Case):
            return self.cases(expr), ATOM
        if isinstance(expr, Relational):
            a, b = (self.tight(x, SUM) for x in expr.args)
            if isinstance(expr, sp.Eq) and expr.rhs == 0:
                a = self.norm(expr.lhs) or a
            return f"{a} {self._relation(RELATIONS[type(expr)])} {b}", LOOSE
        if isinstance(expr, sp.And | sp.Or | sp.Not):
            return self.condition(expr), LOOSE
        if isinstance(expr, nodes.Minimum) and (clip := self.clipped(expr)):
            return clip, ATOM
        return self.function(expr), ATOM

    def sum(self, expr: Any) -> str:
        """Parameters or the step first, then what is added, a decay last, then what is taken
        off."""

        def order(x: Any) -> Any:
            names: list[Any] = [y for y in sp.Mul.make_args(x) if y.is_Symbol]
            weight = any(parse(y.name)["base"] == self.params for y in names)
            first = x == t or (weight and x.is_Symbol)  # t + 1, θ[t-1] - ...
            decay = weight and len(names) == len(sp.Mul.make_args(x))  # λ*θ[t-1]
            constant = self.rank(x) < 2 and not negative(x)
            return not first, negative(x), constant, decay, self.rank(x), sp.default_sort_key(x)

        text = ""
        for term in sorted(expr.args, key=order):
            minus = negative(term)
            part = self.tight(-term if minus else term, PRODUCT)
            text += (" - " if minus else " + ") + part if text else ("-" if minus else "") + part
        return text

    def product(self, expr: Any) -> str:
        """Settings, statistics, gradient over what divides them."""
        sign = "-" if negative(expr) else ""
        factors = sp.Mul.make_args(-expr if sign else expr)
        above: list[Any] = []
        below: list[Any] = []
        for factor in factors:
            if isinstance(factor, sp.Rational):
                above += [sp.Integer(factor.p)] * (factor.p != 1)
                below += [sp.Integer(factor.q)] * (factor.q != 1)
            elif divides(factor):
                below.append(1 / factor)
            else:
                factor, denominator = over(factor)
                above.append(factor)
                below += [sp.Integer(denominator)] * (denominator != 1)
        above, numbers = _collected(above)
        below, others = _collected(below)
        whole = all(float(x).is_integer() for x in (*numbers, *others))
        if len(numbers) > 1 or len(others) > 1 or (numbers and others and not whole):
            # Several numbers are one.
            numbers, others = [math.prod(numbers)], [math.prod(others)]
            numbers, others = (numbers, others) if whole else ([numbers[0] / others[0]], [])
        numbers, others = ([x for x in xs if x != 1] for xs in (numbers, others))
        above, below = [*map(constant, numbers), *above], [*map(constant, others), *below]
        roots = [
            x for x in above if isinstance(x, sp.Pow) and x.exp == sp.S.Half and self.rank(x) < 2
        ]
        if len(roots) > 1:  # one root of settings, not one of each
            together = sp.Pow(sp.Mul(*(x.base for x in roots)), sp.S.Half, evaluate=False)
            above = [together, *(x for x in above if x not in roots)]
        return sign + self._fraction(self.in_order(above), self.in_order(below))

    def _fraction(self, above: Sequence[Any], below: Sequence[Any]) -> str:
        top = "*".join(self.tight(x, PRODUCT) for x in above) or "1"
        if not below:
            return top
        text = "*".join(self.tight(x, POWER if len(below) == 1 else PRODUCT) for x in below)
        return f"{top}/{text if len(below) == 1 else self._parentheses(text)}"

    def power(self, expr: Any) -> tuple[str, int]:
        """A root, a norm, or a power."""
        base, exponent = expr.args
        if exponent.is_Rational and exponent.q == 2:
            root = self.norm(base) or self._root(self(base))
            return (root, ATOM) if exponent.p == 1 else (self._raised(root, str(exponent.p)), POWER)
        return self._raised(self.tight(base, ATOM), self.exponent(exponent)), POWER

    def exponent(self, expr: Any) -> str:
        """What stands above a base."""
        return self.tight(expr, ATOM)

    def norm(self, base: Any) -> str:
        """The root of a sum of squares, "" for other roots."""
        total = base.args[0] if isinstance(base, nodes.Everywhere) else base
        if not isinstance(total, nodes.Total):
            return ""
        inside = square_root(total.args[0])
        if inside is None:
            return ""
        return self._bars(self(inside)) + self.index(base)

    def index(self, expr: Any) -> str:
        """Over what a sum goes, if not over all there is."""
        if isinstance(expr, nodes.Everywhere | nodes.Throughout):
            return ""
        letters = "".join(s.name for s in expr.args[1:])
        if letters not in (self.letters, nodes.WHOLE.name):
            return self._subscript(letters)
        return self._subscript(self.leaf) if self.leaves > 1 else ""

    def clipped(self, expr: Any) -> str:
        """`min(max(x, low), high)` as a clip, "" if it is none."""
        for high, inner in (expr.args, expr.args[::-1]):
            if isinstance(inner, nodes.Maximum) and self.rank(high) <= self.rank(inner):
                low, x = self.in_order(inner.args)
                return self._applied("clip", [x, low, high])
        return ""

    def cases(self, expr: Any) -> str:
        """`a if c else b if d else e`, in parentheses."""
        text = ""
        while isinstance(expr, Case):
            condition, yes, expr = expr.args
            text += f"{self.tight(yes, SUM)} if {self(condition)} else "
        return self._parentheses(text + self(expr))

    def condition(self, expr: Any) -> str:
        """`a and b`, `a or b`, `not a`."""
        if isinstance(expr, sp.Not):
            return self._word("not ") + self.tight(expr.args[0], SUM)
        word = self._word(" and " if isinstance(expr, sp.And) else " or ")
        args = sorted(expr.args, key=sp.default_sort_key)
        return word.join(self.tight(x, LOOSE if isinstance(x, Relational) else SUM) for x in args)

    def function(self, expr: Any) -> str:
        """A function of its arguments; of an operation without a formula, what it depends on."""
        if isinstance(expr, nodes.Everywhere | nodes.Throughout):
            expr, whole = expr.args[0], expr
            return self._applied(self.names[type(expr)] + self.index(whole), expr.args[:1])
        if isinstance(expr, nodes.Stack):
            return self._list(list(map(self, expr.args[1:])))
        if isinstance(expr, nodes.Call):
            name = str(expr.args[0]).partition("#")[0]
            if name in MOVES:  # it is told of what
                return self._applied(self._name(name), expr.args[1:])
            inputs: set[Any] = set().union(*(x.free_symbols for x in expr.args[1:]))
            inputs = {s for s in inputs if varies(s)}
            often = Counter(map(untagged, inputs))
            # What depends on all leaves depends on the tree.
            inputs = {untagged(s) if often[untagged(s)] == self.leaves else s for s in inputs}
            return self._applied(self._name(name), self.in_order(inputs))
        if isinstance(expr, nodes.Modulus):
            return self._parentheses(
                self._word(" mod ").join(self.tight(x, ATOM) for x in expr.args)
            )
        name = self.names.get(type(expr)) or self._name(type(expr).__name__.lower())
        if type(expr) in (nodes.Total, nodes.Largest, nodes.All, nodes.Some):
            return self._applied(name + self.index(expr), expr.args[:1])
        return self._applied(name, expr.args)

    def _applied(self, name: str, args: Sequence[Any]) -> str:
        return f"{name}({', '.join(map(self, args))})"


def _collected(factors: Sequence[Any]) -> tuple[list[Any], list[float]]:
    """The factors that are no numbers, and the values of those that are."""
    numbers, rest = [], []
    for factor in factors:
        base, power = factor.as_base_exp()
        if factor.is_Integer:
            numbers.append(int(factor))
        elif isinstance(base, Decimal) and power.is_Integer and not is_pi(base.value):
            numbers.append(base.value ** int(power))
        else:
            rest.append(factor)
    return rest, numbers
