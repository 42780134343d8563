"""The figures of the site, drawn in several processes."""

import multiprocessing
import os
import warnings
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

from lectopt.pictures.gallery import LECTURES, NAMES, exhibit


class Shown(NamedTuple):
    """A figure that was drawn: the lecture's claim and what was measured of it."""

    name: str
    claim: str
    holds: bool
    measured: str

    @property
    def title(self):
        return self.name.replace("_", " ").capitalize()

    def markdown(self, folder=""):
        """Claim, verdict and picture."""
        word = "Holds" if self.holds else "Does not hold"
        image = f"![{self.title}: {self.claim}]({folder}{self.name}.png)"
        return f"{self.claim}\n\n**{word}**: {self.measured}\n\n{image}\n"


def draw(folder, programs):
    """Draw the lectures' figures and run the programs that draw paths, `name -> code`.

    Returns:
      `name -> Shown` of the lectures' figures.
    """
    folder.mkdir(exist_ok=True)
    # Forked processes would inherit JAX's threads in whatever state they are.
    with ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("spawn")) as pool:
        exhibits = [pool.submit(_exhibit, name, folder / f"{name}.png") for name in NAMES]
        paths = [pool.submit(_run, code, folder / f"path_{name}.png") for name, code in programs]
        for path in paths:
            path.result()
        return {one.result().name: one.result() for one in exhibits}


def _exhibit(name, path):
    shown = exhibit(name, path)
    return Shown(name, shown.claim, shown.verdict.holds, shown.verdict.measured)


def _run(code, path):
    """The example of a page, as a reader would run it; it writes `path.png`."""
    os.chdir(path.parent)
    mine = f"{Path(path).stem}.png"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        exec(compile(code.replace('"path.png"', repr(mine)), mine, "exec"), {})


def page(shown):
    """The lectures' figures, by lecture."""
    parts = []
    for lecture, names in LECTURES.items():
        parts.append(f"## {lecture}\n")
        parts += [f"### {shown[name].title}\n\n{shown[name].markdown()}" for name in names]
    return "\n".join(parts)
