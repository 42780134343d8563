# Written by docs/stubs.py: what decorators make of the functions here.

from lectopt.primitives.decay import add_decayed_weights as add_decayed_weights, add_l1 as add_l1
from lectopt.primitives.matrices import all_but_matrices as all_but_matrices, matrices as matrices
from lectopt.primitives.noise import add_langevin_noise as add_langevin_noise
from lectopt.primitives.scaling import (
    scale_by_rms as scale_by_rms,
    scale_by_rss as scale_by_rss,
    scale_by_stddev as scale_by_stddev,
)
from lectopt.primitives.statistics import Window
from lectopt.settings import (
    Bound,
    Count,
    Decay,
    Fraction,
    Growth,
    LearningRate,
    NonNegative,
    Positive,
    PositiveBound,
    RectificationThreshold,
    Steps,
)
from lectopt.transformation import Transformation
from typing import Any, Literal

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

def average_ahead(
    learning_rate: LearningRate,
    power: NonNegative = 2.0,
    b1: Decay = 0.9,
    state_dtype: Any = None,
) -> Transformation: ...
def average_tail(t0: Count = 1000000.0, state_dtype: Any = None) -> Transformation: ...
def bias_correction(
    decay: Decay,
    of_root: bool = False,
    ahead: NonNegative = 0.0,
) -> Transformation: ...
def clip_by_block_rms(threshold: PositiveBound = 1.0) -> Transformation: ...
def clip_by_global_norm(max_norm: Bound) -> Transformation: ...
def clip_by_norm(max_norm: Bound) -> Transformation: ...
def clip_by_value(delta: Bound) -> Transformation: ...
def contract(learning_rate: LearningRate) -> Transformation: ...
def difference(state_dtype: Any = None) -> Transformation: ...
def ema(decay: Decay, initial: Any = 0.0, state_dtype: Any = None) -> Transformation: ...
def identity() -> Transformation: ...
def infinity_moment(
    decay: Decay,
    eps: NonNegative = 0.0,
    eps_in_max: bool = False,
    state_dtype: Any = None,
) -> Transformation: ...
def mean_square(
    decay: Decay,
    initial: NonNegative = 0.0,
    added: NonNegative = 0.0,
    state_dtype: Any = None,
) -> Transformation: ...
def negate() -> Transformation: ...
def nesterov_ema(decay: Decay, state_dtype: Any = None) -> Transformation: ...
def nesterov_ema_warmed(
    decay: Decay,
    momentum_decay: NonNegative = 0.004,
    warm_mean: bool = False,
    state_dtype: Any = None,
) -> Transformation: ...
def orthogonalize(
    coefficients: Any = None,
    eps: NonNegative = 1e-08,
    norm: Literal["frobenius", "spectral", "rows", "schatten"] = "frobenius",
    eps_placement: Literal["outside", "least"] = "outside",
    dual_norm: bool = False,
    dtype: Any = None,
) -> Transformation: ...
def plus(number: NonNegative) -> Transformation: ...
def rectification(
    decay: Decay,
    threshold: RectificationThreshold = 5.0,
    fallback: Literal["sgd", "skip"] = "sgd",
) -> Transformation: ...
def running_max(state_dtype: Any = None) -> Transformation: ...
def scale(factor: Any) -> Transformation: ...
def scale_by_adadelta(
    rho: Decay = 0.9,
    eps: NonNegative = 1e-06,
    state_dtype: Any = None,
) -> Transformation: ...
def scale_by_decaying_rate(
    learning_rate: LearningRate,
    lambd: NonNegative = 0.0001,
    alpha: NonNegative = 0.75,
) -> Transformation: ...
def scale_by_factored_rms(
    min_dim_size_to_factor: int = 128,
    factored: bool = True,
    decay_rate: Fraction = 0.8,
    decay_offset: NonNegative = 0.0,
    eps: NonNegative = 1e-30,
    eps_placement: Literal["square", "least"] = "square",
    axes: Literal["largest", "last"] = "largest",
    state_dtype: Any = None,
) -> Transformation: ...
def scale_by_irprop_plus(
    learning_rate: LearningRate,
    eta_minus: Fraction = 0.5,
    eta_plus: Growth = 1.2,
    min_step_size: NonNegative = 1e-06,
    max_step_size: Bound = 50.0,
    state_dtype: Any = None,
) -> Transformation: ...
def scale_by_lbfgs(
    memory_size: Steps = 10,
    scale_init_precond: bool = True,
    first_norm: Literal["l2", "l1"] = "l2",
    curvature: Literal["positive", "any"] = "positive",
    least_curvature: NonNegative = 0.0,
    state_dtype: Any = None,
) -> Transformation: ...
def scale_by_leaf_norm(
    decay: Decay = 0.25,
    eps: NonNegative = 1e-06,
    eps_inside: bool = False,
    eps_root: NonNegative = 0.0,
    state_dtype: Any = None,
) -> Transformation: ...
def scale_by_learning_rate(learning_rate: LearningRate) -> Transformation: ...
def scale_by_local_gains(
    increment: NonNegative = 0.05,
    decrement: Fraction = 0.05,
    min_gain: NonNegative = 0.01,
    max_gain: Bound = 100.0,
    state_dtype: Any = None,
) -> Transformation: ...
def scale_by_local_rate(
    trust_coefficient: NonNegative = 0.001,
    weight_decay: NonNegative = 0.0,
    eps: NonNegative = 0.0,
) -> Transformation: ...
def scale_by_param_block_rms(min_scale: NonNegative = 0.001) -> Transformation: ...
def scale_by_past_rms(
    decay: Decay = 0.9999,
    eps: NonNegative = 1e-06,
    clip_power: NonNegative | None = 0.25,
    state_dtype: Any = None,
) -> Transformation: ...
def scale_by_rprop(
    learning_rate: LearningRate,
    eta_minus: Fraction = 0.5,
    eta_plus: Growth = 1.2,
    min_step_size: NonNegative = 1e-06,
    max_step_size: Bound = 50.0,
    variant: Literal["irprop-", "rprop-", "rprop+"] = "irprop-",
    state_dtype: Any = None,
) -> Transformation: ...
def scale_by_shape(
    consistent_rms: NonNegative | None = None,
    layout: Literal["in_out", "out_in"] = "in_out",
) -> Transformation: ...
def scale_by_sm3(
    decay: Fraction = 1.0,
    eps: NonNegative = 1e-08,
    state_dtype: Any = None,
) -> Transformation: ...
def scale_by_snr(
    warmup: Window = 50,
    noise_factor: Positive = 16.0,
    min_window: Window = 2,
    max_window: Window = 1000,
    eps: NonNegative = 0.0,
    literal: bool = False,
    state_dtype: Any = None,
) -> Transformation: ...
def scale_by_trust_ratio(
    min_norm: NonNegative = 0.0,
    trust_coefficient: NonNegative = 1.0,
    eps: NonNegative = 0.0,
) -> Transformation: ...
def scale_by_visit_count(state_dtype: Any = None) -> Transformation: ...
def shift_ahead(decay: Decay, state_dtype: Any = None) -> Transformation: ...
def shrink_weights(
    learning_rate: LearningRate,
    weight_decay: NonNegative = 0.0,
) -> Transformation: ...
def sign() -> Transformation: ...
def square_root(eps: NonNegative = 0.0, eps_inside: bool = False) -> Transformation: ...
def sum_of_squares(initial: NonNegative = 0.0, state_dtype: Any = None) -> Transformation: ...
def trace(
    decay: Decay,
    nesterov: bool = False,
    dampening: Decay = 0.0,
    state_dtype: Any = None,
) -> Transformation: ...
def trace_ahead(decay: Decay, state_dtype: Any = None) -> Transformation: ...
def trace_with_gains(
    decay: Decay = 0.9,
    increment: NonNegative = 0.05,
    decrement: Fraction = 0.05,
    min_gain: NonNegative = 0.01,
    max_gain: Bound = 100.0,
    state_dtype: Any = None,
) -> Transformation: ...
def undampen_first(dampening: Decay) -> Transformation: ...
