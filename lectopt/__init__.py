"""lectopt: the optimization algorithms of five deep-learning lectures, as Optax transformations.

A package offers what its `__all__` lists, and so does this one, which has all of theirs.
"""

import typing as _typing

from lectopt import (
    averaging,
    combinators,
    controls,
    dialects,
    lectures,
    optimizers,
    primitives,
    schedules,
    settings,
    training,
)
from lectopt._sweep import SweepResult, sweep
from lectopt.combinators import *
from lectopt.controls import *
from lectopt.dialects.port import Port, port
from lectopt.explain import same_update
from lectopt.lifting import leafwise, treewise
from lectopt.optimizers import *
from lectopt.primitives import *
from lectopt.schedules import *
from lectopt.training import Problem
from lectopt.transformation import Transformation

if _typing.TYPE_CHECKING:
    from lectopt.explain import explain
else:  # the package itself, which can be called: `import lectopt.explain.x` works beside it
    from lectopt import explain

__version__ = "0.1.0"

__all__ = [
    "Port",
    "Problem",
    "SweepResult",
    "Transformation",
    "averaging",
    "dialects",
    "explain",
    "leafwise",
    "lectures",
    "port",
    "same_update",
    "schedules",
    "settings",
    "sweep",
    "training",
    "treewise",
]
__all__ += combinators.__all__
__all__ += controls.__all__
__all__ += optimizers.__all__
__all__ += primitives.__all__
__all__ += schedules.__all__
# What schedules are made of, and what asking them gives, has its place beside them.
del RobbinsMonro, Schedule, relative, scaled, shifted  # noqa: F821
__all__.remove("RobbinsMonro")
__all__.remove("Schedule")
__all__.remove("relative")
__all__.remove("scaled")
__all__.remove("shifted")


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})
