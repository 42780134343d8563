"""Controls: what needs more than the gradient of the step."""

from lectopt.controls._swats import projected_rate_settles as projected_rate_settles
from lectopt.controls._swats import scale_by_sgd_rate as scale_by_sgd_rate
from lectopt.controls._swats import swats as swats
from lectopt.controls.averaging import average_params as average_params
from lectopt.controls.critical_batch import averaging_window as averaging_window
from lectopt.controls.critical_batch import critical_batch_size as critical_batch_size
from lectopt.controls.evaluation import evaluation_params as evaluation_params
from lectopt.controls.line_search import LineSearchStatus as LineSearchStatus
from lectopt.controls.line_search import scale_by_wolfe_line_search as scale_by_wolfe_line_search
from lectopt.controls.monitoring import metrics as metrics
from lectopt.controls.monitoring import monitor as monitor
from lectopt.controls.paths import scale_by_path as scale_by_path
from lectopt.controls.paths import unfreeze_gradually as unfreeze_gradually
from lectopt.controls.plateau import reduce_on_plateau as reduce_on_plateau
from lectopt.controls.switching import switch_when as switch_when
from lectopt.controls.wolfe import wolfe_conditions as wolfe_conditions
