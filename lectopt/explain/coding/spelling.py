"""Terms as text of a programming language, with no more parentheses than are needed."""

from collections.abc import Callable

from lectopt.explain.coding.arithmetic import (
    AND,
    ATOM,
    CASES,
    COMPARED,
    NOT,
    OR,
    POWER,
    PRODUCT,
    SIGNED,
    SUM,
    Arithmetic,
    Text,
)  # fmt: skip
from lectopt.explain.coding.operations import TABLE
from lectopt.explain.coding.planning import is_array
from lectopt.explain.terms import INF, NAN, ZERO, Term, is_num


class _Argument(str):
    """The text of an argument, whose `repr` is in parentheses unless it is one thing."""

    atom: str = ""

    def __repr__(self) -> str:
        return self.atom


class Speller(Arithmetic):
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
        """The text of a term."""
        return self.text(x)[0]

    def written(self, x: Term) -> str:
        """The term written out, though it has a name."""
        self._open = x
        text = self.written_out(x)[0]
        self._open = None
        return text

    def text(self, x: Term) -> Text:
        """The text of a term, and how strongly it holds together."""
        found = self.named(x)
        if found is not None:
            return found, ATOM
        return self.written_out(x)

    def written_out(self, x: Term) -> Text:
        """The text of a term whatever its name."""
        a = x.args
        match x.op:
            case "num":
                return self.number_of(a[0])
            case "bool":
                text = str(a[0])
                return (text.lower() if self.language == "javascript" else text), ATOM
            case "sym":
                return self._infinite(x)
            case "add":
                return self.sum_of(x)
            case "mul" | "div":
                return self.product_of(x)
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
