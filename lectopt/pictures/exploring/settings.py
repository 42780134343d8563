"""The settings of an optimizer's program, and how far each can be dragged."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lectopt.pictures.descents import RATES

if TYPE_CHECKING:
    from lectopt.explain.explanation import Explanation

HEAD = r"export function {}\(\s*(.*?)\)\s*\{{\n"
# What a program may ask for besides the gradient, the state and the parameters.
KNOWN = ("value",)


def arguments(code: str, function: str) -> tuple[list[str], list[str]]:
    """The arguments of a function of a JavaScript program, and the settings that it takes."""
    found = re.search(HEAD.format(function), code, re.DOTALL)
    if found is None:
        return [], []
    before, _, inside = found[1].partition("{")
    named = re.findall(r"(\w+)(?:\s*=\s*[^,}]+)?\s*[,}]", inside)
    return re.findall(r"\w+", before), named


def asked_for(code: str) -> list[str]:
    """What the program needs besides the gradient, the state and the parameters.

    Raises:
      ValueError: something that the page does not have.
    """
    more = arguments(code, "update")[0][3:]
    if unknown := [name for name in more if name not in KNOWN]:
        raise ValueError(f"it asks for {', '.join(unknown)}, which the page does not have")
    return more


def sliders(
    explanation: Explanation, code: str, rate: str, tuned: Sequence[float]
) -> list[dict[str, Any]]:
    """What can be dragged: for each setting that the program takes, its name there, its letter, its
    first value, and the kind of its scale with the ends.

    Args:
      explanation: of the optimizer.
      code: its program.
      rate: the name of the learning rate, "" if there is none.
      tuned: its first value on each landscape.
    """
    subject = explanation.subject
    assert subject is not None
    taken = {
        name for function in ("init", "update", "point") for name in arguments(code, function)[1]
    }
    letters = {name: letter for letter, name in explanation.symbols.items()}
    found = []
    for name, default in subject.numbers.items():
        spelled = name.replace("[", "_").replace("]", "")
        if spelled not in taken:
            continue
        value = int(default) if isinstance(default, int) else float(default)
        values = list(tuned) if name == rate else [value]
        slider = dict(name=spelled, setting=name, letter=letters.get(name, ""), values=values)
        found.append({**slider, **_scale(values, name == rate, name in subject.decays)})
    return found


def _scale(values: Sequence[float], is_rate: bool, is_decay: bool) -> Mapping[str, Any]:
    if is_rate:
        return dict(kind="log", low=float(RATES[0]), high=float(RATES[-1]))
    (value,) = values
    if is_decay:  # what counts is the distance to 1
        return dict(kind="decay", low=0.01, high=max(0.9999, 1 - (1 - value) / 10))
    if isinstance(value, int):
        return dict(kind="whole", low=1, high=max(10 * value, 10))
    if value > 0:
        return dict(kind="log", low=value / 1e3, high=value * 1e3)
    return dict(kind="linear", low=10 * value, high=-10 * value)
