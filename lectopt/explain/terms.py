"""Terms: what a program computes at one place, over the reals, the whole numbers and truth values.

A term is immutable, and equal terms are one object. The operations:

  num, bool             a rational number, a truth value
  sym(name, at, sort)   an entry of an array of the program, at an index that is a tuple of terms
  idx(name)             an index: `i0`, `i1` of the place that is looked at, `k0`, `k1` bound ones
  add mul div ite not lt eq and, sqrt exp log pow floor
  fn(name, sort, ...)   a function of numbers of which nothing is known but its name
  agg(kind, body, over) the sum, largest, ... of a body over bound indices `over = ((k, size), ...)`
  opq(name, sort, bodies, at)  an entry of a function of whole arrays, each written at bound indices
"""

import functools as ft
import itertools
import weakref
from collections.abc import Callable
from fractions import Fraction
from typing import Any

_TERMS: weakref.WeakValueDictionary[tuple[Any, ...], "Term"] = weakref.WeakValueDictionary()
_COUNT = itertools.count()
LEAVES = frozenset({"num", "bool", "sym", "idx"})
PARTIAL = frozenset({"div", "sqrt", "log", "pow"})  # no number for some arguments
TRUTHS = frozenset({"bool", "lt", "eq", "and", "not"})


class Term:
    """An operation and its arguments; `indices` are those that occur free in it, and `partial` says
    whether it may be no number."""

    __slots__ = ("__weakref__", "args", "id", "indices", "op", "partial", "sort")

    op: str
    args: tuple[Any, ...]
    id: int
    indices: frozenset[str]
    partial: bool
    sort: str

    def __new__(cls, op: str, *args: Any) -> "Term":
        """The term of this operation and these arguments, which is made once."""
        # True == 1 for a dict, so that a truth value says in its key that it is one.
        key = (op, *args) if op != "bool" else (op, "bool", *args)
        found = _TERMS.get(key)
        if found is None:
            found = object.__new__(cls)
            found.op, found.args, found.id = op, args, next(_COUNT)
            found.indices = _free(op, args)
            found.partial = op in PARTIAL or any(isinstance(x, Term) and x.partial for x in args)
            found.sort = _sort(op, args)
            _TERMS[key] = found
        return found

    def __repr__(self) -> str:
        return show(self)


def _free(op: str, args: tuple[Any, ...]) -> frozenset[str]:
    if op == "idx":
        return frozenset(args)
    if op == "agg":
        return args[1].indices - {k for k, _ in args[2]}
    inside = args[3] if op == "opq" else args[1] if op == "sym" else args
    return frozenset().union(*(x.indices for x in inside if isinstance(x, Term)))


def _sort(op: str, args: tuple[Any, ...]) -> str:
    if op in TRUTHS:
        return "bool"
    if op == "sym":
        return args[2]
    if op in ("fn", "opq"):
        return args[1]
    if op == "ite":
        return args[1].sort
    if op == "agg":
        return "bool" if args[0] in ("and", "or") else args[1].sort
    return "real"


def num(x: Any) -> Term:
    """A rational number."""
    return Term("num", Fraction(x))


ZERO, ONE, MINUS_ONE = num(0), num(1), num(-1)
TRUE, FALSE = Term("bool", True), Term("bool", False)
INF, NAN = Term("sym", "inf", (), "real"), Term("sym", "nan", (), "real")


def is_num(a: Term, x: Any = None) -> bool:
    """Whether it is a number, this one if one is given."""
    return a.op == "num" and (x is None or a.args[0] == x)


def add(a: Term, b: Term) -> Term:
    """a + b."""
    if is_num(a) and is_num(b):
        return num(a.args[0] + b.args[0])
    return b if a is ZERO else a if b is ZERO else Term("add", a, b)


def mul(a: Term, b: Term) -> Term:
    """a*b; 0 times what may be no number stays, so that it is seen what that asks for."""
    if is_num(a) and is_num(b):
        return num(a.args[0] * b.args[0])
    if ZERO in (a, b):
        return Term("mul", a, b) if a.partial or b.partial else ZERO
    return b if a is ONE else a if b is ONE else Term("mul", a, b)


def neg(a: Term) -> Term:
    """-a."""
    return mul(MINUS_ONE, a)


def sub(a: Term, b: Term) -> Term:
    """a - b; a difference of a thing and itself is 0 only for what is finite, and stays."""
    return add(a, neg(b))


def div(a: Term, b: Term) -> Term:
    """a/b."""
    if is_num(a) and is_num(b) and b is not ZERO:
        return num(a.args[0] / b.args[0])
    return a if b is ONE else Term("div", a, b)


def ite(c: Term, a: Term, b: Term) -> Term:
    """a if c else b."""
    if a is b:
        return a
    if c.op == "bool":
        return a if c.args[0] else b
    if c.op == "not":
        return ite(c.args[0], b, a)
    if a is TRUE and b is FALSE:
        return c
    if a is FALSE and b is TRUE:
        return negate(c)
    return Term("ite", c, a, b)


def negate(a: Term) -> Term:
    """not a."""
    if a.op == "bool":
        return Term("bool", not a.args[0])
    return a.args[0] if a.op == "not" else Term("not", a)


def less(a: Term, b: Term) -> Term:
    """a < b."""
    if is_num(a) and is_num(b):
        return Term("bool", a.args[0] < b.args[0])
    return FALSE if a is b else _by_cases(less, a, b) or Term("lt", a, b)


def equal(a: Term, b: Term) -> Term:
    """a == b."""
    if (is_num(a) and is_num(b)) or (a.op == "bool" and b.op == "bool") or a is b:
        return Term("bool", a is b)
    return _by_cases(equal, a, b) or Term("eq", *_ordered(a, b))


def _by_cases(compare: Callable[[Term, Term], Term], a: Term, b: Term) -> Term | None:
    """A comparison with one of two numbers, which a condition chooses: the condition itself."""
    for x, y, put in ((a, b, lambda case: (case, b)), (b, a, lambda case: (a, case))):
        if x.op == "ite" and is_num(y) and is_num(x.args[1]) and is_num(x.args[2]):
            return ite(x.args[0], compare(*put(x.args[1])), compare(*put(x.args[2])))
    return None


def both(a: Term, b: Term) -> Term:
    """a and b."""
    if FALSE in (a, b):
        return FALSE
    return b if a is TRUE or a is b else a if b is TRUE else Term("and", *_ordered(a, b))


def either(a: Term, b: Term) -> Term:
    """a or b."""
    return negate(both(negate(a), negate(b)))


def _ordered(*terms: Term) -> list[Term]:
    return sorted(terms, key=lambda x: x.id)


def maximum(a: Term, b: Term) -> Term:
    """The larger of the two."""
    return ite(less(a, b), b, a)


def minimum(a: Term, b: Term) -> Term:
    """The smaller of the two."""
    return ite(less(b, a), b, a)


def absolute(a: Term) -> Term:
    """|a|."""
    return ite(less(a, ZERO), neg(a), a)


def sign(a: Term) -> Term:
    """-1, 0 or 1."""
    return ite(less(ZERO, a), ONE, ite(less(a, ZERO), MINUS_ONE, ZERO))


def power(a: Term, k: int) -> Term:
    """a to a whole power."""
    if k < 0:
        return div(ONE, power(a, -k))
    return ft.reduce(mul, [a] * k, ONE)


def total(kind: str, body: Term, over: tuple[Any, ...]) -> Term:
    """The sum, product, largest, smallest, "and" or "or" of a body over bound indices."""
    return body if body.op == "bool" else Term("agg", kind, body, over)


MAKE: dict[str, Callable[..., Term]] = {
    "add": add, "mul": mul, "div": div, "ite": ite, "not": negate, "lt": less, "eq": equal,
    "and": both, "agg": total,
}  # fmt: skip


INFIX = {"add": "+", "mul": "*", "div": "/", "lt": "<", "eq": "==", "and": "and"}


def show(term: Term, depth: int = 9) -> str:
    """The term in words, for messages and while debugging: its outer parts, as a term that is
    small in memory may be long in words."""
    a, inner = term.args, ft.partial(show, depth=depth - 1)
    if term.op in LEAVES:
        return a[0] + _at(a[1]) if term.op == "sym" else str(a[0])
    if depth == 0:
        return "…"
    if term.op in INFIX:
        return f"({inner(a[0])} {INFIX[term.op]} {inner(a[1])})"
    if term.op == "agg":
        return f"{a[0]}({inner(a[1])})"
    if term.op == "opq":
        return f"{a[0].partition(' ')[0]}({', '.join(map(inner, a[2]))}){_at(a[3])}"
    inside = ", ".join(inner(x) for x in a if isinstance(x, Term))
    return f"{a[0] if term.op == 'fn' else term.op}({inside})"


def _at(index: tuple[Term, ...]) -> str:
    return f"[{','.join(map(show, index))}]" if index else ""
