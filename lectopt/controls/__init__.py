"""Controls: what needs more than the gradient of the step."""

from lectopt.controls.evaluation import evaluation_params as evaluation_params
