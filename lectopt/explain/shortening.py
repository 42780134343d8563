"""Names for long formulas that stand more than once: what an author would call `u`.

`θ - α u ‖θ‖ / ‖u‖` is LAMB; with `u` written out at every place it is not readable.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from lectopt.explain.arrays import generic
from lectopt.explain.letters import parse
from lectopt.explain.letters import symbol as name_of
from lectopt.explain.rewriting import rewrite, walk
from lectopt.explain.terms import LEAVES, ONE, ZERO, Term, is_num, less, neg

LETTERS = ("a", "b", "d", "e", "f", "h", "x", "y", "z")  # for what is only an abbreviation


LONG = 6  # parts; shorter formulas are left as they are


def shortened(
    equations: Mapping[Term, Term],
    update: Term,
    letters: Iterator[str],
    fixed: set[Term],
    allowed: Callable[[Term], bool] = lambda x: True,
) -> tuple[dict[Term, Term], Term]:
    """The same equations, with letters of their own for long parts that occur repeatedly.

    Args:
      equations: definitions, in order.
      update: the last formula.
      letters: those that are free.
      fixed: symbols whose definitions are left as they are.
      allowed: what may have a letter.
    """
    equations = dict(equations)
    for letter in letters:
        exprs = [t for s, t in equations.items() if s not in fixed] + [update]
        target = _repeated(exprs, allowed)
        if target is None:
            break
        rank = 1 + max((int(i[1:]) for i in target.indices), default=-1)
        symbol = Term("sym", name_of(letter, "t"), generic([0] * rank), target.sort)

        def change(x: Term, target: Term = target, symbol: Term = symbol) -> Term | None:
            return symbol if x is target else None

        later: dict[Term, Term] = {}
        for defined, term in equations.items():
            short = term if defined in fixed else rewrite(term, change, {})
            if short is not term and symbol not in later:
                later[symbol] = target
            later[defined] = short
        if symbol not in later:
            later[symbol] = target
        equations, update = later, rewrite(update, change, {})
    return equations, update


def _repeated(exprs: Sequence[Term], allowed: Callable[[Term], bool]) -> Term | None:
    """The longest part that occurs at least twice, None if there is none."""
    counts: Counter[Term] = Counter()
    for expr in exprs:
        seen, stack = {expr}, [expr]
        counts[expr] += 1
        while stack:
            for x in _parts(stack.pop()):
                counts[x] += 1
                if x not in seen:
                    seen.add(x)
                    stack.append(x)
    size = Sizes()
    long = (x for x, times in counts.items() if times > 1 and size(x) >= LONG)
    worth = [x for x in long if _may_be_named(x, size(x)) and allowed(x)]
    return max(worth, key=lambda x: (size(x), -x.id), default=None)


def _parts(x: Term) -> Sequence[Term]:
    """The parts of a term as it is written: of a square, a size, a sign, the larger of two each
    part once."""
    a = x.args
    if x.op in LEAVES or x.op == "opq":
        return ()
    if x.op == "agg":
        return (a[1],)
    if x.op == "ite" and a[0].op == "lt":
        u, v = a[0].args
        if {a[1], a[2]} <= {u, v}:
            return (u, v)
        if v is ZERO and a[2] is u and a[1] is neg(u):
            return (u,)
        if u is ZERO and a[1] is ONE and a[2].op == "ite" and a[2].args[0] is less(v, ZERO):
            return (v,)
    parts = tuple(y for y in a if isinstance(y, Term))
    return parts[:1] if x.op == "mul" and parts[0] is parts[1] else parts


def _may_be_named(x: Term, size: int) -> bool:
    if x.sort != "real" or x.op in LEAVES or x.op in ("agg",):
        return False
    if x.op == "fn" and x.args[0].startswith("leaves "):
        return False
    if x.op == "sqrt":  # a norm has a sign of its own
        inside = x.args[0]
        inside = inside.args[2] if inside.op == "fn" and len(inside.args) == 3 else inside
        if inside.op == "agg" and inside.args[1].op == "mul":
            return inside.args[1].args[0] is not inside.args[1].args[1]
    if any(k[0] == "k" for k in x.indices):
        return False
    names = {y.args[0] for y in walk(x, inside=True) if y.op == "sym"}
    varies = any((parse(name)["time"] or "").startswith("t") for name in names)
    return varies or ("t" in names and size >= 2 * LONG)


class Sizes:
    """How many parts a term has, each as often as it occurs; counted up to a million."""

    def __init__(self) -> None:
        self.known: dict[Term, int] = {}

    def __call__(self, term: Term) -> int:
        """The size of a term."""
        if term not in self.known:
            for x in walk(term, inside=True):
                if x not in self.known:
                    inside = (
                        (x.args[1],)
                        if x.op == "agg"
                        else x.args[2]
                        if x.op == "opq"
                        else (() if x.op in LEAVES else x.args)
                    )
                    parts = [y for y in inside if isinstance(y, Term) and not is_num(y, -1)]
                    self.known[x] = min(10**6, 1 + sum(self.known.get(y, 1) for y in parts))
        return self.known[term]
