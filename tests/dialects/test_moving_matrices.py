"""A run of PyTorch's optimizers of matrices goes on in JAX, in the layout of Flax or PyTorch's."""

import importlib.util

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from lectopt.dialects import torch

needs_torch = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="torch is not installed: nothing to move"
)
BEFORE, AFTER = 7, 20
SHAPES = {"wide": (3, 5), "tall": (4, 2), "bias": (3,), "stack": (2, 3, 4)}
MATRICES = ("wide", "tall")


def gradient(t, name, value):
    """Of a parameter in PyTorch's layout."""
    return 0.5 * value + np.random.default_rng((t, len(name))).normal(size=SHAPES[name])


def torch_steps(optimizer, tensors, steps, scheduler=None):
    import torch as pt

    for t in steps:
        for name, tensor in tensors.items():
            tensor.grad = pt.tensor(gradient(t, name, tensor.detach().numpy()))
        optimizer.step()
        if scheduler is not None:
            scheduler.step()


@needs_torch
@pytest.mark.parametrize("turned", [False, True], ids=["kept", "transposed"])
@pytest.mark.parametrize(
    "name, settings, names, tolerance",
    [
        ("Adafactor", dict(weight_decay=0.1), SHAPES, 1e-12),
        ("Adafactor", dict(eps=(1e-3, 0.1), d=1.5, maximize=True), SHAPES, 1e-12),
        ("Muon", {}, MATRICES, 3e-2),  # bfloat16, summed in another order
        ("Muon", dict(nesterov=False, adjust_lr_fn="match_rms_adamw"), MATRICES, 3e-2),
    ],
)
@pytest.mark.parametrize("scheduled", [False, True], ids=["constant", "scheduled"])
@pytest.mark.usefixtures("x64")
def test_goes_on(name, settings, names, tolerance, turned, scheduled):
    import torch as pt

    pt.set_default_dtype(pt.float64)
    rng = np.random.default_rng(0)
    tensors = {k: pt.tensor(rng.normal(size=SHAPES[k]), requires_grad=True) for k in names}
    optimizer = getattr(pt.optim, name)(tensors.values(), lr=0.02, **settings)
    scheduler = pt.optim.lr_scheduler.StepLR(optimizer, 5, 0.5) if scheduled else None
    torch_steps(optimizer, tensors, range(BEFORE), scheduler)

    def there(k, value):
        return value.T if turned and k in MATRICES else value

    mapped = {
        k: (tensor, np.transpose) if turned and k in MATRICES else tensor
        for k, tensor in tensors.items()
    }
    params = torch.read_params(mapped)
    tx, state = torch.from_optimizer(optimizer, mapped, params=params, scheduler=scheduler)
    start = {k: np.asarray(p) for k, p in params.items()}
    torch_steps(optimizer, tensors, range(BEFORE, BEFORE + AFTER), scheduler)
    update = jax.jit(tx.update)
    for t in range(BEFORE, BEFORE + AFTER):
        grads = {k: there(k, gradient(t, k, there(k, np.asarray(p)))) for k, p in params.items()}
        updates, state = update(jax.tree.map(jnp.asarray, grads), state, params)
        params = optax.apply_updates(params, updates)
    for k, tensor in tensors.items():
        theirs = there(k, tensor.detach().numpy())
        assert np.abs(theirs - start[k]).max() > 0.01
        np.testing.assert_allclose(params[k], theirs, rtol=tolerance, atol=tolerance)


@needs_torch
@pytest.mark.parametrize("name", ["Adafactor", "Muon"])
def test_rows_that_are_mixed_are_refused(name):
    import torch as pt

    weight = pt.zeros((3, 4), requires_grad=True)
    optimizer = getattr(pt.optim, name)([weight])
    with pytest.raises(ValueError, match=f"{name} looks at rows and columns.*np.transpose"):
        torch.from_optimizer(optimizer, {"w": (weight, lambda x: x.reshape(4, 3))})


@needs_torch
@pytest.mark.usefixtures("x64")
def test_lbfgs_goes_on():
    """With several iterations in each of PyTorch's steps, and a full memory."""
    import torch as pt

    pt.set_default_dtype(pt.float64)
    kernel = pt.tensor([[1.0, 2.0, -1.0], [0.5, -0.3, 2.0]], requires_grad=True)
    bias = pt.tensor([1.0 + 1j, -2.0], dtype=pt.complex128, requires_grad=True)
    optimizer = pt.optim.LBFGS([kernel, bias], lr=0.3, max_iter=5, history_size=4)
    scheduler = pt.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)

    def closure():
        optimizer.zero_grad()
        loss = (kernel**4 + kernel**2).sum() + (bias.abs() ** 2 * (2 + kernel.sum(1) ** 2)).sum()
        loss.backward()
        return loss

    @jax.jit
    def step(params, state):
        def loss(p):
            kernel, size = p["kernel"].T, jnp.abs(p["bias"]) ** 2
            return (kernel**4 + kernel**2).sum() + (size * (2 + kernel.sum(1) ** 2)).sum()

        grads = jax.tree.map(jnp.conj, jax.grad(loss)(params))
        updates, state = tx.update(grads, state, params)
        return optax.apply_updates(params, updates), state

    mapped = {"kernel": (kernel, np.transpose), "bias": bias}
    for _ in range(2):
        optimizer.step(closure)
        scheduler.step()
    params = torch.read_params(mapped)
    tx, state = torch.from_optimizer(optimizer, mapped, scheduler=scheduler)
    for _ in range(3):
        for _ in range(5):
            params, state = step(params, state)
        optimizer.step(closure)
        scheduler.step()
        theirs = torch.read_params(mapped)
        for key in theirs:
            np.testing.assert_allclose(params[key], theirs[key], rtol=1e-10, atol=1e-10)


@needs_torch
@pytest.mark.parametrize("order", [1.0, 2.0, 3.0, np.inf])
@pytest.mark.usefixtures("x64")
def test_clip_grad_norm_(order):
    import torch as pt

    grads = [np.array([[3.0, -4.0], [0.0, 1.0]]), np.array([0.5, -2.0])]
    for size in (1e-3, 1.0, 1e3, 0.0):
        tensors = [pt.tensor(g, requires_grad=True) for g in grads]
        for tensor, g in zip(tensors, grads, strict=True):
            tensor.grad = pt.tensor(size * g)
        pt.nn.utils.clip_grad_norm_(tensors, 0.7, norm_type=order)
        clip = torch.clip_grad_norm_(0.7, order)
        ours, _ = clip.update([jnp.asarray(size * g) for g in grads], clip.init(grads))
        for a, b in zip(ours, tensors, strict=True):
            np.testing.assert_allclose(a, b.grad.numpy(), rtol=1e-14)
