"""Complex weights: PyTorch's numbers, or a refusal that says how to get them."""

import importlib.util
import inspect

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import lectopt
from lectopt.dialects import torch

MAKERS = [
    name
    for name in torch.__all__
    if {"lr", "params"} & set(inspect.signature(getattr(torch, name)).parameters)
    and name[0].isupper()
    and not name.endswith(("LR", "WarmRestarts", "Plateau"))
]
REFUSED_THERE = ("Adafactor", "Muon", "SparseAdam")
START = np.array([[1 + 2j, -0.5 + 0.1j], [0.3 - 1j, 2 + 0j]])


def push(t):
    wave = np.sin(37.0 * (t + 1) * np.arange(1.0, 9.0)).reshape(2, 2, 2)
    return wave[0] + 1j * wave[1]


def our_path(tx):
    params = jnp.asarray(START)
    state, path = tx.init(params), []
    for t in range(30):
        updates, state = tx.update(jnp.asarray(push(t)) + 0.5 * params, state, params)
        params = optax.apply_updates(params, updates)
        path.append(params)
    return np.array(path)


def torch_path(name, settings):
    import torch as framework

    framework.set_default_dtype(framework.float64)
    param = framework.tensor(START, requires_grad=True)
    optimizer = getattr(framework.optim, name)([param], lr=0.05, **settings)
    path = []
    for t in range(30):
        param.grad = framework.tensor(push(t)) + 0.5 * param.detach()
        optimizer.step()
        path.append(param.detach().numpy().copy())
    return np.array(path)


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.usefixtures("x64")
def test_complex_weights_are_pytorchs_or_refused(name):
    decay = "weight_decay" in inspect.signature(getattr(torch, name)).parameters
    settings = dict(weight_decay=0.1) if decay else {}
    tx = getattr(torch, name)(0.05, **settings)
    linear = name in ("SGD", "ASGD", "LBFGS")
    if not linear:
        with pytest.raises(ValueError, match="complex.*split_real_and_imaginary"):
            tx.init({"w": jnp.ones(2, complex)})
        with pytest.raises(ValueError, match="complex"):
            lectopt.chain(lectopt.clip_by_value(1.0), tx).init(jnp.ones(2, complex))
        tx = optax.contrib.split_real_and_imaginary(tx)
    if name in (*REFUSED_THERE, "LBFGS"):
        return
    if importlib.util.find_spec("torch") is None:
        pytest.skip("torch is not installed: nothing to compare with")
    np.testing.assert_allclose(our_path(tx), torch_path(name, settings), rtol=1e-11, atol=1e-11)


def test_the_guard_changes_nothing_else():
    tx = torch.Adam(0.1)
    assert (
        tx == lectopt.adam(0.1) and lectopt.adam(0.1) == tx and hash(tx) == hash(lectopt.adam(0.1))
    )
    assert repr(tx) == repr(lectopt.adam(0.1))
    real = {"w": jnp.ones(3)}
    assert jax.tree.structure(tx.init(real)) == jax.tree.structure(lectopt.adam(0.1).init(real))
