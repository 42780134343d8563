"""An explanation as a page in Markdown."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from lectopt.explain.subjects import parts

if TYPE_CHECKING:
    from lectopt.explain.explanation import Explanation


def page(explanation: "Explanation") -> str:
    """The page of an explanation."""
    return "\n\n".join([f"# {explanation.title}", *_sections(explanation)]) + "\n"


def _sections(explanation: "Explanation") -> Iterator[str]:
    if explanation.obstacle:
        yield f"It is not explained: {explanation.obstacle}."
    else:
        yield f"$$\n{explanation.latex}\n$$"
        yield _block("text", explanation.text)
    yield from _settings(explanation)
    if not explanation.obstacle and explanation.start:
        pairs = (f"* `{k}`: {v}" for k, v in explanation.start.items())
        yield "## The first state\n\n" + "\n".join(pairs)
    try:
        yield "## In NumPy\n\n" + _block("python", explanation.code("numpy"))
    except ValueError as error:
        yield f"## In NumPy\n\n{error}"


def _settings(explanation: "Explanation") -> Iterator[str]:
    """A table of the settings that are numbers, and a list of the others."""
    subject = explanation.subject
    if subject is None or not subject.values:
        return
    letters = {} if explanation.obstacle else {k: v for v, k in explanation.symbols.items()}
    values = parts(subject.values)
    numbers = {k: v for k, v in values.items() if _is_number(v)}
    if numbers:
        rows = [
            f"| {letters.get(k, '')} | `{k}` | {_default(k, v, subject.sampled)} |"
            for k, v in numbers.items()
        ]
        yield "\n".join(
            ["## Settings", "", "| letter | name | default |", "| --- | --- | --- |", *rows]
        )
    others: Mapping[str, Any] = {k: v for k, v in values.items() if k not in numbers}
    if others:
        rows = [f"* `{k}`: `{_shown(v)}`" for k, v in others.items()]
        yield "## Conventions\n\n" + "\n".join(rows)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _default(name: str, value: Any, sampled: frozenset[str]) -> str:
    return "none" if name in sampled else f"{value!r}"


def _shown(value: Any) -> str:
    name = getattr(value, "__name__", "")
    return name if callable(value) and name else repr(value)


def _block(language: str, text: str) -> str:
    return f"```{language}\n{text.rstrip()}\n```"
