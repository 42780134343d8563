"""A schedule as Python text: what it computes, traced in double precision and written down."""

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend import core

from lectopt.numerics import double


class Unwritten(ValueError):
    """A schedule that computes with more than single numbers."""


OPERATORS = dict(
    add="+", add_any="+", sub="-", mul="*", div="/", pow="**", lt="<", le="<=", gt=">", ge=">=",
    eq="==", ne="!=", floor_divide="//", remainder="%",
)  # fmt: skip
SAME = ("convert_element_type", "copy", "stop_gradient", "broadcast_in_dim", "reshape", "squeeze")
FUNCTIONS = (
    "cos", "sin", "tan", "exp", "expm1", "log", "log1p", "sqrt", "floor", "ceil", "tanh",
)  # fmt: skip


class Words:
    """How one library writes functions, choices and bounds."""

    def __init__(self, home: str, chosen: str, low: str, high: str, logic: dict[str, str]):
        self.home, self.chosen, self.low, self.high, self.logic = home, chosen, low, high, logic


WORDS = dict(
    torch=Words("math", "({a} if {c} else {b})", "min", "max", {"and": "and", "or": "or"}),
    keras=Words(
        "keras.ops", "keras.ops.where({c}, {a}, {b})", "keras.ops.minimum", "keras.ops.maximum",
        {"and": "&", "or": "|"},
    ),
    optax=Words(
        "jnp", "jnp.where({c}, {a}, {b})", "jnp.minimum", "jnp.maximum", {"and": "&", "or": "|"}
    ),
)  # fmt: skip


def function_text(name: str, schedule: Callable[[Any], Any], library: str) -> list[str]:
    """A definition of `name(count)`, in lines.

    Raises:
      Unwritten: what it computes is no arithmetic of single numbers.
    """
    try:
        with double():
            jaxpr = jax.make_jaxpr(lambda count: schedule(count))(jnp.zeros((), int))
    except TypeError as error:  # a function that cannot be traced
        raise Unwritten("it branches in Python") from error
    writer = _Writer(WORDS[library])
    (result,) = writer.run(jaxpr.jaxpr, jaxpr.consts, ["count"])
    return [
        f"def {name}(count):",
        *(f"    {line}" for line in writer.lines),
        f"    return {_bare(result)}",
    ]


def number_at(schedule: Callable[[Any], Any], count: int) -> float:
    """The value of a schedule in double precision."""
    with double():
        return float(schedule(count))


class _Writer:
    def __init__(self, words: Words):
        self.words, self.lines = words, list[str]()

    def run(self, jaxpr: Any, consts: Any, given: list[str]) -> list[str]:
        """The texts of what a jaxpr puts out; what is used twice gets a line of its own."""
        texts: dict[Any, str] = dict(zip(jaxpr.invars, given, strict=True))
        texts |= {v: _number(c) for v, c in zip(jaxpr.constvars, consts, strict=True)}
        uses = [v for e in jaxpr.eqns for v in e.invars if not isinstance(v, core.Literal)]
        uses += [v for v in jaxpr.outvars if not isinstance(v, core.Literal)]

        def text(v: Any) -> str:
            return _number(v.val) if isinstance(v, core.Literal) else texts[v]

        for eqn in jaxpr.eqns:
            outs = self.equation(eqn, [text(v) for v in eqn.invars])
            for v, out in zip(eqn.outvars, outs, strict=True):
                if sum(u is v for u in uses) > 1 and out.startswith("("):
                    self.lines.append(f"{(name := f'x{len(self.lines)}')} = {_bare(out)}")
                    out = name
                texts[v] = out
        return [text(v) for v in jaxpr.outvars]

    def equation(self, eqn: Any, given: list[str]) -> list[str]:
        name = eqn.primitive.name
        if any(v.aval.shape for v in (*eqn.invars, *eqn.outvars)):
            raise Unwritten("it computes with arrays")
        if name in ("pjit", "jit", "closed_call", "custom_jvp_call"):
            inner = eqn.params.get("jaxpr") or eqn.params["call_jaxpr"]
            known = eqn.params.get("name")
            if known in OPERATORS:
                return [_operation(OPERATORS[known], *given)]
            return self.run(inner.jaxpr, inner.consts, given)
        return [self.call(name, eqn, given)]

    def call(self, name: str, eqn: Any, given: list[str]) -> str:
        """The text of one operation."""
        words = self.words
        if name in OPERATORS:
            return _operation(OPERATORS[name], *given)
        if name in words.logic:
            return f"({given[0]} {words.logic[name]} {given[1]})"
        if name in SAME:
            whole = jnp.issubdtype(eqn.outvars[0].aval.dtype, jnp.integer)
            if whole and not jnp.issubdtype(eqn.invars[0].aval.dtype, jnp.integer):
                raise Unwritten("it makes whole numbers of others")
            return given[0]
        if name in FUNCTIONS:
            return f"{words.home}.{name}({_bare(given[0])})"
        match name:
            case "abs":
                return f"abs({_bare(given[0])})"
            case "neg":
                return f"(-{given[0]})"
            case "integer_pow":
                return f"({given[0]} ** {eqn.params['y']})"
            case "square":
                return f"({given[0]} ** 2)"
            case "select_n" if len(given) == 3:
                return words.chosen.format(a=given[2], b=given[1], c=given[0])
            case "min" | "max":
                bound = words.low if name == "min" else words.high
                return f"{bound}({_bare(given[0])}, {_bare(given[1])})"
            case "clamp":
                low = f"{words.high}({_bare(given[0])}, {_bare(given[1])})"
                return f"{words.low}({low}, {_bare(given[2])})"
            case "rsqrt":
                return f"(1 / {words.home}.sqrt({_bare(given[0])}))"
            case _:
                raise Unwritten(f"it computes {name}")


def _operation(sign: str, a: str, b: str) -> str:
    """An operation, without ones and zeros that change nothing; all numbers are finite."""
    zeros, ones = ("0", "0.0"), ("1", "1.0")
    match sign:
        case "*" if a in zeros or b in zeros:
            return "0.0"
        case "*" if a == "1.0" or b == "1.0":  # which only makes floats of whole numbers
            return b if a == "1.0" else a
        case "+" if a in zeros:
            return b
        case "+" | "-" if b in zeros:
            return a
        case "/" | "//" if b in ones:
            return a
        case _:
            return f"({a} {sign} {b})"


def _number(value: Any) -> str:
    if np.ndim(value):
        return "array"
    number = np.asarray(value).item()
    if isinstance(number, float) and not math.isfinite(number):
        return f"float('{number}')"
    return f"({number!r})" if not isinstance(number, bool) and number < 0 else repr(number)


def _bare(text: str) -> str:
    """Without the outermost parentheses."""
    if not text.startswith("(") or not text.endswith(")"):
        return text
    depth = 0
    for i, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0:
            return text[1:-1] if i == len(text) - 1 else text
    return text
