"""Many trainings in one compiled program: all configurations of an optimizer, for all seeds."""

from lectopt._sweep.engine import sweep
from lectopt._sweep.result import SweepResult
from lectopt._sweep.space import choice

__all__ = ["SweepResult", "choice", "sweep"]
