"""What a dialect cannot do, and what is not needed here, is refused with the reason."""

import importlib.util
import warnings

import jax.numpy as jnp
import numpy as np
import pytest

import lectopt
from lectopt.dialects import keras, torch
from tests.support.oracles import record

REFUSED = [
    (
        lambda: torch.Adam(learning_rate=0.1),
        TypeError,
        ["Adam: there is no learning_rate=", "Write lr=0.1", "lr, betas, eps"],
    ),
    (lambda: torch.Adam(foreach=True), ValueError, ["foreach is not needed", "XLA"]),
    (lambda: torch.RMSprop(capturable=True), ValueError, ["capturable", "jax.jit"]),
    (lambda: torch.SGD(differentiable=True), ValueError, ["differentiable"]),
    (lambda: torch.AdamW(fused=True), ValueError, ["fused"]),
    (lambda: torch.Adam(betas=(0.9, 1.0)), ValueError, ["betas[1]", "[0, 1)", "got 1"]),
    (lambda: torch.Adam(betas=0.9), ValueError, ["betas must be 2 numbers", "(0.9, 0.999)"]),
    (lambda: torch.SGD(lr=-1.0), ValueError, ["lr", "[0, inf)", "-1"]),
    (lambda: torch.SGD(nesterov=True), ValueError, ["nesterov needs a momentum", "momentum=0.9"]),
    (lambda: torch.SGD(momentum=0.9, dampening=0.1, nesterov=True), ValueError, ["no dampening"]),
    (
        lambda: torch.Adagrad(lr=torch.CyclicLR(0.1, 0.2)),
        ValueError,
        ["Adagrad", "no momentum", "cycle_momentum=False"],
    ),
    (lambda: torch.OneCycleLR(0.1), ValueError, ["length of the training", "total_steps="]),
    (lambda: torch.StepLR(0.1, 30, last_epoch=3), TypeError, ["last_epoch", "steps_per_epoch"]),
    (lambda: torch.StepLR(0.1, 0), ValueError, ["step_size", "[1, inf)"]),
    (
        lambda: torch.ReduceLROnPlateau(0.1, threshold_mode="relative"),
        ValueError,
        ["one of 'rel', 'abs'"],
    ),
    (
        lambda: torch.ReduceLROnPlateau(0.1, factor=2.0),
        ValueError,
        ["factor must lie in [0, 1)", "got 2"],
    ),
    (
        lambda: keras.Adam(beta1=0.9),
        TypeError,
        ["no beta1=", "Write beta_1=0.9", "beta_1, beta_2, epsilon"],
    ),
    (lambda: keras.Adam(decay=0.1), TypeError, ["no decay="]),
    (lambda: keras.Adam(name="adam"), ValueError, ["name is not needed"]),
    (lambda: keras.SGD(gradient_accumulation_steps=1), ValueError, ["two or more"]),
    (lambda: keras.SGD(loss_scale_factor=0.0), ValueError, ["above zero"]),
    (lambda: keras.SGD(clipnorm=1.0, clipvalue=1.0), ValueError, ["only one of", "'clipvalue'"]),
    (lambda: keras.AdamW(weight_decay=None), TypeError, ["weight_decay", "None"]),
    (
        lambda: keras.PiecewiseConstantDecay([10], [1.0]),
        ValueError,
        ["1 boundaries need 2 values", "got 1"],
    ),
]


@pytest.mark.parametrize("call, error, words", REFUSED)
def test_is_refused_with_the_reason(call, error, words):
    with pytest.raises(error) as caught:
        call()
    for word in words:
        assert word in str(caught.value)


def test_settings_may_be_swept():
    """Numbers of a dialect are traced like any other, in pairs too."""
    import jax

    def moved(lr, b1, decay):
        tx = torch.AdamW(lr, (b1, 0.9), weight_decay=decay)
        updates, _ = tx.update(jnp.ones(2), tx.init(jnp.ones(2)), jnp.ones(2))
        return updates[0]

    swept = jax.vmap(moved)(jnp.array([0.1, 0.2]), jnp.array([0.9, 0.5]), jnp.array([0.0, 0.1]))
    np.testing.assert_allclose(swept, [-0.1, -0.2 * 1.1], rtol=1e-6)
    rates = jnp.array([0.1, 0.2])
    values = jax.vmap(lambda lr: keras.CosineDecay(lr, 10)(5))(rates)
    np.testing.assert_allclose(values, rates / 2, rtol=1e-6)


needs_torch = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="torch is not installed: nothing to move"
)
needs_keras = pytest.mark.skipif(
    importlib.util.find_spec("keras") is None, reason="keras is not installed: nothing to move"
)


@needs_torch
def test_torch_runs_that_cannot_be_moved():
    import torch as pytorch

    pytorch.set_default_dtype(pytorch.float32)
    a, b = (pytorch.zeros(3, 2, requires_grad=True) for _ in range(2))
    adam = pytorch.optim.Adam([a, b])
    sgd = pytorch.optim.SGD([a, b], lr=0.1)
    move = torch.from_optimizer
    cases = [
        (
            lambda: move(pytorch.optim.LBFGS([a], line_search_fn="strong_wolfe"), {"a": a}),
            ValueError,
            ["line_search_fn", "lectopt.lbfgs(1.0"],
        ),
        (lambda: move(type("Own", (pytorch.optim.SGD,), {})([a]), [a]), TypeError, ["Own", "ASGD"]),
        (lambda: move(adam, {"a": a}), ValueError, ["Parameter 1 of group 0", "(3, 2)"]),
        (lambda: move(adam, {"a": a, "b": a}), ValueError, ["['b']", "['a']", "same parameter"]),
        (lambda: move(adam, {"a": a, "b": "b"}), TypeError, ["['b']", "str", "np.transpose"]),
        (
            lambda: move(
                adam, {"a": a, "b": b}, params={"a": np.zeros((3, 2)), "b": np.zeros((2, 3))}
            ),
            ValueError,
            ["['b']", "(2, 3)", "(3, 2)", "np.transpose"],
        ),
        (
            lambda: move(adam, {"a": a, "b": b}, params={"a": np.zeros((3, 2))}),
            ValueError,
            ["structure of the parameters"],
        ),
        (lambda: move(adam, [a, b], count=3), ValueError, ["count=3", "0 updates"]),
        (
            lambda: move(adam, [a, b], learning_rate=[0.1, 0.2]),
            ValueError,
            ["2 entries", "1 groups"],
        ),
        (
            lambda: move(sgd, [a, b], learning_rate=torch.StepLR(0.1, 10)),
            ValueError,
            ["does not count", "count="],
        ),
    ]
    lrs = pytorch.optim.lr_scheduler
    stepped = lrs.StepLR(sgd, 3, 0.5)

    class Own(lrs.StepLR):
        pass

    own, plateau = Own(adam, 3), lrs.ReduceLROnPlateau(adam)
    uneven = pytorch.optim.Adam([dict(params=[a]), dict(params=[b], lr=0.1)])
    low = lrs.ReduceLROnPlateau(uneven, min_lr=1e-4)
    cases += [
        (lambda: move(adam, [a, b], scheduler=own), TypeError, ["Own", "StepLR", "learning_rate="]),
        (
            lambda: move(adam, [a, b], scheduler=plateau, learning_rate=0.1),
            ValueError,
            ["scheduler= and learning_rate=", "Leave one of them out"],
        ),
        (lambda: move(uneven, [a, b], scheduler=low), ValueError, ["one ReduceLROnPlateau"]),
        (
            lambda: sgd.param_groups[0].update(lr=0.3) or move(sgd, [a, b], scheduler=stepped),
            ValueError,
            ["Group 0", "0.3", "0.1", "scheduler=[first, second]"],
        ),
    ]
    z = pytorch.zeros(2, dtype=pytorch.complex64, requires_grad=True)
    cases.append((lambda: move(pytorch.optim.Adam([z]), [z]), ValueError, ["complex", "two real"]))
    for call, error, words in cases:
        with pytest.raises(error) as caught:
            call()
        for word in words:
            assert word in str(caught.value)


@needs_torch
@pytest.mark.usefixtures("x64")
def test_sgd_does_not_count_but_can_be_told():
    """With dampening the first update is special, and a schedule needs the count."""
    import torch as pytorch

    pytorch.set_default_dtype(pytorch.float64)
    a = pytorch.tensor([1.0, 2.0], requires_grad=True)
    optimizer = pytorch.optim.SGD([a], lr=0.1, momentum=0.9, dampening=0.5)
    scheduler = pytorch.optim.lr_scheduler.StepLR(optimizer, 4, 0.5)

    def steps(n):
        for _ in range(n):
            a.grad = a.detach().clone()
            optimizer.step()
            scheduler.step()

    steps(6)
    params = torch.read_params([a])
    rate = torch.StepLR(0.1, 4, 0.5)
    tx, state = torch.from_optimizer(optimizer, [a], learning_rate=rate, count=6)
    steps(6)
    for _ in range(6):
        updates, state = tx.update(params, state, params)
        params = [p + u for p, u in zip(params, updates, strict=True)]
    np.testing.assert_allclose(params[0], a.detach().numpy(), rtol=1e-12)


@needs_keras
def test_keras_runs_that_cannot_be_moved():
    framework = record.import_keras()
    framework.backend.set_floatx("float32")
    a, b, c = (framework.Variable(np.zeros((3, 2)), name=n) for n in "abc")

    def built(name, *variables, **settings):
        optimizer = getattr(framework.optimizers, name)(**settings)
        optimizer.build(list(variables))
        return optimizer

    adam, move = built("Adam", a, b), keras.from_optimizer
    excluding = framework.optimizers.AdamW(global_clipnorm=1.0)
    excluding.exclude_from_weight_decay(var_list=[b])
    excluding.build([a, b])

    class Own(framework.optimizers.SGD):
        pass

    own = Own()
    own.build([a])
    cases = [
        (lambda: move(framework.optimizers.Adam()), ValueError, ["optimizer.build"]),
        (lambda: move(own), TypeError, ["Own", "Adadelta"]),
        (lambda: move(adam, [a]), ValueError, ["b", "(3, 2)", "not in the map"]),
        (lambda: move(adam, [a, b, c]), ValueError, ["does not train c"]),
        (
            lambda: move(built("SGD", a, learning_rate=lambda: 0.1)),
            TypeError,
            ["function", "learning_rate="],
        ),
        (
            lambda: move(built("Muon", a), [(a, lambda x: x.reshape(2, 3))]),
            ValueError,
            ["Muon looks at rows and columns", "np.transpose"],
        ),
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for call, error, words in cases:
            with pytest.raises(error) as caught:
                call()
            for word in words:
                assert word in str(caught.value)
        tx, state = move(excluding)
    params = [jnp.ones((3, 2)), jnp.ones((3, 2))]
    updates, _ = tx.update([jnp.zeros((3, 2))] * 2, state, params)
    np.testing.assert_allclose(updates[0], -0.001 * 0.004, rtol=1e-5)  # decays
    np.testing.assert_array_equal(updates[1], 0)
    assert lectopt.evaluation_params(state, params)[1].shape == (3, 2)
