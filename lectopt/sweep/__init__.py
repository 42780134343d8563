"""Many trainings in one compiled program: all configurations of an optimizer, for all seeds."""

from lectopt.sweep.engine import sweep as sweep
from lectopt.sweep.result import Runs as Runs
from lectopt.sweep.result import SweepResult as SweepResult
