"""Formulas as they are written: sums and products of many, cases, norms, functions by their names.

Terms are binary and say how a program computes; here a product is a coefficient and powers, a sum
is products, and what a program writes with conditions (the larger of two, the sign, the rest of a
division) is called by its name. Nothing is expanded or factored: only what stands there is put
together.
"""

import math
from collections import Counter
from collections.abc import Container, Iterable, Mapping
from fractions import Fraction
from typing import Any

from lectopt.explain.formulas import (
    AXES,
    FLIPPED,
    HALF,
    NOTHING,
    PI,
    UNIT,
    Cases,
    Function,
    Logic,
    Number,
    Relation,
    Symbol,
    Total,
    clipped,
    is_negation,
    modulus,
    negated,
    over,
    plus,
    product,
    simple,
    symbols,
    times,
    to_power,
)
from lectopt.explain.known import T, linear
from lectopt.explain.rewriting import walk
from lectopt.explain.terms import MINUS_ONE, ONE, ZERO, Term, is_num


class Writable:
    """Terms as formulas.

    Args:
      calls: what an operation without a formula is called, by its name.
      rank: how many axes the leaf has.
      homes: where the entries of arrays stand by themselves, by names without a time, and the
        shapes of the arrays.
      leaves: how many there are.
      alone: the names of symbols that are of no leaf's shape.
    """

    def __init__(
        self,
        calls: Mapping[str, str],
        rank: int,
        homes: Mapping[str, tuple[tuple[Term, ...], tuple[Any, ...]]],
        leaves: int = 1,
        alone: Container[str] = (),
    ):
        self.alone = alone
        self.calls, self.rank, self.homes, self.leaves = calls, rank, homes, leaves
        self._known: dict[Term, Any] = {}
        self._others: dict[int, Writable] = {}
        self._opaques: dict[tuple[str, ...], list[Term]] = {}

    def __call__(self, term: Term) -> Any:
        """The formula of a term."""
        for x in walk(term):
            if x not in self._known:
                self._known[x] = self._of(x)
        return self._known[term]

    def _of(self, x: Term) -> Any:
        a = x.args
        match x.op:
            case "num":
                value = a[0]
                if abs(float(value) - math.pi) < 1e-7:
                    return PI
                return Number(value, value.denominator != 1)
            case "bool":
                return Function("True" if a[0] else "False", ())
            case "sym":
                return Symbol(a[0], self._place(a[0], a[1]))
            case "idx":
                return Symbol(_letter(a[0]))
            case "add":
                return modulus(plus(self(a[0]), self(a[1])))
            case "mul":
                return times(self(a[0]), self(a[1]))
            case "div":
                return self._quotient(a[0], a[1])
            case "sqrt":
                return to_power(self(a[0]), HALF)
            case "pow":
                return self._power(self(a[0]), self(a[1]))
            case "exp" | "log" | "floor":
                return Function(x.op, (self(a[0]),))
            case "ite":
                return self._cases(x)
            case "lt" | "eq":
                return self._compared(x)
            case "not":
                return negated(self(a[0]))
            case "and":
                return _joined(x, self)
            case "agg":
                return self._total(x)
            case "opq":
                return self._opaque(x)
        return self._function(x)

    def _quotient(self, a: Term, b: Term) -> Any:
        above, below = self(a), self(b)
        if is_num(b) and b is not ZERO:
            whole = b.args[0].denominator == 1
            return times(above, Number(1 / b.args[0], not whole))
        if b is ZERO:
            return times(Symbol("nan" if a is ZERO else "inf"), UNIT if a is ZERO else above)
        return over(above, below)

    def _power(self, base: Any, exponent: Any) -> Any:
        if isinstance(exponent, Number):
            return to_power(base, exponent.value if exponent.value.denominator <= 2 else exponent)
        return simple(UNIT, [(base, exponent)])

    def _place(self, name: str, at: tuple[Term, ...]) -> tuple[str, ...]:
        """The index, nothing where a symbol stands as its array does."""
        home, shape = self.homes.get(_base(name), (at, ()))
        if len(home) != len(at):
            home, shape = at, ()
        names = [i.args[0] for i in at if i.op == "idx"]
        if names and len(names) == len(at) and all(n[0] == "k" for n in names):
            if names == sorted(set(names)) and name in self.alone:
                return ()
        pairs = zip(at, home, shape or at, strict=True)
        if all(i is h or (i is ZERO and isinstance(d, int) and d == 1) for i, h, d in pairs):
            return ()
        return tuple(_letter(i.args[0]) if i.op == "idx" else _plainly(i) for i in at)

    def _cases(self, x: Term) -> Any:
        c, yes, no = x.args
        if c.op == "lt":
            u, v = c.args
            a, b, p, q = map(self, (u, v, yes, no))
            if u is ZERO and yes is ONE and no.op == "ite" and _is_sign(no, v):
                return Function("sign", (b,))
            if v is ZERO and q == a and p == times(Number(Fraction(-1)), a):
                return Function("abs", (a,))
            if p == b and q == a:
                return clipped(Function("max", (a, b)))
            if p == a and q == b:
                return clipped(Function("min", (a, b)))
        return self._turned(Cases(self(c), self(yes), self(no)))

    def _turned(self, x: Cases) -> Cases:
        """Cases with the plainer condition, or with the plainer case last."""
        condition, yes, no = x
        if isinstance(condition, Logic) and condition.word == "and":
            if all(is_negation(y) for y in condition.args):
                return Cases(Logic("or", tuple(map(negated, condition.args))), no, yes)
        plain = isinstance(no, Symbol) and symbols(no) < symbols(yes)
        if is_negation(condition) or (isinstance(condition, Relation) and plain):
            return Cases(negated(condition), no, yes)
        return x

    def _compared(self, x: Term) -> Any:
        mark, (a, b) = {"lt": "<", "eq": "=="}[x.op], x.args
        ends = (linear(a), linear(b))
        if ends[0] is not None and ends[1] is not None:
            slope, shift = (ends[0][k] - ends[1][k] for k in (0, 1))
            if slope and (a is not T or not is_num(b)):
                mark = FLIPPED.get(mark, mark) if slope < 0 else mark
                bound = Number(-shift / slope, (-shift / slope).denominator != 1)
                return Relation(mark, Symbol("t"), bound)
        return Relation(mark, self(a), self(b))

    def _total(self, x: Term) -> Any:
        kind, body, over_ = x.args
        names = [k for k, _ in over_]
        axes = (
            "leaf"
            if len(names) == self.rank and all(n[0] == "i" for n in names)
            else "".join(map(_letter, names))
        )
        return Total(kind, self(body), axes)

    def _function(self, x: Term) -> Any:
        name, args = x.args[0], tuple(self(y) for y in x.args[2:])
        if name.startswith("leaves "):
            _, kind, leaves, rank = name.split(" ")
            args = (self._of_rank(int(rank))(x.args[2]),)
            inner = product(args[0])
            if isinstance(args[0], Total) and args[0].kind == kind and args[0].axes == "leaf":
                return args[0]._replace(leaves=leaves)
            if kind == "sum" and len(inner.powers) >= 1 and inner.number != UNIT:
                rest = Total(kind, simple(UNIT, inner.powers), "", leaves)
                return times(inner.number, rest)
            return Total(kind, args[0], "", leaves)
        if name == "is_number":
            return negated(Function("isnan", args))
        if name == "is_finite":
            return Function("isfinite", args)
        word, *rest = name.split(" ")
        if word == "cast":
            return Function(rest[1], args)
        if word == "round":
            return Function("round", args)
        if word == "wrap":
            return Function(rest[0], args)
        if word == "precision":
            return args[0]
        return Function(word if word.startswith("bitwise") else name, args)

    def _of_rank(self, rank: int) -> "Writable":
        """What writes the formulas of a leaf with so many axes."""
        if rank not in self._others:
            self._others[rank] = Writable(self.calls, rank, self.homes, self.leaves, self.alone)
        return self if rank == self.rank else self._others[rank]

    def _opaque(self, x: Term) -> Any:
        whole = x
        while x.args[0].startswith("reshape ") and x.args[2][0].op == "opq":
            x = x.args[2][0]
        name = self.calls.get(x.args[0], x.args[0].partition(" ")[0])
        if name.startswith("iota "):
            place = x.args[3][int(name[5:])]
            return Function(f"index_{_letter(place.args[0])}", ()) if place.op == "idx" else NOTHING
        names, everywhere = _depends(x.args[2])
        often = Counter(name.partition("@")[0] for name in names)
        # What depends on all leaves depends on the tree.
        bare = {name: name.partition("@")[0] for name in names}
        every = everywhere | {b for b, times_ in often.items() if times_ == self.leaves}
        names = sorted(every | {name for name, b in bare.items() if b not in every})
        # Two functions of the same arrays are not one, so that their difference is not 0.
        alike = self._opaques.setdefault((name, *names), [])
        alike += [] if whole in alike else [whole]
        out = Function(name + "'" * alike.index(whole), tuple(map(Symbol, names)), True)
        return Relation("!=", out, NOTHING) if x.sort == "bool" else out


def _depends(bodies: Iterable[Term]) -> tuple[set[str], set[str]]:
    """The symbols that terms depend on, and those of which they depend on all leaves."""
    names: set[str] = set()
    everywhere: set[str] = set()
    stack = [(body, names) for body in bodies]
    seen: set[Any] = set()
    while stack:
        x, found = stack.pop()
        if (x, found is names) in seen:
            continue
        seen.add((x, found is names))
        if x.op == "sym" and x.args[0][0] != "|" and x.args[0] not in ("inf", "nan"):
            found.add(x.args[0])
        if x.op == "fn" and x.args[0].startswith("leaves ") and x.args[0].split(" ")[2] == "all":
            found = everywhere
        inside = x.args[2] if x.op == "opq" else (x.args[1],) if x.op == "agg" else x.args
        stack += [(y, found) for y in inside if isinstance(y, Term) and x.op != "sym"]
    return names, everywhere


def _base(name: str) -> str:
    """The name of an array without the time."""
    head, _, leaf = name.partition("@")
    return head.partition("[")[0] + (f"@{leaf}" if leaf else "")


def _plainly(index: Term) -> str:
    return str(index.args[0]) if is_num(index) else str(index)


def _letter(index: str) -> str:
    k = int(index[1:])
    return AXES[k] if index[0] == "i" else "pqrsuvwxyz"[k % 10]


def _is_sign(no: Term, v: Term) -> bool:
    c, yes, other = no.args
    return c.op == "lt" and c.args == (v, ZERO) and yes is MINUS_ONE and other is ZERO


def _joined(x: Term, write: Any) -> Any:
    args: list[Any] = []
    for y in map(write, x.args):
        args += y.args if isinstance(y, Logic) and y.word == "and" else [y]
    return Logic("and", tuple(dict.fromkeys(args)))
