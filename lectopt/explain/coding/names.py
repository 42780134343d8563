"""Names of what a program computes, that mean nothing else in Python or JavaScript."""

import keyword
import re

from lectopt.explain.coding.local import GIVEN, PARAMS, SETTING, Slot
from lectopt.explain.coding.rules import Rules
from lectopt.explain.terms import Term, is_num

JAVASCRIPT = """
    abstract arguments await boolean break byte case catch char class const continue debugger
    default delete do double else enum eval export extends false final finally float for function
    goto if implements import in instanceof int interface let long native new null package private
    protected public return short static super switch synchronized this throw throws transient true
    try typeof var void volatile while with yield undefined NaN Infinity Math Object Array Number
""".split()
PROGRAMS = """
    np torch math state params gradients updates init update point t g p i k name names group self
    sum product largest smallest abs min max sign all any step after found shared closure loss zip
    float int bool dict range defaults named_parameters super optimizer
""".split()
RESERVED = frozenset([*keyword.kwlist, *JAVASCRIPT, *PROGRAMS])
ARRAYS = ("u", "w", "x", "y", "z")
NUMBERS = ("a", "b", "c", "d", "e", "f", "h")


class Names:
    """The names of settings and statistics by their symbols, and of terms that are assigned."""

    def __init__(self, rules: Rules):
        self.taken: set[str] = set(RESERVED)
        self.settings = {k: self._free(k, "_") for k in rules.settings}
        self.slots: dict[str, str] = {}
        self.extra: dict[str, str] = {}
        for s in rules.local.slots:
            self.slots[s.name] = self._free(s.key, "_")
        self.variables: dict[Term, str] = {}

    def _free(self, name: str, last: str = "") -> str:
        """A name like this one that is not taken."""
        name = re.sub(r"\W+", "_", name).strip("_") or "x"
        name = f"_{name}" if name[0].isdigit() else name
        tried = [name] + ([name + last] if last else [])
        tried += [f"{name}_{k}" for k in range(2, 10_000)]
        found = next(x for x in tried if x not in self.taken)
        self.taken.add(found)
        return found

    def setting(self, symbol: str) -> str:
        """Of a setting, by its symbol; of an argument of the update."""
        if symbol.startswith(SETTING):
            return self.settings[symbol.removeprefix(SETTING)]
        if symbol not in self.extra:
            self.extra[symbol] = self._free(symbol.removeprefix(GIVEN), "_")
        return self.extra[symbol]

    def of_slot(self, x: Term, slot: Slot) -> None:
        """The new value of a statistic has its name."""
        self.variables[x] = self.slots[slot.name]

    def hat(self, x: Term, name: str) -> None:
        """An average that is corrected for its start."""
        self.variables[x] = self._free(f"{name}_hat")

    def made(self, x: Term) -> None:
        """Anything else."""
        self.variables[x] = self._free(self._meaning(x))

    def _meaning(self, x: Term) -> str:
        if x.op == "sqrt" and x.args[0].op == "agg":
            return f"{self._squared(x.args[0].args[1])}norm"
        if x.op == "agg":
            body = x.args[1]
            if body.op == "mul" and body.args[0] is body.args[1]:
                return f"{self._squared(body)}norm_squared"
            return {"sum": "total", "max": "largest", "min": "smallest"}.get(x.args[0], "whole")
        letters = ARRAYS if x.indices else NUMBERS
        return next((k for k in letters if k not in self.taken), letters[-1])

    def _squared(self, x: Term) -> str:
        """Of what a sum of squares is, as the beginning of a name."""
        if x.op != "mul" or x.args[0] is not x.args[1] or is_num(x):
            return ""
        y = x.args[0]
        if y.op == "sym":
            return "p_" if y.args[0] == PARAMS else ""
        return f"{self.variables[y]}_" if y in self.variables else ""
