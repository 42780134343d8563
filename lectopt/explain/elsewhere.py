"""Inputs that nobody gave: other sizes, other trees, further arguments.

Two transformations that are alike on the trees that are read may part where their code asks for
something else. What it asks for is tried; what is found is an example, and what is not found the
scope of a proof leaves out.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from lectopt.explain.asking import Asked, of_size, other_shapes
from lectopt.explain.histories import random_history
from lectopt.explain.literals import Literals
from lectopt.explain.systems import one_program, programs
from lectopt.explain.trials import Example, Race

NUMBERS, LARGEST = 4, 50_000  # sizes that are tried
TOLD = 1.37  # what a further argument is


def elsewhere(
    makes: Sequence[Any],
    params: Any,
    numbers: Mapping[str, Any],
    extra: Mapping[str, Any],
    asked: Asked,
    whole: Mapping[str, int],
) -> tuple[Example, str] | None:
    """An input on which the two part, and why it was tried.

    Args:
      makes: from settings to the two transformations.
      params: a tree of arrays, which they take.
      numbers: the settings.
      extra: further arguments of the updates.
      asked: what the two ask of sizes.
      whole: the settings that are whole numbers.
    """
    said, race = Literals(make(numbers) for make in makes), Race(makes, extra)
    for like in _shapes(params, asked, said):
        with contextlib.suppress(Exception):  # one of them does not take these
            if not one_program(*(programs(make, like, numbers, extra) for make in makes)):
                example = race.part(random_history(like), numbers)
                if example is not None:
                    return example, "sizes that the programs ask for"
    tried = [(like, extra, {}) for like in said.trees()]
    tried += [(params, {**extra, name: TOLD}, {}) for name in sorted(said.optional)]
    tried += [(params, extra, {name: value + 1}) for name, value in whole.items()]
    for like, told, more in tried:
        others = [lambda h, make=make, more=more: make({**h, **more}) for make in makes]
        with contextlib.suppress(Exception):  # or this
            race, history = Race(others, told), random_history(like)
            example = race.part(history, numbers) if race.part_at_once(history, numbers) else None
            if example is not None:
                example = replace(example, settings={**example.settings, **more})
                return example, "what the code speaks of"
    return None


def _shapes(params: Any, asked: Asked, said: Literals) -> Iterator[Any]:
    """The tree with leaves as long as the numbers that sizes are compared with, or of other shapes
    where sizes are compared with each other."""
    for n in [*sorted(asked.sizes)[:NUMBERS], *(sorted(said.numbers) if asked.somehow else ())]:
        yield from of_size(params, n) if 0 < n < LARGEST else ()
    yield from other_shapes(params) if asked.order else ()
