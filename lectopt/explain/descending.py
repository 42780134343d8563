"""Whether an update is a step of descent: with which sign the gradient enters it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lectopt.explain.letters import symbol as name_of
from lectopt.explain.naming import Lines
from lectopt.explain.rewriting import walk
from lectopt.explain.terms import Term, is_num

if TYPE_CHECKING:
    from lectopt.explain.explanation import Explanation


def descends(explanation: "Explanation", lines: Lines) -> bool:
    """Whether the update is a step of descent, and not only a changed gradient."""
    gradient = name_of(explanation.reading.symbols["gradient"], "t")
    known: dict[Term, frozenset[int]] = {}
    defined: dict[str, frozenset[int]] = {gradient: frozenset({1})}
    for symbol, definition in {**explanation.shared.equations, **lines.equations}.items():
        defined.setdefault(symbol.args[0], _signs(definition, known, defined))
    signs = _signs(lines.update, known, defined)
    named = "learning_rate" in explanation.title or "learning_rate" in explanation.symbols.values()
    part = explanation.reading.programs.subject.maker.startswith("scale_by")
    return signs == {-1} or (signs != {1} and named and not part)


def _signs(
    term: Term, known: dict[Term, frozenset[int]], defined: Mapping[str, frozenset[int]]
) -> frozenset[int]:
    """The signs with which the gradient enters a formula, none if it does not."""
    for x in walk(term, inside=True):
        if x not in known:
            known[x] = _sign_of(x, known, defined)
    return known[term]


def _sign_of(x: Term, known: Any, defined: Mapping[str, frozenset[int]]) -> frozenset[int]:
    a = x.args
    match x.op:
        case "sym":
            return defined.get(a[0], frozenset())
        case "add":
            return known[a[0]] | known[a[1]]
        case "ite":
            return known[a[1]] | known[a[2]] or known[a[0]]
        case "mul" | "div":
            signs = [known[y] or _plain_sign(y) for y in a]
            if x.op == "div" and known[a[1]]:
                signs[1] = frozenset({1})
            if not (known[a[0]] or known[a[1]]):
                return frozenset()
            return frozenset(p * q for p in signs[0] for q in signs[1])
        case "num" | "bool" | "idx":
            return frozenset()
    inside = (a[1],) if x.op == "agg" else a[2] if x.op == "opq" else a
    found = any(known.get(y) for y in inside if isinstance(y, Term))
    return frozenset({1}) if found else frozenset()


def _plain_sign(x: Term) -> frozenset[int]:
    """The sign of the coefficient of what does not depend on the gradient."""
    if is_num(x):
        return frozenset({-1 if x.args[0] < 0 else 1})
    if x.op in ("mul", "div"):
        (p,), (q,) = map(_plain_sign, x.args)
        return frozenset({p * q})
    return frozenset({1})
