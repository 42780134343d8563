"""Many trainings in one compiled program: all configurations of an optimizer, for all seeds."""

from lectopt._sweep.engine import sweep
from lectopt._sweep.result import SweepResult

__all__ = ["SweepResult", "sweep"]
