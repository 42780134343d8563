"""Polynomials of terms, by python-flint: what is no sum and no product of others is a variable."""

import math
from fractions import Fraction
from typing import Any

from flint import Ordering, fmpq, fmpq_mpoly_ctx

from lectopt.explain.terms import ONE, ZERO, Term, add, mul, num, power

ATOMS = 160
LARGEST = 4000  # monomials of a numerator or denominator

Pair = tuple[Any, Any]


def times(a: Any, b: Any) -> Any:
    """The product of two polynomials.

    Raises:
      TooLarge: it may have too many monomials.
    """
    if len(a) * len(b) > LARGEST**2 // 100:
        raise TooLarge
    return a * b


def to_power(p: Any, k: int) -> Any:
    """A polynomial to a whole power.

    Raises:
      TooLarge: it may have too many monomials.
    """
    if len(p) > 1 and math.comb(len(p) + k - 1, k) > LARGEST:
        raise TooLarge
    return p**k


class TooLarge(Exception):
    """The fraction has more atoms or monomials than are worth the time."""


class Polynomials:
    """Quotients of polynomials whose variables are terms, the `atoms`.

    The last of the sets in `open` holds what was cancelled since it was put there.
    """

    def __init__(self) -> None:
        self.context = fmpq_mpoly_ctx.get([f"x{k}" for k in range(ATOMS)], Ordering.lex)
        self.one, self.zero = self.context.constant(1), self.context.constant(0)
        self.atoms: list[Term] = []
        self.number: dict[Term, int] = {}
        self.open: list[set[Term]] = [set()]

    def number_of(self, x: Fraction) -> Any:
        """A number as a polynomial."""
        return self.context.constant(fmpq(x.numerator, x.denominator))

    def atom(self, term: Term) -> Pair:
        """A term as a variable.

        Raises:
          TooLarge: there are too many already.
        """
        if term not in self.number:
            if len(self.atoms) == ATOMS:
                raise TooLarge
            self.number[term] = len(self.atoms)
            self.atoms.append(term)
        return self.context.gen(self.number[term]), self.one

    def lowest(self, n: Any, d: Any) -> Pair:
        """A quotient of two polynomials in lowest terms; what is cancelled goes into `open`.

        Raises:
          TooLarge: they have too many monomials.
        """
        if n == 0:
            self._cancel(d)
            return self.zero, self.one
        if len(n) > LARGEST or len(d) > LARGEST:
            raise TooLarge
        if d == self.one:
            return n, d
        common = n.gcd(d)
        if common.total_degree() > 0:
            self._cancel(common)
            n, d = n / common, d / common
        lead = d.coefficient(0)
        return n / lead, d / lead

    def _cancel(self, factor: Any) -> None:
        if factor.total_degree() > 0:
            for part, _ in factor.factor()[1]:
                self.open[-1].add(self.polynomial(part))

    def monomial(self, exponents: Any) -> Term:
        """A product of powers of atoms as a term."""
        out = ONE
        for atom, e in zip(self.atoms, exponents, strict=False):
            out = mul(out, power(atom, e)) if e else out
        return out

    def polynomial(self, p: Any) -> Term:
        """A polynomial as a term."""
        parts = [
            mul(num(Fraction(int(c.p), int(c.q))), self.monomial(exponents))
            for exponents, c in p.terms()
        ]
        while len(parts) > 1:  # in pairs, so that long sums are not deep
            ends = parts[len(parts) // 2 * 2 :]
            parts = [add(x, y) for x, y in zip(parts[::2], parts[1::2], strict=False)] + ends
        return parts[0] if parts else ZERO
