"""The arrays of an optimizer's state: their names, and which of them are only counters."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import sympy as sp

from lectopt.explain.algebra.names import Name, distinct, word
from lectopt.explain.algebra.nodes import t
from lectopt.explain.reading.jaxprs import MOVES, needed, wraps
from lectopt.explain.reading.places import Dims, Value
from lectopt.state_search import names, owners

WRAPPERS = ("inner_state", "inner_states", "inner_opt_state", "state", "value", "raw_value")


@dataclass(frozen=True)
class State:
    """One array of the state: `key` is what the optimizer calls it, `name` its letter.

    `role` is "slot" for what the update changes, "known" if it is a `formula` in t (a counter is
    `t - 1`), "constant" if it stays as it starts, "key" if it is a key of random numbers.
    """

    key: str
    name: Name
    role: str
    start: Any
    dims: Dims
    aval: Any
    formula: Any = None
    after: str = ""  # the kind of its symbol after the update, if another

    def value(self, time: str) -> Value:
        """Its value at a time, as a formula."""
        if self.role == "known":
            return Value(self.formula if time == "t-1" else self.formula.subs(t, t + 1), self.dims)
        name = replace(self.name, kind=self.after or self.name.kind) if time == "t" else self.name
        return Value(name.symbol(None if self.role == "constant" else time), self.dims)


def labels(tree: Any) -> dict[Any, str]:
    """A label for every path in a tree: `encoder.w`; "" if there is only one."""
    paths = [path for path, _ in jax.tree_util.tree_leaves_with_path(tree)]
    if len(paths) == 1:
        return {paths[0]: ""}
    found: dict[Any, str] = {}
    for path in paths:
        name = word(jax.tree_util.keystr(path, simple=True, separator=".")) or "_"
        found[path] = distinct(name, found.values())
    return found


def keys(tree: Any, leaves: Mapping[Any, str]) -> list[tuple[str, str]]:
    """For every array of a state what it is called, and the leaf of the parameters it belongs to.

    Args:
      tree: the state.
      leaves: the paths of the leaves of the parameters, as plain names, with their labels.
    """
    found: list[tuple[tuple[str, ...], str]] = []
    known = owners(tree, leaves)
    for path, _ in jax.tree_util.tree_leaves_with_path(tree):
        before, param = known.get(names(path), (names(path), None))
        leaf = "" if param is None else leaves[param]
        words = [w for w in map(word, before) if w and not w.isdigit()]
        words = [w for k, w in enumerate(words) if w not in WRAPPERS or k == len(words) - 1]
        found.append((tuple(words) or ("state",), leaf))
    named: list[tuple[str, str]] = []
    for k, (words, leaf) in enumerate(found):
        taken = {name for name, own in named if own == leaf or not (own and leaf)}
        # An ending _hat is that of a corrected average.
        name = re.sub("_hat$", "hat", _shortest(words, leaf, k, found))
        named.append((distinct(name, taken), leaf))
    return named


def _shortest(words: tuple[str, ...], leaf: str, index: int, found: Sequence[Any]) -> str:
    """The last word; with the nearest word before it that tells it from its namesakes, or a
    number."""
    rivals = [
        (k, w)
        for k, (w, own) in enumerate(found)
        if w[-1] == words[-1] and (own == leaf or not (own and leaf))
    ]
    if len(rivals) == 1:
        return words[-1]
    for depth in range(2, len(words) + 1):
        if sum(w[-depth : -depth + 1] == words[-depth : -depth + 1] for _, w in rivals) == 1:
            return f"{words[-1]}_{words[-depth]}"
    place = [k for k, _ in rivals].index(index) + 1
    return words[-1] + (str(place) if place > 1 else "")


def in_step(program: Any, states: Sequence[State], inputs: Any, outputs: int) -> dict[int, Any]:
    """Which states are formulas in t before the update: counters, and flags of the first update.

    They are assumed to be; whatever then is something else after an update is none, and the others
    are tried again. What remains is right by induction.

    Args:
      program: the jaxpr of `update`; its outputs from number `outputs` on are the states.
      states: all states, with the role "slot".
      inputs: `inputs(formulas)` gives a reader and the formulas of the program's inputs.
      outputs: see above.
    """
    out = program.jaxpr.outvars[outputs:]
    found: dict[int, Any] = {}
    for k, state in enumerate(states):
        if state.role == "slot" and state.aval.shape == ():
            if (
                state.name.kind == "integer"
                and state.start.is_Integer
                and not wraps(state.aval.dtype)
            ):
                found[k] = t - 1 + state.start
            elif state.start == sp.true:
                found[k] = sp.Eq(t, 1)
    while found:
        reader, values = inputs(found)
        only = needed(program.jaxpr, [out[k] for k in found])
        results = reader.walk(program, values, only=only)[outputs:]
        right = {k: f for k, f in found.items() if results[k].expr == f.subs(t, t + 1)}
        if len(right) == len(found):
            break
        found = right
    return found


def unchanged(program: Any, first: int, outputs: int) -> set[int]:
    """Which states come out of every update as they went in; `first` is the input that is state 0,
    `outputs` the output."""
    jaxpr = program.jaxpr
    made = {id(v): eqn for eqn in jaxpr.eqns for v in eqn.outvars}
    found = set()
    for k, var in enumerate(jaxpr.outvars[outputs:]):
        while (eqn := made.get(id(var))) is not None and eqn.primitive.name in MOVES:
            (var,) = eqn.invars
        if var is jaxpr.invars[first + k]:
            found.add(k)
    return found
