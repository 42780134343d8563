"""`explorer`: a page that computes live, as one file that works offline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import numpy as np

from lectopt.explain.explaining import explain
from lectopt.landscapes import Landscape
from lectopt.numerics import double
from lectopt.pictures.contours import window_of
from lectopt.pictures.descents import Descent, descent
from lectopt.pictures.exploring import page
from lectopt.pictures.exploring.jaxprs import javascript
from lectopt.pictures.exploring.settings import asked_for, sliders
from lectopt.pictures.racers import Racer, racers
from lectopt.pictures.style import check_folder
from lectopt.training.files import write_whole

LARGEST = 1_000_000  # bytes of a page


def explorer(
    optimizers: Any,
    landscape: Landscape,
    steps: int = 150,
    *,
    letters: Any = None,
    path: str | Path,
) -> Path:
    """Write a page on which optimizers descend a landscape, and everything can be dragged.

    The page is one file that needs no network. It computes the descents itself, in 64-bit numbers,
    whenever a setting or the start is moved: with what `explain(...).code("javascript")` writes of
    each optimizer, and the landscape's value and gradient, written from their programs in JAX.
    Makers begin at the rate that `race` finds. The optimizers' equations stand beside their paths;
    the link holds all that was set.

    Args:
      optimizers: as for `race`: makers and transformations. Of a transformation nothing can be
        dragged, as its numbers are built in.
      landscape: of one or two parameters.
      steps: how many at first, from 1 to 1000.
      letters: as for `explain`: whose letters the equations are in.
      path: where to write the page, as a whole; it ends with `.html`.

    Returns:
      The path.

    Raises:
      TypeError: one of the optimizers is neither a maker nor a transformation.
      ValueError: an argument does not fit; or an optimizer or the landscape cannot be written in
        JavaScript; or the page would be larger than a megabyte.
    """
    path = Path(path)
    if path.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"wanted a path that ends with .html, got {str(path)!r}")
    check_folder(path)
    if not isinstance(landscape, Landscape):
        raise ValueError(
            f"wanted a landscape to explore, got {landscape!r}; write for example "
            "lectopt.landscapes.long_valley()"
        )
    if landscape.start.size > 2:
        raise ValueError(
            f"{landscape.name} has {landscape.start.size} parameters, and a page shows one or two; "
            "race(...) draws its values"
        )
    if isinstance(steps, bool) or not isinstance(steps, int | np.integer) or not 1 <= steps <= 1000:
        raise ValueError(f"wanted steps from 1 to 1000, got {steps!r}; write steps=150")
    runners = racers(optimizers)
    found = [descent(one, landscape, int(steps)) for one in runners]
    given = {
        "steps": int(steps),
        "landscape": _landscape(landscape, found),
        "optimizers": [
            _optimizer(a, b, landscape, letters) for a, b in zip(runners, found, strict=True)
        ],
    }
    text = page.composed(given, _formulas(landscape)).encode()
    if len(text) > LARGEST:
        raise ValueError(
            f"the page would have {len(text) / 1e6:.1f} MB; take fewer samples of {landscape.name}"
        )
    write_whole(path, text)
    return path


def _landscape(landscape: Landscape, found: list[Descent]) -> dict[str, Any]:
    start = np.ravel(landscape.start).tolist()
    minima = [np.ravel(m).tolist() for m in landscape.minima]
    if len(start) == 2:
        window = window_of(landscape, [one.path.reshape(-1, 2) for one in found])
    else:
        near = np.array([*start, *(m[0] for m in minima)])
        half = 1.5 * max(np.ptp(near), 0.5)
        window = [[near.mean() - half, near.mean() + half]]
    return {
        "name": landscape.name,
        "start": start,
        "minima": minima,
        "lowest": landscape.lowest,
        "window": window,
    }


def _formulas(landscape: Landscape) -> str:
    try:
        both = jax.value_and_grad(landscape)
        return "\n\n".join(
            [
                javascript(landscape, landscape.start, "value"),
                javascript(both, landscape.start, "valueAndGradient"),
            ]
        )
    except ValueError as error:
        raise ValueError(f"{landscape.name} cannot be written in JavaScript: {error}") from None


def _optimizer(racer: Racer, found: Descent, landscape: Landscape, letters: Any) -> dict[str, Any]:
    with double():
        explained = explain(racer.given, letters=letters, params=np.asarray(landscape.start, float))
    if explained.obstacle:
        raise ValueError(f"{racer.name!r} is not explained: {explained.obstacle}")
    try:
        code = explained.code("javascript")
        extras = asked_for(code)
    except ValueError as error:
        raise ValueError(f"{racer.name!r} is not on the page: {error}") from None
    return {
        "name": racer.name,
        "equations": page.equations(explained),
        "code": code,
        "extras": extras,
        "rate": found.rate,
        "settings": sliders(explained, code, racer.rate, found.rate),
    }
