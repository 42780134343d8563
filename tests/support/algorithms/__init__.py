"""THE table of algorithms. Every contract test runs over it; a new algorithm is a function, an
export and a row in the file of its family."""

from collections.abc import Sequence

import pytest

from tests.support.algorithms.adam import ADAM
from tests.support.algorithms.adaptive import ADAPTIVE
from tests.support.algorithms.algorithm import Algorithm
from tests.support.algorithms.belief import BELIEF
from tests.support.algorithms.descent import DESCENT
from tests.support.algorithms.distance import DISTANCE
from tests.support.algorithms.layers import LAYERS
from tests.support.algorithms.mixtures import MIXTURES
from tests.support.algorithms.signs import SIGNS
from tests.support.algorithms.statistical import STATISTICAL
from tests.support.algorithms.whole_tree import WHOLE_TREE

ALGORITHMS = DESCENT + ADAPTIVE + ADAM + BELIEF + SIGNS + STATISTICAL + LAYERS + WHOLE_TREE
ALGORITHMS += MIXTURES + DISTANCE


def is_first(row: Algorithm) -> bool:
    """Whether the row is the first of its algorithm; the others are its other conventions."""
    name = row.id.split("/")[0]
    return row is next(r for r in ALGORITHMS if r.id.split("/")[0] == name)


def over(rows: Sequence[Algorithm], every: int = 1) -> pytest.MarkDecorator:
    """A test for each of these rows; plain `pytest` runs it for the first of each algorithm, or of
    every so many algorithms, where a test is dear and alike for all."""
    plain = [r for r in rows if is_first(r)][::every]
    return pytest.mark.parametrize(
        "row",
        [pytest.param(r, id=r.id, marks=() if r in plain else pytest.mark.slow) for r in rows],
    )
