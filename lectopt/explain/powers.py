"""Roots, powers and exponentials as fractions: of a product they are products, where that is so."""

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from lectopt.explain.polynomials import Pair, Polynomials, times, to_power
from lectopt.explain.terms import ONE, Term, mul, num

LARGEST_POWER = 64  # that is multiplied out


class Powers(Polynomials):
    """Roots, powers and exponentials of what has a `fraction` and a `form`."""

    nonnegative: Callable[[Term], bool]

    def fraction(self, term: Term) -> Pair:
        """Numerator and denominator in lowest terms."""
        raise NotImplementedError

    def form(self, term: Term) -> Term:
        """The term in lowest terms."""
        raise NotImplementedError

    def rooted(self, x: Term) -> Pair:
        """The root of a product of what is not negative is the product of the roots."""
        n, d = self.fraction(x)
        top, bottom = self._root_of(n), self._root_of(d)
        if top is None or bottom is None or top[1] != bottom[1]:
            return self.atom(Term("sqrt", self.form(x)))
        return self.lowest(top[0], bottom[0])

    def _root_of(self, p: Any) -> tuple[Any, bool] | None:
        """The root of a polynomial, or of minus it, and which of the two; None if the sign of a
        factor is not known."""
        content, factors = p.factor()
        value = Fraction(int(content.p), int(content.q))
        root, positive = self._root_of_number(abs(value)), value > 0
        for part, often in factors:
            if often % 2 and not self.nonnegative(self.polynomial(part)):
                part, positive = -part, not positive
            term = self.polynomial(part)
            if not self.nonnegative(term):
                return None
            root = times(root, to_power(part, often // 2))
            if often % 2:
                root = root * self.atom(Term("sqrt", term))[0]
        return root, positive

    def _root_of_number(self, x: Fraction) -> Any:
        """sqrt(p/q) is sqrt(p*q)/q, with squares outside."""
        inside, outside, k = x.numerator * x.denominator, 1, 2
        while k * k <= inside and k < 1000:
            while inside % (k * k) == 0:
                inside, outside = inside // (k * k), outside * k
            k += 1
        root = math.isqrt(inside)
        if root * root == inside:
            inside, outside = 1, outside * root
        n = self.number_of(Fraction(outside, x.denominator))
        return n if inside == 1 else n * self.atom(Term("sqrt", num(inside)))[0]

    def unrooted(self, n: Any, d: Any) -> Pair:
        """Squares of roots are what they are roots of, where that is known not to be negative."""
        for term, k in list(self.number.items()):
            if term.op != "sqrt" or (n.degrees()[k] < 2 and d.degrees()[k] < 2):
                continue
            if self.nonnegative(term.args[0]):
                x = self.fraction(term.args[0])
                (a, b), (c, e) = self._squares(n, k, x), self._squares(d, k, x)
                n, d = self.lowest(times(a, e), times(b, c))
        return n, d

    def _squares(self, p: Any, k: int, x: Pair) -> Pair:
        most = p.degrees()[k] // 2
        out, root = self.zero, self.context.gen(k)
        for exponents, c in p.terms():
            half, odd = divmod(exponents[k], 2)
            others = tuple(0 if j == k else e for j, e in enumerate(exponents))
            rest = self.context.from_dict({others: c})
            out += rest * root**odd * times(to_power(x[0], half), to_power(x[1], most - half))
        return out, to_power(x[1], most)

    def exponential(self, x: Term) -> Pair:
        """`e^(a + b)` is `e^a*e^b`, and `e^(c*log(x))` is `x^c` where `x` is known not to be
        negative."""
        n, d = self.one, self.one
        for c, monomial in self._split(x):
            found = _logarithm(monomial)
            if found is not None and self.nonnegative(found[0]):
                a, b = self.powered(found[0], mul(num(c), found[1]))
            else:
                a, b = self._multiplied(c, lambda k, m=monomial: Term("exp", mul(k, m)))
            n, d = times(n, a), times(d, b)
        return self.lowest(n, d)

    def powered(self, base: Term, x: Term) -> Pair:
        """`b^(x + 3)` is `b^x*b^3`; `b^(2*x)` is the square of `b^x` where that is a number."""
        base, n, d = self.form(base), self.one, self.one
        for c, monomial in self._split(x):
            whole = c.denominator == 1 and abs(c) < LARGEST_POWER
            if monomial is ONE and whole:
                p, q = self.fraction(base)
                a, b = (p, q) if c > 0 else (q, p)
                a, b = to_power(a, abs(int(c))), to_power(b, abs(int(c)))
            else:
                split = monomial is ONE or monomial.sort == "int" or self.nonnegative(base)
                k, m = (c, monomial) if split else (Fraction(1), mul(num(c), monomial))
                a, b = self._multiplied(k, lambda k, m=m: Term("pow", base, mul(k, m)))
            n, d = times(n, a), times(d, b)
        return self.lowest(n, d)

    def _multiplied(self, c: Fraction, make: Callable[[Term], Term]) -> Pair:
        """f(c) for a function of which f(a + b) is f(a)*f(b)."""
        if c.denominator == 1 and abs(c) < LARGEST_POWER:
            p = self.atom(make(ONE))[0] ** abs(int(c))
        else:
            p = self.atom(make(num(abs(c))))[0]
        return (p, self.one) if c > 0 else (self.one, p)

    def _split(self, term: Term) -> list[tuple[Fraction, Term]]:
        """A sum as coefficients and monomials; one that has a denominator in one piece."""
        n, d = self.fraction(term)
        if d != self.one:
            return [(Fraction(1), self.form(term))]
        return [(Fraction(int(c.p), int(c.q)), self.monomial(e)) for e, c in n.terms()]


def _logarithm(monomial: Term) -> tuple[Term, Term] | None:
    """(x, e) of a product e*log(x)."""
    factors, rest, base = [monomial], ONE, None
    while factors:
        x = factors.pop()
        if x.op == "mul":
            factors.extend(x.args)
        elif x.op == "log" and base is None:
            base = x.args[0]
        else:
            rest = mul(x, rest)
    return None if base is None else (base, rest)
