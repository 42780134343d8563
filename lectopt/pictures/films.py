"""A race as a film: what it shows after more and more steps."""

from __future__ import annotations

import io
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lectopt.training.files import write_whole

if TYPE_CHECKING:
    from lectopt.pictures.race import Race

FRAMES = 75
PER_SECOND = 12
HOLD = 2  # seconds that the end is shown
RESOLUTION = 100
COLOURS = 128


def write(race: Race, steps: int, path: Path) -> None:
    """Write a film of this many steps as a whole; the path ends with `.gif` or `.mp4`.

    Raises:
      ValueError: ffmpeg, which an `.mp4` needs, is not installed.
    """
    write_whole(path, (_gif if path.suffix.lower() == ".gif" else _mp4)(race, steps))


def _moments(steps: int) -> list[int]:
    """The steps that are shown. A race is decided early, so that time runs slower there."""
    shares = np.linspace(0, 1, min(FRAMES, steps + 1)) ** 1.5
    return sorted({round(x) for x in shares * steps})


def _frames(race: Race, steps: int) -> Iterator[np.ndarray]:
    """Pictures `(height, width, 3)` after each of the shown steps.

    All that does not move is drawn once, and the layout is made once, so that nothing trembles.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure = race.figure
    figure.set_dpi(RESOLUTION)
    canvas = FigureCanvasAgg(figure)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for artist in race.moving:
        artist.set_animated(True)
    canvas.draw()
    behind = canvas.copy_from_bbox(figure.bbox)
    for step in _moments(steps):
        race.at(step)
        canvas.restore_region(behind)
        for artist in race.moving:
            artist.axes.draw_artist(artist)
        yield np.array(canvas.buffer_rgba())[..., :3]
    for artist in race.moving:
        artist.set_animated(False)


def _gif(race: Race, steps: int) -> bytes:
    from PIL import Image

    images = [Image.fromarray(frame) for frame in _frames(race, steps)]
    # The end has all the colours there are: one palette for all pictures, without flicker.
    palette = images[-1].quantize(COLOURS, dither=Image.Dither.NONE)
    first, *rest = (x.quantize(palette=palette, dither=Image.Dither.NONE) for x in images)
    durations = [1000 // PER_SECOND] * len(rest) + [1000 * HOLD]
    buffer = io.BytesIO()
    first.save(buffer, "gif", save_all=True, append_images=rest, duration=durations, loop=0)
    return buffer.getvalue()


def _mp4(race: Race, steps: int) -> bytes:
    program = shutil.which("ffmpeg")
    if program is None:
        raise ValueError("an .mp4 needs ffmpeg, which is not installed; write path='race.gif'")
    frames = list(_frames(race, steps))
    height, width, _ = frames[0].shape
    frames += frames[-1:] * (HOLD * PER_SECOND)
    raw = f"-f rawvideo -pix_fmt rgb24 -s {width}x{height} -r {PER_SECOND} -i -".split()
    even = "-vf pad=ceil(iw/2)*2:ceil(ih/2)*2:color=white -pix_fmt yuv420p".split()
    with tempfile.TemporaryDirectory() as folder:
        film = Path(folder, "film.mp4")
        done = subprocess.run(
            [program, "-loglevel", "error", *raw, *even, str(film)],
            input=b"".join(frame.tobytes() for frame in frames),
            capture_output=True,
        )
        if done.returncode:
            raise ValueError(f"ffmpeg could not make the film: {done.stderr.decode().strip()}")
        return film.read_bytes()
