"""Optimizers and schedules go through pickle, in this process and in another, and come back equal.

What can be imported is pickled by its name. A function without a name needs cloudpickle.
"""

import base64
import os
import pickle
import subprocess
import sys
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

import lectopt
from lectopt import averaging, dialects, schedules
from tests.schedules.rows import ROWS
from tests.support.algorithms import ALGORITHMS

ROOT = Path(__file__).parents[1]
falling = lectopt.cosine_decay(0.1, 100, 0.01)

# One of every public schedule besides the rows of the table.
SCHEDULES = {
    "warmup_cosine": lectopt.warmup_cosine(0.1, 100),
    "with_warmup": lectopt.with_warmup(falling, 10),
    "join": lectopt.join((lectopt.warmup(0.1, 10), 0.1, falling), (10, 20)),
    "scaled": schedules.scaled(falling, 0.5),
    "shifted": schedules.shifted(falling, -1),
    "relative": schedules.relative(falling),
    "scale_learning_rate": lectopt.scale_learning_rate(falling, 64, 32),
    "keras": dialects.keras.CosineDecay(0.1, 100, warmup_steps=10, warmup_target=0.2),
    "torch": dialects.torch.MultiStepLR(0.1, (3, 4)),
    "cycle": dialects.torch.CyclicLR(0.1, 0.2),
    "cycled momentum": dialects.torch.CyclicLR(0.1, 0.2).momentum,
    "one cycle": dialects.torch.OneCycleLR(0.1, 100),
} | {name: make(**numbers) for name, (make, numbers, *_) in ROWS.items()}

TRANSFORMATIONS = {row.id: row.build() for row in ALGORITHMS} | {
    "scheduled": lectopt.adamw(falling, weight_decay=schedules.scaled(falling, 0.1)),
    "averaged": lectopt.chain(lectopt.sgd(0.1), lectopt.average_params(averaging.exponential(0.9))),
    "polynomial": lectopt.average_params(averaging.polynomial_decay(3)),
    "suffix": lectopt.average_params(averaging.suffix(0.5)),
    "uniform": lectopt.average_params(averaging.uniform()),
    "keras": dialects.keras.Adam(0.1, weight_decay=0.1, clipnorm=1.0, use_ema=True),
    "torch": dialects.torch.AdamW(dialects.torch.CyclicLR(0.1, 0.2)),
    "papers": dialects.papers.adam(),
    "monitor": lectopt.monitor(lectopt.adam(0.1)),
    "by path": lectopt.chain(lectopt.adam(0.1), lectopt.scale_by_path({"a/.*": 0.1, "b": falling})),
    "unfrozen": lectopt.unfreeze_gradually({"a": 10}, lectopt.adam(0.1)),
    "swats": lectopt.swats(0.1),
    "plateau": lectopt.chain(lectopt.sgd(0.1), lectopt.reduce_on_plateau(0.5, 3)),
    "array": lectopt.sgd(jnp.float32(0.1)),
}


@pytest.mark.parametrize("thing", [*SCHEDULES.values()], ids=[*SCHEDULES])
def test_a_schedule_comes_back(thing):
    again = pickle.loads(pickle.dumps(thing))
    assert again == thing and hash(again) == hash(thing) and repr(again) == repr(thing)
    np.testing.assert_array_equal(again(7), thing(7))


def test_every_public_schedule_is_tried():
    names = {name for name in schedules.__all__ if name not in ("Schedule", "RobbinsMonro")}
    names -= {"schedule", "satisfies_robbins_monro"}
    assert names <= {name.partition("/")[0] for name in SCHEDULES}


@pytest.mark.parametrize("tx", [*TRANSFORMATIONS.values()], ids=[*TRANSFORMATIONS])
def test_a_transformation_comes_back(tx):
    again = pickle.loads(pickle.dumps(tx))
    assert again == tx and hash(again) == hash(tx) and repr(again) == repr(tx)


def test_another_process_gives_back_equal_ones():
    """Each is compared with one that was made there, and what was made there with ours."""
    ours = {
        "lectopt.adam(0.1)": lectopt.adam(0.1),
        "lectopt.nadam(0.1, momentum_decay=4e-3)": lectopt.nadam(0.1, momentum_decay=4e-3),
        "lectopt.cosine_decay(0.1, 10)": lectopt.cosine_decay(0.1, 10),
        "lectopt.join((0.1, 0.2), (3,))": lectopt.join((0.1, 0.2), (3,)),
        "lectopt.sgd(lectopt.halving(0.1))": lectopt.sgd(lectopt.halving(0.1)),
        "lectopt.dialects.torch.CyclicLR(0.1, 0.2)": dialects.torch.CyclicLR(0.1, 0.2),
        "lectopt.average_params(lectopt.averaging.exponential(0.9))": lectopt.average_params(
            averaging.exponential(0.9)
        ),
    }
    program = (
        "import base64, pickle, sys, lectopt\n"
        "given = pickle.loads(base64.b64decode(sys.stdin.read()))\n"
        "made = {text: eval(text) for text in given}\n"
        "assert made == given\n"
        "assert all(hash(made[text]) == hash(given[text]) for text in given)\n"
        "print(base64.b64encode(pickle.dumps(made)).decode())\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program],
        input=base64.b64encode(pickle.dumps(ours)).decode(),
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    theirs = pickle.loads(base64.b64decode(run.stdout))
    assert theirs == ours
    assert {hash(x) for x in theirs.values()} == {hash(x) for x in ours.values()}


@lectopt.schedule()
def of_this_module(count, *, value: schedules.formula.Value):
    return value / (count + 1)


def test_what_differs_is_not_equal():
    assert falling != lectopt.cosine_decay(0.1, 100)
    assert lectopt.constant(0.1) != lectopt.constant(0.2)
    assert pickle.loads(pickle.dumps(of_this_module(0.1))) == of_this_module(0.1)


def test_the_text_of_a_formula_counts():
    """Two formulas of one name are one only if they say the same."""

    def named(factor):
        @lectopt.schedule()
        def own(count, *, value: schedules.formula.Value):
            return factor * value / (count + 1)

        return own

    assert named(2.0)(0.1) == named(2.0)(0.1)
    assert hash(named(2.0)(0.1)) == hash(named(2.0)(0.1))
    assert named(2.0)(0.1) != named(3.0)(0.1)


def test_functions_without_a_name_go_through_cloudpickle():
    cloudpickle = pytest.importorskip("cloudpickle", reason="cloudpickle is not installed")

    @lectopt.schedule()
    def local(count, *, value: schedules.formula.Value):
        return value / (count + 1)

    tx = lectopt.sgd(local(0.1))
    with pytest.raises((pickle.PicklingError, AttributeError)):
        pickle.dumps(tx)
    assert cloudpickle.loads(cloudpickle.dumps(tx)) == tx
    factor = lectopt.lambda_schedule(0.1, lambda epoch: 0.5**epoch)
    np.testing.assert_array_equal(cloudpickle.loads(cloudpickle.dumps(factor))(3), factor(3))
