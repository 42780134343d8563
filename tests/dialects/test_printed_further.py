"""What `port` prints of optimizers that want matrices, or the loss, runs as its source does."""

import functools as ft
import importlib.util
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from lectopt import port, schedules
from lectopt.dialects import keras, torch
from lectopt.dialects import optax as ox
from tests.support.oracles import record

STEPS = 8
START = np.random.default_rng(0).normal(size=(4, 3))
TARGET = np.random.default_rng(1).normal(size=(4, 3))
CURVATURE = np.geomspace(0.3, 3.0, 12).reshape(4, 3)
falling = schedules.step_decay(0.05, 0.5, 3)


def loss(weight):
    return 0.5 * (CURVATURE * (weight - TARGET) ** 2).sum()


def ahead(tx):
    """The weights after every update of an Optax transformation."""
    weight, path = jnp.asarray(START), []
    state, update = tx.init(weight), optax.with_extra_args_support(tx).update
    for _ in range(STEPS):
        value, grad = jax.value_and_grad(loss)(weight)
        updates, state = update(grad, state, weight, value=value, grad=grad, value_fn=loss)
        weight = optax.apply_updates(weight, updates)
        path.append(np.asarray(weight))
    return np.array(path)


def in_optax(call):
    names: dict[str, Any] = dict(optax=optax)
    exec(call if "\n" in call else f"optimizer = {call}", names)
    return ahead(names["optimizer"])


def in_torch(call):
    import torch

    torch.set_default_dtype(torch.float64)
    weight = torch.tensor(START, requires_grad=True)
    names: dict[str, Any] = dict(torch=torch, params=[weight])
    exec(call if "\n" in call else f"optimizer = {call}", names)
    path = []

    def closure():
        weight.grad = torch.tensor(CURVATURE) * (weight.detach() - torch.tensor(TARGET))
        return loss(weight.detach().numpy())

    for _ in range(STEPS):
        names["optimizer"].step(closure)
        if "scheduler" in names:
            names["scheduler"].step()
        path.append(weight.detach().numpy().copy())
    return np.array(path)


def in_keras(call):
    framework = record.import_keras()
    weight = framework.Variable(START, dtype="float64", name="kernel")
    names: dict[str, Any] = dict(keras=framework)
    exec(call if "\n" in call else f"optimizer = {call}", names)
    names["optimizer"].build([weight])
    path = []
    for _ in range(STEPS):
        now = np.array(framework.ops.convert_to_numpy(weight.value))
        grad = framework.ops.convert_to_tensor(CURVATURE * (now - TARGET))
        names["optimizer"].apply([grad])
        path.append(np.array(framework.ops.convert_to_numpy(weight.value)))
    return np.array(path)


PATHS = dict(optax=in_optax, torch=in_torch, keras=in_keras)
part = ft.partial
CASES = dict(
    muon=(part(ox.contrib.muon, 0.05, weight_decay=0.1), "optax", 1e-11),
    muon_scheduled=(part(ox.contrib.muon, falling, nesterov=False), "optax", 1e-11),
    polyak=(part(ox.polyak_sgd, 0.3, f_min=0.1), "optax", 1e-11),
    torch_lbfgs=(part(torch.LBFGS, 0.3), "torch", 1e-11),
    torch_muon=(part(torch.Muon, 0.05, 0.2), "torch", 5e-2),  # in bfloat16
    torch_muon_scheduled=(part(torch.Muon, torch.MultiStepLR(0.05, [3])), "torch", 5e-2),
    keras_muon=(part(keras.Muon, 0.05, weight_decay=0.1, nesterov=False), "keras", 1e-6),
)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.usefixtures("x64")
def test_the_printed_program_makes_the_updates(name):
    maker, to, tolerance = CASES[name]
    if importlib.util.find_spec(to) is None:
        pytest.skip(f"{to} is not installed; the dialects are compared with its records")
    ported = port(maker(), to)
    assert ported.verdict == "exact", str(ported)
    with jax.numpy_rank_promotion("allow"):
        theirs = PATHS[to](ported.call)
    np.testing.assert_allclose(ahead(maker()), theirs, rtol=tolerance, atol=tolerance)
    assert np.abs(theirs[-1] - START).max() > 10 * tolerance or tolerance > 1e-2
    assert port(maker(), to, gradient_scale=2.0).verdict == "impossible"
