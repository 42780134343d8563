"""Controls: what needs more than the gradient of the step."""

from lectopt.controls._lbfgs import lbfgs
from lectopt.controls._swats import projected_rate_settles, scale_by_sgd_rate, swats
from lectopt.controls.averaging import average_params
from lectopt.controls.carrying import carry_over
from lectopt.controls.critical_batch import averaging_window, critical_batch_size
from lectopt.controls.evaluation import evaluation_params
from lectopt.controls.line_search import LineSearchStatus, scale_by_wolfe_line_search
from lectopt.controls.monitoring import metrics, monitor
from lectopt.controls.paths import scale_by_path, unfreeze_gradually
from lectopt.controls.plateau import reduce_on_plateau
from lectopt.controls.quantising import quantise_state
from lectopt.controls.rounding import round_stochastically
from lectopt.controls.switching import switch_when
from lectopt.controls.wolfe import wolfe_conditions

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
