"""Writes conventions.md: who follows which convention, read off the optimizers themselves.

    python docs/conventions.py

Every cell is computed: the defaults from the signatures, the placements from the compositions, the
distances by running the optimizers, the schedules by calling them.
"""

import functools as ft
import inspect
import os
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import optax
import optax.contrib
from conventions_rows import BLOCKS, EPSILON, HEADS, HOMES, SCHEDULES, TEXT

from lectopt import reduce_on_plateau
from lectopt.dialects import torch
from lectopt.dialects.porting.problem import distance
from lectopt.dialects.porting.recipe import Recipe, read
from lectopt.settings import domains

PAGE = Path(__file__).with_name("conventions.md")


def made(maker: Any, rate: float | None = None) -> Any:
    """The optimizer with its defaults, or with another learning rate."""
    name, default = rate_of(maker)
    if name is None:
        return maker()
    given = rate if rate is not None else (1.0 if default is None else default)
    return maker(**{name: given})


def rate_of(maker: Any) -> tuple[str | None, Any]:
    """The name of the learning rate and its default."""
    function = getattr(maker, "func", maker)
    for p in inspect.signature(function).parameters.values():
        ranges, _ = domains(function.__annotations__.get(p.name))
        if any("step size" in r.meaning for r in ranges):
            return p.name, None if p.default is p.empty else p.default
    return None, None


def name(maker: Any) -> list[str]:
    """Who, and the call."""
    function = getattr(maker, "func", maker)
    settings = ", ".join(f"{k}={v!r}" for k, v in getattr(maker, "keywords", {}).items())
    home = next(HOMES[part] for part in function.__module__.split(".") if part in HOMES)
    return [home, f"`{function.__name__}({settings})`"]


def cell(column: str, recipe: Recipe, maker: Any) -> str:
    """One convention of one optimizer."""
    s = recipe.settings
    match column:
        case "velocity":
            average = any("dampened from its start" in note for note in recipe.notes)
            return "average" if average else f"rate {s['position']}"
        case "dampening":
            return "no" if s["dampening"] else "–"
        case "parameters":
            base = any("theta + beta v" in note for note in recipe.notes)
            return "base points" if base else "look-ahead points"
        case "place":
            if recipe.family == "adamax" and s["place"] == "outside":
                return "–" if s["eps"] == 0 else "$u + \\epsilon$"
            return "–" if s["eps"] == 0 else EPSILON[s["place"]]
        case "averaging":
            return f"{s['decay']:g}"
        case "decay":
            return decay_of(maker)
        case "weight_decay":
            return f"{recipe.weight_decay:g}"
        case "psi":
            return "constant" if s["psi"] is None else f"{s['psi']:g}"
        case "paper":
            return "yes" if s["paper"] else "no"
        case "amsgrad":
            return dict(raw="$v$", corrected="$\\hat v$", uncorrected="$v$, none corrected")[
                s["amsgrad"]
            ]
        case "threshold":
            return f"$\\rho$ = {s['threshold']:g}"
        case "variant":
            return {
                "irprop-": "no move",
                "rprop+": "the last move is taken back",
                "late": "no move; every move comes one update late",
            }[s["variant"]]
        case _:
            return f"{s[column]:g}"


def decay_of(maker: Any) -> str:
    """What `weight_decay` does there, if there is one."""
    function = getattr(maker, "func", maker)
    if "weight_decay" not in inspect.signature(function).parameters:
        return "–"
    recipe = read(made(ft.partial(maker, weight_decay=0.1)))
    if recipe.decay == "coupled":
        return "L2 penalty"
    own = recipe.decay_rate is not recipe.rate and recipe.decay_rate != recipe.rate
    return "decoupled, times the schedule alone" if own else "decoupled, times the rate"


def table(rows: list[list[str]], head: list[str]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def optimizers() -> str:
    """The tables of defaults and placements."""
    sections = []
    for title, _, makers, columns in BLOCKS:
        rows = []
        for maker in makers:
            recipe = read(made(maker))
            rate, default = rate_of(maker)
            shown = "none" if rate is None else "–" if default is None else f"{default:g}"
            rows.append([*name(maker), shown, *(cell(c, recipe, maker) for c in columns)])
        head = ["who", "call", "rate", *(HEADS[c] for c in columns)]
        sections.append(f"### {title}\n\n{table(rows, head)}")
    return "\n\n".join(sections)


def distances() -> str:
    """How far each ends from the first of its block, with the same rate and its own defaults."""
    rows = []
    for title, rate, (first, *others), _ in BLOCKS:
        for maker in others:
            if rate_of(maker)[0] is None:
                continue
            share = 100 * distance(made(first, rate), made(maker, rate))
            size = "0" if share < 1e-8 else f"{share:.2g} %" if share < 99 else f"{share:.0f} %"
            rows.append([title, *name(maker), size])
    return table(rows, ["algorithm", "who", "call", f"from {HOMES['torch']}"])


def schedules() -> str:
    """The values at the first counts."""
    rows = []
    for who, call, schedule in SCHEDULES:
        rows.append([who, f"`{call}`", *(f"{float(schedule(t)):.3g}" for t in range(9))])
    return table(rows, ["who", "call", *map(str, range(9))])


def plateaus() -> str:
    """The number of evaluations until the first reduction, by patience."""

    def tolerated(tx: Any) -> str:
        one = jnp.ones(())
        state = tx.init(one)
        for n in range(9):  # the first evaluation is the best one
            update, state = tx.update(one, state, one, value=one)
            if update < 1:
                return str(n)
        return "never"

    makers = {
        "PyTorch": lambda p: torch.ReduceLROnPlateau(1.0, patience=p),
        "Keras": lambda p: reduce_on_plateau(patience=p, convention="keras"),
        "Optax": lambda p: optax.contrib.reduce_on_plateau(patience=p),
    }
    rows = [[who, *(tolerated(make(p)) for p in range(4))] for who, make in makers.items()]
    return table(rows, ["who", *(f"patience {p}" for p in range(4))])


def page() -> str:
    """The whole page."""
    return TEXT.format(
        optimizers=optimizers(), distances=distances(), schedules=schedules(), plateaus=plateaus()
    )


if __name__ == "__main__":
    jax.config.update("jax_enable_x64", True)
    text = page()
    draft = PAGE.with_suffix(".md.part")
    draft.write_text(text, "utf-8")
    os.replace(draft, PAGE)
