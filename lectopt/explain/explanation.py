"""`Explanation`: the equations of an optimizer, to print, typeset, compute with and replay."""

import functools as ft
import operator
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np

from lectopt.explain import page
from lectopt.explain.expressions import Writable
from lectopt.explain.known import names_in
from lectopt.explain.letters import Notation, parse, untagged
from lectopt.explain.letters import symbol as name_of
from lectopt.explain.naming import Lines
from lectopt.explain.readings import Reading
from lectopt.explain.subjects import Subject
from lectopt.explain.terms import Term, add, rewrite
from lectopt.explain.wording import Wording

SHORTEST = 50  # of the sizes that are made up
PARAMETERS = ("theta", "params", "parameters")
SHORT = 8  # numbers in a table that is written out
RANKS = ("scalars", "vectors", "matrices", "arrays of 3 axes", "arrays of 4 axes")


class Explanation(Wording):
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
    def leaves(self) -> dict[str, Lines]:
        """The equations of every leaf."""
        groups = (member for group in self.groups for member in group.members or (group,))
        return {leaf: group for group in groups for leaf in group.leaves}

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

    def symbol(self, name: str) -> Any:
        """The symbol of a setting, of a statistic before the update, of "theta", "g" or "t".

        Raises:
          KeyError: there is no such name.
        """
        found = self.vocabulary().get(name)
        if found is None:
            raise KeyError(f"{name!r}; there are {', '.join(self.vocabulary())}")
        return self._exported(found, self.groups[0])

    def vocabulary(self) -> dict[str, Term]:
        """Names in plain letters and their symbols; statistics are those before the update."""
        reading = self.reading

        def symbol(name: str) -> Term:
            return Term("sym", name, (), "real")

        words = {name: symbol(letter) for letter, name in reading.settings.items()}
        words |= {name: symbol(name_of(letter, "t")) for name, letter in reading.extra.items()}
        for slot in reading.states:
            if slot.role == "slot":
                words[slot.key] = symbol(name_of(slot.base, "t-1"))
        letters = {x.args[0].partition("[")[0]: x for x in words.values()}
        weights = symbol(name_of(reading.symbols["params"], "t-1"))
        params = dict.fromkeys(PARAMETERS, weights)
        gradient = symbol(name_of(reading.symbols["gradient"], "t"))
        return letters | words | params | {"g": gradient, "t": symbol("t")}

    def parse(self, text: str) -> Any:
        """A SymPy expression from text in these names, `"b1*mu + (1 - b1)*g"` for example.

        Raises:
          ValueError: the text is no formula, or holds a name that is not there.
        """
        from lectopt.explain.exchange import parsed

        known = {name: self._exported(x, self.groups[0]) for name, x in self.vocabulary().items()}
        return parsed(text, known)

    def __getitem__(self, key: str | tuple[str, str]) -> Any:
        match key:
            case str() as name:
                leaf = None
            case str() as name, str() as leaf:
                pass
            case _:
                raise TypeError(
                    f'write ["theta"], or ["theta", "kernel"] for one leaf; got {key!r}'
                )
        return self._exported(self.value(name, leaf), self._group(name, leaf))

    def _group(self, name: str, leaf: str | None) -> Lines:
        labels = list(self.leaves)
        if leaf is None and len(self.groups) > 1:
            raise KeyError(f"{name!r} depends on the leaf; write [{name!r}, {labels[0]!r}]")
        if leaf is not None and leaf not in labels:
            raise KeyError(f"no leaf {leaf!r}; there are {', '.join(labels)}")
        return self.groups[0] if leaf is None else self.leaves[leaf]

    def value(self, name: str, leaf: str | None = None) -> Term:
        """As `explanation[name, leaf]`, as a term.

        Raises:
          KeyError: there is no such name, or it depends on the leaf.
        """
        reading = self.reading
        group = self._group(name, leaf)
        definitions = {**self.shared.equations, **group.equations}
        for slot in reading.states:
            if slot.role == "slot" and name in (slot.key, slot.base):
                wanted = name_of(slot.base, "t")
                for symbol, term in definitions.items():
                    if untagged(symbol.args[0]) == wanted:
                        return self.unfolded(term, definitions)
        if name not in ("update", *PARAMETERS, reading.symbols["params"]):
            keys = dict.fromkeys(s.key for s in reading.states if s.role == "slot")
            raise KeyError(f"no {name!r}; there are {', '.join([*keys, 'theta', 'update'])}")
        update = self.unfolded(group.update, definitions)
        if name == "update":
            return update
        at = page.generic(reading.shapes[group.stands])
        return add(Term("sym", name_of(reading.symbols["params"], "t-1"), at, "real"), update)

    def unfolded(self, term: Term, definitions: Mapping[Term, Term]) -> Term:
        """The term with all definitions put in: by the settings, the old state, the gradient."""
        by_name = {s.args[0]: (s, t) for s, t in definitions.items()}
        memo: dict[Term, Term] = {}

        def change(x: Term) -> Term | None:
            if x.op != "sym" or x.args[0] not in by_name:
                return None
            symbol, meaning = by_name[x.args[0]]
            return rewrite(meaning, change, memo) if x.args[1] == symbol.args[1] else None

        return rewrite(term, change, memo)

    def _lines(self, slot: Any) -> Lines:
        if slot.leaf < 0 or len(self.reading.labels) == 1:
            return self.groups[0] if len(self.reading.labels) == 1 else self.shared
        return self.leaves[self.reading.labels[slot.leaf]]

    def _exported(self, term: Term, lines: Lines | None) -> Any:
        from lectopt.explain.exchange import Export

        reading = self.reading
        rank = len(reading.shapes[lines.stands]) if lines is not None and lines.stands >= 0 else 0
        facts = reading.facts
        export = Export(facts.positive | facts.unit | set(reading.counts), facts.nonnegative)
        return export(
            Writable(self.calls, rank, self.homes(lines), len(reading.labels), self.alone)(term)
        )

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
