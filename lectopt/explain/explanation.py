"""`Explanation`: the equations of an optimizer, to print, typeset, compute with and replay."""

import operator
from collections.abc import Mapping
from typing import Any

import sympy as sp

from lectopt.explain.algebra import nodes
from lectopt.explain.algebra.names import Notation, own
from lectopt.explain.exchange import parsed, plain
from lectopt.explain.reading.subjects import Subject
from lectopt.explain.reading.system import System
from lectopt.explain.writing import page
from lectopt.explain.writing.groups import Group, Merger, Shared, by_leaf, together

PROVERS = 'code needs python-flint and z3-solver. Write pip install "lectopt[explain]".'
PARAMETERS = ("theta", "params", "parameters")


class Explanation:
    """What an optimizer computes in one update.

    `print` it for text; notebooks typeset it. `explanation["mu"]` is the new value of a statistic,
    `explanation["theta"]` that of the parameters and `explanation["update"]` what is added to them,
    as SymPy expressions of the settings, the old state and the gradient. Where leaves of the
    parameters obey different equations, write `explanation["theta", "kernel"]`.

    Attributes:
      title: what was explained.
      obstacle: why there are no equations, "" if there are.
    """

    def __init__(self, title: str, notation: Notation, system: System | None, obstacle: str = ""):
        self.title, self.obstacle, self.notation = title, obstacle, notation
        self._system = system
        self.shared = Shared({}, {})
        self.leaves: Mapping[str, Group] = {}
        if system is not None:
            self.shared, self.leaves = by_leaf(system)
        self.groups = together(self.leaves)
        self.subject: Subject | None = None
        self.params: Any = None

    @property
    def system(self) -> System:
        """All that was read.

        Raises:
          ValueError: there are no equations.
        """
        if self._system is None:
            raise ValueError(f"{self.title} is not explained: {self.obstacle}")
        return self._system

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
        rows = [row for _, block in page.blocks(self) for row in block if row.kind == "="]
        return [sp.Eq(row.symbol, plain(row.value), evaluate=False) for row in rows]

    @property
    def start(self) -> dict[str, Any]:
        """The first value of every statistic, by its name in the state."""
        states = [s for s in self.system.states if s.role in ("slot", "constant")]
        return {s.key: plain(own(s.start, s.name.leaf)) for s in states}

    @property
    def reads(self) -> frozenset[str]:
        """What the update needs besides the gradient: "params", "value", ..."""
        system, used = self.system, self.used
        params = {system.parameter(leaf) for leaf in system.updates}
        names = {name for name, symbol in system.extra.items() if symbol in used}
        return frozenset(
            names | set(system.programs.functions) | ({"params"} if params & used else set())
        )

    @property
    def used(self) -> set[Any]:
        """The symbols that occur in the equations."""
        exprs = [*self.system.equations.values(), *self.system.updates.values()]
        return set().union(*(expr.free_symbols for expr in exprs))

    @property
    def symbols(self) -> dict[str, str]:
        """Letter -> the setting that it stands for."""
        subject = self.system.programs.subject
        schedules = {self.notation.setting(k, subject.maker): k for k in subject.schedules}
        letters = {name: s.name for s, name in self.system.settings.items()}
        return schedules | {letters[name]: name for name in subject.numbers if name in letters}

    def symbol(self, name: str) -> Any:
        """The symbol of a setting, of a statistic before the update, of "theta", "g" or "t".

        Raises:
          KeyError: there is no such name.
        """
        found = self.vocabulary().get(name)
        if found is None:
            raise KeyError(f"{name!r}; there are {', '.join(self.vocabulary())}")
        return found

    def vocabulary(self) -> dict[str, Any]:
        """Names in plain letters and their symbols; statistics are those before the update."""
        system = self.system
        words = {name: symbol for symbol, name in system.settings.items()} | dict(system.extra)
        for state in system.states:
            if state.role == "slot":
                words[state.key] = own(state.value("t-1").expr, state.name.leaf)
        params = {name: own(system.parameter(""), "") for name in PARAMETERS}
        letters = {s.name.partition("[")[0]: s for s in [*words.values()]}
        return letters | words | params | {"g": system.gradient(""), "t": nodes.t}

    def parse(self, text: str) -> Any:
        """A SymPy expression from text in these names, `"b1*mu + (1 - b1)*g"` for example.

        Raises:
          ValueError: the text is no formula, or holds a name that is not there.
        """
        return parsed(text, self.vocabulary())

    @staticmethod
    def parse_with(text: str, names: Mapping[str, Any]) -> Any:
        """A SymPy expression from text, with these meanings of names."""
        return parsed(text, names)

    def __getitem__(self, key: str | tuple[str, str]) -> Any:
        match key:
            case str() as name:
                return plain(self.value(name))
            case str() as name, str() as leaf:
                return plain(self.value(name, leaf))
        raise TypeError(f'write ["theta"], or ["theta", "kernel"] for one leaf; got {key!r}')

    def value(self, name: str, leaf: str | None = None, draws: bool = False) -> Any:
        """As `explanation[name, leaf]`, in the nodes of `explain` itself; with `draws`, random
        numbers as functions of their keys.

        Raises:
          KeyError: there is no such name, or it depends on the leaf.
        """
        system = self.system
        labels = list(system.updates)
        if leaf is None and len(self.groups) > 1:
            raise KeyError(f"{name!r} depends on the leaf; write [{name!r}, {labels[0]!r}]")
        leaf = labels[0] if leaf is None else leaf
        if leaf not in labels:
            raise KeyError(f"no leaf {leaf!r}; there are {', '.join(labels)}")
        found = [
            state.value("t").expr
            for state in system.states
            if name in (state.key, state.name.base) and state.name.leaf in (leaf, "")
        ]
        if found:
            expr = system.equations.get(found[0], found[0])
        elif name in ("update", *PARAMETERS, self.notation.symbol("params")):
            expr = system.updates[leaf]
            expr = expr if name == "update" else system.parameter(leaf) + expr
        else:
            keys = dict.fromkeys(s.key for s in system.states if s.role == "slot")
            raise KeyError(f"no {name!r}; there are {', '.join([*keys, 'theta', 'update'])}")
        return own(Merger(system)(system.unfolded(expr, draws)), leaf)

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
          ImportError: python-flint or z3-solver is not installed.
        """
        try:
            import flint  # noqa: F401
            import z3  # noqa: F401

            from lectopt.explain.coding import code
        except ImportError as error:
            raise ImportError(PROVERS) from error
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
        from lectopt.explain.running.replaying import replay

        wanted = f"steps is how many updates to replay, 1 or more; got {steps!r}"
        if not hasattr(steps, "__index__"):
            raise TypeError(wanted)
        if operator.index(steps) < 1:
            raise ValueError(wanted)
        return replay(self, steps, seed)

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
