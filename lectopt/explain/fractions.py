"""Terms in lowest terms: rational functions of whatever is not rational, by python-flint.

Equal rational functions become one term. What is no sum, product or quotient is an atom: its
arguments are brought to lowest terms first, so that atoms of equal arguments are one atom. Powers
and exponentials multiply (`b^(t+1)` is `b*b^t`), roots of products are products of roots where the
factors are known not to be negative, and sums over places are sums of what can stand before them.

A quotient in lowest terms is the quotient where nothing that was cancelled is 0; `needs(term)`
says what that is.
"""

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from flint import Ordering, fmpq, fmpq_mpoly_ctx

from lectopt.explain.arrays import gathered
from lectopt.explain.terms import (
    MINUS_ONE,
    ONE,
    ZERO,
    Term,
    add,
    both,
    div,
    equal,
    ite,
    less,
    mul,
    negate,
    num,
    power,
    sub,
    total,
)  # fmt: skip

ODD = ("tanh", "sin", "erf", "erf_inv", "sinh", "cbrt", "tan", "asin", "atan")
EVEN = ("cos", "cosh")
LARGEST_POWER = 64  # that is multiplied out
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


def never(_: Term) -> bool:
    """No term is known to be positive."""
    return False


def undecided(_: Term) -> bool | None:
    """No condition is known."""
    return None


class Fractions:
    """Normal forms.

    Args:
      nonnegative: whether a term is known to be at least 0.
      decided: True or False if a condition is known always or never to hold.
      tired: whether no more time is to be spent; then every form is too large.
    """

    def __init__(
        self,
        nonnegative: Callable[[Term], bool] = never,
        decided: Callable[[Term], bool | None] = undecided,
        tired: Callable[[], bool] = bool,
    ):
        self.nonnegative, self.decided, self.tired = nonnegative, decided, tired
        self._context = fmpq_mpoly_ctx.get([f"x{k}" for k in range(ATOMS)], Ordering.lex)
        self._one, self._zero = self._context.constant(1), self._context.constant(0)
        self._atoms: list[Term] = []
        self._number: dict[Term, int] = {}
        self._known: dict[Term, Pair] = {}
        self._forms: dict[Term, Term] = {}
        self._needs: dict[Term, frozenset[Term]] = {}
        self._open: list[set[Term]] = [set()]

    def form(self, term: Term) -> Term:
        """The term in lowest terms."""
        if term not in self._forms:
            self._forms[term] = self._noted(term, self._form)
        else:
            self._open[-1] |= self._needs.get(term, frozenset())
        return self._forms[term]

    def needs(self, term: Term) -> frozenset[Term]:
        """What must not be 0 where `form(term)` shall be `term`."""
        self.form(term)
        return self._needs.get(term, frozenset())

    def _noted(self, term: Term, compute: Callable[[Term], Any]) -> Any:
        """The result, and in `_needs` what was cancelled for it."""
        if self.tired():
            raise TooLarge
        self._open.append(set())
        try:
            found = compute(term)
        finally:
            cancelled = self._open.pop()
            self._open[-1] |= cancelled
        self._needs[term] = self._needs.get(term, frozenset()) | cancelled
        return found

    def _form(self, term: Term) -> Term:
        if term.op in ("num", "idx", "bool") or (term.op == "sym" and term.sort != "bool"):
            return term
        if term.sort == "bool":
            return self._condition(term)
        if term.sort == "other":
            return self._atomic(term)
        n, d = self._fraction(term)
        return div(self._polynomial(n), self._polynomial(d))

    # Conditions.

    def _condition(self, term: Term) -> Term:
        out = self._simple_condition(term)
        known = self.decided(out)
        return out if known is None else Term("bool", known)

    def _simple_condition(self, term: Term) -> Term:
        a = term.args
        match term.op:
            case "lt" | "eq" if a[0].sort != "bool" and a[0].sort != "other":
                return self._compared(term)
            case "not":
                return negate(self.form(a[0]))
            case "and":
                return both(self.form(a[0]), self.form(a[1]))
            case "eq":
                return equal(self.form(a[0]), self.form(a[1]))
            case "ite":
                return ite(*map(self.form, a))
        return self._atomic(term) if term.op in ("fn", "opq", "agg") else term

    def _compared(self, term: Term) -> Term:
        """`a < b` is `0 < b - a`, whose leading coefficient is 1 or -1."""
        n, d = self._fraction(sub(term.args[1], term.args[0]))
        if d == self._one and n != 0:
            lead = n.coefficient(0)
            n = n / (abs(lead) if term.op == "lt" else lead)
        difference = div(self._polynomial(n), self._polynomial(d))
        make = less if term.op == "lt" else equal
        return make(ZERO, difference)

    # Fractions.

    def _fraction(self, term: Term) -> Pair:
        if term not in self._known:
            self._known[term] = self._noted(term, self._computed)
        else:
            self._open[-1] |= self._needs.get(term, frozenset())
        return self._known[term]

    def _computed(self, term: Term) -> Pair:
        a = term.args
        match term.op:
            case "num":
                return self._number_of(a[0]), self._one
            case "add":
                (n, d), (m, e) = map(self._fraction, a)
                if d == e:
                    return self._lowest(n + m, d)
                return self._lowest(times(n, e) + times(m, d), times(d, e))
            case "mul":
                (n, d), (m, e) = map(self._fraction, a)
                return self._unrooted(*self._lowest(times(n, m), times(d, e)))
            case "div":
                (n, d), (m, e) = map(self._fraction, a)
                if m == 0:
                    return self._atom(Term("div", self.form(a[0]), ZERO))
                return self._unrooted(*self._lowest(times(n, e), times(d, m)))
            case "sqrt":
                return self._rooted(a[0])
            case "exp":
                return self._exponential(a[0])
            case "pow":
                return self._powered(*a)
            case "log" if (x := self.form(a[0])).op == "exp":
                return self._fraction(x.args[0])
            case "ite":
                out = ite(*map(self.form, a))
                return self._atom(out) if out.op == "ite" else self._fraction(out)
            case "fn" if a[0] in ODD + EVEN:
                return self._symmetric(term)
            case "agg":
                return self._summed(term)
        return self._atom(self._atomic(term))

    def _atomic(self, term: Term) -> Term:
        """The term with its arguments in lowest terms."""
        a = term.args
        match term.op:
            case "agg":
                return total(a[0], self.form(a[1]), a[2])
            case "opq":
                return Term("opq", a[0], a[1], tuple(map(self.form, a[2])), a[3])
            case "sym" | "idx":
                return term
        return Term(term.op, *(self.form(x) if isinstance(x, Term) else x for x in a))

    def _number_of(self, x: Fraction) -> Any:
        return self._context.constant(fmpq(x.numerator, x.denominator))

    def _atom(self, term: Term) -> Pair:
        if term not in self._number:
            if len(self._atoms) == ATOMS:
                raise TooLarge
            self._number[term] = len(self._atoms)
            self._atoms.append(term)
        return self._context.gen(self._number[term]), self._one

    def _lowest(self, n: Any, d: Any) -> Pair:
        if n == 0:
            self._cancel(d)
            return self._zero, self._one
        if len(n) > LARGEST or len(d) > LARGEST:
            raise TooLarge
        if d == self._one:
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
                self._open[-1].add(self._polynomial(part))

    # Roots, powers and exponentials.

    def _rooted(self, x: Term) -> Pair:
        """The root of a product of what is not negative is the product of the roots."""
        n, d = self._fraction(x)
        top, bottom = self._root_of(n), self._root_of(d)
        if top is None or bottom is None or top[1] != bottom[1]:
            return self._atom(Term("sqrt", self.form(x)))
        return self._lowest(top[0], bottom[0])

    def _root_of(self, p: Any) -> tuple[Any, bool] | None:
        """The root of a polynomial, or of minus it, and which of the two; None if the sign of a
        factor is not known."""
        content, factors = p.factor()
        value = Fraction(int(content.p), int(content.q))
        root, positive = self._root_of_number(abs(value)), value > 0
        for part, often in factors:
            if often % 2 and not self.nonnegative(self._polynomial(part)):
                part, positive = -part, not positive
            term = self._polynomial(part)
            if not self.nonnegative(term):
                return None
            root = times(root, to_power(part, often // 2))
            if often % 2:
                root = root * self._atom(Term("sqrt", term))[0]
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
        n = self._number_of(Fraction(outside, x.denominator))
        return n if inside == 1 else n * self._atom(Term("sqrt", num(inside)))[0]

    def _unrooted(self, n: Any, d: Any) -> Pair:
        """Squares of roots are what they are roots of, where that is known not to be negative."""
        for term, k in list(self._number.items()):
            if term.op != "sqrt" or (n.degrees()[k] < 2 and d.degrees()[k] < 2):
                continue
            if self.nonnegative(term.args[0]):
                x = self._fraction(term.args[0])
                (a, b), (c, e) = self._squares(n, k, x), self._squares(d, k, x)
                n, d = self._lowest(times(a, e), times(b, c))
        return n, d

    def _squares(self, p: Any, k: int, x: Pair) -> Pair:
        most = p.degrees()[k] // 2
        out, root = self._zero, self._context.gen(k)
        for exponents, c in p.terms():
            half, odd = divmod(exponents[k], 2)
            others = tuple(0 if j == k else e for j, e in enumerate(exponents))
            rest = self._context.from_dict({others: c})
            out += rest * root**odd * times(to_power(x[0], half), to_power(x[1], most - half))
        return out, to_power(x[1], most)

    def _exponential(self, x: Term) -> Pair:
        n, d = self._one, self._one
        for c, monomial in self._split(x):
            found = _logarithm(monomial)
            if found is not None:
                a, b = self._powered(found[0], mul(num(c), found[1]))
            else:
                a, b = self._multiplied(c, lambda k, m=monomial: Term("exp", mul(k, m)))
            n, d = times(n, a), times(d, b)
        return self._lowest(n, d)

    def _powered(self, base: Term, x: Term) -> Pair:
        """`b^(x + 3)` is `b^x*b^3`."""
        base, n, d = self.form(base), self._one, self._one
        for c, monomial in self._split(x):
            whole = c.denominator == 1 and abs(c) < LARGEST_POWER
            if monomial is ONE and whole:
                p, q = self._fraction(base)
                a, b = (p, q) if c > 0 else (q, p)
                a, b = to_power(a, abs(int(c))), to_power(b, abs(int(c)))
            else:
                a, b = self._multiplied(c, lambda k, m=monomial: Term("pow", base, mul(k, m)))
            n, d = times(n, a), times(d, b)
        return self._lowest(n, d)

    def _multiplied(self, c: Fraction, make: Callable[[Term], Term]) -> Pair:
        """f(c) for a function of which f(a + b) is f(a)*f(b)."""
        if c.denominator == 1 and abs(c) < LARGEST_POWER:
            p = self._atom(make(ONE))[0] ** abs(int(c))
        else:
            p = self._atom(make(num(abs(c))))[0]
        return (p, self._one) if c > 0 else (self._one, p)

    def _split(self, term: Term) -> list[tuple[Fraction, Term]]:
        """A sum as coefficients and monomials; one that has a denominator in one piece."""
        n, d = self._fraction(term)
        if d != self._one:
            return [(Fraction(1), self.form(term))]
        return [(Fraction(int(c.p), int(c.q)), self._monomial(e)) for e, c in n.terms()]

    def _symmetric(self, term: Term) -> Pair:
        """f(-x) is -f(x), or f(x)."""
        name, kind, x = term.args
        n, _ = self._fraction(x)
        if n == 0:
            return (self._zero if name in ODD else self._one), self._one
        if n.coefficient(0) > 0:
            return self._atom(Term("fn", name, kind, self.form(x)))
        a, one = self._atom(Term("fn", name, kind, self.form(mul(MINUS_ONE, x))))
        return (-a if name in ODD else a), one

    # Sums over places.

    def _summed(self, term: Term) -> Pair:
        """A sum is linear: every monomial by itself, before it what is the same at all places."""
        kind, body, over = term.args
        n, d = self._fraction(body)
        names = {k for k, _ in over}
        if kind != "sum" or (body.op == "num"):
            return self._aggregated(kind, self.form(body), over)
        bottom = self._polynomial(d)
        inside = bottom.indices & names
        total = (self._zero, self._one)
        for exponents, c in n.terms():
            free, held = num(Fraction(int(c.p), int(c.q))), ONE
            for atom, e in zip(self._atoms, exponents, strict=False):
                if not e:
                    continue
                if atom.indices & names:
                    held = mul(held, power(atom, e))
                else:
                    free = mul(free, power(atom, e))
            one = self._aggregated(kind, div(held, bottom) if inside else held, over)
            p, q = self._fraction(free)
            total = self._lowest(
                times(total[0], times(q, one[1])) + times(times(p, one[0]), total[1]),
                times(total[1], times(q, one[1])),
            )
        return total if inside else self._lowest(total[0], times(total[1], d))

    def _aggregated(self, kind: str, body: Term, over: Any) -> Pair:
        made = gathered(kind, body, over)
        return self._atom(made) if made.op == "agg" else self._fraction(made)

    # And back.

    def _monomial(self, exponents: Any) -> Term:
        out = ONE
        for atom, e in zip(self._atoms, exponents, strict=False):
            out = mul(out, power(atom, e)) if e else out
        return out

    def _polynomial(self, p: Any) -> Term:
        parts = [
            mul(num(Fraction(int(c.p), int(c.q))), self._monomial(exponents))
            for exponents, c in p.terms()
        ]
        while len(parts) > 1:  # in pairs, so that long sums are not deep
            ends = parts[len(parts) // 2 * 2 :]
            parts = [add(x, y) for x, y in zip(parts[::2], parts[1::2], strict=False)] + ends
        return parts[0] if parts else ZERO


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
