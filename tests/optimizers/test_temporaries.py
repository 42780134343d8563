"""What a donated update needs besides the weights and the state: at most one array as large as the
weights, or it says here why.

The numbers are the compiler's for the CPU, which fuses no two outputs into one loop: a slot that is
written before another output has read it is copied first. They do not depend on the machine.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import lectopt
from lectopt import averaging, chain
from tests.support.algorithms import ALGORITHMS, over

RESETS = "the state is chosen between two, and the update is made of the one that may be left"
SCALED = "a norm of any size has a branch with the leaf in units of its largest number"
PAIRS = "the pairs, of which the two loops over them hold copies, and the direction"
MIXED = "the step before it is rooted or compared with the last one"
RANDOM = "JAX draws its random numbers from arrays of two words each"
MORE: dict[str, tuple[int, str]] = {
    "adafactor": (2, "the squares, which rows and columns are sums of"),
    "adafactor/torch": (2, "the estimate, which a least value is taken of"),
    "cocob": (3, "the last bet and the next, which four slots are outputs beside"),
    "ftrl": (2, "the new weight and the sum that it is made of"),
    "ftrl/power": (2, "the same"),
    "lamb": (2, SCALED),
    "lars": (2, SCALED),
    "lbfgs": (8, PAIRS),
    "lbfgs/torch": (9, PAIRS),
    "mechanize/sgd": (2, "the way so far, which is multiplied by the gradient and by the scale"),
    "muon": (4, "a matrix, its product with itself and the next of the iteration"),
    "muon/torch": (4, "the same"),
    "noisy_sgd": (4, RANDOM),
    "optimistic_adam": (2, MIXED),
    "optimistic_adam/paper": (2, MIXED),
    "polyak_sgd": (2, SCALED),
    "schedule_free_adamw": (2, MIXED),
    "adadelta/l2": (2, "the gradient with its decay, and the root that two outputs take"),
    "swats": (3, RESETS),
    "swats/relative": (3, RESETS),
    "lookahead/adam-reset": (2, RESETS),
    "sgld": (4, RANDOM),
    "add_langevin_noise": (4, RANDOM),
    "monitor": (2, "the update, and the update over its largest number, which is summed"),
    "monitor with a clip": (2, "the same"),
    "switch_when": (3, RESETS),
    "unfreeze_gradually": (2, RESETS),
    "unfreeze_gradually with a clip": (2, RESETS),
    "wolfe": (3, "the weights where the loss is asked for, and its gradient there"),
}
OLDER = ("adafactor", "monitor", "monitor with a clip")  # one more below JAX 0.10
SLOTS = 0.05  # of an array: numbers, rows and columns


def arrays(tx, extra, params):
    """Temporaries of an update that is applied, in arrays as large as all weights."""

    def step(params, state, grads):
        updates, state = tx.update(grads, state, params, **extra)
        return optax.apply_updates(params, updates), state

    state = jax.eval_shape(tx.init, params)
    program = jax.jit(step, donate_argnums=(0, 1)).lower(params, state, params).compile()
    analysis = program.memory_analysis()
    weights = sum(4 * x.size for x in jax.tree.leaves(params))
    assert analysis.alias_size_in_bytes >= weights  # the donation is made use of
    return analysis.temp_size_in_bytes / weights


def tree(leaves):
    """A million weights in so many leaves."""
    shape = (1000, 1000 // leaves)
    return {f"w{i}": jax.ShapeDtypeStruct(shape, np.float32) for i in range(leaves)}


def assert_few_arrays(name, tx, extra=None, leaves=1):
    allowed, _ = MORE.get(name, (1, ""))
    allowed += name in OLDER and jax.__version_info__ < (0, 10)
    assert arrays(tx, extra or {}, tree(leaves)) <= allowed + SLOTS


@pytest.mark.slow  # a program of a million weights each
@over(ALGORITHMS)
def test_of_an_algorithm(row):
    assert_few_arrays(row.id, row.build(), row.extra)


@pytest.mark.slow  # the same of other shapes
@over(ALGORITHMS)
def test_of_an_algorithm_with_several_leaves(row):
    assert_few_arrays(row.id, row.build(), row.extra, leaves=4)


ADAM = lectopt.adam(0.1)
CLIPPED = chain(lectopt.clip_by_global_norm(1.0), ADAM)
CONTROLS = {
    "clip_by_value": chain(lectopt.clip_by_value(1.0), ADAM),
    "clip_by_norm": chain(lectopt.clip_by_norm(1.0), ADAM),
    "clip_by_global_norm": CLIPPED,
    "monitor": lectopt.monitor(ADAM),
    "monitor with a clip": lectopt.monitor(CLIPPED),
    "reduce_on_plateau": chain(ADAM, lectopt.reduce_on_plateau()),
    "scale_by_path": chain(ADAM, lectopt.scale_by_path({"w0": 0.5})),
    "unfreeze_gradually": lectopt.unfreeze_gradually({"w.*": 5}, ADAM),
    "unfreeze_gradually with a clip": lectopt.unfreeze_gradually({"w.*": 5}, CLIPPED),
    "switch_when": lectopt.switch_when(lambda t: t >= 5, ADAM, lectopt.momentum(0.1)),
    "average_params": chain(ADAM, lectopt.average_params(averaging.uniform())),
    "average_params/exponential": chain(ADAM, lectopt.average_params(averaging.exponential(0.9))),
    "average_params/suffix": chain(ADAM, lectopt.average_params(averaging.suffix(0.5))),
    "add_langevin_noise": chain(ADAM, lectopt.add_langevin_noise(0.1, key=0)),
    "wolfe": chain(lectopt.sgd(1.0), lectopt.scale_by_wolfe_line_search()),
}


def parabola(params):
    return sum(jnp.sum(w**2) for w in jax.tree.leaves(params))


@pytest.mark.parametrize("leaves", [1, pytest.param(4, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", CONTROLS)
def test_of_a_control(name, leaves):
    tx, extra = CONTROLS[name], dict(value=1.0)
    if name == "wolfe":
        grad = jax.tree.map(lambda w: jnp.zeros(w.shape), tree(leaves))
        extra |= dict(grad=grad, value_fn=parabola)
    assert_few_arrays(name, tx, extra, leaves)


def test_every_excess_is_of_something_that_is_measured():
    assert MORE.keys() <= {row.id for row in ALGORITHMS} | CONTROLS.keys()
