"""What the recurrences say of their statistics: those that cannot be negative, or never move.

It decides the guards of an update, `v + eps == 0` say; and once they are decided, some definitions
have become superfluous.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import sympy as sp

from lectopt.explain.algebra.bounds import bounds
from lectopt.explain.algebra.conditions import rebuilt
from lectopt.explain.algebra.names import Name
from lectopt.explain.algebra.nodes import size
from lectopt.explain.reading.states import State

SHORT = 14  # nodes of an expression that needs no abbreviation


def settled(
    states: list[State], equations: Mapping[Any, Any]
) -> tuple[list[State], dict[Any, Any], dict[Any, Any]]:
    """The states, those that never move as known; for symbols what takes their place; and the
    equations with all conditions decided that this decides."""
    fixed: dict[Any, Any] = {}
    while True:
        signed = signs(states, equations) | fixed
        decided = {s: rebuilt(e, signed) for s, e in equations.items() if s not in fixed}
        more = still(states, decided)
        if not more:
            return states, signed, {signed.get(s, s): e for s, e in decided.items()}
        fixed |= more
        states = [
            replace(s, role="known", formula=s.start) if s.value("t").expr in more else s
            for s in states
        ]


def signs(states: list[State], equations: Mapping[Any, Any]) -> dict[Any, Any]:
    """For every symbol that cannot be negative the symbol that says so.

    A statistic is assumed to keep the sign of its start; the assumption is dropped where the
    recurrence does not bear it out, until the rest is right by induction.
    """
    kinds = {
        state.value("t").expr: _kind(state.start)
        for state in states
        if state.name.kind in ("real", "integer") and state.role == "slot"
    }
    while True:
        signed = {}
        for state in states:
            kind = kinds.get(state.value("t").expr, "real")
            if kind != "real":
                old = state.value("t-1").expr
                signed[old] = _as(state.name, kind).symbol("t-1")
        wrong = False
        for symbol, expr in equations.items():
            found = _kind(rebuilt(expr, signed))
            wanted = kinds.get(symbol, found)
            if wanted not in ("real", found) and not (wanted, found) == ("nonnegative", "positive"):
                kinds[symbol], wrong = found, True
                break
            if found != "real" and Name.of(symbol).kind in ("real", "integer"):
                signed[symbol] = _as(Name.of(symbol), found).symbol(_time(symbol))
        if not wrong:
            return signed


def still(states: list[State], equations: Mapping[Any, Any]) -> dict[Any, Any]:
    """The symbols of statistics that stay the number they start as, with that number."""
    found = {}
    for state in states:
        old, new = (state.value(time).expr for time in ("t-1", "t"))
        if state.role == "slot" and equations.get(new) == state.start and state.start.is_number:
            found |= {old: state.start, new: state.start}
    return found


def inlined(equations: Mapping[Any, Any], brief: set[Any]) -> tuple[dict[Any, Any], dict[Any, Any]]:
    """The equations without those abbreviations that turned out short, and what takes their place;
    numbers take the place of the symbols that they define, too."""
    kept: dict[Any, Any] = {}
    short: dict[Any, Any] = {}
    for symbol, expr in equations.items():
        expr = rebuilt(expr, short)
        if symbol in brief and size(expr) < SHORT:
            short[symbol] = expr
            continue
        kept[symbol] = expr
        if expr.is_number or expr in (sp.true, sp.false):
            short[symbol] = expr
    return kept, short


def needed(
    equations: Mapping[Any, Any], states: list[State], signed: Mapping[Any, Any], ends: list[Any]
) -> dict[Any, Any]:
    """The definitions of the statistics, and those that they and the `ends` rest on."""
    wanted = {signed.get(s, s) for s in (state.value("t").expr for state in states)}
    wanted |= {s for end in ends for s in end.free_symbols}
    for symbol, expr in reversed(list(equations.items())):
        if symbol in wanted:
            wanted |= expr.free_symbols
    return {symbol: expr for symbol, expr in equations.items() if symbol in wanted}


def _kind(expr: Any) -> str:
    interval = bounds(expr)
    return "positive" if interval.positive else "nonnegative" if interval.nonnegative else "real"


def _as(name: Name, kind: str) -> Name:
    return replace(name, kind="natural" if name.kind == "integer" else kind)


def _time(symbol: Any) -> str | None:
    return "t" if "[t]" in symbol.name else None


def signed_state(state: State, signed: Mapping[Any, Any]) -> State:
    """The state with what is known of its sign before and after the update."""
    if state.role != "slot":
        return state
    old, new = (Name.of(signed.get(s, s)) for s in (state.value(x).expr for x in ("t-1", "t")))
    return replace(state, name=old, after=new.kind)
