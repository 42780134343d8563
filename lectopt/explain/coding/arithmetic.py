"""Sums, products and numbers as text, with no more parentheses than are needed."""

from fractions import Fraction

from lectopt.explain.terms import ONE, Term, div, is_num, mul, num

# How strongly a text holds together.
CASES, OR, AND, NOT, COMPARED, SUM, PRODUCT, SIGNED, POWER, ATOM = range(10)
Text = tuple[str, int]


class Arithmetic:
    """What all languages write alike; `named` and `text` are those of a `Speller`."""

    language: str

    def named(self, x: Term) -> str | None:
        """The text that stands for a term, None if it is to be written out."""
        raise NotImplementedError

    def text(self, x: Term) -> Text:
        """The text of a term, and how strongly it holds together."""
        raise NotImplementedError

    def written_out(self, x: Term) -> Text:
        """The text of a term whatever its name."""
        raise NotImplementedError

    def within(self, x: Term, least: int) -> str:
        """The text, in parentheses if it holds together less than that."""
        text, strength = self.text(x)
        return text if strength >= least else f"({text})"

    def number_of(self, value: Fraction) -> Text:
        """Of a number, in no more digits than it has."""
        if value.denominator == 1 and abs(value) < 10**16:
            text = str(int(value))
        else:
            short = f"{float(value):.15g}"
            text = short if len(short) < 15 else repr(float(value))
        return text, ATOM if value >= 0 else SIGNED

    def sum_of(self, x: Term) -> Text:
        """Of what is added up."""
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

    def product_of(self, x: Term) -> Text:
        """Of a product or quotient."""
        minus, x = self._signed(x)
        if minus:
            return self._negated(self.within(x, PRODUCT)), SUM
        if self.named(x) is not None:
            return str(self.named(x)), ATOM
        if x.op not in ("mul", "div"):
            return self.written_out(x)
        above, below = self._factors(x)
        value: Fraction = Fraction(1)
        for y in [y for y in above if is_num(y)]:
            above.remove(y)
            value = Fraction(value * y.args[0])
        top = [self._powers(y, k) for y, k in _counted(above)]
        if value != 1 or not top:
            top.insert(0, self.number_of(value)[0])
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


def _counted(factors: list[Term]) -> list[tuple[Term, int]]:
    counts: dict[Term, int] = {}
    for x in factors:
        counts[x] = counts.get(x, 0) + 1
    return list(counts.items())
