"""Terms for z3: whether a condition on real and whole numbers always holds.

Of roots, quotients, powers, exponentials and sums z3 is told what is true of them where they are
defined; of other functions, that equal arguments give equal values.
"""

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any

from lectopt.explain.facts import Facts
from lectopt.explain.lemmas import SAYS, largest_says
from lectopt.explain.rewriting import walk
from lectopt.explain.terms import LEAVES, Term, is_num, negate
from lectopt.explain.work import Work, z3

LARGEST = 3000  # parts of a question
ATOMIC = LEAVES | {"agg", "opq"}
RIVALS = 8  # earlier functions of a name that a new one is compared with


class Logic:
    """A question to z3.

    Args:
      facts: of the symbols.
      nonnegative: whether a term is known to be at least 0.
      same: whether two terms are known to be equal at every place.
      work: what z3 may do.
    """

    def __init__(
        self,
        facts: Facts,
        nonnegative: Callable[[Term], bool],
        same: Callable[[Term, Term], bool],
        work: Work,
    ):
        self.facts, self.nonnegative, self.same, self.work = facts, nonnegative, same, work
        self._known: dict[Term, Any] = {}
        self._says: list[Any] = []
        self._whole = False

    def always(self, goal: Term, most: int, given: Sequence[Term] = ()) -> tuple[Any, Any]:
        """True if the condition holds wherever the given ones do, False if it does not, None if
        that was not decided with so much work; and z3's model of where it does not."""
        if z3 is None or self.work.over:
            return None, None
        parts = list(walk(goal, *given))
        if len(parts) > LARGEST:
            return None, None
        self._whole = any(x.op == "floor" for x in parts)
        ctx = self.work.context
        solver = z3.Solver(ctx=ctx) if self._whole else z3.SolverFor("QF_NRA", ctx=ctx)
        condition = self._of(negate(goal))
        others = [self._of(t) for t in given]
        self._say_congruences()
        self._say_norms()
        solver.add(*self._says, condition, *others)
        self.work.begin(solver, most)
        try:
            answer = solver.check()
        except z3.Z3Exception:  # it wanted more memory
            return None, None
        finally:
            self.work.spend(solver, len(parts))
        if answer == z3.unsat:
            return True, None
        return (False, solver.model()) if answer == z3.sat else (None, None)

    def _of(self, term: Term) -> Any:
        for x in walk(term):
            if x not in self._known:
                self._known[x] = self._translated(x)
        return self._known[term]

    def _fresh(self, term: Term) -> Any:
        name = f"{term.op}#{term.id}"
        return (
            z3.Bool(name, self.work.context)
            if term.sort == "bool"
            else z3.Real(name, self.work.context)
        )

    def _translated(self, term: Term) -> Any:
        a: list[Any] = [] if term.op in ATOMIC else [self._known.get(x) for x in term.args]
        match term.op:
            case "num":
                return z3.RealVal(str(term.args[0]), self.work.context)
            case "bool":
                return z3.BoolVal(term.args[0], self.work.context)
            case "add":
                return a[0] + a[1]
            case "mul":
                return a[0] * a[1]
            case "lt":
                return a[0] < a[1]
            case "eq":
                return a[0] == a[1]
            case "and":
                return z3.And(*a)
            case "not":
                return z3.Not(a[0])
            case "ite":
                return z3.If(*a)
            case "div":
                return a[0] / a[1] if is_num(term.args[1]) else self._quotient(term, *a)
            case "floor":
                return self._floor(term, a[0])
            case "sym" | "idx":
                return self._symbol(term)
        x = self._fresh(term)
        self._says.extend(SAYS[term.op](term, x, a, self.nonnegative) if term.op in SAYS else ())
        return x

    def _quotient(self, term: Term, a: Any, b: Any) -> Any:
        q = self._fresh(term)
        self._says.append(z3.Implies(b != 0, q * b == a))
        if self.nonnegative(term.args[1]):  # then 1/0 is infinite, and larger than all numbers
            self._says.append(z3.Implies(z3.And(b == 0, a > 0), q > 10**40))
        return q

    def _floor(self, term: Term, x: Any) -> Any:
        scale = math.lcm(*(y.args[0].denominator for y in walk(term) if is_num(y)))
        whole = _whole(term.args[0], Fraction(scale), self.work.context)
        return z3.ToReal(z3.ToInt(x) if whole is None else whole / scale)

    def _symbol(self, term: Term) -> Any:
        name, ctx = str(term), self.work.context
        if term.sort == "bool":
            return z3.Bool(name, ctx)
        whole = self._whole and term.sort == "int"
        x = z3.ToReal(z3.Int(name, ctx)) if whole else z3.Real(name, ctx)
        if term.op == "sym":
            self._says.extend(self.facts.of(term, x))
        return x

    def _say_congruences(self) -> None:
        """Functions of equal arguments are equal."""
        seen: dict[Any, list[Term]] = {}
        for term in [x for x in self._known if x.op in ("fn", "exp", "log", "pow", "opq", "agg")]:
            alike = seen.setdefault(_kind(term), [])
            for other in alike[:RIVALS]:
                self._says.extend(self._congruent(term, other))
            alike.append(term)

    def _say_norms(self) -> None:
        """Largest numbers and sums of squares."""
        aggregates = [x for x in self._known if x.op == "agg"]
        for a, b in itertools.product(aggregates, repeat=2):
            known = self._known[a], self._known[b]
            self._says.extend(largest_says(a, b, *known, self.same, self.nonnegative))

    def _congruent(self, a: Term, b: Term) -> Iterator[Any]:
        if a.op in ("agg", "opq"):
            bodies = (
                [(a.args[1], b.args[1])]
                if a.op == "agg"
                else zip(a.args[2], b.args[2], strict=True)
            )
            if all(self.same(x, y) for x, y in bodies):
                yield self._known[a] == self._known[b]
            return
        pairs = zip(a.args, b.args, strict=True)
        equal = [self._of(x) == self._of(y) for x, y in pairs if isinstance(x, Term) and x is not y]
        yield z3.Implies(z3.And(equal), self._known[a] == self._known[b])


def _kind(term: Term) -> Any:
    """What two functions must share so that equal arguments make them equal."""
    if term.op == "fn":
        return term.op, *term.args[:2], len(term.args)
    if term.op == "pow":
        return term.op, term.args[0]
    if term.op == "agg":
        return term.op, term.args[0], term.args[2]
    return (term.op, *term.args[:2], term.args[3]) if term.op == "opq" else term.op


def _whole(term: Term, scale: Fraction, ctx: Any) -> Any:
    """`scale*term` as a whole number of z3, if it plainly is one."""
    a = term.args
    match term.op:
        case "num":
            value = scale * a[0]
            return z3.IntVal(int(value), ctx) if value.denominator == 1 else None
        case "sym" if term.sort == "int" and scale.denominator == 1:
            return int(scale) * z3.Int(str(term), ctx)
        case "add":
            x, y = (_whole(part, scale, ctx) for part in a)
            return None if x is None or y is None else x + y
        case "mul" if is_num(a[0]):
            return _whole(a[1], scale * a[0].args[0], ctx)
    return None
