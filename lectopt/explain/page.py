"""The page on which an explanation is shown: as text, as LaTeX, as HTML."""

import html as _html
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from lectopt.explain.arrays import generic
from lectopt.explain.descending import descends
from lectopt.explain.expressions import Writable
from lectopt.explain.latex import Latex
from lectopt.explain.letters import SETTINGS, escaped
from lectopt.explain.letters import symbol as name_of
from lectopt.explain.naming import Lines
from lectopt.explain.rewriting import walk
from lectopt.explain.shortening import LETTERS
from lectopt.explain.terms import Term, add
from lectopt.explain.text import Text

if TYPE_CHECKING:
    from lectopt.explain.explanation import Explanation

WIDTH = 100  # columns


class Row(NamedTuple):
    """One line: `symbol kind value`; the kind is "=", "~" (drawn from), "at" (where the gradient
    is taken) or "evaluate"."""

    symbol: Term | None
    kind: str
    value: Any


def rows(explanation: "Explanation", lines: Lines) -> list[Row]:
    """The lines of one group of leaves."""
    reading = explanation.reading
    letters = reading.symbols
    found = []
    at = generic(reading.shapes[lines.stands])
    if lines.point is not None:
        found.append(
            Row(Term("sym", name_of(letters["gradient"], "t"), at, "real"), "at", lines.point)
        )
    found += _definitions(explanation, lines)
    params = Term("sym", name_of(letters["params"], "t-1"), at, "real")
    if descends(explanation, lines):
        new = Term("sym", name_of(letters["params"], "t"), at, "real")
        found.append(Row(new, "=", add(params, lines.update)))
    else:
        new = Term("sym", name_of(letters["update"], "t"), at, "real")
        found.append(Row(new, "=", lines.update))
    if lines.evaluation is not None:
        found.append(Row(None, "evaluate", lines.evaluation))
    return found


def _definitions(explanation: "Explanation", lines: Lines) -> list[Row]:
    """The definitions, and before it what is drawn at random."""
    hidden = _hidden(explanation)
    draws = explanation.reading.draws
    drawn: list[Row] = []
    for term in lines.terms():
        for x in walk(term, inside=True):
            if x.op == "sym" and x.args[0] in draws and all(r.symbol is not x for r in drawn):
                drawn.append(Row(x, "~", draws[x.args[0]]))
            elif x.op == "sym" and f"{x.args[0]}" in _untagged(draws):
                if all(r.symbol is not x for r in drawn):
                    drawn.append(Row(x, "~", _untagged(draws)[x.args[0]]))
    equations = [Row(s, "=", t) for s, t in lines.equations.items() if s.args[0] not in hidden]
    return drawn + equations


def _untagged(draws: Mapping[str, str]) -> dict[str, str]:
    return {name.partition("@")[0]: text for name, text in draws.items()}


def blocks(explanation: "Explanation") -> Iterator[tuple[Lines | None, list[Row]]]:
    """The equations that belong to no leaf, if any, and then those of every group."""
    shared = explanation.shared
    if shared.equations or shared.start:
        yield None, _definitions(explanation, shared)
    for lines in explanation.groups:
        yield lines, rows(explanation, lines)


def text(explanation: "Explanation") -> str:
    """The equations as plain text."""
    lines = [explanation.title]
    if explanation.obstacle:
        return f"{explanation.title}\n    not explained: {explanation.obstacle}"
    for group, block in blocks(explanation):
        write = Writer(Text, explanation, group)
        if group is not None and len(explanation.groups) > 1:
            lines += _folded(f"  {explanation.called(group)}:", "      ")
        lines += _aligned(write, block)
        lines += [f"    {line}" for line in _starts(explanation, group, write)]
    lines += [f"    {line}" for line in _notes(explanation)]
    return "\n".join(lines)


def _folded(line: str, indent: str, mark: str = ", ") -> list[str]:
    """A line in several of at most `WIDTH` columns, broken after a mark if it can be."""
    found = []
    while _width(line) > WIDTH:
        cut = line.rfind(mark, len(indent) + 1, WIDTH)
        if cut < 0:
            cut = next((k for k in range(WIDTH - 1, len(indent), -1) if line[k] in " *,"), -1)
        if cut < 0:
            break
        found.append(line[: cut + 1].rstrip())
        line = indent + line[cut + 1 :].lstrip()
    return [*found, line]


def merged(explanation: "Explanation") -> list[Lines]:
    """The groups, those that read the same as one."""
    found: dict[Any, list[Lines]] = {}
    for group in explanation.groups:
        write = Writer(Text, explanation, group)
        block = _aligned(write, rows(explanation, group))
        written = (re.sub(r"\.\d+\(", "(", line) for line in block)  # whichever result it is
        found.setdefault((*written, *_starts(explanation, group, write)), []).append(group)
    groups = []
    for same in found.values():
        indices = sorted(k for g in same for k in g.indices)
        leaves = tuple(explanation.reading.labels[k] for k in indices)
        whole = replace(same[0], indices=tuple(indices), leaves=leaves, members=tuple(same))
        groups.append(whole if len(same) > 1 else same[0])
    return groups


def latex(explanation: "Explanation") -> str:
    """The equations as a LaTeX `aligned` block."""
    if explanation.obstacle:
        return rf"\text{{not explained: {escaped(explanation.obstacle)}}}"
    lines = []
    for group, block in blocks(explanation):
        write = Writer(Latex, explanation, group)
        if group is not None and len(explanation.groups) > 1:
            lines.append(rf"&\text{{{escaped(explanation.called(group))}:}}")
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


class Writer:
    """Writes the terms of a group of leaves, in a style: `text.Text` or `latex.Latex`."""

    def __init__(self, style: type[Text], explanation: "Explanation", group: Lines | None):
        reading = explanation.reading
        rates = {explanation.notation.setting(k) for k in SETTINGS}
        rates = (rates - set(LETTERS)) | reading.titles.keys()
        self.write = style(
            reading.symbols["gradient"],
            reading.symbols["params"],
            explanation.notation.time,
            len(reading.labels),
            frozenset(rates),
            explanation.some,
        )
        rank = len(reading.shapes[group.stands]) if group is not None else 0
        self.formula = Writable(
            explanation.calls,
            rank,
            explanation.homes(group),
            len(reading.labels),
            explanation.alone,
        )

    def __call__(self, term: Term) -> str:
        """The term."""
        return self.write(self.formula(term))


def _aligned(write: Writer, block: list[Row]) -> list[str]:
    lefts = ["evaluate at" if row.symbol is None else write(row.symbol) for row in block]
    width = max(map(_width, lefts), default=0)
    lines = []
    for left, row in zip(lefts, block, strict=True):
        right = row.value if isinstance(row.value, str) else write(row.value)
        right = f"∇L({right})" if row.kind == "at" else right
        mark = {"~": "~", "evaluate": " "}.get(row.kind, "=")
        start = f"    {left}{' ' * (width - _width(left))} {mark} "
        lines += _folded(start + right, " " * max(6, _width(start)), " ")
    return lines


def _width(text: str) -> int:
    """How wide a text is: accents stand above letters."""
    return sum(not unicodedata.combining(x) for x in text)


def _notes(explanation: "Explanation", starts: bool = False) -> list[str]:
    """What the letters mean, what the update reads, and where it starts."""
    notes = []
    if starts:
        for group in (None, *explanation.groups):
            notes += _starts(explanation, group, Writer(Text, explanation, group))
    letters = {k: v for k, v in explanation.symbols.items() if k != v}
    where = "where " + ", ".join(f"{k} = {v}" for k, v in letters.items())
    notes += _folded(where, "  ") if letters else []
    used = explanation.used
    sizes = ("the number of weights of the leaf", "the number of all weights")
    counts = zip(explanation.reading.counts, sizes, strict=True)
    notes += [f"{letter} is {what}" for letter, what in counts if letter in used]
    notes += [
        f"n_{axis} is the number of places along axis {axis}"
        for axis in "ijkl"
        if f"n_{axis}" in used
    ]
    reads = sorted(explanation.reads)
    notes += [f"reads {', '.join(reads)}"] * bool(reads)
    if explanation.reading.narrow or explanation.reading.programs.narrow():
        notes.append("computes a part in float32, also for wider parameters")
    return [*notes, f"read on {explanation.read_on}"]


def _starts(explanation: "Explanation", group: Lines | None, write: Writer) -> list[str]:
    """The lines with the first values, if there are any."""
    lines = explanation.shared if group is None else group
    used = explanation.used
    firsts = [
        f"{write(s)} = {write(v)}"
        for s, v in lines.start.items()
        if "[" in s.args[0] or s.args[0].partition("@")[0] in used
    ]
    return _folded(f"start: {', '.join(firsts)}", "  ") if firsts else []


def _hidden(explanation: "Explanation") -> set[str]:
    """Symbols that are not shown: schedules that were not given."""
    subject = explanation.reading.programs.subject
    notation = explanation.notation
    return {name_of(notation.setting(name, subject.maker), "t") for name in subject.unknown}
