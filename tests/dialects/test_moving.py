"""A run that began in PyTorch or Keras goes on in JAX as it would have gone on there."""

import importlib.util
import os
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import lectopt
from lectopt import dialects
from tests.support.oracles import record, rows

needs_torch = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="torch is not installed: nothing to move"
)
needs_keras = pytest.mark.skipif(
    importlib.util.find_spec("keras") is None, reason="keras is not installed: nothing to move"
)
BEFORE, AFTER = 23, 37
PUSH = {
    "kernel": rows.noise().reshape(60, 3, 2),
    "bias": np.cos(np.arange(120.0)).reshape(60, 2),
}


@pytest.fixture(autouse=True)
def quiet():
    """Keras converts and warns; its arithmetic on JAX arrays broadcasts freely."""
    with jax.numpy_rank_promotion("allow"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def gradient(name, t, value):
    """Of a parameter in the layout of JAX, in NumPy or JAX."""
    return PUSH[name][t] + 0.5 * value


def go_on(tx, state, params, steps=range(BEFORE, BEFORE + AFTER)):
    for t in steps:
        grads = {name: jnp.asarray(gradient(name, t, p)) for name, p in params.items()}
        updates, state = jax.jit(tx.update)(grads, state, params)
        params = optax.apply_updates(params, updates)
    return params, state


def torch_problem():
    import torch

    torch.set_default_dtype(torch.float64)
    kernel = torch.tensor([[0.3, -0.7, 1.0], [-2.0, 0.5, 3.0]], requires_grad=True)
    return {"kernel": kernel, "bias": torch.tensor([1.0, -1.0], requires_grad=True)}


def torch_steps(optimizer, tensors, steps):
    import torch

    for t in steps:
        for name, tensor in tensors.items():
            value = tensor.detach().numpy()
            grad = gradient(name, t, value.T if name == "kernel" else value)
            tensor.grad = torch.tensor(grad.T.copy() if name == "kernel" else grad)
        optimizer.step()


@needs_torch
@pytest.mark.parametrize("row", [r for r in rows.TORCH if "lr" not in r[1]], ids=rows.label)
@pytest.mark.usefixtures("x64")
def test_from_torch(row):
    import torch

    name, settings = row
    tensors = torch_problem()
    optimizer = getattr(torch.optim, name)(tensors.values(), lr=0.02, **settings)
    torch_steps(optimizer, tensors, range(BEFORE))
    mapped = {"kernel": (tensors["kernel"], np.transpose), "bias": tensors["bias"]}
    params = dialects.torch.read_params(mapped)
    tx, state = dialects.torch.from_optimizer(optimizer, mapped, params=params)
    torch_steps(optimizer, tensors, range(BEFORE, BEFORE + AFTER))  # writes into its own memory
    ours, state = go_on(tx, state, params)
    for key, change in (("kernel", np.transpose), ("bias", np.asarray)):
        theirs = change(tensors[key].detach().numpy())
        np.testing.assert_allclose(ours[key], theirs, rtol=1e-12, atol=1e-12)
        if name == "ASGD":
            average = change(optimizer.state[tensors[key]]["ax"].numpy())
            np.testing.assert_allclose(state["average"][key], average, rtol=1e-12, atol=1e-12)


@needs_torch
@pytest.mark.usefixtures("x64")
def test_groups_that_differ_each_get_their_optimizer():
    """Other settings, a parameter that joined late, one that is not trained; with a schedule."""
    import torch

    tensors = torch_problem() | {"scale": torch.tensor(2.0, requires_grad=True)}
    frozen = torch.tensor([7.0])
    groups = [
        dict(params=[tensors["kernel"]], weight_decay=0.1),
        dict(params=[tensors["bias"], tensors["scale"]], lr=0.1, betas=(0.8, 0.99)),
    ]
    optimizer = torch.optim.Adam(groups, lr=0.02)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=10, gamma=0.5)

    def steps(times):
        for t in times:
            tensors["scale"].grad = None if t < 12 else torch.tensor(np.sin(float(t)))
            torch_steps(optimizer, {k: tensors[k] for k in ("kernel", "bias")}, [t])
            scheduler.step()

    steps(range(BEFORE))
    mapped = {name: tensor for name, tensor in tensors.items()} | {"frozen": frozen}
    mapped["kernel"] = (tensors["kernel"], np.transpose)
    rates = [dialects.torch.StepLR(lr, step_size=10, gamma=0.5) for lr in (0.02, 0.1)]
    params = dialects.torch.read_params(mapped)
    tx, state = dialects.torch.from_optimizer(optimizer, mapped, learning_rate=rates)
    assert set(state.inner_states) == {"group 0", "group 1", "group 1, 12 updates late", "frozen"}
    steps(range(BEFORE, BEFORE + AFTER))
    for t in range(BEFORE, BEFORE + AFTER):
        grads = {k: jnp.asarray(gradient(k, t, params[k])) for k in ("kernel", "bias")}
        grads |= {"scale": jnp.sin(jnp.float64(t)), "frozen": jnp.ones(1)}
        updates, state = jax.jit(tx.update)(grads, state, params)
        params = optax.apply_updates(params, updates)
    for name, tensor in tensors.items():
        theirs = tensor.detach().numpy()
        np.testing.assert_allclose(
            params[name], theirs.T if name == "kernel" else theirs, rtol=1e-12, atol=1e-12
        )
    assert params["frozen"] == 7.0


def mlp(params, x):
    hidden = jnp.tanh(x @ params["first"]["kernel"] + params["first"]["bias"])
    return hidden @ params["second"]["kernel"] + params["second"]["bias"]


def data(t):
    x = np.random.default_rng(t).normal(size=(16, 4)).astype(np.float32)
    return x, np.sin(x.sum(axis=1, keepdims=True)).astype(np.float32)


def trained(tx, state, params, steps):
    @jax.jit
    def step(params, state, x, y):
        grads = jax.grad(lambda p: jnp.mean((mlp(p, x) - y) ** 2))(params)
        updates, state = tx.update(grads, state, params)
        return optax.apply_updates(params, updates), state

    for t in steps:
        params, state = step(params, state, *data(t))
    return params


def assert_same_way(ours, theirs, start):
    """To 1e-5 of the parameters; and they moved much further than that."""
    a, b, s = (
        np.concatenate([np.ravel(x) for x in jax.tree.leaves(tree)])
        for tree in (ours, theirs, start)
    )
    assert np.linalg.norm(a - b) <= 1e-5 * np.linalg.norm(b)
    assert np.linalg.norm(b - s) >= 1e-2 * np.linalg.norm(b)


@needs_torch
def test_a_pytorch_mlp_goes_on():
    """100 updates with AdamW and StepLR there, then 50 more on both sides, in float32."""
    import torch

    torch.set_default_dtype(torch.float32)
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=40, gamma=0.5)

    def steps(times):
        for t in times:
            x, y = map(torch.tensor, data(t))
            optimizer.zero_grad()
            torch.mean((model(x) - y) ** 2).backward()
            optimizer.step()
            scheduler.step()

    steps(range(100))
    mapped = {
        name: {"kernel": (layer.weight, np.transpose), "bias": layer.bias}
        for name, layer in (("first", model[0]), ("second", model[2]))
    }
    start = dialects.torch.read_params(mapped)
    rate = dialects.torch.StepLR(1e-2, step_size=40, gamma=0.5)
    tx, state = dialects.torch.from_optimizer(optimizer, mapped, learning_rate=rate)
    steps(range(100, 150))
    assert_same_way(
        trained(tx, state, start, range(100, 150)), dialects.torch.read_params(mapped), start
    )


@needs_keras
def test_a_keras_mlp_goes_on():
    """The same from Keras, whose own schedule is taken over."""
    os.environ.setdefault("KERAS_BACKEND", "jax")
    import keras

    keras.backend.set_floatx("float32")
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.layers.Dense(8, activation="tanh"), keras.layers.Dense(1)])
    model.build((None, 4))
    schedule = keras.optimizers.schedules.ExponentialDecay(1e-2, 40, 0.5, staircase=True)
    model.compile(keras.optimizers.AdamW(schedule, clipnorm=1.0), loss="mse")

    def steps(times):
        for t in times:
            model.train_on_batch(*data(t))

    steps(range(100))
    first, second = model.layers
    mapped = {
        "first": {"kernel": first.kernel, "bias": first.bias},
        "second": {"kernel": second.kernel, "bias": second.bias},
    }
    start = dialects.keras.read_params(mapped)
    tx, state = dialects.keras.from_optimizer(model.optimizer, mapped)
    steps(range(100, 150))
    assert_same_way(
        trained(tx, state, start, range(100, 150)), dialects.keras.read_params(mapped), start
    )


@needs_keras
@pytest.mark.parametrize("row", rows.KERAS, ids=rows.label)
@pytest.mark.usefixtures("x64")
def test_from_keras(row):
    keras = record.import_keras()
    name, settings = row
    kernel = keras.Variable(np.array([[0.3, -0.7, 1.0], [-2.0, 0.5, 3.0]]), dtype="float64")
    variables = {"kernel": kernel, "bias": keras.Variable(np.array([1.0, -1.0]), dtype="float64")}
    optimizer = getattr(keras.optimizers, name)(learning_rate=0.02, **settings)
    optimizer.build(list(variables.values()))
    mapped = {"kernel": (kernel, np.transpose), "bias": variables["bias"]}

    def steps(times):
        for t in times:
            now = dialects.keras.read_params(mapped)
            grads = {k: np.asarray(gradient(k, t, np.asarray(v))) for k, v in now.items()}
            grads = [grads["kernel"].T.copy(), grads["bias"]]
            optimizer.apply([keras.ops.convert_to_tensor(g) for g in grads])

    steps(range(BEFORE))
    params = dialects.keras.read_params(mapped)
    tx, state = dialects.keras.from_optimizer(optimizer, mapped, params=params)
    steps(range(BEFORE, BEFORE + AFTER))
    ours, state = go_on(tx, state, params)
    theirs = dialects.keras.read_params(mapped)
    slack = 3e-6 if keras.backend.backend() == "torch" and "clipnorm" in rows.label(row) else 1e-12
    for key in ours:
        np.testing.assert_allclose(ours[key], theirs[key], rtol=slack, atol=slack)
    if settings.get("use_ema"):
        optimizer.finalize_variable_values(list(variables.values()))
        averages = dialects.keras.read_params(mapped)
        evaluated = lectopt.evaluation_params(state, ours)
        for key in ours:
            np.testing.assert_allclose(evaluated[key], averages[key], rtol=1e-12, atol=1e-12)
