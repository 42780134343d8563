"""A checkpoint of PyTorch, with two groups, SequentialLR and batch normalisation, goes on here."""

import copy
import importlib.util

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from lectopt.dialects import torch

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="torch is not installed: nothing to move"
)
BATCH, BEFORE, AFTER = 16, 60, 50


def batch(t):
    rng = np.random.default_rng(t)
    images = rng.normal(size=(BATCH, 6, 6, 1)).astype(np.float32)
    return images, (images.mean((1, 2, 3)) > 0).astype(np.int32) + (images[:, 0, 0, 0] > 0)


class CNN(nnx.Module):
    def __init__(self, rngs):
        self.conv = nnx.Conv(1, 4, (3, 3), padding="VALID", rngs=rngs)
        self.norm = nnx.BatchNorm(4, momentum=0.9, rngs=rngs)
        self.out = nnx.Linear(64, 3, rngs=rngs)

    def __call__(self, x):
        x = nnx.relu(self.norm(self.conv(x)))
        return self.out(x.reshape(x.shape[0], -1))


def theirs():
    import torch as pt

    class Net(pt.nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.norm = pt.nn.Conv2d(1, 4, 3), pt.nn.BatchNorm2d(4)
            self.out = pt.nn.Linear(64, 3)

        def forward(self, x):
            x = pt.relu(self.norm(self.conv(x)))
            return self.out(x.permute(0, 2, 3, 1).flatten(1))

    net = Net()
    decay = [p for p in net.parameters() if p.ndim > 1]
    rest = [p for p in net.parameters() if p.ndim <= 1]
    groups = [dict(params=decay, weight_decay=0.05), dict(params=rest, weight_decay=0.0)]
    optimizer = pt.optim.AdamW(groups, lr=1e-2)
    parts = [
        pt.optim.lr_scheduler.LinearLR(optimizer, 0.01, total_iters=20),
        pt.optim.lr_scheduler.CosineAnnealingLR(optimizer, 180),
    ]
    scheduler = pt.optim.lr_scheduler.SequentialLR(optimizer, parts, milestones=[20])
    return net, optimizer, scheduler


def steps(net, optimizer, scheduler, times):
    import torch as pt

    losses = []
    for t in times:
        images, labels = batch(t)
        optimizer.zero_grad()
        logits = net(pt.tensor(images).permute(0, 3, 1, 2))
        loss = pt.nn.functional.cross_entropy(logits, pt.tensor(labels, dtype=pt.int64))
        loss.backward()
        optimizer.step()
        scheduler.step()
        losses.append(loss.item())
    return losses


def test_the_next_losses_are_pytorchs():
    import torch as pt

    pt.set_default_dtype(pt.float32)
    pt.manual_seed(0)
    live = theirs()
    first = steps(*live, range(BEFORE))
    saved = [copy.deepcopy(thing.state_dict()) for thing in live]
    net, optimizer, scheduler = theirs()  # as another program makes them, and loads
    for thing, state in zip((net, optimizer, scheduler), saved, strict=True):
        thing.load_state_dict(state)

    weights = {
        "conv": {"kernel": (net.conv.weight, lambda w: w.transpose(2, 3, 1, 0))}
        | {"bias": net.conv.bias},
        "norm": {"scale": net.norm.weight, "bias": net.norm.bias},
        "out": {"kernel": (net.out.weight, np.transpose), "bias": net.out.bias},
    }
    buffers = {"norm": {"mean": net.norm.running_mean, "var": net.norm.running_var}}
    model = CNN(nnx.Rngs(0))
    nnx.update(model, torch.read_params(weights))
    nnx.update(model, torch.read_params(buffers))
    np.testing.assert_array_equal(model.norm.mean[...], net.norm.running_mean.numpy())
    graph, params, buffers = nnx.split(model, nnx.Param, nnx.BatchStat)
    params = nnx.to_pure_dict(params)
    tx, state = torch.from_optimizer(optimizer, weights, scheduler=scheduler, params=params)
    assert set(state.inner_states) == {"group 0", "group 1"}

    @jax.jit
    def step(params, buffers, state, images, labels):
        def loss(params):
            model = nnx.merge(graph, params, buffers, copy=True)
            logits = model(images)
            value = optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()
            return value, nnx.state(model, nnx.BatchStat)

        (value, buffers), grads = jax.value_and_grad(loss, has_aux=True)(params)
        updates, state = tx.update(grads, state, params)
        return optax.apply_updates(params, updates), buffers, state, value

    ours = []
    for t in range(BEFORE, BEFORE + AFTER):
        params, buffers, state, value = step(params, buffers, state, *map(jnp.asarray, batch(t)))
        ours.append(float(value))
    go_on = steps(*live, range(BEFORE, BEFORE + AFTER))
    np.testing.assert_allclose(ours, go_on, rtol=1e-5)
    assert np.mean(go_on) < 0.9 * np.mean(first)  # and it has learned
