"""Films of a figure that can show several moments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOVING = (".gif", ".mp4")
FRAMES, PER_SECOND, DPI = 75, 15, 80


def film(path: Path, drawn: Figure, moments: Sequence[int], show: Callable[[int], None]) -> None:
    """Write what `show` makes of the figure at each moment, and two seconds of the last one.

    Raises:
      ValueError: an `.mp4` without ffmpeg.
    """
    from matplotlib.animation import FFMpegWriter
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    if path.suffix == ".mp4" and not FFMpegWriter.isAvailable():
        raise ValueError("an .mp4 needs ffmpeg, which is not installed; write path='race.gif'")
    canvas = FigureCanvasAgg(drawn)
    drawn.set_dpi(DPI)
    canvas.draw()
    drawn.set_layout_engine("none")  # it is laid out, and stays so: ten times as fast
    if path.suffix == ".mp4":
        writer = FFMpegWriter(fps=PER_SECOND)
        with writer.saving(drawn, str(path), dpi=DPI):
            for moment in [*moments, *[moments[-1]] * 2 * PER_SECOND]:
                show(moment)
                writer.grab_frame()
        return
    frames = []
    for moment in moments:
        show(moment)
        canvas.draw()
        frames.append(_frame(canvas))
    durations = [1000 // PER_SECOND] * (len(frames) - 1) + [2000]
    frames[0].save(
        path, save_all=True, append_images=frames[1:], duration=durations, loop=0, optimize=True
    )


def spread(last: int) -> list[int]:
    """Moments from 0 to the last one, as many as a film of five seconds has."""
    return np.unique(np.linspace(0, last, min(FRAMES, last + 1)).round().astype(int)).tolist()


def _frame(canvas: Any) -> Any:
    """What is drawn, in the few colours that it has: a third of the size. (The default method
    would mix those of thin lines.)"""
    from PIL import Image

    drawn = Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3].copy())
    return drawn.quantize(96, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
