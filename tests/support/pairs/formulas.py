"""Random formulas of a gradient and its weight, rewritten by rules of arithmetic.

A formula is a nested tuple. Whatever divides, and whatever a root is taken of, is
positive by construction, so that a rule for numbers holds for all numbers. Large powers do not
occur: in float32 they would overflow.
"""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from tests.support.pairs.known import (
    KnownPair,
    apart,
    by_weight,
    decimal,
    family,
    pick,
    same,
    whole,
    witness,
)

Formula = Any

MEANING: dict[str, Callable[..., Any]] = {
    "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b,
    "/": lambda a, b: a / b, "neg": lambda a: -a, "square": lambda a: a * a,
    "abs": jnp.abs, "sign": jnp.sign, "root": jnp.sqrt, "exp": jnp.exp, "tanh": jnp.tanh,
    "max": jnp.maximum, "min": jnp.minimum,
    ">": lambda a, b: a > b, "<=": lambda a, b: a <= b, "<": lambda a, b: a < b,
    ">=": lambda a, b: a >= b, "not": lambda a: ~a, "and": lambda a, b: a & b,
    "or": lambda a, b: a | b, "if": jnp.where, "clip": jnp.clip,
}  # fmt: skip


def evaluated(formula: Formula, g: Any, p: Any) -> Any:
    """The value of a formula."""
    match formula:
        case "g":
            return g
        case "p":
            return p
        case int() | float():
            return formula
        case (op, *args):
            return MEANING[op](*(evaluated(x, g, p) for x in args))
    raise AssertionError(formula)


def program(formula: Formula) -> Any:
    """The optimizer whose update is the formula."""
    return by_weight(
        lambda g, p: jnp.broadcast_to(evaluated(formula, g, p), g.shape).astype(g.dtype)
    )


# --- Rules: what a node may be replaced by, for all numbers.

RULES: dict[str, list[Callable[..., Formula]]] = {
    "+": [
        lambda a, b: ("+", b, a),
        lambda a, b: ("-", a, ("neg", b)),
        lambda a, b: ("neg", ("-", ("neg", a), b)),
        lambda a, b: ("*", 2, ("*", 0.5, ("+", a, b))),
        lambda a, b: ("+", ("max", a, b), ("min", a, b)),
    ],
    "-": [
        lambda a, b: ("+", a, ("*", -1, b)),
        lambda a, b: ("neg", ("-", b, a)),
        lambda a, b: ("-", ("*", 3, a), ("+", b, ("*", 2, a))),
    ],
    "*": [
        lambda a, b: ("*", b, a),
        lambda a, b: ("neg", ("*", ("neg", a), b)),
        lambda a, b: ("-", ("*", ("+", a, 1), b), b),
    ],
    "/": [
        lambda a, b: ("*", a, ("/", 1, b)),
        lambda a, b: ("/", ("*", 4, a), ("*", 4, b)),
        lambda a, b: ("/", ("neg", a), ("neg", b)),
        lambda a, b: ("/", ("/", a, ("root", b)), ("root", b)),
        lambda a, b: ("+", 1, ("/", ("-", a, b), b)),
    ],
    "square": [
        lambda a: ("*", a, a),
        lambda a: ("square", ("neg", a)),
        lambda a: ("square", ("abs", a)),
        lambda a: ("+", ("*", ("-", a, 1), ("+", a, 1)), 1),
    ],
    "abs": [
        lambda a: ("max", a, ("neg", a)),
        lambda a: ("abs", ("neg", a)),
        lambda a: ("if", (">=", a, 0), a, ("neg", a)),
        lambda a: ("*", a, ("sign", a)),
        lambda a: ("root", ("square", a)),
    ],
    "root": [lambda a: ("/", a, ("root", a)), lambda a: ("*", 2, ("root", ("/", a, 4)))],
    "max": [
        lambda a, b: ("max", b, a),
        lambda a, b: ("if", (">", a, b), a, b),
        lambda a, b: ("neg", ("min", ("neg", a), ("neg", b))),
        lambda a, b: ("*", 0.5, ("+", ("+", a, b), ("abs", ("-", a, b)))),
        lambda a, b: ("+", b, ("max", ("-", a, b), 0)),
    ],
    "min": [
        lambda a, b: ("min", b, a),
        lambda a, b: ("if", ("<=", a, b), a, b),
        lambda a, b: ("-", ("+", a, b), ("max", a, b)),
    ],
    "clip": [
        lambda a, low, high: ("min", ("max", a, low), high),
        lambda a, low, high: ("if", (">", a, high), high, ("if", ("<", a, low), low, a)),
        lambda a, low, high: ("neg", ("clip", ("neg", a), -high, -low)),
    ],
    "if": [
        lambda c, a, b: ("if", ("not", c), b, a),
        lambda c, a, b: ("if", _flipped(c), b, a),
        lambda c, a, b: ("+", b, ("if", c, ("-", a, b), 0)),
        lambda c, a, b: ("+", ("if", c, a, 0), ("if", c, 0, b)),
    ],
    "tanh": [lambda a: ("neg", ("tanh", ("neg", a)))],
    "sign": [
        lambda a: ("neg", ("sign", ("neg", a))),
        lambda a: ("if", (">", a, 0), 1, ("if", ("<", a, 0), -1, 0)),
    ],
    "exp": [lambda a: ("/", 1, ("exp", ("neg", a)))],
    ">": [
        lambda a, b: ("<", b, a),
        lambda a, b: ("not", ("<=", a, b)),
        lambda a, b: (">", ("neg", b), ("neg", a)),
    ],
    "<=": [lambda a, b: (">=", b, a), lambda a, b: ("not", (">", a, b))],
    "and": [lambda a, b: ("and", b, a), lambda a, b: ("not", ("or", ("not", a), ("not", b)))],
    "or": [lambda a, b: ("or", b, a), lambda a, b: ("not", ("and", ("not", a), ("not", b)))],
}  # fmt: skip


def _flipped(c: Formula) -> Formula:
    match c:
        case (">", a, b):
            return ("<=", a, b)
        case ("<=", a, b):
            return (">", a, b)
    return ("not", c)


def rewritten(formula: Formula, random: np.random.Generator, often: float = 0.5) -> Formula:
    """The formula with rules applied here and there."""
    if not isinstance(formula, tuple):
        return formula
    op, *args = formula
    args = [rewritten(x, random, often) for x in args]
    if op in RULES and random.random() < often:
        return pick(random, *RULES[op])(*args)
    return (op, *args)


# --- Formulas.


def drawn(random: np.random.Generator, depth: int) -> Formula:
    """A formula whose value grows at most like the square of the gradient at depth 3."""
    if depth == 0:
        return pick(random, "g", "g", "p", decimal(random, 0.1, 3))

    def inner() -> Formula:
        return drawn(random, depth - 1)

    match random.integers(11):
        case 0 | 1:
            return (pick(random, "+", "-"), inner(), inner())
        case 2:
            return ("*", inner(), pick(random, "p", decimal(random, 0.1, 3), ("tanh", inner())))
        case 3:
            return ("/", inner(), positive(random, inner()))
        case 4:
            return (pick(random, "max", "min"), inner(), inner())
        case 5:
            return ("abs", inner())
        case 6:
            return ("root", positive(random, inner()))
        case 7:
            return ("clip", inner(), -decimal(random, 0.1, 2), decimal(random, 0.1, 2))
        case 8 | 9:
            return ("if", condition(random), inner(), inner())
    return ("tanh", inner())


def positive(random: np.random.Generator, a: Formula) -> Formula:
    """At least 1."""
    return ("+", pick(random, ("abs", a), ("square", ("tanh", a)), ("exp", ("tanh", a))), 1)


def condition(random: np.random.Generator) -> Formula:
    """A condition on a gradient and its weight that rounding does not change."""
    simple = (pick(random, ">", "<="), pick(random, "g", "p"), decimal(random, -1, 1))
    if random.random() < 0.4:
        return (
            pick(random, "and", "or"),
            simple,
            (">", pick(random, "g", "p"), decimal(random, -1, 1)),
        )
    return simple


@family
def random_formula(random: np.random.Generator) -> KnownPair:
    formula = drawn(random, int(random.integers(2, 4)))
    other = rewritten(rewritten(formula, random), random, 0.3)
    return same(program(formula), program(other))


@family
def random_formula_with_a_fault(random: np.random.Generator) -> KnownPair:
    """Another value where a gradient or a weight is in some range, and only there."""
    formula = drawn(random, 2)
    limit = decimal(random, 1, 9, 1) * 10.0 ** whole(random, 0, 7)
    where, value = pick(
        random,
        ((">", "g", limit), (2 * limit, 1.0)),
        (("<", "g", -limit), (-2 * limit, 1.0)),
        ((">", "p", limit), (1.0, 2 * limit)),
        (("and", (">", "g", limit), ("<", "g", limit * 1.1)), (limit * 1.05, 1.0)),
        (("and", (">", "g", limit), ("<", "p", -limit)), (2 * limit, -2 * limit)),
        ((">", ("*", "g", "p"), limit), (2 * limit, 2.0)),
    )
    fault = ("if", where, ("+", formula, ("+", 1, ("abs", formula))), formula)
    return apart(
        program(rewritten(formula, random)),
        program(fault),
        witness([value[0]], value[1]),
        str(where),
    )
