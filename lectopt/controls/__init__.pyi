# Written by docs/stubs.py: what decorators make of the functions here.

from lectopt.controls._lbfgs import lbfgs as lbfgs
from lectopt.controls._swats import AdamSteps, swats as swats
from lectopt.controls.averaging import average_params as average_params
from lectopt.controls.carrying import carry_over as carry_over
from lectopt.controls.critical_batch import (
    averaging_window as averaging_window,
    critical_batch_size as critical_batch_size,
)
from lectopt.controls.evaluation import evaluation_params as evaluation_params
from lectopt.controls.line_search import (
    LineSearchStatus as LineSearchStatus,
    scale_by_wolfe_line_search as scale_by_wolfe_line_search,
)
from lectopt.controls.monitoring import metrics as metrics
from lectopt.controls.paths import (
    scale_by_path as scale_by_path,
    unfreeze_gradually as unfreeze_gradually,
)
from lectopt.controls.plateau import Evaluations, Factor, Scale, Threshold
from lectopt.controls.quantising import quantise_state as quantise_state
from lectopt.controls.rounding import round_stochastically as round_stochastically
from lectopt.controls.switching import switch_when as switch_when
from lectopt.controls.wolfe import wolfe_conditions as wolfe_conditions
from lectopt.settings import Decay, NonNegative, Steps
from lectopt.transformation import Transformation
from optax import GradientTransformation
from typing import Literal

__all__ = [
    "LineSearchStatus",
    "average_params",
    "averaging_window",
    "carry_over",
    "critical_batch_size",
    "evaluation_params",
    "lbfgs",
    "metrics",
    "monitor",
    "projected_rate_settles",
    "quantise_state",
    "reduce_on_plateau",
    "round_stochastically",
    "scale_by_path",
    "scale_by_sgd_rate",
    "scale_by_wolfe_line_search",
    "swats",
    "switch_when",
    "unfreeze_gradually",
    "wolfe_conditions",
]

def monitor(inner: GradientTransformation, layers: bool = False) -> Transformation: ...
def projected_rate_settles(
    decay: Decay = 0.999,
    switch_tol: NonNegative = 1e-09,
    relative: bool = False,
    min_steps: AdamSteps = 2,
) -> Transformation: ...
def reduce_on_plateau(
    factor: Factor = 0.1,
    patience: Evaluations = 10,
    mode: Literal["min", "max"] = "min",
    threshold: Threshold = 0.0001,
    threshold_mode: Literal["relative", "absolute"] | None = None,
    cooldown: Evaluations = 0,
    min_scale: Scale = 0.0,
    accumulate: Steps = 1,
    convention: Literal["torch", "keras"] = "torch",
) -> Transformation: ...
def scale_by_sgd_rate(scale: NonNegative = 1.0) -> Transformation: ...
