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


TABLE = {
    "sqrt": Row("np.sqrt({0})", "torch.sqrt({0})", "{0!r}**0.5", "Math.sqrt({0})"),
    "exp": Row("np.exp({0})", "torch.exp({0})", "math.exp({0})", "Math.exp({0})"),
    "log": Row("np.log({0})", "torch.log({0})", "math.log({0})", "Math.log({0})"),
    "floor": Row("np.floor({0})", "torch.floor({0})", "math.floor({0})", "Math.floor({0})"),
    "trunc": Row("np.trunc({0})", "torch.trunc({0})", "math.trunc({0})", "Math.trunc({0})"),
    "floordiv": Row("{0!r}//{1!r}", "{0!r}//{1!r}", "{0!r}//{1!r}", "Math.floor({0!r}/{1!r})"),
    "mod": Row("{0!r} % {1!r}", "{0!r} % {1!r}", "{0!r} % {1!r}", "{0!r} % {1!r}"),
    "abs": Row("np.abs({0})", "torch.abs({0})", "abs({0})", "Math.abs({0})"),
    "sign": Row(
        "np.sign({0})", "torch.sign({0})", "(({0} > 0) - ({0} < 0))", "Math.sign({0})"
    ),
    "max": Row("np.maximum({0}, {1})", "torch.maximum({0}, {1})", "max({0}, {1})", "Math.max({0}, {1})"),
    "min": Row("np.minimum({0}, {1})", "torch.minimum({0}, {1})", "min({0}, {1})", "Math.min({0}, {1})"),
    "is_finite": Row(
        "np.isfinite({0})", "torch.isfinite({0})", "math.isfinite({0})", "Number.isFinite({0})"
    ),
    "is_number": Row(
        "({0} == {0})", "({0} == {0})", "({0} == {0})", "!Number.isNaN({0})"
    ),
    "cbrt": Row(
        "np.cbrt({0})", "torch.sign({0})*torch.abs({0})**(1/3)", "math.cbrt({0})", "Math.cbrt({0})"
    ),
    "asin": Row("np.arcsin({0})", "torch.asin({0})", "math.asin({0})", "Math.asin({0})"),
    "acos": Row("np.arccos({0})", "torch.acos({0})", "math.acos({0})", "Math.acos({0})"),
    "atan": Row("np.arctan({0})", "torch.atan({0})", "math.atan({0})", "Math.atan({0})"),
    **{
        name: Row(f"np.{name}({{0}})", f"torch.{name}({{0}})", f"math.{name}({{0}})", f"Math.{name}({{0}})")
        for name in ("tanh", "sin", "cos", "tan", "sinh", "cosh")
    },
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
