"""Lines of programs: no longer than 99 columns, heads and records over several if they are long."""

import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence

WIDTH = 99


def docstring(lines: Iterable[str]) -> str:
    """A docstring of these sentences."""
    text = textwrap.fill(" ".join(lines), WIDTH - 6)
    return f'"""{text}\n"""' if "\n" in text else f'"""{text}"""'


def header(
    name: str, first: Sequence[str], settings: Iterable[tuple[str, float | None]], indent: str = ""
) -> str:
    """`def name(first, *, settings):`."""
    given = [k if v is None else f"{k}={v!r}" for k, v in settings]
    inner = [*first, *(["*", *given] if given else [])]
    short = f"{indent}def {name}({', '.join(inner)}):"
    if len(short) <= WIDTH:
        return short
    return "\n".join([f"{indent}def {name}(", *(f"{indent}    {x}," for x in inner), f"{indent}):"])


def wrapped(line: str, items: Iterable[str]) -> list[str]:
    """A line that ends with a record of these items."""
    if len(line) <= WIDTH:
        return [line]
    indent = line[: len(line) - len(line.lstrip())]
    head = line.partition("{")[0] + "{"
    inner = [part for item in items for part in _argument(f"{indent}    {item},")]
    return [head, *inner, indent + "}"]


def folded(lines: Iterable[str]) -> list[str]:
    """The lines, long assignments in parentheses over several."""
    return [part for line in lines for part in _fold(line)]


def _fold(line: str) -> list[str]:
    call = re.fullmatch(r"(\s*)(\w+\.update\()(.*)\)", line)
    if call and len(line) > WIDTH:
        indent, head, inner = call.groups()
        items = [f"{indent}    {x}," for x in arguments(inner)]
        return [f"{indent}{head}", *(part for x in items for part in _argument(x)), f"{indent})"]
    target, equals, text = line.partition(" = ")
    if len(line) <= WIDTH or not equals:
        return [line]
    indent = line[: len(line) - len(line.lstrip())]
    inner = broken(text, WIDTH - len(indent) - 4)
    return [f"{target} = (", *(f"{indent}    {part}" for part in inner), f"{indent})"]


def _argument(line: str) -> list[str]:
    """An argument, over several lines if it is long."""
    indent = line[: len(line) - len(line.lstrip())]
    first, *rest = broken(line.strip(), WIDTH - len(indent) - 4)
    return [indent + first, *(f"{indent}    {x}" for x in rest)]


def arguments(text: str) -> list[str]:
    """What stands between the commas outside of parentheses."""
    found, depth, begin = [], 0, 0
    for k, letter in enumerate(text):
        depth += (letter in "([{") - (letter in ")]}")
        if letter == "," and not depth:
            found.append(text[begin:k].strip())
            begin = k + 1
    return [*found, text[begin:].strip()]


def broken(text: str, width: int) -> list[str]:
    """A long expression over several lines, broken where the fewest parentheses are open."""
    if len(text) <= width:
        return [text]
    depth, places = 0, []
    for k, letter in enumerate(text):
        depth += (letter in "([{") - (letter in ")]}")
        # A sign stays with what follows it, and an arrow with what stands before it.
        signed = text[k - 1] in "+-*/<>=?:&|" or text[k + 1 : k + 3] == "=>"
        if letter == " " and k and not signed:
            places.append((depth, k))
    # The last of those that fit, not too early; else an early one; else the first that does not.
    fit = [(depth, -k) for depth, k in places if width // 3 < k <= width]
    early = [(depth, -k) for depth, k in places if 0 < k <= width // 3]
    late = [k for _, k in places if k > width]
    if not places:
        return [text]
    k = -min(fit or early)[1] if fit or early else late[0]
    return [text[:k], *broken(text[k + 1 :], width)]


def constants(lists: Mapping[str, str]) -> list[str]:
    """The definitions of long tuples, by their texts."""
    found = []
    for text, name in lists.items():
        inner = textwrap.fill(text[1:-1], WIDTH, initial_indent="    ", subsequent_indent="    ")
        found.append(f"{name} = (\n{inner}\n)")
    return found


def several(values: Sequence[object]) -> str:
    """A tuple, as Python writes it."""
    inner = ", ".join(map(spelled, values))
    return f"({inner},)" if len(values) == 1 else f"({inner})"


def spelled(value: object) -> str:
    """A name, a number or a shape, as Python writes it."""
    return f'"{value}"' if isinstance(value, str) else repr(value)
