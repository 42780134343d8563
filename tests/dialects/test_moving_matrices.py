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
