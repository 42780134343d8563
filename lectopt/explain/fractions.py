"""Terms in lowest terms: rational functions of whatever is not rational, by python-flint.

Equal rational functions become one term. What is no sum, product or quotient is an atom: its
arguments are brought to lowest terms first, so that atoms of equal arguments are one atom. Powers
and exponentials multiply (`b^(t+1)` is `b*b^t`), roots of products are products of roots where the
factors are known not to be negative, and sums over places are sums of what can stand before them.

A quotient in lowest terms is the quotient where nothing that was cancelled is 0; `needs(term)`
says what that is.
"""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from lectopt.explain.arrays import gathered
from lectopt.explain.polynomials import Pair, TooLarge, times
from lectopt.explain.powers import Powers
from lectopt.explain.terms import (
    MINUS_ONE,
    ONE,
    ZERO,
    Term,
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


def never(_: Term) -> bool:
    """No term is known to be positive."""
    return False


def undecided(_: Term) -> bool | None:
    """No condition is known."""
    return None


class Fractions(Powers):
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
        super().__init__()
        self.nonnegative, self.decided, self.tired = nonnegative, decided, tired
        self._known: dict[Term, Pair] = {}
        self._forms: dict[Term, Term] = {}
        self._needs: dict[Term, frozenset[Term]] = {}

    def form(self, term: Term) -> Term:
        """The term in lowest terms."""
        if term not in self._forms:
            self._forms[term] = self._noted(term, self._form)
        else:
            self.open[-1] |= self._needs.get(term, frozenset())
        return self._forms[term]

    def needs(self, term: Term) -> frozenset[Term]:
        """What must not be 0 where `form(term)` shall be `term`."""
        self.form(term)
        return self._needs.get(term, frozenset())

    def _noted(self, term: Term, compute: Callable[[Term], Any]) -> Any:
        """The result, and in `_needs` what was cancelled for it."""
        if self.tired():
            raise TooLarge
        self.open.append(set())
        try:
            found = compute(term)
        finally:
            cancelled = self.open.pop()
            self.open[-1] |= cancelled
        self._needs[term] = self._needs.get(term, frozenset()) | cancelled
        return found

    def _form(self, term: Term) -> Term:
        if term.op in ("num", "idx", "bool") or (term.op == "sym" and term.sort != "bool"):
            return term
        if term.sort == "bool":
            return self._condition(term)
        if term.sort == "other":
            return self._atomic(term)
        n, d = self.fraction(term)
        return div(self.polynomial(n), self.polynomial(d))

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
        n, d = self.fraction(sub(term.args[1], term.args[0]))
        if d == self.one and n != 0:
            lead = n.coefficient(0)
            n = n / (abs(lead) if term.op == "lt" else lead)
        difference = div(self.polynomial(n), self.polynomial(d))
        make = less if term.op == "lt" else equal
        return make(ZERO, difference)

    # Fractions.

    def fraction(self, term: Term) -> Pair:
        """Numerator and denominator in lowest terms."""
        if term not in self._known:
            self._known[term] = self._noted(term, self._computed)
        else:
            self.open[-1] |= self._needs.get(term, frozenset())
        return self._known[term]

    def _computed(self, term: Term) -> Pair:
        a = term.args
        match term.op:
            case "num":
                return self.number_of(a[0]), self.one
            case "add":
                (n, d), (m, e) = map(self.fraction, a)
                if d == e:
                    return self.lowest(n + m, d)
                return self.lowest(times(n, e) + times(m, d), times(d, e))
            case "mul":
                (n, d), (m, e) = map(self.fraction, a)
                return self.unrooted(*self.lowest(times(n, m), times(d, e)))
            case "div":
                (n, d), (m, e) = map(self.fraction, a)
                if m == 0:
                    return self.atom(Term("div", self.form(a[0]), ZERO))
                return self.unrooted(*self.lowest(times(n, e), times(d, m)))
            case "sqrt":
                return self.rooted(a[0])
            case "exp":
                return self.exponential(a[0])
            case "pow":
                return self.powered(*a)
            case "log" if (x := self.form(a[0])).op == "exp":
                return self.fraction(x.args[0])
            case "ite":
                out = ite(*map(self.form, a))
                return self.atom(out) if out.op == "ite" else self.fraction(out)
            case "fn" if a[0] in ODD + EVEN:
                return self._symmetric(term)
            case "agg":
                return self._summed(term)
        return self.atom(self._atomic(term))

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

    def _symmetric(self, term: Term) -> Pair:
        """f(-x) is -f(x), or f(x)."""
        name, kind, x = term.args
        n, _ = self.fraction(x)
        if n == 0:
            return (self.zero if name in ODD else self.one), self.one
        if n.coefficient(0) > 0:
            return self.atom(Term("fn", name, kind, self.form(x)))
        a, one = self.atom(Term("fn", name, kind, self.form(mul(MINUS_ONE, x))))
        return (-a if name in ODD else a), one

    # Sums over places.

    def _summed(self, term: Term) -> Pair:
        """A sum is linear: every monomial by itself, before it what is the same at all places."""
        kind, body, over = term.args
        n, d = self.fraction(body)
        names = {k for k, _ in over}
        if kind != "sum" or (body.op == "num"):
            return self._aggregated(kind, self.form(body), over)
        bottom = self.polynomial(d)
        inside = bottom.indices & names
        total = (self.zero, self.one)
        for exponents, c in n.terms():
            free, held = num(Fraction(int(c.p), int(c.q))), ONE
            for atom, e in zip(self.atoms, exponents, strict=False):
                if not e:
                    continue
                if atom.indices & names:
                    held = mul(held, power(atom, e))
                else:
                    free = mul(free, power(atom, e))
            one = self._aggregated(kind, div(held, bottom) if inside else held, over)
            p, q = self.fraction(free)
            total = self.lowest(
                times(total[0], times(q, one[1])) + times(times(p, one[0]), total[1]),
                times(total[1], times(q, one[1])),
            )
        return total if inside else self.lowest(total[0], times(total[1], d))

    def _aggregated(self, kind: str, body: Term, over: Any) -> Pair:
        made = gathered(kind, body, over)
        return self.atom(made) if made.op == "agg" else self.fraction(made)
