"""THE table of operations: a row says what one computes, and how every notation writes it.

`value` computes it in NumPy, of arrays. In a program `numpy` and `torch` write it for arrays,
`number` for Python's numbers in both; in JavaScript everything is a number. There `{0}` and `{1}`
are the arguments, and `{tight0}` is one in parentheses if it is no single thing; what has no text
cannot be written as a program. In text and LaTeX it is called by its name unless `text` and `latex`
say otherwise; `sympy` is its name there.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np


class Operation(NamedTuple):
    """What an operation computes, and how it is written."""

    value: Callable[..., Any]
    numpy: str = ""
    torch: str = ""
    number: str = ""
    javascript: str = ""
    latex: str = ""
    sympy: str = ""
    text: str = ""
    fold: Callable[..., Any] = np.add  # of an aggregate: of two parts

    def of(self, language: str, arrays: bool) -> str:
        """In a programming language, for arrays or for numbers."""
        if language == "javascript" or arrays:
            return getattr(self, language)
        own = self.number[:4] in ("max(", "min(", "abs(")  # Python's, which are enough
        return self.numpy if language == "numpy" and not own else self.number


def _alike(value: Any, name: str, latex: str = "", sympy: str = "") -> Operation:
    """An operation that all call by one name."""
    texts = (f"{library}.{name}({{0}})" for library in ("np", "torch", "math", "Math"))
    return Operation(value, *texts, latex=latex, sympy=sympy or name)


def _inverse(value: Any, name: str) -> Operation:
    texts = (f"{library}.a{name}({{0}})" for library in ("torch", "math", "Math"))
    return Operation(value, f"np.arc{name}({{0}})", *texts, sympy=f"a{name}")


def _extreme(value: Any, name: str, long: str) -> Operation:
    calls = f"np.{long}", f"torch.{long}", name, f"Math.{name}"
    return Operation(value, *(f"{f}({{0}}, {{1}})" for f in calls), latex=f"\\{name}")


SPECIAL = jax.scipy.special
FUNCTIONS: dict[str, Operation] = {
    "sqrt": Operation(
        np.sqrt, "np.sqrt({0})", "torch.sqrt({0})", "{tight0}**0.5", "Math.sqrt({0})"
    ),
    "abs": Operation(np.abs, "np.abs({0})", "torch.abs({0})", "abs({0})", "Math.abs({0})"),
    "sign": Operation(
        np.sign, "np.sign({0})", "torch.sign({0})", "(({0} > 0) - ({0} < 0))", "Math.sign({0})"
    ),
    "max": _extreme(np.maximum, "max", "maximum"),
    "min": _extreme(np.minimum, "min", "minimum"),
    "mod": Operation(np.mod, *["{tight0} % {tight1}"] * 4, sympy="Mod"),
    "isfinite": Operation(
        np.isfinite,
        "np.isfinite({0})", "torch.isfinite({0})", "math.isfinite({0})", "Number.isFinite({0})",
    ),
    "isnan": Operation(
        np.isnan, "np.isnan({0})", "torch.isnan({0})", "math.isnan({0})", "Number.isNaN({0})"
    ),
    "cbrt": Operation(
        np.cbrt,
        "np.cbrt({0})", "torch.sign({0})*torch.abs({0})**(1/3)", "math.cbrt({0})",
        "Math.cbrt({0})", sympy="cbrt",
    ),
    "exp": _alike(np.exp, "exp", r"\exp"),
    "log": _alike(np.log, "log", r"\log"),
    "sin": _alike(np.sin, "sin", r"\sin"),
    "cos": _alike(np.cos, "cos", r"\cos"),
    "tan": _alike(np.tan, "tan"),
    "sinh": _alike(np.sinh, "sinh"),
    "cosh": _alike(np.cosh, "cosh"),
    "tanh": _alike(np.tanh, "tanh", r"\tanh"),
    "asin": _inverse(np.arcsin, "sin"),
    "acos": _inverse(np.arccos, "cos"),
    "atan": _inverse(np.arctan, "tan"),
    "floor": _alike(np.floor, "floor"),
    "trunc": _alike(np.trunc, "trunc")._replace(sympy=""),
    "atan2": Operation(np.arctan2, sympy="atan2"),
    "erf": Operation(SPECIAL.erf, sympy="erf"),
    "erfc": Operation(SPECIAL.erfc, sympy="erfc"),
    "erf_inv": Operation(SPECIAL.erfinv),
    "lgamma": Operation(SPECIAL.gammaln),
    "digamma": Operation(SPECIAL.digamma),
    "nextafter": Operation(np.nextafter),
}  # fmt: skip

# Over all places of an array.
AGGREGATES: dict[str, Operation] = {
    "sum": Operation(
        np.sum, "np.sum({0})", "torch.sum({0})", "sum({0})", "sum", r"\sum", text="Σ"
    ),
    "max": Operation(
        np.max, "np.max({0})", "torch.max({0})", "max({0})", "largest", r"\max", fold=np.maximum
    ),
    "min": Operation(
        np.min, "np.min({0})", "torch.min({0})", "min({0})", "smallest", r"\min", fold=np.minimum
    ),
    "prod": Operation(
        np.prod, "np.prod({0})", "torch.prod({0})", "math.prod({0})", "product", r"\prod",
        text="Π", fold=np.multiply,
    ),
    "and": Operation(
        np.all, "np.all({0})", "torch.all({0})", "all({0})", "all", r"\operatorname{all}",
        text="all", fold=np.logical_and,
    ),
    "or": Operation(
        np.any, "np.any({0})", "torch.any({0})", "any({0})", "any", r"\operatorname{any}",
        text="any", fold=np.logical_or,
    ),
}  # fmt: skip
