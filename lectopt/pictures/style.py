"""How all pictures look, and how they are written."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# The palette of Okabe and Ito, which the colour-blind can tell apart; black is for what is common.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES = ("-", "--", "-.", ":")
GREY = "#8A8A8A"
RULES: dict[Any, Any] = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "font.size": 9.5,
    "legend.frameon": False,
    "savefig.dpi": 150,
}


def style(k: int) -> dict[str, Any]:
    """Colour and dash of the k-th of several lines: no two of 28 are alike."""
    return dict(color=COLOURS[k % len(COLOURS)], linestyle=DASHES[k // len(COLOURS) % len(DASHES)])


def styled() -> Any:
    """A context in which pictures look as they should.

    Raises:
      ImportError: matplotlib is missing.
    """
    try:
        import matplotlib as mpl
    except ImportError as error:
        raise ImportError('pictures need matplotlib: pip install "lectopt[demo]"') from error
    return mpl.rc_context(RULES)


def figure(width: float, height: float) -> Figure:
    """An empty figure that lays itself out."""
    from lectopt.pictures.picture import Picture

    return Picture(figsize=(width, height), layout="constrained")


def columns(labels: Sequence[str], width: float) -> int:
    """How many columns of a legend fit into so many inches, of the labels' lines."""
    longest = max(len(line) for label in labels for line in label.splitlines())
    return max(1, min(len(labels), int(14 * width / (longest + 8))))


def write(path: str | Path, save: Any) -> None:
    """`save(temporary path)`, and what it has written takes its place as a whole."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".") as folder:
        temporary = Path(folder) / path.name
        save(temporary)
        os.replace(temporary, path)
