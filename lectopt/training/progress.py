"""How far a training is: a bar for who watches, a line now and then for a log, or nothing."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Mapping
from typing import Any

LINE_EVERY = 10.0  # seconds


def progress_of(
    shown: bool | None, label: str, steps: int, done: int, unit: str = "step"
) -> Progress:
    """The bar if `shown`, nothing if not; by default a bar in a terminal or a notebook, and else a
    line every ten seconds.

    Raises:
        ImportError: A bar is asked for, and tqdm is missing.
    """
    if shown is False:
        return Progress()
    if shown or _is_watched():
        try:
            return Bar(label, steps, done, unit)
        except ImportError as error:
            if shown:
                raise ImportError(
                    'the progress bar needs tqdm: pip install "lectopt[train]", or progress=False'
                ) from error
    return Lines(label, steps, unit)


class Progress:
    """Nothing."""

    def advance(self, step: int, numbers: Mapping[str, float]) -> None:
        """So many steps are done, and the latest numbers."""

    def close(self) -> None:
        """It is over."""


class Bar(Progress):
    """A bar of tqdm, in a terminal or a notebook."""

    def __init__(self, label: str, steps: int, done: int, unit: str) -> None:
        from tqdm import TqdmWarning

        with warnings.catch_warnings():  # in a notebook without ipywidgets a bar of text will do
            warnings.simplefilter("ignore", TqdmWarning)
            from tqdm.auto import tqdm

        self.bar: Any = tqdm(total=steps, initial=done, unit=unit, desc=label)

    def advance(self, step: int, numbers: Mapping[str, float]) -> None:
        """See `Progress`."""
        self.bar.set_postfix({name: f"{x:.4g}" for name, x in numbers.items()}, refresh=False)
        self.bar.update(step - self.bar.n)

    def close(self) -> None:
        """See `Progress`."""
        self.bar.close()


class Lines(Progress):
    """A line every ten seconds, on the standard error output."""

    def __init__(self, label: str, steps: int, unit: str) -> None:
        self.label, self.steps, self.unit = label, steps, unit
        self.begun = self.last = time.monotonic()

    def advance(self, step: int, numbers: Mapping[str, float]) -> None:
        """See `Progress`."""
        now = time.monotonic()
        if now - self.last >= LINE_EVERY:
            self.last = now
            said = "".join(f", {name} {x:.4g}" for name, x in numbers.items())
            elapsed = f"{now - self.begun:.0f} s"
            print(
                f"{self.label}: {step} of {self.steps} {self.unit}s in {elapsed}{said}",
                file=sys.stderr,
                flush=True,
            )


def _is_watched() -> bool:
    shell = sys.modules.get("IPython")
    in_notebook = shell is not None and type(shell.get_ipython()).__name__ == "ZMQInteractiveShell"
    return in_notebook or sys.stderr.isatty()
