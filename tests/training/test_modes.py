"""Trainings and sweeps under JAX's stricter modes: the same bits."""

import jax
import numpy as np
import pytest

import lectopt
from lectopt import fit
from tests.sweep.logistic import PROBLEM

pytestmark = pytest.mark.usefixtures("fast_compilation")

MODES = dict(
    transfers=lambda: jax.transfer_guard("disallow"),
    promotion=lambda: jax.numpy_dtype_promotion("strict"),
    nans=lambda: jax.debug_nans(True),
    leaks=lambda: jax.checking_leaks(),
)
TX = lectopt.adamw(0.03)


def trained():
    return fit(PROBLEM, TX, 12, progress=False)


@pytest.fixture(scope="module")
def plain():
    return trained()


@pytest.mark.parametrize("mode", MODES)
def test_a_training(mode, plain):
    with MODES[mode]():
        strict = trained()
    jax.tree.map(np.testing.assert_array_equal, strict.params, plain.params)
    np.testing.assert_array_equal(strict.history["loss"], plain.history["loss"])


def test_a_sweep_moves_what_it_needs_in_its_threads_too(plain):
    space = {"learning_rate": [0.03, 0.1]}
    with jax.transfer_guard("disallow"):
        found = lectopt.sweep(PROBLEM, lectopt.adamw, space, 12, seeds=1, progress=False)
    best = plain.evaluations.iloc[-1]
    row = found.records[0]
    assert row.settings == {"learning_rate": 0.03}
    assert row.finals["validation_loss"] == pytest.approx(best.validation_loss, rel=1e-5)
