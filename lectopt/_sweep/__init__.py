"""Many trainings in one compiled program: all configurations of an optimizer, for all seeds."""

import sys as _sys

from lectopt._sweep.engine import sweep
from lectopt._sweep.reading import read_sweep
from lectopt._sweep.result import SweepResult
from lectopt._sweep.space import choice
from lectopt.display import offer as _offer

__all__ = ["SweepResult", "choice", "read_sweep", "sweep"]

_offer(_sys.modules[__name__])
