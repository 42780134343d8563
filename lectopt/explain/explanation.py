"""`Explanation`: the equations of an optimizer, to print, typeset, compute with and replay."""

import functools as ft
import operator
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np

from lectopt.explain import page
from lectopt.explain.known import names_in
from lectopt.explain.letters import Notation, parse, untagged
from lectopt.explain.letters import symbol as name_of
from lectopt.explain.lookups import Lookups
from lectopt.explain.naming import Lines
from lectopt.explain.readings import Reading
from lectopt.explain.subjects import Subject

SHORTEST = 50  # of the sizes that are made up


class Explanation(Lookups):
    """What an optimizer computes in one update.

    `print` it for text; notebooks typeset it. `explanation["mu"]` is the new value of a statistic,
    `explanation["theta"]` that of the parameters and `explanation["update"]` what is added to them,
    as SymPy expressions of the settings, the old state and the gradient. Where leaves of the
    parameters obey different equations, write `explanation["theta", "kernel"]`.

    Attributes:
      title: what was explained.
      obstacle: why there are no equations, "" if there are.
    """

    def __init__(
        self,
        title: str,
        notation: Notation,
        reading: Reading | None,
        obstacle: str = "",
        shared: Lines | None = None,
        groups: Sequence[Lines] = (),
        given: bool = True,
        tree: Any = None,
    ):
        self.title, self.obstacle, self.notation = title, obstacle, notation
        self._reading, self._shared = reading, shared
        self.groups, self.given, self.tree = list(groups), given, tree
        if len(groups) > 1:
            self.groups = page.merged(self)
        self.subject: Subject | None = None if reading is None else reading.programs.subject
        self.params: Any = tree if given else None

    @property
    def reading(self) -> Reading:
        """All that was read.

        Raises:
          ValueError: there are no equations.
        """
        if self._reading is None:
            raise ValueError(f"{self.title} is not explained: {self.obstacle}")
        return self._reading

    @property
    def shared(self) -> Lines:
        """The equations of what belongs to no leaf."""
        assert self._shared is not None
        return self._shared

    @property
    def text(self) -> str:
        """The equations as plain text."""
        return page.text(self)

    @property
    def latex(self) -> str:
        """The equations as a LaTeX `aligned` block, for mathematics mode."""
        return page.latex(self)

    @property
    def equations(self) -> list[Any]:
        """The printed equations in order, as SymPy equations."""
        import sympy as sp

        found = []
        for group, block in page.blocks(self):
            for row in block:
                if row.kind == "=" and row.symbol is not None:
                    left, right = (self._exported(x, group) for x in (row.symbol, row.value))
                    found.append(sp.Eq(left, right, evaluate=False))
        return found

    @property
    def start(self) -> dict[str, Any]:
        """The first value of every statistic, by its name in the state."""
        found = {}
        for slot in self.reading.states:
            if slot.role in ("slot", "constant"):
                lines = self._lines(slot)
                name = name_of(slot.base, "" if slot.role == "constant" else "0")
                for symbol, term in lines.start.items():
                    if untagged(symbol.args[0]) == name:
                        found[slot.key] = self._exported(term, lines)
        return found

    @property
    def reads(self) -> frozenset[str]:
        """What the update needs besides the gradient: "params", "value", ..."""
        reading, used = self.reading, self.used
        bases = {parse(x)["base"] for x in used if parse(x)["time"] == "t-1"}
        names = {name for name, letter in reading.extra.items() if name_of(letter, "t") in used}
        params = {"params"} if reading.symbols["params"] in bases else set()
        return frozenset(names | set(reading.programs.functions) | params)

    @ft.cached_property
    def used(self) -> set[str]:
        """The names of the symbols that occur in the equations."""
        exprs = [*self.shared.equations.values()]
        for group in self.groups:
            exprs += [*group.equations.values(), group.update]
        return {untagged(name) for name in names_in(exprs)}

    @property
    def symbols(self) -> dict[str, str]:
        """Letter -> the setting that it stands for."""
        subject = self.reading.programs.subject
        schedules = {self.notation.setting(k, subject.maker): k for k in subject.schedules}
        letters = {name: letter for letter, name in self.reading.settings.items()}
        return schedules | {letters[name]: name for name in subject.numbers if name in letters}

    def sample(self) -> Any:
        """Parameters to replay on: those that were read on, shorter if their sizes say nothing."""
        shapes = self.tree if self.tree is not None else self.reading.programs.params
        alike = not self.given and len(self.groups) == 1 and not self.reading.records

        def shorter(d: int) -> int:
            return 3 + d % 5 if alike and d > SHORTEST else d

        return jax.tree.map(lambda x: np.ones([shorter(d) for d in np.shape(x)]), shapes)

    def check_letters(self, letters: Mapping[str, str]) -> None:
        """Raise if a letter is given for a name that does not exist here.

        Raises:
          ValueError: see above.
        """
        reading = self.reading
        subject = reading.programs.subject
        known = {"theta", "g", "t", *reading.symbols, *subject.values, *subject.numbers}
        known |= {s.key for s in reading.states} | set(reading.extra)
        unknown = [name for name in letters if name not in known]
        if unknown:
            raise ValueError(
                f"letters names {', '.join(map(repr, unknown))}, which {self.title} does not have; "
                f"there are {', '.join(sorted(known))}"
            )

    def code(self, language: str = "numpy") -> str:
        """The same equations as a program that needs nothing of this library.

        With the settings as arguments, their defaults those of the maker; of a transformation that
        is built, with its numbers. The programs compute in real numbers what the transformation
        does: guards that never act are left out, and roundings to narrow types.

        * `"numpy"`: a module with `init(params, ...)` and `update(gradients, state, params, ...)`,
          which returns what is added to the parameters, and the new state; of one array, or of a
          dict of arrays where leaves depend on each other or obey different rules. `point(state,
          params, ...)` says where the gradient is taken, if not at the parameters.
        * `"torch"`: a module with the class `Optimizer`, a `torch.optim.Optimizer`.
        * `"javascript"`: a module that exports `init` and `update` of plain arrays of numbers.

        Args:
          language: one of these three.

        Raises:
          ValueError: there is no such language, or an operation has no formula that could be
            written: a function of matrices, random numbers, sums over rows.
        """
        from lectopt.explain.coding import code

        if self.subject is None:
            raise ValueError(f"{self.title} was not made by lectopt.explain")
        return code(self.subject, self.params, language)

    def markdown(self) -> str:
        """A page in Markdown: the equations as LaTeX and as text, the settings with their defaults
        and conventions, the first state, and the NumPy program."""
        from lectopt.explain.markdown import page as of

        return of(self)

    def replay(self, steps: int = 5, seed: int = 0) -> float:
        """The largest difference between these equations and the optimizer they describe.

        The equations are evaluated in plain NumPy, in float64, beside `steps` updates on random
        gradients; new parameters and all statistics are compared, relative to 1 + their size.

        Args:
          steps: how many updates, 1 or more.
          seed: of the gradients and the first parameters.

        Raises:
          TypeError: `steps` is no integer.
          ValueError: `steps` is less than 1, or there are no equations.
        """
        from lectopt.explain.replaying import replay

        wanted = f"steps is how many updates to replay, 1 or more; got {steps!r}"
        if not hasattr(steps, "__index__"):
            raise TypeError(wanted)
        if operator.index(steps) < 1:
            raise ValueError(wanted)
        return replay(self, operator.index(steps), seed)

    def __copy__(self) -> "Explanation":
        return self

    def __deepcopy__(self, memo: Any) -> "Explanation":
        return self  # nothing of it changes

    def __reduce__(self) -> Any:
        raise TypeError(
            "An explanation holds the functions of its optimizer and cannot be pickled. Keep its "
            "text or latex, or call explain again."
        )

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__

    def _repr_latex_(self) -> str:
        return f"$$\n{self.latex}\n$$"

    def _repr_html_(self) -> str:
        return page.html(self)
