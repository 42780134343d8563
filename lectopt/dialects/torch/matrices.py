"""PyTorch's optimizers of matrices: Adafactor and Muon; and L-BFGS."""

import inspect
from typing import Annotated, Any, Literal

from lectopt import controls as _lectopt
from lectopt.combinators import chain
from lectopt.dialects.factored import relative_step, scale_by_last_axes
from lectopt.dialects.spelling import Unneeded
from lectopt.dialects.torch.frame import Foreach, decoupled, pytorch
from lectopt.primitives import (
    clip_by_block_rms,
    orthogonalize,
    scale_by_learning_rate,
    scale_by_param_block_rms,
    scale_by_shape,
    trace,
)
from lectopt.settings import Decay, LearningRate, NonNegative, Numeric, Range, Scalar, Steps
from lectopt.transformation import Transformation

Power = Annotated[Numeric, Range(-100, 0, True, "a power, zero or less", -0.8)]
AtLeastOne = Annotated[Numeric, Range(1, float("inf"), False, "one or more", 1.0)]
Iterations = Annotated[
    Any,
    Unneeded("One update is one iteration: make as many updates, each with a new gradient."),
]
Search = Annotated[
    Any,
    Unneeded(
        "Its search ends at another of the points that its conditions allow: write "
        "lectopt.lbfgs(1.0, memory_size=100)."
    ),
]


@pytorch
def Adafactor(
    lr: LearningRate = 1e-2,
    beta2_decay: Power[Scalar] = -0.8,
    eps: tuple[NonNegative | None, NonNegative] = (None, 1e-3),
    d: AtLeastOne = 1.0,
    weight_decay: NonNegative = 0.0,
    *,
    foreach: Foreach = None,
    maximize: bool = False,
) -> Transformation:
    """A rate per weight from means of rows and columns; see `lectopt.adafactor`.

    `param - max(eps[1], rms(param)) min(lr, 1 / sqrt(t)) u / max(1, rms(u) / d)` with `u = g /
    sqrt(v)`. The last two axes of a leaf are factored, and every leaf that has two.

    Args:
      lr: zero or more, or a schedule; an upper bound of the rate.
      beta2_decay: the second moment has the decay `1 - t^beta2_decay`.
      eps: the least mean of the rows, whose square is the least second moment, by default the
        spacing of the floats next to 1; and the least root mean square of the weights.
      d: above which root mean square a step is clipped.
      weight_decay: decoupled.
      maximize: ascend.
    """
    tx = chain(
        scale_by_last_axes(-beta2_decay, eps[0]),
        clip_by_block_rms(d),
        scale_by_learning_rate(relative_step(lr)),
        scale_by_param_block_rms(eps[1]),
    )
    return decoupled(tx, lr, weight_decay, maximize)


@pytorch
def Muon(
    lr: LearningRate = 1e-3,
    weight_decay: NonNegative = 0.1,
    momentum: Decay = 0.95,
    nesterov: bool = True,
    ns_coefficients: Any = (3.4445, -4.775, 2.0315),
    eps: NonNegative = 1e-7,
    ns_steps: Steps[Scalar] = 5,
    adjust_lr_fn: Literal["original", "match_rms_adamw"] | None = None,
) -> Transformation:
    """Steps along the orthogonal matrix that is nearest to the velocity; see `lectopt.muon`.

    All leaves must be matrices: `optax.partition` gives the others an optimizer of their own. The
    iteration is made in bfloat16, as in PyTorch, whose sums of it are rounded in another order.

    Args:
      lr: zero or more, or a schedule.
      weight_decay: decoupled.
      momentum: decay of the velocity, an average, in [0, 1).
      nesterov: look ahead by one step.
      ns_coefficients: three numbers of the iteration.
      eps: the least norm that a matrix is divided by.
      ns_steps: iterations.
      adjust_lr_fn: `"original"`: steps grow with `sqrt(max(1, rows / columns))`, where the rows are
        the outputs; `"match_rms_adamw"`: with `0.2 sqrt(max(rows, columns))`.
    """
    settings = (lr, weight_decay, momentum, nesterov, ns_coefficients, eps, ns_steps, adjust_lr_fn)
    return _muon("out_in", *settings)


def transposed_muon(**settings: Any) -> Transformation:
    """`Muon` of matrices that stand here transposed, as Flax has them."""
    bound = inspect.signature(Muon).bind(**settings)
    bound.apply_defaults()
    return _muon("in_out", *bound.args)


def _muon(
    layout: Literal["in_out", "out_in"],
    lr: Any,
    weight_decay: Any,
    momentum: Any,
    nesterov: bool,
    ns_coefficients: Any,
    eps: Any,
    ns_steps: Any,
    adjust_lr_fn: str | None,
) -> Transformation:
    rms = 0.2 if adjust_lr_fn == "match_rms_adamw" else None
    steps = (tuple(ns_coefficients),) * int(ns_steps)
    tx = chain(
        trace(momentum, nesterov, momentum),
        orthogonalize(steps, eps, eps_placement="least", dtype="bfloat16"),
        scale_by_shape(rms, layout),
        scale_by_learning_rate(lr),
    )
    return decoupled(tx, lr, weight_decay, False)


@pytorch
def LBFGS(
    lr: LearningRate = 1,
    max_iter: Iterations = 20,
    max_eval: Iterations = None,
    tolerance_grad: Iterations = 1e-7,
    tolerance_change: Iterations = 1e-9,
    history_size: Steps[Scalar] = 100,
    line_search_fn: Search = None,
) -> Transformation:
    """L-BFGS without a line search: `param - lr H g`; see `lectopt.lbfgs`. For full batches.

    One update is one of the iterations that `step(closure)` makes; the first is no longer than
    `lr`. It does not stop by itself.

    Args:
      lr: zero or more, or a schedule.
      max_iter: not needed.
      max_eval: not needed.
      tolerance_grad: not needed.
      tolerance_change: not needed.
      history_size: steps in the memory.
      line_search_fn: not supported.
    """
    return _lectopt.lbfgs(
        lr,
        int(history_size),
        line_search=None,
        first_norm="l1",
        curvature="positive",
        least_curvature=1e-10,
    )
