"""Building the system of equations of an optimizer from its programs.

Step counters become `t`, a state that never changes becomes what it starts as, every statistic gets
its letter, and what the recurrences say of the signs decides the guards.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import jax
import numpy as np
import sympy as sp

from lectopt.explain.algebra.conditions import rebuilt
from lectopt.explain.algebra.names import Name, Notation, parse
from lectopt.explain.algebra.nodes import Unit
from lectopt.explain.reading.jaxprs import is_key
from lectopt.explain.reading.places import Layout, Value
from lectopt.explain.reading.reader import Reader
from lectopt.explain.reading.signs import inlined, needed, settled, signed_state
from lectopt.explain.reading.states import State, in_step, keys, labels, unchanged
from lectopt.explain.reading.system import System
from lectopt.explain.reading.tracing import Programs
from lectopt.state_search import names

KINDS = {"b": "bool", "i": "integer", "u": "integer"}  # of NumPy's, and of names.KINDS
LETTERS = ("a", "b", "d", "e", "f", "h", "x")  # for what is only an abbreviation


def system(programs: Programs, notation: Notation, sized: bool) -> System:
    """Read the programs of an optimizer.

    Args:
      programs: from `tracing.traced`.
      notation: which letters to use.
      sized: whether the sizes of the leaves are made up, so that they stand for any size.
    """
    return _Builder(programs, notation, sized).build()


class _Builder:
    def __init__(self, programs: Programs, notation: Notation, sized: bool):
        self.programs, self.notation = programs, notation
        self.maker = programs.subject.maker
        flat = jax.tree_util.tree_leaves_with_path(programs.params)
        self.leaves = labels(programs.params)
        self.symbols = {k: notation.symbol(k) for k in ("params", "gradient", "value", "update")}
        self.taken = {"t", *self.symbols.values()}
        # Letters are given in the order of the arguments; JAX sorts them by name.
        letters = {k: self.setting(k) for k in programs.subject.numbers if k in programs.numbers}
        self.settings = {letters[name]: name for name in sorted(letters)}
        counts = [x if x not in self.taken else f"{x}_weights" for x in ("n", "N")]
        shapes = {self.leaves[path]: leaf.shape for path, leaf in flat}
        self.layout = Layout(shapes, sized, (counts[0], counts[1]))
        self.extra = {
            name: Name(self.symbols.get(name) or self.free(name, f"{name}_given")).symbol()
            for name in sorted(programs.extra)
            if name != "grad"
        }

    def build(self) -> System:
        """Read everything, and put it together."""
        program, leaves = self.programs.update, list(self.leaves.values())
        states = self.states()
        reader = Reader(self.layout, lambda: self.free(*LETTERS))
        names = {
            var: state.name
            for var, state in reversed(
                list(zip(program.jaxpr.outvars[len(leaves) :], states, strict=True))
            )
            if state.role == "slot" and any(var in eqn.outvars for eqn in program.jaxpr.eqns)
        }
        outs = reader.walk(program, self.inputs(states, "t-1"), names)
        avals = [var.aval for var in program.jaxpr.outvars]
        outs = [reader.straight(x, aval) for x, aval in zip(outs, avals, strict=True)]
        for state, value in zip(states, outs[len(leaves) :], strict=True):
            new = state.value("t")
            if state.role in ("slot", "key") and new.expr not in reader.equations:
                reader.define(new.expr, value)
        updates = {leaf: v.expr for leaf, v in zip(leaves, outs, strict=False)}
        points = self.elsewhere(self.programs.point, reader, states, "t-1")
        evaluations = self.elsewhere(self.programs.evaluation, reader, states, "t")

        states, signed, equations = settled(states, reader.equations)
        equations, short = inlined(equations, {signed.get(s, s) for s in reader.brief})

        def decided(exprs: Mapping[str, Any]) -> dict[str, Any]:
            return {leaf: rebuilt(rebuilt(expr, signed), short) for leaf, expr in exprs.items()}

        updates, evaluations = decided(updates), decided(evaluations)
        return System(
            self.programs,
            self.symbols,
            self.settings,
            tuple(signed_state(state, signed) for state in states),
            _hats_late(
                needed(equations, states, signed, [*updates.values(), *evaluations.values()])
            ),
            updates,
            decided(points),
            evaluations,
            self.extra,
            {**self.calls, **reader.calls},
            {signed.get(s, s): text for s, text in reader.draws.items()},
            self.layout,
            {signed.get(s, s): dims for s, dims in self.layout.places.items()},
        )

    def setting(self, name: str) -> Any:
        """The letter of a setting: of its sign, and between 0 and 1 if it is a decay."""
        value = self.programs.subject.numbers[name]
        letter = self.free(*self.notation.setting_choices(name, self.maker), name)
        if name in self.programs.subject.decays:
            return Unit(letter, positive=True)
        whole = {"integer": True} if np.asarray(value).dtype.kind in "iu" else {"real": True}
        return sp.Symbol(letter, **whole, **({"positive": True} if value > 0 else {}))

    def free(self, *choices: str) -> str:
        """The first of these letters that means nothing yet."""
        last = choices[-1]
        numbered = (f"{last}{k}" for k in range(2, 1000))
        letter = next(x for x in (*choices, *numbered) if x not in self.taken)
        self.taken.add(letter)
        return letter

    def states(self) -> list[State]:
        """The arrays of the state, with their first values, letters and roles."""
        p = self.programs
        paths = {names(path): leaf for path, leaf in self.leaves.items()}
        reader = Reader(self.layout)
        first = [Value(symbol) for symbol in self.settings]
        firsts = reader.walk(p.init, [*first, *self.parameters("0")])
        self.calls = reader.calls
        constant = unchanged(p.update, len(self.settings) + len(self.leaves), len(self.leaves))
        states: list[State] = []
        bases: dict[str, str] = {}
        described = zip(keys(p.state, paths), firsts, jax.tree.leaves(p.state), strict=True)
        for k, ((key, leaf), start, aval) in enumerate(described):
            random = is_key(aval) or (aval.dtype == np.uint32 and aval.shape == (2,))
            role = "key" if random else "constant" if k in constant else "slot"
            dims = start.dims if role == "constant" else self.layout.dims(aval.shape)
            kind = "bool" if random else KINDS.get(aval.dtype.kind, "real")
            kind = "extended" if start.expr in (sp.oo, -sp.oo) else kind
            states.append(State(key, Name(key, leaf, False, kind), role, start.expr, dims, aval))

        def known(formulas: Mapping[int, Any]) -> list[State]:
            return [
                replace(s, role="known", formula=formulas[k]) if k in formulas else s
                for k, s in enumerate(states)
            ]

        def inputs(formulas: Mapping[int, Any]) -> tuple[Reader, list[Value]]:
            return Reader(self.layout), self.inputs(known(formulas), "t-1")

        named = []
        for state in known(in_step(p.update, states, inputs, len(self.leaves))):
            if state.role == "known":
                named.append(state)
                continue
            if state.key not in bases:
                choices = self.notation.statistic_choices(state.key, self.maker)
                bases[state.key] = self.free(*choices, state.key)
            named.append(replace(state, name=replace(state.name, base=bases[state.key])))
        return named

    def inputs(self, states: list[State], time: str) -> list[Value]:
        """The formulas of the inputs of a program, before or after the update."""
        values = [Value(symbol) for symbol in self.settings]
        values += self.each("gradient", "t")
        for state in states:
            value = state.value(time)
            if state.role == "constant" and not state.start.has(*self.starts()):
                value = Value(state.start, state.dims)
            elif value.expr.is_Symbol:
                self.layout.places[value.expr] = value.dims
            values.append(value)
        values += self.parameters(time)
        for name in sorted(self.programs.extra):
            values += self.each("gradient", "t") if name == "grad" else [Value(self.extra[name])]
        return values

    def parameters(self, time: str) -> list[Value]:
        """The formulas of the leaves of the parameters."""
        return self.each("params", time)

    def each(self, kind: str, time: str) -> list[Value]:
        """One symbol for each leaf."""
        values = []
        for leaf, shape in self.layout.shapes.items():
            value = Value(Name(self.symbols[kind], leaf).symbol(time), self.layout.dims(shape))
            self.layout.places[value.expr] = value.dims
            values.append(value)
        return values

    def starts(self) -> list[Any]:
        """The symbols of the first parameters."""
        return [value.expr for value in self.parameters("0")]

    def elsewhere(
        self, program: Any, reader: Reader, states: list[State], time: str
    ) -> dict[str, Any]:
        """Where a program finds the parameters, for the leaves where it is somewhere else."""
        if program is None:
            return {}
        values = reader.walk(program, self.inputs(states, time))
        pairs = zip(self.layout.shapes, values, self.parameters(time), strict=True)
        return {leaf: value.expr for leaf, value, own in pairs if value.expr != own.expr}


def _hats_late(equations: Mapping[Any, Any]) -> dict[Any, Any]:
    """The equations, corrected averages where they are first needed: `m`, `v`, `m_hat`, `v_hat`."""
    ordered: dict[Any, Any] = {}
    hats: dict[Any, Any] = {}
    for symbol, expr in equations.items():
        if parse(symbol.name)["hat"]:
            hats[symbol] = expr
            continue
        wanted = expr.free_symbols
        ordered |= {hat: hats.pop(hat) for hat in list(hats) if hat in wanted}
        ordered[symbol] = expr
    return ordered | hats
