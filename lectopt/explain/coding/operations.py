"""THE table of operations: how NumPy, PyTorch, Python's numbers and JavaScript write each.

Of a function of arrays `numpy` and `torch`; of numbers `number`, in both; in JavaScript everything
is a number. `{0}` and `{1}` are the arguments; `{0!r}` one that is put into parentheses if it is no
single thing.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """How an operation is written."""

    numpy: str
    torch: str
    number: str
    javascript: str


def _alike(name: str) -> Row:
    """An operation that all call by one name."""
    return Row(*(f"{library}.{name}({{0}})" for library in ("np", "torch", "math", "Math")))


def _inverse(name: str) -> Row:
    return Row(f"np.arc{name}({{0}})", *(f"{k}.a{name}({{0}})" for k in ("torch", "math", "Math")))


TABLE = {
    "sqrt": Row("np.sqrt({0})", "torch.sqrt({0})", "{0!r}**0.5", "Math.sqrt({0})"),
    "abs": Row("np.abs({0})", "torch.abs({0})", "abs({0})", "Math.abs({0})"),
    "sign": Row("np.sign({0})", "torch.sign({0})", "(({0} > 0) - ({0} < 0))", "Math.sign({0})"),
    "max": Row(
        "np.maximum({0}, {1})", "torch.maximum({0}, {1})", "max({0}, {1})", "Math.max({0}, {1})"
    ),
    "min": Row(
        "np.minimum({0}, {1})", "torch.minimum({0}, {1})", "min({0}, {1})", "Math.min({0}, {1})"
    ),
    "floordiv": Row(
        "{0!r}//{1!r}", "{0!r}//{1!r}", "{0!r}//{1!r}", "Math.floor({0!r}/{1!r})"
    ),
    "mod": Row("{0!r} % {1!r}", "{0!r} % {1!r}", "{0!r} % {1!r}", "{0!r} % {1!r}"),
    "is_finite": Row(
        "np.isfinite({0})", "torch.isfinite({0})", "math.isfinite({0})", "Number.isFinite({0})"
    ),
    "is_number": Row("({0} == {0})", "({0} == {0})", "({0} == {0})", "!Number.isNaN({0})"),
    "cbrt": Row(
        "np.cbrt({0})", "torch.sign({0})*torch.abs({0})**(1/3)", "math.cbrt({0})", "Math.cbrt({0})"
    ),
    **{name: _alike(name) for name in (
        "exp", "log", "floor", "trunc", "tanh", "sin", "cos", "tan", "sinh", "cosh")},
}  # fmt: skip
TABLE |= {f"a{name}": _inverse(name) for name in ("sin", "cos", "tan")}

# Sums and their like over all places of an array.
OVER = {
    "sum": Row("np.sum({0})", "torch.sum({0})", "sum({0})", "sum"),
    "max": Row("np.max({0})", "torch.max({0})", "max({0})", "largest"),
    "min": Row("np.min({0})", "torch.min({0})", "min({0})", "smallest"),
    "prod": Row("np.prod({0})", "torch.prod({0})", "math.prod({0})", "product"),
    "and": Row("np.all({0})", "torch.all({0})", "all({0})", "all"),
    "or": Row("np.any({0})", "torch.any({0})", "any({0})", "any"),
}
