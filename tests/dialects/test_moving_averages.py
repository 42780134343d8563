"""A live `AveragedModel` of PyTorch goes on behind its optimizer."""

import importlib.util

import jax.numpy as jnp
import numpy as np
import optax
import pytest

import lectopt
from lectopt.dialects import torch

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="torch is not installed: nothing to move"
)
AVERAGES = {
    "mean": lambda utils: {},
    "ema": lambda utils: dict(avg_fn=utils.get_ema_avg_fn(0.8)),
    "ema of all": lambda utils: dict(multi_avg_fn=utils.get_ema_multi_avg_fn(0.9)),
}


def taken_over(average, groups, begin):
    """The average here and there after 20 updates there and 20 of both, and both weights."""
    import torch as pt

    pt.set_default_dtype(pt.float64)
    net = pt.nn.Linear(3, 2)
    first = [np.array([[0.3, -0.7, 1.0], [-2.0, 0.5, 3.0]]), np.array([1.0, -1.0])]
    with pt.no_grad():
        for p, value in zip(net.parameters(), first, strict=True):
            p.copy_(pt.tensor(value))
    two = [dict(params=[net.weight], weight_decay=0.1), dict(params=[net.bias])]
    optimizer = pt.optim.AdamW(two if groups else net.parameters(), lr=0.1)
    model = pt.optim.swa_utils.AveragedModel(net, **average(pt.optim.swa_utils))

    def steps(times):
        for t in times:
            for i, p in enumerate(net.parameters()):
                p.grad = pt.sin(p.detach() * (t + 1) + i)
            optimizer.step()
            if t >= begin:
                model.update_parameters(net)

    steps(range(20))
    mapped = {"kernel": (net.weight, np.transpose), "bias": net.bias}
    own = {"kernel": (model.module.weight, np.transpose), "bias": model.module.bias}
    tx, state = torch.from_optimizer(optimizer, mapped, averaged=(model, own))
    params = torch.read_params(mapped)
    for t in range(20, 40):
        grads = {k: jnp.sin(p * (t + 1) + (k == "bias")) for k, p in params.items()}
        updates, state = tx.update(grads, state, params)
        params = optax.apply_updates(params, updates)
        steps([t])
    here, there = lectopt.evaluation_params(state, params), torch.read_params(own)
    return here, there, params, torch.read_params(mapped)


@pytest.mark.parametrize(
    "average, groups, begin", [("mean", True, 7), ("ema", False, 0), ("ema of all", False, 20)]
)
@pytest.mark.usefixtures("x64")
def test_goes_on(average, groups, begin):
    here, there, params, theirs = taken_over(AVERAGES[average], groups, begin)
    for key in here:
        np.testing.assert_allclose(params[key], theirs[key], rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(here[key], there[key], rtol=1e-12, atol=1e-12)
        assert np.abs(here[key] - params[key]).max() > 1e-3


def test_an_average_of_somebody_else_is_refused():
    import torch as pt

    net = pt.nn.Linear(3, 2)
    model = pt.optim.swa_utils.AveragedModel(net, avg_fn=lambda a, b, n: a)
    optimizer = pt.optim.SGD(net.parameters(), lr=0.1)
    mapped = {"kernel": net.weight, "bias": net.bias}
    own = {"kernel": model.module.weight, "bias": model.module.bias}
    with pytest.raises(TypeError, match="lambda.*Write chain"):
        torch.from_optimizer(optimizer, mapped, averaged=(model, own))
