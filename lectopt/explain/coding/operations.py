"""THE table of operations: how NumPy, PyTorch, Python's numbers and JavaScript write each.

Of a function of arrays `numpy` and `torch`; of numbers `number`, in both; in JavaScript everything
is a number. `{0}` and `{1}` are the arguments; `{tight0}` is one in parentheses if it is no single
thing.
"""

from typing import NamedTuple


class Row(NamedTuple):
    """How an operation is written."""

    numpy: str
    torch: str
    number: str
    javascript: str

    def of(self, language: str, arrays: bool) -> str:
        """In a language, for arrays or for numbers."""
        if language == "javascript" or arrays:
            return getattr(self, language)
        own = self.number[:4] in ("max(", "min(", "abs(")  # Python's, which are enough
        return self.numpy if language == "numpy" and not own else self.number


def _alike(name: str, torch: str = "") -> Row:
    """An operation that all call by one name."""
    libraries = ("np", torch or "torch", "math", "Math")
    return Row(*(f"{library}.{name}({{0}})" for library in libraries))


def _inverse(name: str) -> Row:
    return Row(f"np.arc{name}({{0}})", *(f"{k}.a{name}({{0}})" for k in ("torch", "math", "Math")))


def _extreme(name: str, long: str) -> Row:
    return Row(
        *(f"{f}({{0}}, {{1}})" for f in (f"np.{long}", f"torch.{long}", name, f"Math.{name}"))
    )


TABLE = {
    "sqrt": Row("np.sqrt({0})", "torch.sqrt({0})", "{tight0}**0.5", "Math.sqrt({0})"),
    "abs": Row("np.abs({0})", "torch.abs({0})", "abs({0})", "Math.abs({0})"),
    "sign": Row("np.sign({0})", "torch.sign({0})", "(({0} > 0) - ({0} < 0))", "Math.sign({0})"),
    "max": _extreme("max", "maximum"),
    "min": _extreme("min", "minimum"),
    "mod": Row(*["{tight0} % {tight1}"] * 4),
    "isfinite": Row(
        "np.isfinite({0})", "torch.isfinite({0})", "math.isfinite({0})", "Number.isFinite({0})"
    ),
    "isnan": Row("np.isnan({0})", "torch.isnan({0})", "math.isnan({0})", "Number.isNaN({0})"),
    "cbrt": Row(
        "np.cbrt({0})", "torch.sign({0})*torch.abs({0})**(1/3)", "math.cbrt({0})", "Math.cbrt({0})"
    ),
    **{name: _alike(name) for name in (
        "exp", "log", "floor", "trunc", "tanh", "sin", "cos", "tan", "sinh", "cosh")},
    **{f"a{name}": _inverse(name) for name in ("sin", "cos", "tan")},
}  # fmt: skip

# Sums and their like over all places of an array.
OVER = {
    "sum": Row("np.sum({0})", "torch.sum({0})", "sum({0})", "sum"),
    "max": Row("np.max({0})", "torch.max({0})", "max({0})", "largest"),
    "min": Row("np.min({0})", "torch.min({0})", "min({0})", "smallest"),
    "prod": Row("np.prod({0})", "torch.prod({0})", "math.prod({0})", "product"),
    "and": Row("np.all({0})", "torch.all({0})", "all({0})", "all"),
    "or": Row("np.any({0})", "torch.any({0})", "any({0})", "any"),
}
