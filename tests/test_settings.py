"""Bad settings: the error says what was wanted, what came, and what to write."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lectopt
from lectopt.settings import domains
from tests.support.public import FUNCTIONS, numbers_of

PARAMS = {"w": jnp.ones(3), "b": jnp.ones(2)}
# What functions must be given besides numbers.
GIVEN = dict(
    adv_optimizer=lectopt.sgd(0.1),
    base_optimizer=lectopt.sgd(0.1),
    fast_optimizer=lectopt.sgd(0.1),
    key=0,
    lr_lambda=lambda epoch: 1.0,
    milestones=(1, 2),
    optimizer=lectopt.sgd(0.1),
    schedulers=(lectopt.constant(0.1),) * 3,
    moment=lectopt.mean_square(0.9),
    rate=0.1,
    scheme=lectopt.averaging.uniform(),
    to="torch",
    total_steps=10,
)


@pytest.mark.parametrize(
    "call, error, words",
    [
        (lambda: lectopt.adam(0.1, b1=1.5), ValueError, ["adam: b1", "[0, 1)", "1.5", "b1=0.9"]),
        (
            lambda: lectopt.sgd(-1),
            ValueError,
            ["learning_rate", "[0, inf)", "minus sign", "-1", "learning_rate=0.001"],
        ),
        (
            lambda: lectopt.adam(0.1, eps_placement="in"),
            ValueError,
            ["eps_placement", "'outside', 'inside', 'uncorrected'", "'in'"],
        ),
        (lambda: lectopt.rmsprop(0.1, eps=-1e-8), ValueError, ["eps", "zero or more", "-1e-08"]),
        (lambda: lectopt.rmsprop(0.1, decay=jnp.array(2.0)), ValueError, ["decay", "got 2"]),
        (lambda: lectopt.sgd(float("nan")), ValueError, ["learning_rate", "nan"]),
        (lambda: lectopt.sgd("0.1"), TypeError, ["number", "schedule", "'0.1'"]),
        (lambda: lectopt.sgd(None), TypeError, ["learning_rate", "None"]),
        (lambda: lectopt.sgd(True), TypeError, ["learning_rate", "True"]),
        (
            lambda: lectopt.adam(np.logspace(-4, 0, 5)),
            ValueError,
            ["shape (5,)", "jax.vmap(lambda learning_rate: train(adam(...)))(values)"],
        ),
        (
            lambda: lectopt.adam(0.1, eps_root=1e-8),
            TypeError,
            ["eps_root", 'eps_placement="inside"'],
        ),
        (lambda: lectopt.adam(0.1, mu_dtype="float32"), TypeError, ["mu_dtype", "state_dtype"]),
        (lambda: lectopt.adam(0.1, beta1=0.9), TypeError, ["adam(learning_rate, b1=0.9", "beta1"]),
        (
            lambda: lectopt.adam(0.1, 0.9, 0.999, 1e-8, 0.0),
            TypeError,
            ["adam", "too many positional"],
        ),
        (
            lambda: lectopt.momentum(0.1, form="ema", dampening=0.5),
            ValueError,
            ["form='ema'", 'form="heavy_ball"'],
        ),
        (lambda: lectopt.momentum(0.1, form="nesterov"), ValueError, ["'velocity', 'heavy_ball'"]),
        (
            lambda: lectopt.chain(lectopt.ema(0.9), lectopt.ema(0.99)),
            ValueError,
            ["ema(decay=0.9)", "ema(decay=0.99)", "'mu'", "chain(fast=ema(0.9), slow=ema(0.99))"],
        ),
        (lambda: lectopt.chain(count=lectopt.ema(0.9)), ValueError, ["'count'", "step counter"]),
        (lambda: lectopt.chain(lectopt.ema), TypeError, ["ema(...)"]),
        (
            lambda: lectopt.ratio(lectopt.ema(0.9), 3.0),
            TypeError,
            ["3.0", "gradient transformation"],
        ),
    ],
)
def test_bad_settings(call, error, words):
    with pytest.raises(error) as caught:
        call()
    for word in words:
        assert word in str(caught.value)


def test_a_traced_setting_is_not_refused():
    assert jax.jit(lambda b1: lectopt.adam(0.1, b1).init(PARAMS)["count"])(2.0) == 0


@pytest.mark.parametrize("where", [w for w, f in FUNCTIONS.items() if numbers_of(f)], ids=".".join)
def test_a_schedule_is_let_in_or_refused_in_words(where):
    """Every number of every public function, as its annotation says."""
    if where[1] == "sgd_as_mcmc":
        pytest.skip("it says itself why its rate is constant: tests/lectures/test_signatures.py")
    function = FUNCTIONS[where]
    parameters, numbers = inspect.signature(function).parameters, numbers_of(function)
    examples = {k: domains(function.__annotations__[k])[0][0].example for k in numbers}
    needed = {k: examples.get(k) for k, p in parameters.items() if p.default is p.empty}
    needed |= {k: v for k, v in GIVEN.items() if k in parameters}
    for name, may_be_schedule in numbers.items():
        settings = needed | {name: lambda count, value=examples[name]: value}
        if "literal" in parameters and name == "steps_per_epoch":
            settings["literal"] = True
        if may_be_schedule:
            function(**settings)
            continue
        with pytest.raises(TypeError, match=f"{name} must be one number .* and no schedule"):
            function(**settings)
