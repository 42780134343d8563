"""The page on which an explanation is shown: as text, as LaTeX, as HTML."""

import html as _html
import unicodedata
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import sympy as sp

from lectopt.explain.algebra import nodes
from lectopt.explain.algebra.cases import Case
from lectopt.explain.algebra.names import SETTINGS, Name, escaped
from lectopt.explain.writing.groups import Group
from lectopt.explain.writing.latex import Latex
from lectopt.explain.writing.text import Text

if TYPE_CHECKING:
    from lectopt.explain.explanation import Explanation


class Row(NamedTuple):
    """One line: `symbol kind value`; the kind is "=", "~" (drawn from), "at" (where the gradient
    is taken) or "evaluate"."""

    symbol: Any
    kind: str
    value: Any


def rows(explanation: "Explanation", group: Group) -> list[Row]:
    """The lines of one group of leaves."""
    system = explanation.system
    found = []
    if group.point is not None:
        found.append(Row(system.gradient(""), "at", group.point))
    hidden = _hidden(explanation)
    for symbol, value in group.equations.items():
        if symbol in system.draws:
            found.append(Row(symbol, "~", system.draws[symbol]))
        elif symbol.name not in hidden:
            found.append(Row(symbol, "=", value))
    params = system.parameter("")
    if _descends(explanation, group):
        found.append(Row(system.parameter("", "t"), "=", params + group.update))
    else:
        found.append(Row(Name(system.symbols["update"]).symbol(), "=", group.update))
    if group.evaluation is not None:
        found.append(Row(None, "evaluate", group.evaluation))
    return found


def text(explanation: "Explanation") -> str:
    """The equations as plain text."""
    lines = [explanation.title]
    if explanation.obstacle:
        return f"{explanation.title}\n    not explained: {explanation.obstacle}"
    several = len(explanation.groups) > 1
    for group, block in blocks(explanation):
        write = _writer(Text, explanation, group)
        if several and group is not None:
            lines.append(f"  {', '.join(group.leaves)}:")
        lines += _aligned(write, block)
        lines += [f"    {line}" for line in _starts(explanation, group, write)]
    lines += [f"    {line}" for line in _notes(explanation)]
    return "\n".join(lines)


def latex(explanation: "Explanation") -> str:
    """The equations as a LaTeX `aligned` block."""
    if explanation.obstacle:
        return rf"\text{{not explained: {escaped(explanation.obstacle)}}}"
    lines = []
    for group, block in blocks(explanation):
        write = _writer(Latex, explanation, group)
        if group is not None and len(explanation.groups) > 1:
            lines.append(rf"&\text{{{escaped(', '.join(group.leaves))}:}}")
        for row in block:
            left = r"\text{evaluate at}" if row.symbol is None else write(row.symbol)
            right = row.value if isinstance(row.value, str) else write(row.value)
            if row.kind == "~":
                right = rf"\text{{{escaped(right)}}}"
            if row.kind == "at":
                right = rf"\nabla L\left({right}\right)"
            mark = {"~": r"\sim", "evaluate": r"\,\,"}.get(row.kind, "=")
            lines.append(f"{left} &{mark} {right}")
    return "\\begin{aligned}\n" + " \\\\\n".join(f"  {line}" for line in lines) + "\n\\end{aligned}"


def html(explanation: "Explanation") -> str:
    """A page for notebooks: the title, the typeset equations, what the letters mean."""
    title = f"<b>{_untypeset(explanation.title)}</b>"
    if explanation.obstacle:
        return f"<div>{title}<p>not explained: {_untypeset(explanation.obstacle)}</p></div>"
    notes = "<br>".join(map(_untypeset, _notes(explanation, starts=True)))
    return f"<div>{title}\n$$\n{_html.escape(explanation.latex)}\n$$\n<small>{notes}</small></div>"


def _untypeset(text: str) -> str:
    """Text in HTML, its dollars apart: between two of them a notebook would typeset it."""
    return _html.escape(text).replace("$", "<span>$</span>")


def _aligned(write: Text, block: list[Row]) -> list[str]:
    lefts = ["evaluate at" if row.symbol is None else write(row.symbol) for row in block]
    width = max(map(_width, lefts), default=0)
    lines = []
    for left, row in zip(lefts, block, strict=True):
        right = row.value if isinstance(row.value, str) else write(row.value)
        right = f"∇L({right})" if row.kind == "at" else right
        mark = {"~": "~", "evaluate": " "}.get(row.kind, "=")
        lines.append(f"    {left}{' ' * (width - _width(left))} {mark} {right}")
    return lines


def _width(text: str) -> int:
    """How wide a text is: accents stand above letters."""
    return sum(not unicodedata.combining(x) for x in text)


def _notes(explanation: "Explanation", starts: bool = False) -> list[str]:
    """What the letters mean, what the update reads, and where it starts."""
    notes = []
    if starts:
        for group in (None, *explanation.groups):
            notes += _starts(explanation, group, _writer(Text, explanation, group))
    letters = {k: v for k, v in explanation.symbols.items() if k != v}
    notes += ["where " + ", ".join(f"{k} = {v}" for k, v in letters.items())] * bool(letters)
    used = {s.name for g in explanation.groups for e in _exprs(g) for s in e.free_symbols}
    sizes = ("the number of weights of the leaf", "the number of all weights")
    counts = zip(explanation.system.layout.counts, sizes, strict=True)
    notes += [f"{letter} is {what}" for letter, what in counts if letter in used]
    reads = sorted(explanation.reads)
    notes += [f"reads {', '.join(reads)}"] * bool(reads)
    if explanation.system.programs.narrow():
        notes.append("computes a part in float32, also for wider parameters")
    return notes


def _starts(explanation: "Explanation", group: Group | None, write: Text) -> list[str]:
    """The line with the first values, if there are any."""
    start = explanation.shared.start if group is None else group.start
    firsts = [f"{write(s)} = {write(v)}" for s, v in start.items()]
    return [f"start: {', '.join(firsts)}"] if firsts else []


def _exprs(group: Group) -> list[Any]:
    return [*group.equations.values(), group.update]


def blocks(explanation: "Explanation") -> Iterator[tuple[Group | None, list[Row]]]:
    """The equations that belong to no leaf, if any, and then those of every group."""
    hidden = _hidden(explanation)
    if explanation.shared.equations:
        shared = explanation.shared.equations.items()
        yield None, [Row(s, "=", v) for s, v in shared if s.name not in hidden]
    for group in explanation.groups:
        yield group, rows(explanation, group)


def _hidden(explanation: "Explanation") -> set[str]:
    """Symbols that are not shown: random keys, and schedules that were not given."""
    system = explanation.system
    keys = {
        own.name.partition("@")[0]
        for own in (s.value("t").expr for s in system.states if s.role == "key")
    }
    subject = system.programs.subject
    return keys | {
        Name(explanation.notation.setting(name, subject.maker)).symbol().name
        for name in subject.unknown
    }


def _writer(style: type[Text], explanation: "Explanation", group: Group | None) -> Text:
    system = explanation.system
    leaves = list(system.updates)
    shapes = system.places
    first = system.parameter(group.leaves[0] if group else leaves[0])
    letters = "".join(d for d in shapes.get(first, ()) if d)
    rates = {explanation.notation.setting(k) for k in SETTINGS}
    return style(
        system.symbols["gradient"],
        system.symbols["params"],
        explanation.notation.time,
        letters,
        len(leaves),
        frozenset(rates),
    )


def _descends(explanation: "Explanation", group: Group) -> bool:
    """Whether the update is a step of descent, and not only a changed gradient."""
    system = explanation.system
    known: dict[Any, set[int]] = {system.gradient(group.leaves[0]): {1}}
    for symbol, definition in system.equations.items():
        known.setdefault(symbol, _signs(definition, known))
    signs = _signs(system.updates[group.leaves[0]], known)
    named = "learning_rate" in explanation.title or "learning_rate" in explanation.symbols.values()
    part = system.programs.subject.maker.startswith("scale_by")
    return signs == {-1} or (signs != {1} and named and not part)


def _signs(expr: Any, known: dict[Any, set[int]]) -> set[int]:
    """The signs with which the gradient enters a formula, none if it does not."""
    if expr not in known:
        args = expr.args[1:] if isinstance(expr, Case) else expr.args
        inner = [_signs(arg, known) for arg in args]
        signs = set().union(*inner)
        if isinstance(expr, sp.Mul) and signs:
            signs = {-1 if expr.as_coeff_Mul()[0].is_negative else 1}
            for factor in filter(None, inner):
                signs = {a * b for a in signs for b in factor}
        elif not isinstance(expr, sp.Add | Case | nodes.Maximum | nodes.Minimum):
            signs = {1} if signs else set()
        known[expr] = signs
    return known[expr]
