"""lectopt: the optimization algorithms of five deep-learning lectures, as Optax transformations."""

from lectopt.combinators import chain as chain
from lectopt.combinators import identity as identity
from lectopt.combinators import product as product
from lectopt.combinators import ratio as ratio
from lectopt.combinators import root as root
from lectopt.combinators import side_by_side as side_by_side
from lectopt.combinators import square_root as square_root
from lectopt.combinators import variance as variance
from lectopt.controls import evaluation_params as evaluation_params
from lectopt.lifting import leafwise as leafwise
from lectopt.optimizers import adagrad as adagrad
from lectopt.optimizers import adam as adam
from lectopt.optimizers import adamw as adamw
from lectopt.optimizers import momentum as momentum
from lectopt.optimizers import nesterov as nesterov
from lectopt.optimizers import rmsprop as rmsprop
from lectopt.optimizers import sgd as sgd
from lectopt.primitives import add_decayed_weights as add_decayed_weights
from lectopt.primitives import bias_correction as bias_correction
from lectopt.primitives import ema as ema
from lectopt.primitives import ema_ahead as ema_ahead
from lectopt.primitives import mean_square as mean_square
from lectopt.primitives import scale_by_learning_rate as scale_by_learning_rate
from lectopt.primitives import scale_by_rms as scale_by_rms
from lectopt.primitives import scale_by_rss as scale_by_rss
from lectopt.primitives import scale_by_stddev as scale_by_stddev
from lectopt.primitives import shift_ahead as shift_ahead
from lectopt.primitives import sum_of_squares as sum_of_squares
from lectopt.primitives import trace as trace
from lectopt.primitives import trace_ahead as trace_ahead
from lectopt.primitives import undamped_first as undamped_first
from lectopt.sweep import SweepResult as SweepResult
from lectopt.sweep import sweep as sweep
from lectopt.training import Problem as Problem
from lectopt.transformation import Transformation as Transformation

__version__ = "0.1.0"
