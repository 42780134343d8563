"""Many trainings in one compiled program: all configurations of an optimizer, for all seeds."""

import sys as _sys

from lectopt._sweep.engine import sweep
from lectopt._sweep.result import Runs, SweepResult
from lectopt.display import offer as _offer

__all__ = ["Runs", "SweepResult", "sweep"]

_offer(_sys.modules[__name__])
