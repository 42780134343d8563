"""The lectures' figures, one module each: it measures, draws, and says whether the claim holds.

A module has `CLAIM`, the lecture's words with their source; `SMALL`, the sizes at which it takes
moments; `measure(**sizes)`; `draw(found, figure)`; and `verdict(found)`. One that can be a film has
`scenes(found, figure)`, which draws all, and returns the number of the last moment and a function
that shows one.
"""

from __future__ import annotations

import importlib
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from lectopt.pictures.filming import MOVING, film, spread
from lectopt.pictures.style import figure, styled, write

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# By the lecture that has it, or has it first.
LECTURES = {
    "CMU 11-785": (
        "function_fit",
        "gradient_fan",
        "cyclic",
        "clumpy",
        "line_through_the_origin",
        "rates",
        "averages",
        "k_means",
        "sample_error",
        "vectors_and_loops",
        "momentum_steps",
        "movement",
        "nesterov",
        "films",
    ),
    "Liège": (
        "limits",
        "escapes",
        "wolfe",
        "budget",
        "adam_plots",
        "schedules",
        "initialisation",
        "scalers",
        "batch_norm",
        "batch_norm_position",
    ),
    "ISI": ("capacity", "ridge", "batch_traces", "printed_weights", "activations", "dropout"),
    "TTIC 31230": ("langevin", "gradient_flow", "statistical"),
    "STAT 479": ("iris_split", "oscillation", "momentum_grid", "swats", "minimum_norm"),
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
      path: where to write the figure, as a whole; the suffix is the format. `.gif` and `.mp4` are
        films, of what has a `scenes`.
      **sizes: for its `measure`; by default those of the figure on the site.

    Raises:
      ValueError: there is no such figure, or it is no film.
      ImportError: matplotlib is missing.
    """
    if name not in NAMES:
        raise ValueError(f"there is no figure {name!r}; write one of {', '.join(NAMES)}")
    module = importlib.import_module(f"lectopt.pictures.gallery.{name}")
    moving = path is not None and Path(path).suffix in MOVING
    if moving and not hasattr(module, "scenes"):
        raise ValueError(f"{name} is no film; write path='{name}.png'")
    with styled():
        found = module.measure(**sizes)
        verdict = module.verdict(found)
        drawn = figure(8.0, 4.6)
        scenes = (module.scenes if moving else module.draw)(found, drawn)
        word = "Holds" if verdict.holds else "Does not hold"
        lines = (f"Claim: {module.CLAIM}", f"{word}: {verdict.measured}")
        caption = "\n".join(textwrap.fill(line, 125) for line in lines)
        drawn.supxlabel(caption, x=0.01, ha="left", fontsize=8.5)
        if path is not None:
            write(path, _film(drawn, *scenes) if moving else drawn.savefig)
    return Exhibit(module.CLAIM, verdict, drawn)


def _film(drawn: Figure, last: int, show: Callable[[int], None]) -> Callable[[Path], None]:
    return lambda to: film(to, drawn, spread(last), show)
