"""What is known of symbols before anything is proved: the ranges of settings, entries, counters."""

from dataclasses import dataclass, field
from typing import Any

from lectopt.explain.terms import ZERO, Term, is_num, neg

MOST_UPDATES = 2**30


@dataclass
class Facts:
    """What is known of symbols: names of settings in (0, 1), of positive settings, of entries of
    the state that are never negative, and of counters, which stay within `MOST_UPDATES` and are
    never less than a number."""

    unit: set[str] = field(default_factory=set)
    positive: set[str] = field(default_factory=set)
    nonnegative: set[str] = field(default_factory=set)
    counters: dict[str, int] = field(default_factory=dict)

    def of(self, term: Term, x: Any) -> list[Any]:
        """The facts about a symbol, for z3."""
        name = term.args[0]
        if name.startswith("|"):
            return [x >= 1]
        if name in self.counters:
            return [x >= self.counters[name], x <= MOST_UPDATES]
        if name in self.unit:
            return [x > 0, x < 1]
        if name in self.positive:
            return [x > 0]
        if name == "inf":
            return [x > 10**40]
        return [x >= 0] if name in self.nonnegative else []

    def plainly(self, term: Term) -> bool:
        """Whether a term is at least 0, seen without any search."""
        a = term.args
        match term.op:
            case "num":
                return a[0] >= 0
            case "sqrt" | "exp":
                return True
            case "add" | "div":
                return all(map(self.plainly, a))
            case "mul":
                return a[0] is a[1] or all(map(self.plainly, a)) or _is_square(term)
            case "pow":
                return self.plainly(a[0])
            case "sym":
                known = self.unit | self.positive | self.nonnegative | self.counters.keys()
                return a[0] in known or a[0][0] == "|" or a[0] == "inf"
            case "ite":
                then, other = _above(a[0], a[1], True), _above(a[0], a[2], False)
                return (then or self.plainly(a[1])) and (other or self.plainly(a[2]))
            case "agg":
                return a[0] in ("sum", "max", "min", "prod") and self.plainly(a[1])
        return False


def _above(condition: Term, x: Term, value: bool) -> bool:
    """Whether a condition says of `x` that it is not negative, where it has this value."""
    if condition.op != "lt":
        return False
    # Where it holds, what stands right is larger; where not, what stands left is not smaller.
    larger, smaller = condition.args[::-1] if value else condition.args
    return (smaller is ZERO and x is larger) or (larger is ZERO and x is neg(smaller))


def _is_square(term: Term) -> bool:
    factors, count = [term], {}
    while factors:
        x = factors.pop()
        if x.op == "mul":
            factors.extend(x.args)
        elif is_num(x):
            if x.args[0] < 0:
                return False
        else:
            count[x] = count.get(x, 0) + 1
    return all(times % 2 == 0 for times in count.values())
