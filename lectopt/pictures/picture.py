"""A figure that a notebook shows, also where pyplot has never been imported: only that teaches
IPython to show matplotlib's. Imported when a picture is drawn."""

from __future__ import annotations

import io

from matplotlib.figure import Figure


class Picture(Figure):
    """A `Figure` that is an image as the last line of a notebook's cell."""

    def _repr_png_(self) -> bytes:
        written = io.BytesIO()
        self.savefig(written, format="png", dpi=100)
        return written.getvalue()
