"""lectopt: the optimization algorithms of five deep-learning lectures, as Optax transformations.

Optimizers, under the field's standard names:
  adabelief, adadelta, adafactor, adagrad, adam, adamax, adamw, adan, additive_mean_square,
  ademamix, adopt, amsgrad, asgd, cocob, dog, dowg, fromage, ftrl, interpolated_ema, lamb, lars,
  lion, local_gains, lookahead, mechanize, momentum, muon, nadam, nesterov, noisy_sgd, normalize,
  novograd, optimistic_adam, optimistic_gradient_descent, polyak_sgd, prodigy, radam, rmsprop,
  rprop, sam, scale_by_cocob, scale_by_dog, scale_by_dowg, scale_by_polyak, schedule_free,
  schedule_free_adamw, schedule_free_sgd, sgd, sgld, sign_sgd, signum, simplified_ademamix, sm3,
  snr_sgd, yogi

Schedules of the learning rate, or of any other number:
  constant, cosine_decay, cosine_restarts, exponential_decay, halving, inverse_strong_convexity,
  inverse_time_decay, join, lambda_schedule, power_decay, relative_step,
  satisfies_robbins_monro, scale_learning_rate, schedule, step_decay, triangular, warmup,
  warmup_cosine, with_warmup

Controls, which need more than the gradient of the step:
  LineSearchStatus, average_params, averaging_window, carry_over, critical_batch_size,
  evaluation_params, lbfgs, metrics, monitor, projected_rate_settles, quantise_state,
  reduce_on_plateau, round_stochastically, scale_by_path, scale_by_sgd_rate,
  scale_by_wolfe_line_search, swats, switch_when, unfreeze_gradually, wolfe_conditions

Combinators, which make a transformation of transformations:
  chain, debiased, deviation, masked, parallel, product, ratio, root, total, variance

Primitives, of which optimizers are made:
  add_decayed_weights, add_l1, add_langevin_noise, all_but_matrices, average_ahead, average_tail,
  bias_correction, clip_by_block_rms, clip_by_global_norm, clip_by_norm, clip_by_value, contract,
  difference, ema, identity, infinity_moment, matrices, mean_square, negate, nesterov_ema,
  nesterov_ema_warmed, orthogonalize, plus, rectification, running_max, scale, scale_by_adadelta,
  scale_by_decaying_rate, scale_by_factored_rms, scale_by_irprop_plus, scale_by_lbfgs,
  scale_by_leaf_norm, scale_by_learning_rate, scale_by_local_gains, scale_by_local_rate,
  scale_by_param_block_rms, scale_by_past_rms, scale_by_rms, scale_by_rprop, scale_by_rss,
  scale_by_shape, scale_by_sm3, scale_by_snr, scale_by_stddev, scale_by_trust_ratio,
  scale_by_visit_count, shift_ahead, shrink_weights, sign, square_root, sum_of_squares, trace,
  trace_ahead, trace_with_gains, undampen_first

To write a rule of your own, and what it becomes:
  leafwise, treewise, Transformation

To read, compare, translate, and try optimizers:
  explain, same_update, port, Port, sweep, SweepResult, choice, read_sweep, Problem, fit, Run,
  read_run, converged, tensorboard

Modules with names of their own, in which `dir` and `help` show what there is:
  lectures, dialects, averaging, schedules, settings, training, landscapes, pictures, testing
"""

import importlib as _importlib
import sys as _sys
import typing as _typing

from lectopt import (
    averaging,
    combinators,
    controls,
    optimizers,
    primitives,
    schedules,
    settings,
)
from lectopt.combinators import *
from lectopt.controls import *
from lectopt.display import offer as _offer
from lectopt.explain import same_update
from lectopt.lifting import leafwise, treewise
from lectopt.optimizers import *
from lectopt.primitives import *
from lectopt.schedules import *
from lectopt.transformation import Transformation

__version__ = "0.1.0"

__all__: list[str] = []
__all__ += optimizers.__all__
__all__ += schedules.__all__
# What schedules are made of, and what asking them gives, has its place beside them.
del RobbinsMonro, Schedule, relative, scaled, shifted  # noqa: F821
__all__.remove("RobbinsMonro")
__all__.remove("Schedule")
__all__.remove("relative")
__all__.remove("scaled")
__all__.remove("shifted")
__all__ += controls.__all__
__all__ += combinators.__all__
__all__ += primitives.__all__
__all__ += ["leafwise", "treewise", "Transformation"]
__all__ += ["explain", "same_update", "port", "Port", "sweep", "SweepResult"]
__all__ += ["choice", "read_sweep", "Problem"]
__all__ += ["fit", "Run", "read_run", "converged", "tensorboard"]
__all__ += ["lectures", "dialects", "averaging", "schedules", "settings", "training"]
__all__ += ["landscapes", "pictures", "testing"]

# What is imported when it is asked for, so that an optimizer is there at once.
_LATER = {name: f"lectopt.{name}" for name in ("dialects", "landscapes", "lectures")}
_LATER |= {name: f"lectopt.{name}" for name in ("pictures", "testing")}
_LATER |= {name: "lectopt.training" for name in ("training", "Problem", "Run", "fit", "read_run")}
_LATER |= {name: "lectopt.training" for name in ("converged", "tensorboard")}
_LATER |= {name: "lectopt._sweep" for name in ("SweepResult", "choice", "read_sweep", "sweep")}
_LATER |= {name: "lectopt.dialects.port" for name in ("Port", "port")}

if _typing.TYPE_CHECKING:
    from lectopt import dialects, landscapes, lectures, pictures, testing, training
    from lectopt._sweep import SweepResult, choice, read_sweep, sweep
    from lectopt.dialects.port import Port, port
    from lectopt.explain import explain
    from lectopt.training import Problem, Run, converged, fit, read_run, tensorboard
else:  # the package itself, which can be called: `import lectopt.explain.x` works beside it
    from lectopt import explain

    def __getattr__(name):
        if name not in _LATER:
            raise AttributeError(f"module 'lectopt' has no attribute {name!r}")
        module = _importlib.import_module(_LATER[name])
        thing = module if module.__name__ == f"lectopt.{name}" else getattr(module, name)
        globals()[name] = thing
        return thing


for _module in (_sys.modules[__name__], combinators, controls, optimizers, primitives):
    _offer(_module)
