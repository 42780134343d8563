"""Where an optimizer turns: the step numbers and the sizes that its conditions ask for.

Two optimizers that differ only from step 50 on, or only for gradients above 10000, are told apart
by runs that go there.
"""

from collections.abc import Iterator
from typing import Any

import sympy as sp
from sympy.core.relational import Relational

from lectopt.explain.algebra.nodes import Maximum, Minimum, Modulus, Remainder, number
from lectopt.explain.reading.system import System

ASKING = (Relational, Maximum, Minimum, Modulus, Remainder)
FAR = 1000.0  # a size that is this much larger than a threshold is beyond it in other units too
CLOSE = 1e-3


def steps(system: System) -> set[float]:
    """The numbers that `t` and counters are compared with, or divided by."""
    return {x for counts, numbers in _asked(system) if counts for x in numbers}


def sizes(system: System) -> set[float]:
    """Gradients just below, at, just above and far above what other values are compared with."""
    found = {x for counts, numbers in _asked(system) if not counts for x in numbers}
    return {factor * x for x in found for factor in (1 - CLOSE, 1.0, 1 + CLOSE, FAR)}


def _asked(system: System) -> Iterator[tuple[bool, set[float]]]:
    """For every condition, clip or remainder, whether it is about whole numbers that change, and
    the numbers in it; those of settings too."""
    values = system.programs.subject.numbers
    settings = {s: float(values[name]) for s, name in system.settings.items()}
    exprs = [*system.equations.values(), *system.updates.values()]
    for node in set().union(*(expr.atoms(*ASKING) for expr in exprs)):
        varying = {s for s in node.free_symbols if number(s) is None} - settings.keys()
        found = (settings.get(x, number(x)) for x in _terms(node))
        numbers = {abs(x) for x in found if x and abs(x) < float("inf")}
        yield all(s.is_integer for s in varying), numbers


def _terms(expr: Any) -> Iterator[Any]:
    """All parts of an expression but exponents."""
    yield expr
    for arg in expr.args[:1] if isinstance(expr, sp.Pow) else expr.args:
        yield from _terms(arg)
