"""What a training may have works in lanes as it does alone."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import lectopt
from lectopt import Problem, sweep
from lectopt._sweep.lanes import Lanes
from lectopt._sweep.space import Configuration
from lectopt._sweep.study import Study
from tests.sweep.logistic import DATA, PROBLEM, RATES, evaluate, init, loss
from tests.training.nets import NnxNormed, accuracy, cross_entropy
from tests.training.samples import DATA as SAMPLES

pytestmark = pytest.mark.usefixtures("fast_compilation")


def line_search(learning_rate):
    search = optax.scale_by_backtracking_linesearch(max_backtracking_steps=5)
    return optax.chain(optax.sgd(learning_rate), search)


def plateau(learning_rate):
    return lectopt.chain(
        lectopt.sgd(learning_rate), lectopt.reduce_on_plateau(patience=0, mode="max")
    )


def averaged(learning_rate):
    mean = lectopt.average_params(lectopt.averaging.uniform(), start=2, every=3)
    return lectopt.chain(lectopt.adam(learning_rate), mean)


def watched(learning_rate):
    return lectopt.monitor(lectopt.adam(learning_rate))


def every_third(learning_rate):
    """An optimizer that does something dear at some steps."""

    def update(updates, count, params=None):
        dear = jax.lax.cond(
            count % 3 == 2,
            lambda g: jax.tree.map(lambda x: jnp.sin(x), g),
            lambda g: jax.tree.map(jnp.zeros_like, g),
            updates,
        )
        return jax.tree.map(lambda g: -learning_rate * g, dear), count + 1

    return optax.GradientTransformation(lambda params: jnp.zeros((), jnp.int32), update)


NORMED = Problem.from_nnx(
    NnxNormed, cross_entropy, SAMPLES, 16, evaluate=accuracy, maximize="accuracy", micro_batch=8
)


ACCURATE = Problem(init, loss, DATA, 8, evaluate=evaluate, maximize="accuracy")


@pytest.mark.slow  # two programs for each
@pytest.mark.parametrize(
    ("problem", "maker"),
    [
        (PROBLEM, line_search),
        (ACCURATE, plateau),
        (PROBLEM, averaged),
        (PROBLEM, watched),
        (PROBLEM, every_third),
        (NORMED, averaged),
        (Problem(init, loss, DATA, 12, evaluate=evaluate, last_batch="keep"), optax.sgd),
    ],
)
def test_lanes_are_what_each_is_alone(problem, maker):
    one, several = (
        sweep(
            problem, {"it": maker}, {"learning_rate": RATES}, 24, seeds=1, eval_every=4,
            tile=tile, progress=False,
        ).records
        for tile in (1, 3)
    )  # fmt: skip
    for a, b in zip(one, several, strict=True):
        assert a.curves.keys() == b.curves.keys() and a.finals.keys() == b.finals.keys()
        # A bias before a BatchNorm has a gradient of rounding, of which Adam makes full steps.
        for name in ("train_loss",) if problem is NORMED else a.curves:
            np.testing.assert_allclose(a.curves[name], b.curves[name], rtol=2e-4, err_msg=name)
    rates = [record.curves.get("learning_rate") for record in one]
    if maker is plateau:
        assert any(rate[-1] < rate[0] for rate in rates)
    if maker in (plateau, averaged, watched):
        assert {"learning_rate", "grad_norm", "update_norm"} <= one[0].curves.keys()
        np.testing.assert_allclose([rate[0] for rate in rates], RATES, rtol=1e-6)


def text(maker):
    study = Study(PROBLEM, {"it": maker}, 5, None, None, 1e3)
    group = study.group(Configuration("it", {"learning_rate": 0.1}))
    lanes = Lanes(group, 4, jax.tree.map(jnp.asarray, dict(PROBLEM.data)))
    return lanes.block.lowered.as_text(), lanes.programs.shared


def test_a_branch_on_the_count_stays_a_branch():
    bare, _ = text(optax.sgd)
    found, shared = text(every_third)
    assert shared == (True,)
    assert found.count("stablehlo.case") == bare.count("stablehlo.case") + 1

    def of_lane(learning_rate):  # counts what differs from lane to lane
        def update(updates, state, params=None):
            big = optax.tree.norm(updates) > learning_rate
            return jax.tree.map(lambda g: -0.1 * g, updates), (state[0] + big, state[1] + 1)

        zero = jnp.zeros((), jnp.int32)
        return optax.GradientTransformation(lambda params: (zero, zero), update)

    assert text(of_lane)[1] == (False, True)
    assert text(partial(averaged))[1] == (False,) * len(text(averaged)[1])
