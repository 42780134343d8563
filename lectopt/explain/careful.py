"""Calls that compute a formula by means that lose no digits: the formula in their place, where that
is proved, once for every kind of operands.

So a proof need not go through a norm that is computed in units of the largest number. What is
proved of such a call holds for numbers that neither overflow nor vanish, and so does the rest.
"""

from collections.abc import Sequence
from typing import Any

from lectopt.explain.arrays import Array, array, generic, symbol
from lectopt.explain.facts import Facts
from lectopt.explain.finiteness import settled
from lectopt.explain.interpreting import called, closed
from lectopt.explain.marks import formula
from lectopt.explain.proving import Prover
from lectopt.explain.rewriting import walk
from lectopt.explain.terms import Term
from lectopt.numerics import FORMULAS


def is_careful(text: str) -> bool:
    """Whether a program, in words, has such calls."""
    return any(name in text for name in FORMULAS)


class Careful:
    """From a call to the program of its formula, if that is known to be the same.

    Args:
      facts: of the settings.
    """

    def __init__(self, facts: Facts):
        self.facts = facts
        self._known: dict[Any, bool] = {}

    def __call__(self, eqn: Any, x: Sequence[Array]) -> Any:
        """The program to read instead of a call on these operands, None for the call itself."""
        plain = formula(eqn)
        if plain is None:
            return None
        key = eqn.params["name"], *(self._told(y) for y in x)
        if key not in self._known:
            self._known[key] = self._same(called(eqn.params), plain, x)
        return plain if self._known[key] else None

    def _told(self, x: Array) -> Any:
        """What a proof for the operand speaks of: a number or a setting, or else only its kind."""
        term = None if x.shape else x.at(())
        settings = self.facts.unit | self.facts.positive
        known = term is not None and all(
            y.op != "sym" or y.args[0] in settings for y in walk(term, inside=True)
        )
        return term if known else (str(x.shape), str(x.dtype))

    def _same(self, program: Any, plain: Any, x: Sequence[Array]) -> bool:
        operands = [_anything(k, y, self._told(y)) for k, y in enumerate(x)]
        prover = Prover(self.facts)
        pairs = zip(closed(program, operands), closed(plain, operands), strict=True)
        return all(
            prover.equal(*(settled(y.at(generic(y.shape))) for y in pair)).holds is True
            for pair in pairs
        )


def _anything(k: int, x: Array, told: Any) -> Array:
    if isinstance(told, Term):
        return array((), x.dtype, lambda i: told)
    return symbol(f"operand {k}", x)
