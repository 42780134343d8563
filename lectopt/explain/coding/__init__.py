"""The equations of a transformation as a program that stands alone."""

from collections.abc import Callable
from typing import Any

from lectopt.explain.coding import javascript, numpy, torch
from lectopt.explain.coding.local import Unwritten
from lectopt.explain.coding.planning import Plan, planned
from lectopt.explain.coding.sources import written_rules
from lectopt.explain.subjects import Subject

LANGUAGES: dict[str, Callable[[Plan], str]] = {
    "numpy": numpy.module,
    "torch": torch.optimizer,
    "javascript": javascript.functions,
}


def code(about: Subject, params: Any, language: str) -> str:
    """The program of an optimizer in a language.

    Args:
      about: the optimizer.
      params: a tree of arrays to read it on, or None.
      language: "numpy", "torch" or "javascript".

    Raises:
      ValueError: there is no such language, or an operation has no formula there.
    """
    if language not in LANGUAGES:
        raise ValueError(f"language must be one of {', '.join(LANGUAGES)}; got {language!r}")
    try:
        return LANGUAGES[language](planned(written_rules(about, params)))
    except Unwritten as error:
        raise ValueError(f"{about.title} cannot be written as a program: {error}.") from None
