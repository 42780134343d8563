"""Formulas as text of a programming language: the order of the page, the signs of the language."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from lectopt.explain.expressions import Writable
from lectopt.explain.formulas import (
    FLIPPED,
    HALF,
    NOTHING,
    Cases,
    Function,
    Logic,
    Number,
    Relation,
    Symbol,
    symbols,
)
from lectopt.explain.operations import FUNCTIONS
from lectopt.explain.styles import ATOM, LOOSE, POWER, PRODUCT, SUM
from lectopt.explain.terms import INF, NAN, Term
from lectopt.explain.text import Text


class Language(NamedTuple):
    """What the languages write differently; `library` has the functions of arrays."""

    name: str
    library: str
    math: str
    conjunction: str
    disjunction: str
    negation: str
    equal: str
    truth: tuple[str, str]
    constants: dict[str, str]

    @property
    def arrays(self) -> bool:
        """Whether it computes with whole arrays."""
        return bool(self.library)


NUMPY = Language(
    "numpy", "np", "np", " and ", " or ", "not ", "==", ("True", "False"),
    {"π": "np.pi", "inf": "np.inf", "nan": "np.nan"},
)  # fmt: skip
TORCH = NUMPY._replace(
    name="torch", library="torch", math="math",
    constants={"π": "math.pi", "inf": "math.inf", "nan": "math.nan"},
)  # fmt: skip
JAVASCRIPT = Language(
    "javascript", "", "Math", " && ", " || ", "!", "===", ("true", "false"),
    {"π": "Math.PI", "inf": "Infinity", "nan": "NaN"},
)  # fmt: skip
INTEGER = 10**16  # larger whole numbers are written with an exponent


class Speller(Text):
    """Terms in a language.

    Args:
      language: one of these.
      named: the text that stands for a term here, None if it is to be written out.
      summed: the text of a sum, a maximum, ... over places.
      rank: where a text stands in a product: settings 1, the old state 2, the new 3, gradients 4.
      like: the text of the leaf.
    """

    def __init__(
        self,
        language: Language,
        named: Callable[[Term], str | None],
        summed: Callable[[Term], str],
        rank: Callable[[str], int],
        like: str = "",
    ):
        super().__init__(params="")
        self.language, self.like, self._rank_of = language, like, rank
        self.terms = _Formulas(named, summed)

    def text(self, x: Term) -> str:
        """A term."""
        return self(self.terms(x))

    def written(self, x: Term) -> str:
        """A term written out, though it has a name."""
        self.terms(x)  # its parts, for they are looked up
        return self(self.terms.opened(x))

    def root(self, x: Term) -> str:
        """The value of an array, also if it is the same everywhere."""
        formula = self.terms(x)
        return self(formula) if is_array(formula) else self.full(formula)

    def full(self, x: Any) -> str:
        """An array of a number, as large as the leaf."""
        library = self.language.library
        if not library or _is_condition(x):
            return self(x)
        if x == NOTHING:
            return f"{library}.zeros_like({self.like})"
        return f"{library}.full_like({self.like}, {self(x)})"

    # What `Text` asks for.

    def __call__(self, x: Any) -> str:
        """A formula."""
        return self.write(x)[0]

    def rank(self, x: Any) -> int:
        """Reading order: numbers, settings, the old state, the new one, the gradient."""
        if x not in self._ranks:
            self._ranks[x] = max(map(self._rank_of, symbols(x)), default=0)
        return self._ranks[x]

    def _write(self, x: Any) -> tuple[str, int]:
        if isinstance(x, Number) and x.value.denominator == 1:
            return self._number(x.value), ATOM if x.value >= 0 else SUM
        if isinstance(x, Cases):
            return self.chosen(x)
        if isinstance(x, Logic):
            return self.logical(x)
        if isinstance(x, Function):
            return self.called(x)
        text, strength = super()._write(x)
        # JavaScript has no minus before a power.
        base = text.removeprefix("-")
        if not self.language.arrays and base != text and any(map(base.startswith, self._powers)):
            power = max((p for p in self._powers if base.startswith(p)), key=len)
            text = f"-({power}){base.removeprefix(power)}"
        return text, strength

    def _number(self, value: Any) -> str:
        if isinstance(value, Fraction | int) and abs(value) < INTEGER:
            return str(int(value))
        short = f"{float(value):.15g}"
        return short if len(short) < 15 else repr(float(value))

    def symbol(self, x: Symbol) -> str:
        """A text that stands for something."""
        return self.language.constants.get(x.name, x.name)

    _powers: tuple[str, ...] = ()

    def power(self, base: Any, exponent: Any) -> tuple[str, int]:
        """A root or a power."""
        if isinstance(exponent, Fraction) and exponent.denominator == 2:
            if exponent == HALF:
                return self._of_table("sqrt", [base])
            base, exponent = Function("sqrt", (base,)), exponent * 2
        if isinstance(exponent, Fraction):
            exponent = Number(exponent, exponent.denominator != 1)
        text = f"{self.tight(base, ATOM)}**{self.tight(exponent, ATOM)}"
        self._powers = (*self._powers, text)
        return text, POWER

    # Conditions.

    def relation(self, x: Relation) -> str:
        """A comparison, with a number on the right."""
        mark, left, right = x
        if isinstance(left, Number) and not isinstance(right, Number):
            mark, left, right = FLIPPED.get(mark, mark), right, left
        mark = {"==": self.language.equal, "!=": self.language.equal.replace("=", "!", 1)}.get(
            mark, mark
        )
        return f"{self.tight(left, SUM)} {mark} {self.tight(right, SUM)}"

    def logical(self, x: Logic) -> tuple[str, int]:
        """Conditions with something between, or the opposite of one."""
        language = self.language
        arrays = language.arrays and is_array(x)
        if x.word == "not":
            if arrays:
                return f"~{self.tight(x.args[0], ATOM)}", PRODUCT
            # Python's word binds looser than a comparison, JavaScript's sign tighter.
            loose = language.arrays
            text = self.tight(x.args[0], SUM if loose else ATOM)
            return f"{language.negation}{text}", LOOSE if loose else PRODUCT
        words = {"and": language.conjunction, "or": language.disjunction}
        marks = {"and": " & ", "or": " | "} if arrays else words
        parts = []
        for y in x.args:
            inner = isinstance(y, Logic) and y.word != "not"
            parts.append(self.tight(y, ATOM if arrays or inner else LOOSE))
        return marks[x.word].join(parts), LOOSE

    def chosen(self, x: Cases) -> tuple[str, int]:
        """`yes if condition else no`, of numbers or place by place."""
        c, yes, no = x
        if not self.language.arrays:
            parts = (self.tight(y, LOOSE if y is c else SUM) for y in x)
            return "{} ? {} : {}".format(*parts), LOOSE - 1
        whole = is_array(yes) or is_array(no)
        if not is_array(c):
            texts = (self._case(y, whole) for y in (yes, no))
            return f" if {self(c)} else ".join(texts), LOOSE - 1
        if _is_condition(yes) or _is_condition(no):
            c, a, b = (self.tight(y, ATOM) for y in x)
            return f"({c} & {a}) | (~{c} & {b})", LOOSE
        first = self(yes)
        if self.language is TORCH and not whole:
            first = self.full(yes)
        return f"{self.language.library}.where({self(c)}, {first}, {self(no)})", ATOM

    def _case(self, x: Any, whole: bool) -> str:
        """A case; an array of it if it is a number and the other case is none."""
        return self.full(x) if whole and not is_array(x) else self.tight(x, LOOSE)

    # Functions.

    def called(self, x: Function) -> tuple[str, int]:
        """A function of numbers or of arrays."""
        if x.name in ("True", "False"):
            return self.language.truth[x.name == "False"], ATOM
        if x.name in ("max", "min") and len(x.args) > 2:
            first, *rest = x.args
            return self._of_table(x.name, [first, Function(x.name, tuple(rest))])
        return self._of_table(x.name, x.args)

    def _of_table(self, name: str, args: Sequence[Any]) -> tuple[str, int]:
        row, arrays = FUNCTIONS[name], [y for y in args if is_array(y)]
        if self.language is TORCH and name in BOUND and len(arrays) == 1:
            ((other,), (array,)) = [y for y in args if y not in arrays], arrays
            return f"torch.clamp({self(array)}, {BOUND[name]}={self(other)})", ATOM
        pattern = row.of(self.language.name, bool(arrays))
        plain, tight = [self(y) for y in args], [self.tight(y, ATOM) for y in args]
        text = pattern.format(*plain, **{f"tight{k}": y for k, y in enumerate(tight)})
        if pattern.endswith(")") and not pattern.startswith("{"):
            return text, ATOM
        return text, POWER if "**" in pattern else PRODUCT


BOUND = {"max": "min", "min": "max"}


def is_array(x: Any) -> bool:
    """Whether a formula has a value for every place of a leaf."""
    if isinstance(x, Symbol):
        return bool(x.at)
    return isinstance(x, tuple | frozenset) and any(map(is_array, x))


def _is_condition(x: Any) -> bool:
    named = isinstance(x, Function) and x.name in ("True", "False", "isfinite", "isnan")
    return isinstance(x, Relation | Logic) or named


class _Formulas(Writable):
    """Terms as formulas, in which a text stands for what has a name."""

    def __init__(self, named: Callable[[Term], str | None], summed: Callable[[Term], str]):
        super().__init__({}, 0, {})
        self.named, self.summed = named, summed

    def _of(self, x: Term) -> Any:
        if x is INF or x is NAN:
            return Symbol(x.args[0])
        text = None if x.op in ("num", "bool", "idx") else self.named(x)
        return self.opened(x) if text is None else Symbol(text, ("@",) if x.indices else ())

    def opened(self, x: Term) -> Any:
        """The formula of a term, whatever its name."""
        return Symbol(self.summed(x)) if x.op == "agg" else super()._of(x)

    def _turned(self, x: Cases) -> Cases:
        """NaN obeys no comparison, so that cases stay as they are."""
        return x
