"""`explain`: from an optimizer to its explanation."""

from collections.abc import Mapping
from typing import Any

import jax

from lectopt.explain.algebra.names import Notation
from lectopt.explain.explanation import Explanation
from lectopt.explain.reading.building import system
from lectopt.explain.reading.subjects import Subject, subject
from lectopt.explain.reading.system import System
from lectopt.explain.reading.templates import ONE, TWO, template
from lectopt.explain.reading.tracing import Unexplained, double, traced
from lectopt.explain.writing.notations import notation


def explain(
    tx_or_maker: Any,
    letters: str | Mapping[str, str] | None = None,
    params: Any = None,
    settings: Mapping[str, Any] | None = None,
) -> Explanation:
    """See `lectopt.explain`."""
    chosen = notation(letters, tx_or_maker, settings)
    with double():
        about = subject(tx_or_maker, settings or {}, chosen.setting)
    sized = params is None
    params = template(tx_or_maker, settings or {}) if params is None else params
    return explained(about, chosen, params, sized)


def explained(about: Subject, chosen: Notation, params: Any, sized: bool) -> Explanation:
    """The explanation of an optimizer on these parameters, or on some that show what it does.

    Args:
      about: the optimizer.
      chosen: the letters.
      params: a tree of arrays, or None.
      sized: whether the sizes of `params` are made up.
    """
    with double():
        system, obstacle = None, ""
        try:
            system = _read(about, chosen, params, sized)
        except Unexplained as error:
            obstacle = str(error)
        except Exception as error:  # whatever a stranger's program holds, no traceback
            obstacle = f"reading its program met {type(error).__name__}: {error}"
        made = Explanation(about.title, chosen, system, obstacle)
    made.subject, made.params = about, None if sized else params
    return made


def _read(about: Subject, chosen: Notation, params: Any, sized: bool) -> System:
    if params is not None:
        return system(traced(about, params), chosen, sized)
    try:
        programs = traced(about, ONE, instead=TWO)
    except Unexplained:  # it wants one array
        programs = traced(about, ONE)
    right = TWO if programs.mixes() else ONE
    if jax.tree.structure(right) != jax.tree.structure(programs.params):
        try:
            programs = traced(about, right, programs)
        except Unexplained:
            pass
    return system(programs, chosen, sized)
