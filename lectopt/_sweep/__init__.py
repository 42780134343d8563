"""Many trainings in one compiled program: all configurations of an optimizer, for all seeds."""

from lectopt._sweep.engine import sweep as sweep
from lectopt._sweep.result import Runs as Runs
from lectopt._sweep.result import SweepResult as SweepResult
