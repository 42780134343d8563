"""L-BFGS: quasi-Newton steps, of a length that a line search finds."""

from typing import Any, Literal

from lectopt.combinators import chain
from lectopt.controls.line_search import scale_by_wolfe_line_search
from lectopt.controls.wolfe import Slope
from lectopt.primitives import scale_by_lbfgs, scale_by_learning_rate
from lectopt.settings import LearningRate, NonNegative, Scalar, Steps
from lectopt.signatures import checked
from lectopt.transformation import Transformation


@checked
def lbfgs(
    learning_rate: LearningRate = 1.0,
    memory_size: Steps[Scalar] = 10,
    scale_init_precond: bool = True,
    *,
    line_search: Literal["strong", "weak"] | None = "strong",
    c1: Slope = 1e-4,
    c2: Slope = 0.9,
    max_evaluations: Steps = 20,
    first_norm: Literal["l2", "l1"] = "l2",
    curvature: Literal["positive", "any"] = "positive",
    least_curvature: NonNegative = 0.0,
    state_dtype: Any = None,
) -> Transformation:
    """L-BFGS: `param - a learning_rate H g`, with an inverse Hessian `H` that is made of the last
    steps and a step size `a` that a line search finds. For full batches.

    `update` takes `value=`, `grad=` and `value_fn=` unless `line_search=None`; see
    `scale_by_wolfe_line_search`. One update is one iteration.

    Args:
      learning_rate: zero or more, or a schedule; the search looks along what it makes.
      memory_size: see `scale_by_lbfgs`.
      scale_init_precond: see `scale_by_lbfgs`.
      line_search: for the `"strong"` or the `"weak"` conditions of Wolfe; None: `a = 1`.
      c1: see `scale_by_wolfe_line_search`.
      c2: see `scale_by_wolfe_line_search`.
      max_evaluations: see `scale_by_wolfe_line_search`.
      first_norm: see `scale_by_lbfgs`.
      curvature: see `scale_by_lbfgs`.
      least_curvature: see `scale_by_lbfgs`.
      state_dtype: dtype of the memory.

    Raises:
      TypeError: `update` was not given what the line search needs.

    Source: Liu and Nocedal 1989; Nocedal and Wright, algorithms 7.4 and 7.5.
    """
    inverse = scale_by_lbfgs(
        memory_size,
        scale_init_precond,
        first_norm,
        curvature,
        least_curvature,
        state_dtype=state_dtype,
    )
    descent = chain(inverse, scale_by_learning_rate(learning_rate))
    if line_search is None:
        return descent
    return chain(descent, scale_by_wolfe_line_search(line_search, c1, c2, max_evaluations))
