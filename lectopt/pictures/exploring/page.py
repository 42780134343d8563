"""The page: its parts, put together."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lectopt.pictures.style import COLOURS

if TYPE_CHECKING:
    from lectopt.explain.explanation import Explanation

PARTS = Path(__file__).parent


def composed(given: Mapping[str, Any], formulas: Sequence[str]) -> str:
    """The text of the page.

    Args:
      given: what the page is about.
      formulas: of each landscape, its functions in JavaScript.
    """
    programs = ",\n".join(_program(one["code"]) for one in given["optimizers"])
    grounds = ",\n".join(_closed(text, ("value", "valueAndGradient")) for text in formulas)
    said = {
        **given,
        "colours": COLOURS,
        "optimizers": [
            {k: v for k, v in one.items() if k != "code"} for one in given["optimizers"]
        ],
    }
    names = [one["name"] for one in given["landscapes"]]
    title = names[0].capitalize() if len(names) == 1 else "Optimizers on landscapes"
    text = (PARTS / "page.html").read_text("utf-8")
    for mark, part in {
        "TITLE": html.escape(title),
        "STYLE": (PARTS / "page.css").read_text("utf-8"),
        "GIVEN": json.dumps(said, allow_nan=False).replace("</", "<\\/"),
        "FORMULAS": _inside(f"const formulas = [\n{grounds}\n];"),
        "PROGRAMS": _inside(f"const programs = [\n{programs}\n];"),
        "ENGINE": (PARTS / "engine.js").read_text("utf-8"),
        "DRAWING": (PARTS / "drawing.js").read_text("utf-8"),
        "PAGE": (PARTS / "page.js").read_text("utf-8"),
    }.items():
        text = text.replace(f"<!--{mark}-->", part).replace(f"/*{mark}*/", part)
    return text


def equations(explained: Explanation) -> str:
    """The equations as MathML, which browsers draw themselves; as text without latex2mathml."""
    plain = f"<pre>{html.escape(explained.text)}</pre>"
    try:
        from latex2mathml.converter import convert
    except ImportError:
        return plain
    # It knows the same table under another name.
    return convert(explained.latex.replace("{aligned}", "{align*}"))


def _program(code: str) -> str:
    names = [name for name in ("init", "update", "point") if f"export function {name}(" in code]
    return _closed(code.replace("export function ", "function "), names)


def _closed(code: str, names: Sequence[str]) -> str:
    """Code as an expression: an object of what it defines under these names."""
    return f"(() => {{\n{code.rstrip()}\n\nreturn {{ {', '.join(names)} }};\n}})()"


def _inside(script: str) -> str:
    """A script that can stand in a page."""
    return script.replace("</", "<\\/")
