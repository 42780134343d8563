"""What all pictures share: their look, their colours, and how they are written."""

from __future__ import annotations

import io
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lectopt.training.files import write_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STYLE = Path(__file__).with_name("lectopt.mplstyle")
# The palette of Okabe and Ito, which the colour-blind can tell apart, without its yellow, which
# is too light for a line; and dashes for those who come after the last colour.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES: tuple[Any, ...] = ("-", (0, (4, 1.5)), (0, (1, 1)))
FILMS = (".gif", ".mp4")


def colour(number: int) -> str:
    """Of the racer with this number, from 0."""
    return COLOURS[number % len(COLOURS)]


def dashes(number: int) -> Any:
    """Of the racer with this number, from 0."""
    return DASHES[number // len(COLOURS) % len(DASHES)]


def styled() -> AbstractContextManager[Any]:
    """Pictures that are drawn in this context have the library's look.

    Raises:
        ImportError: matplotlib is missing.
    """
    try:
        import matplotlib.style
    except ImportError as error:
        raise ImportError('pictures need matplotlib: pip install "lectopt[demo]"') from error
    return matplotlib.style.context(STYLE)


def figure(width: float, height: float) -> Figure:
    """An empty figure of this size in inches, which shows itself in a notebook."""
    from matplotlib.figure import Figure

    class Picture(Figure):
        def _repr_png_(self) -> bytes:
            return rendered(self, "png")

    return Picture(figsize=(width, height))


def rendered(figure: Figure, suffix: str) -> bytes:
    """The figure as a file of a format."""
    buffer = io.BytesIO()
    with styled():
        figure.savefig(buffer, format=suffix)
    return buffer.getvalue()


def save(figure: Figure, path: str | Path | None) -> None:
    """Write a figure as a whole; the suffix is the format. Nothing is written without a path."""
    if path is not None:
        write_whole(Path(path), rendered(figure, Path(path).suffix[1:].lower()))


def check_path(path: str | Path | None, films: bool = False) -> None:
    """Raise before anything is computed for a file that could not be written.

    Raises:
        ValueError: the suffix is no format, or the folder does not exist.
    """
    if path is None:
        return
    from matplotlib.backend_bases import FigureCanvasBase

    path = Path(path)
    known = [f".{name}" for name in sorted(FigureCanvasBase.get_supported_filetypes())]
    known += FILMS if films else ()
    if path.suffix.lower() not in known:
        raise ValueError(
            f"wanted a path that ends with one of {', '.join(known)}, got {str(path)!r}; write "
            f"path={path.stem + '.png'!r}"
        )
    check_folder(path)


def check_folder(path: Path) -> None:
    """Raise ValueError if the folder of a file does not exist."""
    if not path.absolute().parent.is_dir():
        raise ValueError(f"there is no folder {str(path.absolute().parent)!r} to write {path} in")
