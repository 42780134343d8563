"""Functions to watch an optimizer on: what the lectures draw, and the field's test functions.

Each is a `Landscape`: callable, with its start, its minima and a window for a picture; and its
`problem()` can be trained and swept like any other.
"""

import sys as _sys

from lectopt.display import offer as _offer
from lectopt.landscapes.landscape import Landscape
from lectopt.landscapes.quadratics import long_valley, quadratic, ravine, worst_case
from lectopt.landscapes.samples import clumpy_data, k_means, line_through_the_origin
from lectopt.landscapes.surfaces import (
    ackley,
    beale,
    double_well,
    himmelblau,
    rastrigin,
    rosenbrock,
    saddle,
)

__all__ = [
    "Landscape",
    "ackley",
    "beale",
    "clumpy_data",
    "double_well",
    "himmelblau",
    "k_means",
    "line_through_the_origin",
    "long_valley",
    "quadratic",
    "rastrigin",
    "ravine",
    "rosenbrock",
    "saddle",
    "worst_case",
]

_offer(_sys.modules[__name__])
