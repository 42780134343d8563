"""Primitives: each the recurrence of one idea, or the shortest composition that names it."""

from lectopt.primitives.decay import add_decayed_weights as add_decayed_weights
from lectopt.primitives.moments import bias_correction as bias_correction
from lectopt.primitives.moments import ema as ema
from lectopt.primitives.moments import ema_ahead as ema_ahead
from lectopt.primitives.moments import mean_square as mean_square
from lectopt.primitives.moments import sum_of_squares as sum_of_squares
from lectopt.primitives.scaling import scale_by_learning_rate as scale_by_learning_rate
from lectopt.primitives.scaling import scale_by_rms as scale_by_rms
from lectopt.primitives.scaling import scale_by_rss as scale_by_rss
from lectopt.primitives.scaling import scale_by_stddev as scale_by_stddev
from lectopt.primitives.velocity import shift_ahead as shift_ahead
from lectopt.primitives.velocity import trace as trace
from lectopt.primitives.velocity import trace_ahead as trace_ahead
from lectopt.primitives.velocity import undamped_first as undamped_first
