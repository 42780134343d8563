"""Writing a formula the way a slide has it: settings before statistics before the gradient.

`Text` finds the order of terms and factors, the fractions, roots, norms and cases; `latex.Latex`
changes only the marks.
"""

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import Any

from lectopt.explain.formulas import (
    FLIPPED,
    HALF,
    Cases,
    Function,
    Logic,
    Number,
    Product,
    Relation,
    Sum,
    Symbol,
    Total,
    negated_sum,
    product,
    simple,
    symbols,
    times,
)
from lectopt.explain.letters import parse
from lectopt.explain.styles import (
    ATOM,
    LOOSE,
    POWER,
    PRODUCT,
    SUM,
    Marks,
    apart,
    divides,
    negative,
    root_of,
    square_root,
)


class Text(Marks):
    """Plain text.

    Args:
      gradient: the letter of the gradient, which comes last in a product.
      params: the letter of the parameters, which come first in a sum.
      time: the letter of the step number.
      leaves: how many there are: a sum over one of several must be told from one over all.
      rates: letters of settings that change with the step.
      some: what some leaves are called, by their indices.
    """

    def __init__(
        self,
        gradient: str = "g",
        params: str = "θ",
        time: str = "t",
        leaves: int = 1,
        rates: frozenset[str] = frozenset(),
        some: Callable[[str], str] = str,
    ):
        self.gradient, self.params, self.time = gradient, params, time
        self.leaves, self.rates, self.some = leaves, rates, some
        self._ranks: dict[Any, int] = {}
        self._written: dict[Any, tuple[str, int]] = {}

    def __call__(self, x: Any) -> str:
        """The formula, without parentheses around it."""
        text, _ = self.write(x)
        return text[1:-1] if isinstance(x, Cases) and text.startswith("(") else text

    def tight(self, x: Any, strength: int) -> str:
        """The formula, in parentheses if it holds together less tightly than needed."""
        text, own = self.write(x)
        return text if own >= strength else self._parentheses(text)

    def rank(self, x: Any) -> int:
        """Reading order: numbers, settings, the old state, the new one, the gradient."""
        if x not in self._ranks:
            self._ranks[x] = self._rank(symbols(x))
        return self._ranks[x]

    def _rank(self, names: Iterable[str]) -> int:
        parts = [parse(name) for name in names if name not in ("t", "π")]
        if any(p["base"] == self.gradient and p["time"] for p in parts):
            return 4
        times_ = {p["time"] for p in parts if p["time"] and p["base"] not in self.rates}
        if times_:
            return 2 if times_ == {"t-1"} else 3
        return int(bool(parts) or "t" in names)

    def in_order(self, xs: Iterable[Any]) -> list[Any]:
        """By rank, letters first, then by how they are written."""
        return sorted(xs, key=self._order)

    def _order(self, x: Any) -> Any:
        return self.rank(x), not isinstance(x, Symbol | Number), x != Symbol("t"), self(x)

    def write(self, x: Any) -> tuple[str, int]:
        """The formula and how tightly it holds together."""
        if x not in self._written:
            self._written[x] = self._write(x)
        return self._written[x]

    def _write(self, x: Any) -> tuple[str, int]:
        match x:
            case Symbol():
                return self.symbol(x), ATOM
            case Number() if x.value.denominator == 1:
                whole = int(x.value)
                text = str(whole) if abs(whole) < 10**9 else self._number(whole)
                return text, ATOM if x.value >= 0 else SUM
            case Number() if x.decimal:
                return self._number(float(x.value)), ATOM if x.value >= 0 else SUM
            case Sum():
                return self.sum(x), SUM
            case Product() if (inside := negated_sum(x)) is not None:
                return self.sum(inside), SUM
            case Product() if len(x.powers) == 1 and x.number.value == 1:
                ((base, exponent),) = x.powers
                if not divides(exponent):
                    return self.power(base, exponent)
                return self.product(x), PRODUCT
            case Product() | Number():
                return self.product(product(x)), SUM if negative(x) else PRODUCT
            case Cases():
                return self.cases(x), ATOM
            case Relation():
                return self.relation(x), LOOSE
            case Logic():
                return self.condition(x), LOOSE
            case Total():
                return self.total(x), ATOM
        return self.function(x), ATOM

    def symbol(self, x: Symbol) -> str:
        """A letter, and its index if it does not stand where its array does."""
        if x.name == "t":
            return self._symbol(self.time)
        if x.name in ("inf", "nan"):
            return self.infinity if x.name == "inf" else self._word("nan")
        text = self._symbol(x.name)
        if not x.at:
            return text
        if x.at == ("j", "i"):
            return self._name("transposed") + self._parentheses(text)
        return self._at(text, x.at)

    def sum(self, x: Sum) -> str:
        """Parameters or the step first, then what is added, a decay last, then what is taken
        off."""

        def order(y: Any) -> Any:
            factors = [b for b, _ in product(y).powers]
            names = [b.name for b in factors if isinstance(b, Symbol)]
            weight = any(parse(n)["base"] == self.params and "[" in n for n in names)
            first = y == Symbol("t") or (weight and isinstance(y, Symbol))  # t + 1, θ[t-1] - ...
            decay = weight and len(names) == len(factors)  # λ*θ[t-1]
            constant = self.rank(y) < 2 and not negative(y)
            return not first, negative(y), constant, decay, *self._order(y)

        text = ""
        for part in sorted(x.parts, key=order):
            minus = negative(part)
            one = self.tight(times(Number(Fraction(-1)), part) if minus else part, PRODUCT)
            text += (" - " if minus else " + ") + one if text else ("-" if minus else "") + one
        return text

    def product(self, x: Product) -> str:
        """Settings, statistics, gradient over what divides them."""
        sign = "-" if x.number.value < 0 else ""
        numbers, under = apart(x.number)
        above: list[Any] = []
        below: list[Any] = []
        for base, exponent in x.powers:
            if divides(exponent):
                below.append(simple(Number(Fraction(1)), [(base, -exponent)]))
            else:
                above.append(simple(Number(Fraction(1)), [(base, exponent)]))
        above, below = self.in_order(self._rooted(above)), self.in_order(below)
        return sign + self._fraction([*numbers, *above], [*under, *below])

    def _rooted(self, factors: list[Any]) -> list[Any]:
        """One root of settings, not one of each."""
        roots = [x for x in factors if self.rank(x) < 2 and root_of(x) is not None]
        if len(roots) < 2:
            return factors
        inside: Any = Number(Fraction(1))
        for x in roots:
            inside = times(inside, root_of(x))
        return [
            simple(Number(Fraction(1)), [(inside, HALF)]),
            *(x for x in factors if x not in roots),
        ]

    def _fraction(self, above: Sequence[Any], below: Sequence[Any]) -> str:
        top = "*".join(self.tight(x, PRODUCT) for x in above) or "1"
        if not below:
            return top
        text = "*".join(self.tight(x, POWER if len(below) == 1 else PRODUCT) for x in below)
        return f"{top}/{text if len(below) == 1 else self._parentheses(text)}"

    def power(self, base: Any, exponent: Any) -> tuple[str, int]:
        """A root, a norm, or a power."""
        if isinstance(exponent, Fraction) and exponent.denominator == 2:
            root = self.norm(base) or self._root(self(base))
            whole = exponent.numerator
            return (root, ATOM) if whole == 1 else (self._raised(root, str(whole)), POWER)
        if isinstance(exponent, Fraction):
            exponent = Number(exponent, exponent.denominator != 1)
        return self._raised(self.tight(base, ATOM), self.exponent(exponent)), POWER

    def exponent(self, x: Any) -> str:
        """What stands above a base."""
        return self.tight(x, ATOM)

    def norm(self, base: Any) -> str:
        """The root of a sum of squares, "" for other roots."""
        if not isinstance(base, Total) or base.kind != "sum" or not base.axes:
            return ""
        inside = square_root(base.body)
        return "" if inside is None else self._bars(self(inside)) + self.index(base)

    def index(self, x: Total) -> str:
        """Over what a sum goes, if not over all there is."""
        if x.leaves:
            over_ = "" if x.leaves == "all" else self._subscript(self.some(x.leaves))
            return over_ if x.axes else self._subscript("leaves") + over_
        if x.axes != "leaf":
            return self._subscript(x.axes)
        return self._subscript(self.leaf) if self.leaves > 1 else ""

    def total(self, x: Total) -> str:
        """`Σ(...)` and its like."""
        return self._applied(self.names.get(x.kind, x.kind) + self.index(x), [x.body])

    def cases(self, x: Any) -> str:
        """`a if c else b if d else e`, in parentheses."""
        text = ""
        while isinstance(x, Cases):
            text += f"{self.tight(x.yes, SUM)} if {self(x.condition)} else "
            x = x.no
        return self._parentheses(text + self.tight(x, SUM))

    def relation(self, x: Relation) -> str:
        """A comparison, with what changes most on the left; `‖x‖ == 0` for its square."""
        mark, left, right = x
        if self.rank(left) < self.rank(right) or isinstance(left, Number):
            mark, left, right = FLIPPED.get(mark, mark), right, left
        if right == Number(Fraction(0)) and mark in ("==", "!="):
            norm = self.norm(left)
            if norm:
                return f"{norm} {self._relation(mark)} 0"
        return f"{self.tight(left, SUM)} {self._relation(mark)} {self.tight(right, SUM)}"

    def condition(self, x: Logic) -> str:
        """`a and b`, `a or b`, `not a`."""
        if x.word == "not":
            return self._word("not ") + self.tight(x.args[0], SUM)
        word = self._word(f" {x.word} ")
        args = sorted(self.tight(y, LOOSE if isinstance(y, Relation) else SUM) for y in x.args)
        return word.join(args)

    def function(self, x: Function) -> str:
        """A function of its arguments; of an operation without a formula, what it depends on."""
        if x.name in ("True", "False"):
            return self._word(x.name)
        if x.name.startswith("["):
            return x.name
        if x.name == "min" and (clip := self.clipped(x)):
            return clip
        if x.name == "mod":
            return self._parentheses(self._word(" mod ").join(self.tight(y, ATOM) for y in x.args))
        args = self.in_order(x.args) if x.opaque else x.args
        if x.name in ("max", "min"):
            args = sorted(args, key=self.rank)
        return self._applied(self.names.get(x.name) or self._name(x.name), args)

    def clipped(self, x: Function) -> str:
        """`min(max(y, low), high)` as a clip, "" if it is none."""
        if len(x.args) != 2:
            return ""
        for high, inner in (x.args, x.args[::-1]):
            if isinstance(inner, Function) and inner.name == "max" and len(inner.args) == 2:
                if self.rank(high) <= self.rank(inner):
                    low, y = self.in_order(inner.args)
                    return self._applied(self._name("clip"), [y, low, high])
        return ""

    def _applied(self, name: str, args: Sequence[Any]) -> str:
        return f"{name}({', '.join(map(self, args))})"
