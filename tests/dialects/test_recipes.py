"""Runs of PyTorch as people write them, taken over in the middle: the next 50 steps are theirs."""

import importlib.util
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from lectopt import dialects
from tests.dialects.torch_recipes import EVERY, RECIPES

BEFORE, AFTER = 24, 50
pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="torch is not installed: nothing to move"
)


def push(t):
    """A part of the gradients of the kernel and of the bias, the same in both libraries."""
    wave = np.sin(37.0 * (t + 1) * np.arange(1.0, 9.0)) * (1 + np.cos(5.0 * t))
    return wave[:6].reshape(3, 2), wave[6:]


class Run:
    """The live optimizer and schedulers of a recipe, and its two parameters."""

    def __init__(self, name):
        import torch

        torch.set_default_dtype(torch.float64)
        self.kernel = torch.tensor([[0.3, -0.7, 1.0], [-2.0, 0.5, 3.0]], requires_grad=True)
        self.bias = torch.tensor([1.0, -1.0], requires_grad=True)
        homes = torch.optim, torch.optim.lr_scheduler
        self.optimizer, self.scheduler = RECIPES[name](*homes, [self.kernel], [self.bias])
        self.every, self.made = EVERY.get(name, 1), 0
        self.map = {"kernel": (self.kernel, np.transpose), "bias": self.bias}

    def steps(self, n):
        import torch

        several = isinstance(self.scheduler, list)
        schedulers = self.scheduler if several else [self.scheduler] * bool(self.scheduler)
        for t in range(self.made, self.made + n):
            kernel, bias = map(torch.tensor, push(t))
            self.kernel.grad = kernel.T + 0.5 * self.kernel.detach()
            self.bias.grad = bias + 0.5 * self.bias.detach()
            self.optimizer.step()
            for scheduler in schedulers if (t + 1) % self.every == 0 else ():
                scheduler.step()
        self.made += n


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.usefixtures("x64")
def test_goes_on_where_it_was(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # theirs, of a scheduler that is stepped before
        run = Run(name)
        run.steps(BEFORE)
        params = dialects.torch.read_params(run.map)
        tx, state = dialects.torch.from_optimizer(
            run.optimizer, run.map, scheduler=run.scheduler, steps_per_epoch=run.every
        )

        def step(carry, pushed):
            params, state = carry
            kernel, bias = pushed
            grads = {"kernel": kernel + 0.5 * params["kernel"], "bias": bias + 0.5 * params["bias"]}
            updates, state = tx.update(grads, state, params)
            params = optax.apply_updates(params, updates)
            return (params, state), params

        pushes = [push(t) for t in range(BEFORE, BEFORE + AFTER)]
        pushes = tuple(jnp.asarray(np.array(part)) for part in zip(*pushes, strict=True))
        _, path = jax.lax.scan(step, (params, state), pushes)
        for t in range(AFTER):
            run.steps(1)
            theirs = dialects.torch.read_params(run.map)
            for key in path:
                np.testing.assert_allclose(path[key][t], theirs[key], rtol=1e-12, atol=1e-12)


@pytest.mark.usefixtures("x64")
def test_a_plateau_goes_on():
    """Two bad evaluations before, as many as it takes after."""
    import torch

    torch.set_default_dtype(torch.float64)
    weight = torch.tensor([1.0, -2.0], requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=0.1)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=3)
    losses = [1.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.55, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.3, 0.5]

    def steps(part):
        for loss in part:
            scheduler.step(loss)
            weight.grad = weight.detach().clone()
            optimizer.step()

    steps(losses[:4])
    params = dialects.torch.read_params({"w": weight})
    tx, state = dialects.torch.from_optimizer(optimizer, {"w": weight}, scheduler=scheduler)
    steps(losses[4:])
    for loss in losses[4:]:
        updates, state = tx.update(params, state, params, value=loss)
        params = optax.apply_updates(params, updates)
    assert scheduler.get_last_lr()[0] < 0.03
    np.testing.assert_allclose(params["w"], weight.detach().numpy(), rtol=1e-14)


@pytest.mark.parametrize("name", ["bfloat16", "float16", "float8_e4m3fn", "float32", "int64"])
def test_parameters_and_buffers_keep_their_dtype(name):
    import torch

    tensor = torch.tensor([[1.0, -0.5, 3.0], [0.0, 2.0, 7.0]]).to(getattr(torch, name))
    read = dialects.torch.read_params({"x": (tensor, np.transpose)})["x"]
    assert read.dtype == ("int32" if name == "int64" else name)
    np.testing.assert_array_equal(np.asarray(read, float), tensor.double().numpy().T)
