"""What looks at a whole leaf, of matrices, a vector and a stack of them: as the frameworks do."""

import importlib.util
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import lectopt
from lectopt.dialects import keras, torch
from tests.support.oracles import record
from tests.support.oracles.rows import RATES

SHAPES = dict(wide=(3, 5), tall=(4, 2), bias=(3,), stack=(2, 3, 4))
MATRICES = ("wide", "tall")
TORCH = [
    ("Adafactor", {}, SHAPES, 1e-12),
    ("Adafactor", dict(eps=(1e-3, 0.1), d=1.5, weight_decay=0.1, maximize=True), SHAPES, 1e-12),
    ("Adafactor", dict(beta2_decay=-0.5), SHAPES, 1e-12),
    ("Muon", {}, MATRICES, 3e-2),  # bfloat16, summed in another order
    ("Muon", dict(nesterov=False, adjust_lr_fn="match_rms_adamw", ns_steps=3), MATRICES, 3e-2),
    ("LBFGS", dict(history_size=5), SHAPES, 1e-9),
    ("LBFGS", {}, SHAPES, 1e-9),
    ("SparseAdam", dict(betas=(0.8, 0.95), eps=1e-2, maximize=True), MATRICES, 1e-12),
]
KERAS = [
    ("Adafactor", {}, 1e-6),  # whose t^-0.8 is a float32
    ("Adafactor", dict(epsilon_1=1e-3, epsilon_2=0.1, clip_threshold=1.5, weight_decay=0.1), 1e-6),
    ("Muon", {}, 1e-6),
    ("Muon", dict(nesterov=False, rms_rate=None, adam_lr_ratio=0.5, weight_decay=0.1), 1e-6),
    ("Muon", dict(exclude_layers=["wide"], adam_weight_decay=None, clipnorm=0.7), 1e-6),
    ("Lion", {}, 1e-12),
    ("Lion", dict(beta_1=0.7, beta_2=0.8, weight_decay=0.1), 1e-12),
    ("Lamb", {}, 1e-6),
    ("Lamb", dict(epsilon=1e-2, weight_decay=0.1, beta_2=0.9), 1e-6),
    ("Ftrl", {}, 1e-6),
    (
        "Ftrl",
        dict(
            learning_rate_power=-0.7,
            initial_accumulator_value=0.3,
            l1_regularization_strength=0.1,
            l2_regularization_strength=0.2,
            l2_shrinkage_regularization_strength=0.05,
            beta=0.3,
        ),
        1e-6,
    ),
    ("ScheduleFreeAdamW", {}, 1e-6),
    ("ScheduleFreeAdamW", dict(warmup_steps=17, epsilon=1e-2, use_ema=True), 1e-6),
]


def start(names):
    rng = np.random.default_rng(7)
    return {name: rng.normal(size=SHAPES[name]) for name in names}


def gradients(t, params):
    """Some are 0 at first."""
    rng = np.random.default_rng(100 + t)
    every = {name: rng.normal(size=shape) for name, shape in SHAPES.items()}
    pushes = {name: every[name] for name in params}
    if "bias" in pushes and t < 9:
        pushes["bias"][0] = -0.5 * np.asarray(params["bias"])[0]
    return {name: 0.5 * np.asarray(p) + pushes[name] for name, p in params.items()}


def our_path(tx, names):
    params = jax.tree.map(jnp.asarray, start(names))
    state, path, update = tx.init(params), [], jax.jit(tx.update)
    for t in range(len(RATES)):
        grads = jax.tree.map(jnp.asarray, gradients(t, params))
        updates, state = update(grads, state, params)
        params = optax.apply_updates(params, updates)
        path.append(np.concatenate([np.ravel(params[name]) for name in names]))
    return np.array(path)


def assert_same(ours, theirs, tolerance):
    assert np.isfinite(ours).all() and np.abs(ours[-1] - ours[0]).max() > 1e-4
    np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)


def torch_path(name, settings, names):
    """The parameters after every update of PyTorch's optimizer."""
    import torch as framework

    framework.set_default_dtype(framework.float64)
    params = {k: framework.tensor(p, requires_grad=True) for k, p in start(names).items()}
    once = dict(max_iter=1) if name == "LBFGS" else {}
    optimizer = getattr(framework.optim, name)(params.values(), lr=RATES[0], **once, **settings)
    path = []
    for t, rate in enumerate(RATES):
        grads = gradients(t, {k: p.detach().numpy() for k, p in params.items()})
        for key, p in params.items():
            p.grad = framework.tensor(grads[key])
            p.grad = p.grad.to_sparse() if name == "SparseAdam" else p.grad
        optimizer.param_groups[0]["lr"] = rate
        optimizer.step(lambda: 0.0) if name == "LBFGS" else optimizer.step()
        path.append(np.concatenate([p.detach().numpy().ravel() for p in params.values()]))
    return np.array(path)


def our_torch_path(name, settings, names):
    return our_path(getattr(torch, name)(jnp.asarray(RATES).__getitem__, **settings), names)


def keras_path(name, settings):
    """The variables after every update of Keras' optimizer."""
    framework = record.import_keras()
    first = start(SHAPES)
    params = {k: framework.Variable(p, dtype="float64", name=k) for k, p in first.items()}
    optimizer = getattr(framework.optimizers, name)(learning_rate=0.5, **settings)
    optimizer.build(list(params.values()))
    path = []
    for t, rate in enumerate(RATES):
        optimizer.learning_rate = rate
        now = {k: framework.ops.convert_to_numpy(p.value) for k, p in params.items()}
        grads = gradients(t, now).values()
        optimizer.apply([framework.ops.convert_to_tensor(g) for g in grads])
        after = [framework.ops.convert_to_numpy(p.value) for p in params.values()]
        path.append(np.concatenate([np.ravel(x) for x in after]))
    return np.array(path)


def our_keras_path(name, settings):
    tx = getattr(keras, name)(jnp.asarray(RATES).__getitem__, **settings)
    return our_path(tx, tuple(SHAPES))


@pytest.mark.parametrize("name, settings, names, tolerance", TORCH)
@pytest.mark.usefixtures("x64")
def test_is_pytorchs(name, settings, names, tolerance):
    """Of `SparseAdam` where no row is missing."""
    if importlib.util.find_spec("torch") is None:
        pytest.skip("torch is not installed: nothing to compare with")
    theirs = torch_path(name, settings, names)
    assert_same(our_torch_path(name, settings, names), theirs, tolerance)


@pytest.mark.parametrize("name, settings, tolerance", KERAS)
@pytest.mark.usefixtures("x64")
def test_is_keras(name, settings, tolerance):
    if importlib.util.find_spec("keras") is None:
        pytest.skip("keras is not installed: nothing to compare with")
    with jax.numpy_rank_promotion("allow"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = keras_path(name, settings)
    assert_same(our_keras_path(name, settings), theirs, tolerance)


@pytest.mark.usefixtures("x64")
def test_loss_scale_is_keras():
    """Gradients that overflow at some updates, and a scale that grows in between."""
    if importlib.util.find_spec("keras") is None:
        pytest.skip("keras is not installed: nothing to compare with")
    framework = record.import_keras()
    settings = dict(initial_scale=64.0, dynamic_growth_steps=4)
    tx = keras.LossScaleOptimizer(keras.Adam(0.05, beta_1=0.8), **settings)
    params = jnp.array([1.0, -2.0, 3.0])
    state = tx.init(params)
    with jax.numpy_rank_promotion("allow"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        variable = framework.Variable(np.array([1.0, -2.0, 3.0]), dtype="float64")
        inner = framework.optimizers.Adam(0.05, beta_1=0.8)
        optimizer = framework.optimizers.LossScaleOptimizer(inner, **settings)
        optimizer.build([variable])
        weights, kept = [variable.value], [v.value for v in optimizer.variables]
        for t in range(40):
            grad = np.sin(37.0 * (t + 1) * np.arange(1.0, 4.0)) * float(state["dynamic_scale"])
            grad = np.full(3, np.inf) if t % 11 == 6 else grad
            weights, kept = optimizer.stateless_apply(kept, [jnp.asarray(grad)], weights)
            updates, state = tx.update(jnp.asarray(grad), state, params)
            params = optax.apply_updates(params, updates)
            np.testing.assert_allclose(params, weights[0], rtol=1e-6)
            place = [v.path for v in optimizer.variables].index(optimizer.dynamic_scale.path)
            assert float(kept[place]) == float(state["dynamic_scale"])
    assert state["made"] < 40 and state["dynamic_scale"] > 64


@pytest.mark.parametrize("name, settings", [("get_ema", dict(decay=0.8)), ("get_swa", {})])
@pytest.mark.usefixtures("x64")
def test_averages_are_pytorchs(name, settings):
    """From the first parameters themselves, where `averaging.exponential` corrects its start."""
    if importlib.util.find_spec("torch") is None:
        pytest.skip("torch is not installed: nothing to compare with")
    import torch as framework

    framework.set_default_dtype(framework.float64)
    model = framework.nn.Linear(2, 3)
    optimizer = framework.optim.SGD(model.parameters(), lr=0.1)
    average = getattr(framework.optim.swa_utils, f"{name}_multi_avg_fn")(**settings)
    averaged = framework.optim.swa_utils.AveragedModel(model, multi_avg_fn=average)
    params = torch.read_params({"w": model.weight})
    scheme = getattr(torch, f"{name}_avg_fn")(**settings)
    tx = lectopt.chain(torch.SGD(0.1), torch.AveragedModel(avg_fn=scheme))
    state = tx.init(params)
    for t in range(20):
        push = np.sin(np.arange(6.0).reshape(3, 2) * (t + 1))
        model.weight.grad = framework.tensor(push) + 0.5 * model.weight.detach()
        optimizer.step()
        averaged.update_parameters(model)
        updates, state = tx.update({"w": push + 0.5 * params["w"]}, state, params)
        params = optax.apply_updates(params, updates)
        theirs = averaged.module.weight.detach().numpy()
        ours = lectopt.evaluation_params(state, params)["w"]
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)
