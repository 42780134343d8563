"""Leaves that obey the same equations, and what is summed over all leaves.

An optimizer is read on a tree of several leaves, every symbol with its leaf (`m[t]@kernel`). Here
the label of a formula's own leaf is taken off, leaves whose formulas then agree become a group, and
a sum that has the same term for every leaf becomes a sum over the whole tree.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import sympy as sp

from lectopt.explain.algebra.names import leaf_of, own, parse, untagged
from lectopt.explain.algebra.nodes import (
    WHOLE,
    All,
    Call,
    Everywhere,
    Largest,
    Maximum,
    Some,
    Throughout,
    Total,
    replaced,
)
from lectopt.explain.reading.system import System
from lectopt.explain.writing.shortening import shortened


@dataclass(frozen=True)
class Group:
    """The equations of some leaves, in order; `update` is what is added to the parameters.

    `point` is where the gradient is taken, `evaluation` what to evaluate, None if it is at the
    parameters; `start` the first values of the slots.
    """

    leaves: tuple[str, ...]
    equations: Mapping[Any, Any]
    update: Any
    point: Any
    evaluation: Any
    start: Mapping[Any, Any]


class Shared(NamedTuple):
    """The equations and first values of what belongs to no leaf, where there are several."""

    equations: Mapping[Any, Any]
    start: Mapping[Any, Any]


def by_leaf(system: System) -> tuple[Shared, dict[str, Group]]:
    """What belongs to no leaf, and what belongs to every leaf."""
    leaves = list(system.updates)
    merged = Merger(system)
    shared, shared_start = {}, {}
    if len(leaves) > 1:
        shared = {s: merged(e) for s, e in system.equations.items() if not leaf_of(s)}
        shared_start = _starts(system, "", merged)
    found: dict[str, Group] = {}
    for leaf in leaves:

        def mine(expr: Any, leaf: str = leaf) -> Any:
            return None if expr is None else own(merged(expr), leaf)

        equations = {
            own(s, leaf): mine(e)
            for s, e in system.equations.items()
            if leaf_of(s) == leaf and s not in shared
        }
        equations, update = shortened(
            equations, mine(system.updates[leaf]), _letters(system), _fixed(system)
        )
        found[leaf] = Group(
            (leaf,),
            equations,
            update,
            mine(system.points.get(leaf)),
            mine(system.evaluations.get(leaf)),
            _starts(system, leaf, mine),
        )
    return Shared(shared, shared_start), found


def _starts(system: System, leaf: str, formula: Callable[[Any], Any]) -> dict[Any, Any]:
    """The first values of the slots of a leaf, in the order of their equations; and what stays as
    it starts."""
    order = {symbol: k for k, symbol in enumerate(system.equations)}
    slots = [s for s in system.states if s.role == "slot" and s.name.leaf == leaf]
    slots.sort(key=lambda s: order.get(s.value("t").expr, len(order)))
    first = {s.name.symbol("0"): s.start for s in slots}
    exprs = [*system.equations.values(), *system.updates.values()]
    used = set().union(*(expr.free_symbols for expr in exprs))
    kept = [s for s in system.states if s.role == "constant" and s.name.leaf == leaf]
    first |= {s.name.symbol(None): s.start for s in kept if s.name.symbol(None) in used}
    return {own(symbol, leaf): formula(start) for symbol, start in first.items()}


def _letters(system: System) -> set[str]:
    """The letters that mean something."""
    symbols = {*system.settings, *system.equations, *system.symbols.values()}
    return {parse(str(s))["base"] for s in symbols}


def _fixed(system: System) -> set[Any]:
    """Symbols whose definitions are not to be shortened."""
    hats = {untagged(s) for s in system.equations if parse(s.name)["hat"]}
    return hats | {untagged(s) for s in system.draws}


def together(leaves: Mapping[str, Group]) -> list[Group]:
    """The leaves that obey the same equations as groups."""
    found: dict[Any, Group] = {}
    for leaf, group in leaves.items():
        exprs = [
            *(x for pair in group.equations.items() for x in pair),
            *(x for pair in group.start.items() for x in pair),
            group.update,
            group.point,
            group.evaluation,
        ]
        key = tuple(None if expr is None else _nameless(expr, len(leaves)) for expr in exprs)
        earlier = found.get(key)
        found[key] = replace(earlier, leaves=(*earlier.leaves, leaf)) if earlier else group
    return list(found.values())


def _nameless(expr: Any, leaves: int) -> Any:
    """Operations without a formula told apart by their names and by what they depend on alone."""
    alike = {}
    for call in expr.atoms(Call):
        used = {s for s in call.free_symbols if "#" not in s.name}
        bases = {untagged(s).name for s in used}
        seen = {base: {s.name for s in used if untagged(s).name == base} for base in bases}
        # What depends on all leaves depends on the tree.
        names = [x for base in bases for x in ([base] if len(seen[base]) == leaves else seen[base])]
        name = re.split(r"[.#]", call.args[0].name)[0]
        alike[call] = Call(*map(sp.Symbol, [name, *sorted(names)]))
    return replaced(expr, alike)


ACROSS = {sp.Add: Total, Maximum: Largest, sp.And: All, sp.Or: Some}  # what extends over leaves


class Merger:
    """Turns what is done with every leaf alike into one operation on the tree."""

    def __init__(self, system: System):
        self.leaves = list(system.updates)
        self.known: dict[Any, Any] = {}
        places = {leaf: system.places[system.parameter(leaf)] for leaf in self.leaves}
        self.letters = {leaf: {x for d in dims if d for x in d} for leaf, dims in places.items()}

    def __call__(self, expr: Any) -> Any:
        """The expression with reductions over the whole tree."""
        if len(self.leaves) < 2 or not expr.args:
            return expr
        if expr not in self.known:
            args = [self(arg) for arg in expr.args]
            if expr.func in ACROSS.values():
                args = [args[0], *self.places(args)]
            if expr.func in ACROSS:
                args = self.combined(args, ACROSS[expr.func])
            same = args == list(expr.args)
            one = expr.func in ACROSS and len(args) == 1
            self.known[expr] = expr if same else args[0] if one else expr.func(*args)
        return self.known[expr]

    def places(self, args: list[Any]) -> list[Any]:
        """The places that a reduction goes over, `WHOLE` if they are all of its leaf."""
        letters = {s.name for s in args[1:]}
        leaves = {leaf_of(s) for s in args[0].free_symbols} - {""}
        whole = len(leaves) == 1 and letters == self.letters[next(iter(leaves))]
        return [WHOLE] if whole else args[1:]

    def combined(self, args: list[Any], reduction: Any) -> list[Any]:
        """Replace each set of arguments that are the same but for their leaf."""
        alike: dict[Any, dict[str, Any]] = {}
        for arg in args:
            reduced = [x for x in sp.Mul.make_args(arg) if isinstance(x, reduction)]
            tags = {leaf_of(s) for s in arg.free_symbols} - {""}
            factor = [x for x in sp.Mul.make_args(arg) if x not in reduced]
            if len(reduced) == len(tags) == 1 and not any(map(leaf_of, _symbols(factor))):
                (leaf,) = tags
                alike.setdefault(own(arg, leaf), {})[leaf] = arg
        for bare, by_leaf in alike.items():
            if len(by_leaf) == len(self.leaves):
                (reduced,) = (x for x in sp.Mul.make_args(bare) if isinstance(x, reduction))
                whole = Throughout if reduction in (All, Some) else Everywhere
                args = [arg for arg in args if arg not in by_leaf.values()]
                args.append(replaced(bare, {reduced: whole(reduced)}))
        return args


def _symbols(exprs: list[Any]) -> set[Any]:
    return set().union(*(expr.free_symbols for expr in exprs))
