"""One of every public transformation: the rows of the table, and what is in none."""

import inspect

import jax
import jax.numpy as jnp
import optax

import lectopt
from lectopt import Transformation, averaging
from lectopt.look_ahead import take_gradients_as_given
from tests.support.algorithms import ALGORITHMS, is_first
from tests.support.public import PUBLIC

PARAMS = {"w": jnp.full((2, 2), 0.7), "b": jnp.array([1.0, -1.0])}
EXTRA = dict(value=jnp.float32(1.0), sgd_rate=jnp.float32(0.1), proposed=PARAMS, grad=PARAMS)
EXTRA["value_fn"] = lambda params: jnp.sum(params["w"])  # of no other leaf: it may be anything

_NUMBERS = dict(decay=0.9, learning_rate=0.1, max_norm=1.0, delta=0.5, factor=0.5, dampening=0.1)
_NUMBERS |= dict(number=0.1)
_REST = {
    "chain": lectopt.chain(optax.clip(1.0), optax.scale_by_adam(), slow=lectopt.ema(0.9)),
    "debiased": lectopt.debiased(lectopt.ema(0.9)),
    "deviation": lectopt.deviation(lectopt.ema(0.9)),
    "masked": lectopt.masked(lectopt.adam(0.1), lambda params: {k: k == "w" for k in params}),
    "parallel": lectopt.parallel(
        "sum", lambda a, b: a + b, one=optax.trace(0.9), two=lectopt.identity()
    ),
    "product": lectopt.product(lectopt.ema(0.9), lectopt.mean_square(0.9)),
    "ratio": lectopt.ratio(lectopt.sign(), lectopt.root(lectopt.mean_square(0.9), 1e-8)),
    "root": lectopt.root(lectopt.mean_square(0.9)),
    "total": lectopt.total(lectopt.ema(0.9), lectopt.clip_by_global_norm(1.0)),
    "variance": lectopt.variance(lectopt.mean_square(0.9), lectopt.ema(0.9)),
    "average_params": lectopt.average_params(averaging.uniform()),
    "average_params/suffix": lectopt.average_params(averaging.suffix(0.5)),
    "monitor": lectopt.monitor(lectopt.chain(lectopt.clip_by_global_norm(1.0), lectopt.sgd(0.1))),
    "quantise_state": lectopt.quantise_state(lectopt.adam(0.1), least=1),
    "reduce_on_plateau": lectopt.reduce_on_plateau(),
    "round_stochastically": lectopt.round_stochastically(lectopt.adam(0.1)),
    "scale_by_path": lectopt.scale_by_path({"w": 0.5}),
    "scale_by_sgd_rate": lectopt.scale_by_sgd_rate(),
    "scale_by_wolfe_line_search": lectopt.scale_by_wolfe_line_search(),
    "switch_when": lectopt.switch_when(lambda t: t >= 3, lectopt.adam(0.1), lectopt.sgd(0.1, 0.9)),
    "unfreeze_gradually": lectopt.unfreeze_gradually({"w": 3}, lectopt.adam(0.1)),
    "add_langevin_noise": lectopt.add_langevin_noise(0.1, key=jax.random.key(0)),
}
ROWS = {row.id.partition("/")[0]: row.build() for row in ALGORITHMS if is_first(row)}


def makers():
    """The public functions that make a transformation, by name."""
    found = {
        name: function
        for name, function in PUBLIC.items()
        if "." not in name and inspect.signature(function).return_annotation is Transformation
    }
    del found["projected_rate_settles"]  # puts out a truth value; `swats` has it inside
    return found


def _made(maker):
    parameters = inspect.signature(maker).parameters.values()
    required = {p.name: _NUMBERS[p.name] for p in parameters if p.default is p.empty}
    return take_gradients_as_given(maker(**required))


EVERYTHING = ROWS | _REST
EVERYTHING |= {k: _made(f) for k, f in makers().items() if k not in EVERYTHING}
