"""The lectures' figures, one module each: it measures, draws, and says whether the claim holds.

A module has `CLAIM`, the lecture's words with their source; `SMALL`, the sizes at which it takes
moments; `measure(**sizes)`; `draw(found, figure)`; and `verdict(found)`.
"""

from __future__ import annotations

import importlib
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from lectopt.pictures.style import figure, styled, write

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# By the lecture that has it, or has it first.
LECTURES = {
    "CMU 11-785": (
        "cyclic",
        "clumpy",
        "line_through_the_origin",
        "rates",
        "k_means",
        "sample_error",
        "nesterov",
        "films",
    ),
    "Liège": (
        "limits",
        "wolfe",
        "budget",
        "adam_plots",
        "schedules",
        "initialisation",
        "batch_norm",
    ),
    "ISI": ("capacity", "activations", "dropout", "ridge"),
    "TTIC 31230": ("langevin", "gradient_flow", "statistical"),
    "STAT 479": ("oscillation", "swats", "minimum_norm"),
}
NAMES = tuple(name for names in LECTURES.values() for name in names)


class Verdict(NamedTuple):
    """Whether a claim holds, and what was measured."""

    holds: bool
    measured: str


class Exhibit(NamedTuple):
    """A figure of a lecture, with its claim in the lecture's words and what was measured."""

    claim: str
    verdict: Verdict
    figure: Figure


def exhibit(name: str, path: str | Path | None = None, **sizes: Any) -> Exhibit:
    """Measure and draw one of `NAMES`.

    Args:
      name: which.
      path: where to write the figure, as a whole; the suffix is the format.
      **sizes: for its `measure`; by default those of the figure on the site.

    Raises:
      ValueError: there is no such figure.
      ImportError: matplotlib is missing.
    """
    if name not in NAMES:
        raise ValueError(f"there is no figure {name!r}; write one of {', '.join(NAMES)}")
    module = importlib.import_module(f"lectopt.pictures.gallery.{name}")
    with styled():
        found = module.measure(**sizes)
        verdict = module.verdict(found)
        drawn = figure(8.0, 4.6)
        module.draw(found, drawn)
        word = "Holds" if verdict.holds else "Does not hold"
        lines = (f"Claim: {module.CLAIM}", f"{word}: {verdict.measured}")
        caption = "\n".join(textwrap.fill(line, 125) for line in lines)
        drawn.supxlabel(caption, x=0.01, ha="left", fontsize=8.5)
        if path is not None:
            write(path, drawn.savefig)
    return Exhibit(module.CLAIM, verdict, drawn)
