"""Which terms are plainly positive, or never negative, so that guards about them never act."""

from lectopt.explain.proving import Prover
from lectopt.explain.terms import ZERO, Term, is_num, less, walk

SMALL = 30  # parts of a term that the prover is asked about


class Positive:
    """What is known of signs under the facts of a prover."""

    def __init__(self, prover: Prover):
        self.prover, self.facts = prover, prover.facts
        self._positive: dict[Term, bool] = {}
        self._nonnegative: dict[Term, bool] = {}

    def decided(self, x: Term) -> bool | None:
        """Whether a comparison with a number always or never holds, None if that is not plain."""
        if x.op not in ("lt", "eq"):
            return None
        a, b = x.args
        if is_num(a):
            if self._above(b, a):
                return x.op == "lt"
            return None
        if is_num(b) and (self._above(a, b) or (x.op == "lt" and self._at_least(a, b))):
            return False
        return None

    def _above(self, x: Term, number: Term) -> bool:
        value = number.args[0]
        return (value < 0 and self.nonnegative(x)) or (value <= 0 and self.positive(x))

    def _at_least(self, x: Term, number: Term) -> bool:
        return number.args[0] <= 0 and self.nonnegative(x)

    def positive(self, x: Term) -> bool:
        """Whether it is known to be more than 0."""
        if x not in self._positive:
            self._positive[x] = False  # while it is being found out
            self._positive[x] = self._is_positive(x)
        return self._positive[x]

    def _is_positive(self, x: Term) -> bool:
        a = x.args
        match x.op:
            case "num":
                return a[0] > 0
            case "exp":
                return True
            case "sym":
                return a[0] in self.facts.unit | self.facts.positive or (
                    self.facts.counters.get(a[0], 0) > 0
                )
            case "sqrt" | "pow":
                return self.positive(a[0])
            case "mul" | "div":
                return all(map(self.positive, a))
            case "ite":
                return self.positive(a[1]) and self.positive(a[2])
            case "add" if all(map(self.nonnegative, a)):
                return any(map(self.positive, a))
            case "fn" if a[0] == "max":
                return any(map(self.positive, a[2:]))
        return self._asked(x)

    def _asked(self, x: Term) -> bool:
        """What the prover says of a short formula of settings and counters."""
        parts = list(walk(x))
        if x.op != "add" or x.indices or len(parts) > SMALL:
            return False
        return all(y.op not in ("agg", "fn", "opq") for y in parts) and self.prover.always(
            less(ZERO, x)
        )

    def nonnegative(self, x: Term) -> bool:
        """Whether it is known to be at least 0."""
        if x not in self._nonnegative:
            self._nonnegative[x] = False
            self._nonnegative[x] = (
                self.facts.plainly(x) or self._is_nonnegative(x) or self.positive(x)
            )
        return self._nonnegative[x]

    def _is_nonnegative(self, x: Term) -> bool:
        a = x.args
        match x.op:
            case "add" | "mul" | "div":
                return all(map(self.nonnegative, a))
            case "ite":
                return self.nonnegative(a[1]) and self.nonnegative(a[2])
            case "agg":
                return a[0] != "and" and a[0] != "or" and self.nonnegative(a[1])
            case "fn":
                return a[0] == "abs" or (a[0] == "max" and any(map(self.nonnegative, a[2:])))
        return False
