"""Terms as text of a programming language, with no more parentheses than are needed."""

from collections.abc import Callable
from fractions import Fraction

from lectopt.explain.coding.operations import TABLE
from lectopt.explain.coding.planning import is_array
from lectopt.explain.terms import INF, NAN, ONE, ZERO, Term, div, is_num, mul, num

# How strongly a text holds together.
CASES, OR, AND, NOT, COMPARED, SUM, PRODUCT, SIGNED, POWER, ATOM = range(10)
Text = tuple[str, int]


class _Argument(str):
    """The text of an argument, whose `repr` is in parentheses unless it is one thing."""

    atom: str = ""

    def __repr__(self) -> str:
        return self.atom


class Speller:
    """Terms in a language.

    Args:
      language: "numpy", "torch" or "javascript".
      named: the text that stands for a term or a symbol here, None if it is to be written out.
      summed: the text of a sum, a maximum, ... over places.
      like: the text of the leaf.
    """

    def __init__(
        self,
        language: str,
        named: Callable[[Term], str | None],
        summed: Callable[["Speller", Term], str],
        like: str = "",
    ):
        self.language, self._named, self.summed = language, named, summed
        self.like = like
        self._open: Term | None = None

    def named(self, x: Term) -> str | None:
        """The text that stands for a term, None if it is to be written out."""
        return None if x is self._open else self._named(x)

    def __call__(self, x: Term) -> str:
        return self.text(x)[0]

    def written(self, x: Term) -> str:
        """The term written out, though it has a name."""
        self._open = x
        text = self._text(x)[0]
        self._open = None
        return text

    def within(self, x: Term, least: int) -> str:
        """The text, in parentheses if it holds together less than that."""
        text, strength = self.text(x)
        return text if strength >= least else f"({text})"

    def text(self, x: Term) -> Text:
        """The text of a term, and how strongly it holds together."""
        found = self.named(x)
        if found is not None:
            return found, ATOM
        return self._text(x)

    def _text(self, x: Term) -> Text:
        a = x.args
        match x.op:
            case "num":
                return self._number(a[0])
            case "bool":
                text = str(a[0])
                return (text.lower() if self.language == "javascript" else text), ATOM
            case "sym":
                return self._infinite(x)
            case "add":
                return self._sum(x)
            case "mul" | "div":
                return self._product(x)
            case "pow":
                return f"{self.within(a[0], ATOM)}**{self.within(a[1], ATOM)}", POWER
            case "lt" | "eq":
                return self._compared(x, True)
            case "and" | "not":
                return self._logical(x)
            case "ite":
                return self._cases(x)
            case "agg":
                return self.summed(self, x), ATOM
        return self._function(x.op if x.op != "fn" else a[0], [y for y in a if isinstance(y, Term)])

    def _infinite(self, x: Term) -> Text:
        names = {INF: ("np.inf", "math.inf", "Infinity"), NAN: ("np.nan", "math.nan", "NaN")}
        return names[x][("numpy", "torch", "javascript").index(self.language)], ATOM

    def _number(self, value: Fraction) -> Text:
        if value.denominator == 1 and abs(value) < 10**16:
            text = str(int(value))
        else:
            short = f"{float(value):.15g}"
            text = short if len(short) < 15 else repr(float(value))
        return text, ATOM if value >= 0 else SIGNED

    # Arithmetic.

    def _sum(self, x: Term) -> Text:
        terms, number = self._addends(x)
        parts = [self._signed(y) for y in terms]
        if number:
            own = (number < 0, num(abs(number)))
            parts = [*parts, own] if number < 0 or all(not s for s, _ in parts) else [own, *parts]
        parts.sort(key=lambda part: part[0]) if parts[0][0] else None
        out = ""
        for minus, y in parts:
            text = self.within(y, PRODUCT if minus else SUM)
            sign = "-" if minus else "+"
            out = f"{out} {sign} {text}" if out else self._negated(text) if minus else text
        return out, SUM

    def _addends(self, x: Term) -> tuple[list[Term], Fraction]:
        """What is added up that has no name, and the numbers among it."""
        if x.op == "add" and self.named(x) is None:
            (a, m), (b, n) = map(self._addends, x.args)
            return [*a, *b], m + n
        return ([], x.args[0]) if is_num(x) else ([x], Fraction(0))

    def _signed(self, x: Term) -> tuple[bool, Term]:
        """Whether a term is written with a minus, and what follows that."""
        if self.named(x) is not None:
            return False, x
        if is_num(x) and x.args[0] < 0:
            return True, num(-x.args[0])
        if x.op in ("mul", "div"):
            minus, first = self._signed(x.args[0])
            other, second = self._signed(x.args[1])
            if minus or other:
                made = mul(first, second) if x.op == "mul" else div(first, second)
                return minus != other, made
        return False, x

    def _negated(self, text: str) -> str:
        """A minus before a product; JavaScript wants none before a power."""
        return f"-({text})" if self.language == "javascript" and "**" in text else f"-{text}"

    def _product(self, x: Term) -> Text:
        minus, x = self._signed(x)
        if minus:
            return self._negated(self.within(x, PRODUCT)), SUM
        if self.named(x) is not None:
            return str(self.named(x)), ATOM
        if x.op not in ("mul", "div"):
            return self._text(x)
        above, below = self._factors(x)
        value = Fraction(1)
        for y in [y for y in above if is_num(y)]:
            above.remove(y)
            value *= y.args[0]
        top = [self._powers(y, k) for y, k in _counted(above)]
        if value != 1 or not top:
            top.insert(0, self._number(value)[0])
        bottom = [self._powers(y, k) for y, k in _counted(below)]
        text = "*".join(top)
        if bottom:
            text += "/" + (bottom[0] if len(bottom) == 1 else f"({'*'.join(bottom)})")
        return text, PRODUCT if len(top) + len(bottom) > 1 else self._alone(above, below, value)

    def _alone(self, above: list[Term], below: list[Term], value: Fraction) -> int:
        return POWER if len(above) > 1 else ATOM

    def _factors(self, x: Term) -> tuple[list[Term], list[Term]]:
        """What stands above and below the line."""
        if x.op not in ("mul", "div") or self.named(x) is not None:
            return [x], []
        (a, b), (c, d) = map(self._factors, x.args)
        if x.op == "div":
            c, d = d, c
        above = [y for y in (*a, *c) if y is not ONE]
        return above, [*b, *d]

    def _powers(self, x: Term, k: int) -> str:
        if k == 1:
            return self.within(x, SIGNED if x.op != "num" else ATOM)
        return f"{self.within(x, ATOM)}**{k}"

    # Conditions.

    def _compared(self, x: Term, value: bool) -> Text:
        a, b = x.args
        if x.op == "eq":
            sign = "==" if value else "!="
            sign += "=" if self.language == "javascript" else ""
            a, b = (b, a) if is_num(a) else (a, b)
        elif is_num(a):
            a, b, sign = b, a, ">" if value else "<="
        else:
            sign = "<" if value else ">="
        return f"{self.within(a, SUM)} {sign} {self.within(b, SUM)}", COMPARED

    def _logical(self, x: Term) -> Text:
        if x.op == "not":
            inner = x.args[0]
            if inner.op in ("lt", "eq") and self.named(inner) is None:
                return self._compared(inner, False)
            if inner.op == "and" and self.named(inner) is None:
                return self._joined([_opposite(y) for y in inner.args], "or", is_array(x))
            if self.language == "javascript":
                return f"!{self.within(inner, ATOM)}", SIGNED
            if is_array(x):
                return f"~{self.within(inner, ATOM)}", SIGNED
            return f"not {self.within(inner, COMPARED)}", NOT
        return self._joined(list(x.args), "and", is_array(x))

    def _joined(self, parts: list[Term], how: str, arrays: bool) -> Text:
        strength = AND if how == "and" else OR
        if self.language == "javascript":
            sign = "&&" if how == "and" else "||"
            return f" {sign} ".join(self.within(y, strength + 1) for y in parts), strength
        if arrays:
            sign = "&" if how == "and" else "|"
            return f" {sign} ".join(self.within(y, ATOM) for y in parts), COMPARED
        return f" {how} ".join(self.within(y, strength + 1) for y in parts), strength

    def _cases(self, x: Term) -> Text:
        c, a, b = x.args
        if self.language == "javascript":
            parts = (self.within(y, OR) for y in x.args)
            return "{} ? {} : {}".format(*parts), CASES
        if not is_array(c):
            return f"{self._full(a, x)} if {self.within(c, OR)} else {self._full(b, x)}", CASES
        if x.sort == "bool":
            c, a, b = (self.within(y, ATOM) for y in x.args)
            return f"({c} & {a}) | (~{c} & {b})", COMPARED
        if self.language == "numpy":
            return f"np.where({self(c)}, {self(a)}, {self(b)})", ATOM
        first = self(a) if is_array(a) or is_array(b) else self._full(a, x)
        return f"torch.where({self(c)}, {first}, {self(b)})", ATOM

    def _full(self, x: Term, whole: Term) -> str:
        """A case; an array of it if it is a number and the other case is none."""
        return self.within(x, OR) if is_array(x) or not is_array(whole) else self.full(x)

    def full(self, x: Term) -> str:
        """An array of a number, as large as the leaf."""
        like, library = self.like, "np" if self.language == "numpy" else "torch"
        if self.language == "javascript" or x.sort == "bool":
            return self.within(x, OR)
        if x is ZERO:
            return f"{library}.zeros_like({like})"
        return f"{library}.full_like({like}, {self(x)})"

    def root(self, x: Term) -> str:
        """The value of an array, also if it is the same everywhere."""
        return self(x) if is_array(x) else self.full(x)

    def _function(self, name: str, args: list[Term]) -> Text:
        row = TABLE[name]
        arrays = [y for y in args if is_array(y)]
        if self.language == "javascript":
            pattern = row.javascript
        elif not arrays:
            pattern = row.numpy if self.language == "numpy" and "np." in row.numpy else row.number
            if name in ("max", "min", "abs"):
                pattern = row.number
        else:
            pattern = row.numpy if self.language == "numpy" else row.torch
            if self.language == "torch" and name in ("max", "min") and len(arrays) == 1:
                other = next(y for y in args if y is not arrays[0])
                return f"torch.clamp({self(arrays[0])}, {_BOUND[name]}={self(other)})", ATOM
        texts = []
        for y in args:
            text = _Argument(self(y))
            text.atom = self.within(y, ATOM)
            texts.append(text)
        inner = pattern.format(*texts)
        strength = ATOM if inner.endswith(")") and not pattern.startswith("{") else PRODUCT
        return inner, POWER if pattern == "{0!r}**0.5" else strength


_BOUND = {"max": "min", "min": "max"}


def _opposite(x: Term) -> Term:
    return x.args[0] if x.op == "not" else Term("not", x)


def _counted(factors: list[Term]) -> list[tuple[Term, int]]:
    counts: dict[Term, int] = {}
    for x in factors:
        counts[x] = counts.get(x, 0) + 1
    return list(counts.items())
