"""Primitives: each the recurrence of one idea, or the shortest composition that names it."""

from lectopt.corrections import bias_correction, identity, square_root
from lectopt.primitives._rectification import rectification
from lectopt.primitives.averaging import average_ahead, average_tail, scale_by_decaying_rate
from lectopt.primitives.clipping import clip_by_global_norm, clip_by_norm, clip_by_value
from lectopt.primitives.decay import add_decayed_weights, add_l1, contract, shrink_weights
from lectopt.primitives.differences import difference, scale_by_past_rms
from lectopt.primitives.layers import (
    clip_by_block_rms,
    scale_by_factored_rms,
    scale_by_leaf_norm,
    scale_by_param_block_rms,
    scale_by_sm3,
)
from lectopt.primitives.lookahead_moments import nesterov_ema_warmed
from lectopt.primitives.matrices import all_but_matrices, matrices, orthogonalize, scale_by_shape
from lectopt.primitives.moments import (
    ema,
    infinity_moment,
    mean_square,
    nesterov_ema,
    running_max,
    sum_of_squares,
)
from lectopt.primitives.noise import add_langevin_noise
from lectopt.primitives.quasi_newton import scale_by_lbfgs
from lectopt.primitives.scaling import (
    negate,
    plus,
    scale,
    scale_by_adadelta,
    scale_by_learning_rate,
    scale_by_rms,
    scale_by_rss,
    scale_by_stddev,
    scale_by_visit_count,
)
from lectopt.primitives.signs import (
    scale_by_irprop_plus,
    scale_by_local_gains,
    scale_by_rprop,
    sign,
    trace_with_gains,
)
from lectopt.primitives.statistics import scale_by_snr
from lectopt.primitives.trust import scale_by_local_rate, scale_by_trust_ratio
from lectopt.primitives.velocity import shift_ahead, trace, trace_ahead, undampen_first

__all__ = [
    "add_decayed_weights",
    "add_l1",
    "add_langevin_noise",
    "all_but_matrices",
    "average_ahead",
    "average_tail",
    "bias_correction",
    "clip_by_block_rms",
    "clip_by_global_norm",
    "clip_by_norm",
    "clip_by_value",
    "contract",
    "difference",
    "ema",
    "identity",
    "infinity_moment",
    "matrices",
    "mean_square",
    "negate",
    "nesterov_ema",
    "nesterov_ema_warmed",
    "orthogonalize",
    "plus",
    "rectification",
    "running_max",
    "scale",
    "scale_by_adadelta",
    "scale_by_decaying_rate",
    "scale_by_factored_rms",
    "scale_by_irprop_plus",
    "scale_by_lbfgs",
    "scale_by_leaf_norm",
    "scale_by_learning_rate",
    "scale_by_local_gains",
    "scale_by_local_rate",
    "scale_by_param_block_rms",
    "scale_by_past_rms",
    "scale_by_rms",
    "scale_by_rprop",
    "scale_by_rss",
    "scale_by_shape",
    "scale_by_sm3",
    "scale_by_snr",
    "scale_by_stddev",
    "scale_by_trust_ratio",
    "scale_by_visit_count",
    "shift_ahead",
    "shrink_weights",
    "sign",
    "square_root",
    "sum_of_squares",
    "trace",
    "trace_ahead",
    "trace_with_gains",
    "undampen_first",
]
