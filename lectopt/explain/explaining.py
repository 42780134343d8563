"""`explain`: from an optimizer to its explanation."""

from collections.abc import Iterator, Mapping
from typing import Any

import jax
import numpy as np

from lectopt.explain.explanation import Explanation
from lectopt.explain.known import names_in
from lectopt.explain.letters import Notation
from lectopt.explain.naming import Namer
from lectopt.explain.notations import notation
from lectopt.explain.reading import Reader
from lectopt.explain.readings import Reading
from lectopt.explain.subjects import Subject, subject
from lectopt.explain.templates import template
from lectopt.explain.tracing import Unexplained, traced
from lectopt.numerics import double

# Sizes that no optimizer has among its settings; factored moments want more than 128 of both.
SCALAR: Any = np.ones(())
VECTOR: Any = np.ones(59)
MATRIX: Any = np.ones((151, 139))
KERNEL: Any = np.ones((3, 2, 131, 137))
PAIR: Any = {"one": VECTOR, "two": np.ones(83)}


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
    given = params is not None
    params = template(tx_or_maker, settings or {}) if params is None else params
    found = explained(about, chosen, [params] if params is not None else list(defaults()), given)
    if isinstance(letters, Mapping) and not found.obstacle:
        found.check_letters(letters)
    return found


def defaults() -> Iterator[Any]:
    """Trees to read on: leaves of every rank with the names that masks ask for; and what is left of
    them for optimizers that take no scalars, no kernels, or one array only."""
    dense = {"bias": VECTOR, "kernel": MATRIX}
    yield {"scale": SCALAR, "dense": dense, "conv": {"kernel": KERNEL}}
    yield {"dense": dense, "conv": {"kernel": KERNEL}}
    yield {"dense": dense}
    yield PAIR
    yield VECTOR
    yield MATRIX


def explained(about: Subject, chosen: Notation, trees: list[Any], given: bool) -> Explanation:
    """The explanation of an optimizer on the first of these trees that it takes.

    Args:
      about: the optimizer.
      chosen: the letters.
      trees: of arrays.
      given: whether the user gave the tree.
    """
    reason = ""
    with double():
        for tree in trees:
            try:
                return _explained(about, chosen, tree, given)
            except Unexplained as error:
                reason = str(error)
            except Exception as error:  # whatever a stranger's program holds, no traceback
                reason = f"reading its program met {type(error).__name__}: {error}"
        return Explanation(about.title, chosen, None, reason)


def _explained(about: Subject, chosen: Notation, tree: Any, given: bool) -> Explanation:
    programs = traced(about, tree, instead=None if given else PAIR)
    tree = programs.params
    reading = Reader(programs, chosen).read()
    if not given and not programs.functions and len(reading.labels) > 1 and _mixes(reading):
        pair = jax.tree.structure(tree) == jax.tree.structure(PAIR)
        simpler = _explained(about, chosen, VECTOR if pair else PAIR, given)
        if not pair or not simpler.reading.records:
            return simpler
    if not given and (len(reading.groups) > 1 or len(reading.labels) == 1):
        try:  # where sizes matter, they are letters if they can be
            sized = traced(about, tree, programs, symbolic=True)
            other = Reader(sized, chosen).read()
            if not other.records:
                reading = other
        except Exception:  # it compares sizes, or asks for one
            pass
    shared, groups = Namer(reading).lines()
    return Explanation(about.title, chosen, reading, "", shared, groups, given, tree)


def _mixes(reading: Reading) -> bool:
    """Whether formulas of a leaf speak of single other leaves."""
    terms = [x for g in reading.groups for x in (*g.next.values(), g.update)]
    return any("@" in name for name in names_in(terms))
