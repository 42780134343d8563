"""`explorer`: a page that computes live, as one file that works offline."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from lectopt.landscapes import Landscape
from lectopt.numerics import double
from lectopt.pictures.descents import is_built, named, rate_name, tuned
from lectopt.pictures.exploring import page
from lectopt.pictures.exploring.jaxprs import javascript
from lectopt.pictures.exploring.settings import asked_for, sliders
from lectopt.pictures.style import write

LARGEST = 1_000_000  # bytes of a page


def explorer(
    racers: Any,
    landscapes: Landscape | Sequence[Landscape],
    steps: int = 150,
    *,
    letters: Any = None,
    path: str | Path,
) -> Path:
    """Write a page on which optimizers descend landscapes, and everything can be dragged.

    The page is one file that needs no network. It computes the descents itself, in 64-bit numbers,
    whenever a setting or the start is moved: with what `explain(...).code("javascript")` writes of
    each optimizer, and the landscape's value and gradient, written from their programs in JAX.
    Makers begin at the rate that `race` finds, to three digits. The optimizers' equations stand
    beside their paths; the link holds all that was set.

    Args:
      racers: as for `race`: makers and transformations. Of a transformation nothing can be dragged,
        as its numbers are built in. Of more than five the first four are shown at first.
      landscapes: of one or two parameters; a list, or one.
      steps: how many at first, from 1 to 1000.
      letters: as for `explain`: whose letters the equations are in.
      path: where to write the page, as a whole; it ends with `.html`.

    Returns:
      The path.

    Raises:
      TypeError: a racer is no optimizer, or there is something else than landscapes.
      ImportError: something is missing that `explain` needs.
      ValueError: an argument does not fit; or an optimizer or a landscape cannot be written in
        JavaScript; or the page would be larger than a megabyte.
    """
    path, grounds, racers = Path(path), _grounds(landscapes), named(racers)
    if path.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"wanted a path that ends with .html, got {str(path)!r}")
    if not racers:
        raise ValueError("there is no optimizer; write for example [lectopt.momentum]")
    if isinstance(steps, bool) or not isinstance(steps, int | np.integer) or not 1 <= steps <= 1000:
        raise ValueError(f"explorer: wanted steps from 1 to 1000, got {steps!r}; write steps=150")
    formulas = [_formulas(ground) for ground in grounds]
    given = {
        "steps": int(steps),
        "landscapes": [_landscape(ground) for ground in grounds],
        "optimizers": [
            _optimizer(name, racer, grounds, int(steps), letters) for name, racer in racers.items()
        ],
    }
    text = page.composed(given, formulas)
    if (size := len(text.encode())) > LARGEST:
        raise ValueError(
            f"the page would have {size / 1e6:.1f} MB, and a megabyte is the most; take fewer "
            "landscapes, or fewer samples of them"
        )
    write(path, lambda to: to.write_text(text, "utf-8"))
    return path


def _grounds(landscapes: Any) -> list[Landscape]:
    found = [landscapes] if isinstance(landscapes, Landscape) else list(landscapes)
    for ground in found:
        if not isinstance(ground, Landscape):
            raise TypeError(
                f"wanted landscapes to explore, got {ground!r}; write for example "
                "lectopt.landscapes.long_valley()"
            )
        if ground.start.size > 2:
            raise ValueError(
                f"{ground.name} has {ground.start.size} parameters, and a page shows one or two; "
                "sweep landscape.problem() and draw its curves"
            )
    if not found:
        raise ValueError("there is no landscape; write for example landscapes.long_valley()")
    return found


def _landscape(ground: Landscape) -> dict[str, Any]:
    start = np.ravel(ground.start).tolist()
    minima = [np.ravel(m).tolist() for m in ground.minima]
    window: Any = ground.window
    if window is None:  # around the start and the minima
        near = np.array([start, *minima])
        low, high = near.min(axis=0), near.max(axis=0)
        least = 0.5 if minima else np.maximum(np.abs(low), 1.0)
        half = 1.5 * np.maximum(high - low, least)
        window = np.stack([(low + high) / 2 - half, (low + high) / 2 + half], axis=1).tolist()
    return {
        "name": ground.name.replace("_", " "),
        "start": start,
        "minima": minima,
        "lowest": ground.lowest,
        "window": window,
    }


def _formulas(ground: Landscape) -> str:
    try:
        both = jax.value_and_grad(ground)
        return "\n\n".join(
            [
                javascript(ground, ground.start, "value"),
                javascript(both, ground.start, "valueAndGradient"),
            ]
        )
    except ValueError as error:
        raise ValueError(f"{ground.name} cannot be written in JavaScript: {error}") from None


def _optimizer(
    name: str, racer: Any, grounds: list[Landscape], steps: int, letters: Any
) -> dict[str, Any]:
    from lectopt.explain.explaining import VECTOR, explain

    rate, rates = "", []
    if not is_built(racer):
        rate = rate_name(name, racer)
        rates = [float(f"{tuned(name, racer, one, steps).rate:.3g}") for one in grounds]
    with double():
        # A default rate of 1 would be left out of the equations.
        explained = explain(
            racer,
            letters=letters,
            params=VECTOR,
            settings={rate: rates[0]} if rate else None,
        )
    if explained.obstacle:
        raise ValueError(f"{name} is not explained: {explained.obstacle}")
    try:
        code = explained.code("javascript")
        extras = asked_for(code)
    except ValueError as error:
        raise ValueError(f"{name} is not on the page: {error}") from None
    return {
        "name": name,
        "equations": page.equations(explained),
        "code": code,
        "extras": extras,
        "settings": sliders(explained, code, rate, rates),
    }
