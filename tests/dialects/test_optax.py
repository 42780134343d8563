"""`dialects.optax` against Optax: 60 updates in float64, changing rates; arguments and slots."""

import inspect

import jax.numpy as jnp
import numpy as np
import optax
import pytest

import lectopt
from lectopt.dialects import optax as ours
from tests.dialects.paths import NOISE, grad, path
from tests.support.oracles.rows import RATES, STEPS, THETA
from tests.support.sampling import sampled

ADAM = dict(b1=0.8, b2=0.95, eps=1e-2)
ROWS = [
    ("sgd", {}),
    ("sgd", dict(momentum=0.8, nesterov=True)),
    ("adam", ADAM | dict(eps_root=1e-2)),
    ("adam", ADAM | dict(eps=0.0, eps_root=1e-2)),
    ("adam", ADAM | dict(nesterov=True)),
    ("adamw", ADAM | dict(eps_root=1e-2, weight_decay=0.1)),
    ("adamw", {}),
    ("adamax", ADAM),
    ("adamaxw", ADAM | dict(weight_decay=0.1)),
    ("amsgrad", ADAM),
    ("amsgrad", ADAM | dict(eps_root=1e-2, bias_correction_mu=False)),
    ("amsgrad", ADAM | dict(bias_correction_nu=False)),
    ("nadam", ADAM),
    ("nadamw", ADAM | dict(weight_decay=0.1)),
    ("nadamw", ADAM | dict(nesterov=False)),
    ("radam", ADAM | dict(eps_root=1e-2)),
    ("radam", dict(threshold=6.0, nesterov=True)),
    ("rmsprop", dict(decay=0.8, eps=1e-2)),
    ("rmsprop", dict(decay=0.8, eps=1e-2, eps_in_sqrt=False, bias_correction=True)),
    ("rmsprop", dict(decay=0.8, eps=1e-2, centered=True, momentum=0.7, nesterov=True)),
    ("adagrad", {}),
    ("adagrad", dict(initial_accumulator_value=0.0, eps=1e-2)),
    ("adadelta", dict(rho=0.8, eps=1e-2, weight_decay=0.1)),
    ("adabelief", ADAM | dict(nesterov=True)),
    ("adafactor", dict(min_dim_size_to_factor=2, momentum=0.7, weight_decay_rate=0.01)),
    ("adan", dict(b1=0.8, b2=0.7, b3=0.95, eps=1e-2, weight_decay=0.1)),
    ("fromage", dict(min_norm=1e-2)),
    ("lamb", ADAM | dict(eps_root=1e-2, weight_decay=0.1)),
    ("lars", dict(weight_decay=0.1, trust_coefficient=0.2, eps=1e-2, nesterov=True)),
    ("lars", dict(trust_ratio_mask=False, weight_decay_mask=False, weight_decay=0.1)),
    ("lbfgs", dict(memory_size=3, scale_init_precond=False, linesearch=None)),
    ("lion", dict(b1=0.8, weight_decay=0.1)),
    ("novograd", dict(b1=0.8, eps=1e-2, eps_root=1e-2, weight_decay=0.1)),
    ("optimistic_adam_v2", ADAM | dict(eps_root=1e-2, alpha=0.8, beta=0.6)),
    ("optimistic_gradient_descent", dict(alpha=0.8, beta=0.6)),
    ("sign_sgd", {}),
    ("signum", dict(beta=0.8)),
    ("yogi", ADAM),
]
UNSCHEDULED = {  # with a number for the rate
    "sm3": (ours.sm3(0.05), optax.sm3(0.05)),
    "adafactor": (ours.adafactor(), optax.adafactor()),
    "lbfgs": (ours.lbfgs(0.05, linesearch=None), optax.lbfgs(0.05, linesearch=None)),
}
ids = [f"{name}({settings})" for name, settings in ROWS]
ROUNDED = {  # the relative error, and for how many updates
    "adafactor": (1e-4, STEPS),  # Optax computes the decays in float32
    "lbfgs": (1e-8, 12),  # the curvature of noise magnifies every rounding
}


def assert_same_paths(name, mine, theirs):
    slack, steps = ROUNDED.get(name, (1e-12, STEPS))
    np.testing.assert_allclose(mine[:steps], theirs[:steps], rtol=slack, atol=slack)


@pytest.fixture
def schedule():
    return jnp.asarray(RATES).__getitem__


def test_all_aliases_of_optax_are_there():
    aliases = vars(optax._src.alias)  # some are `functools.partial` of others
    theirs = {n for n, x in vars(optax).items() if callable(x) and aliases.get(n) is x}
    assert {name for name in theirs if name.islower()} <= set(ours.__all__)


NAMED = [pytest.param(*row, id=name) for row, name in zip(ROWS, ids, strict=True)]


@pytest.mark.parametrize("name, settings", sampled(NAMED, 5))
@pytest.mark.usefixtures("x64")
def test_is_optax(name, settings, schedule):
    lacking = set(settings) - set(inspect.signature(getattr(optax, name)).parameters)
    if lacking:
        pytest.skip(f"the dialect is of Optax 0.2.8; {optax.__version__} has no {lacking}")
    mine = getattr(ours, name)(schedule, **settings)
    theirs = getattr(optax, name)(schedule, **settings)
    assert_same_paths(name, path(mine), path(theirs))
    assert eval(repr(getattr(ours, name)(0.1, **settings)), vars(lectopt)) == getattr(ours, name)(
        0.1, **settings
    )


@pytest.mark.usefixtures("x64")
def test_is_optax_where_it_errs():
    """The late moves of its Rprop, and the ascent of its AdaDelta without a rate."""
    for mine, theirs in (
        (ours.rprop(0.05, max_step_size=0.2), optax.rprop(0.05, max_step_size=0.2)),
        (ours.adadelta(rho=0.8), optax.adadelta(rho=0.8)),
    ):
        np.testing.assert_allclose(path(mine), path(theirs), rtol=1e-12, atol=1e-12)
        assert eval(repr(mine), vars(lectopt)) == mine
    right = path(lectopt.rprop(0.05, max_step_size=0.2))
    assert abs(path(ours.rprop(0.05, max_step_size=0.2)) - right).max() > 0.1
    first = path(ours.adadelta(rho=0.8))[0] - THETA
    np.testing.assert_array_equal(jnp.sign(first), jnp.sign(grad(THETA, 0)))  # uphill


PARTS = {
    "identity": {},
    "scale": dict(step_size=0.7),
    "scale_by_schedule": dict(step_size_fn=lambda count: 1 / (1 + count)),
    "scale_by_learning_rate": dict(learning_rate=0.7, flip_sign=False),
    "scale_by_sign": {},
    "trace": dict(decay=0.8, nesterov=True),
    "ema": dict(decay=0.8),
    "clip": dict(max_delta=0.5),
    "clip_by_global_norm": dict(max_norm=1.0),
    "clip_by_block_rms": dict(threshold=0.5),
    "add_decayed_weights": dict(weight_decay=0.1),
    "scale_by_adam": ADAM | dict(eps_root=1e-2, nesterov=True),
    "scale_by_adamax": ADAM,
    "scale_by_adan": dict(b1=0.8, b2=0.7, b3=0.95),
    "scale_by_amsgrad": ADAM | dict(bias_correction_nu=False),
    "scale_by_radam": ADAM,
    "scale_by_lion": dict(b1=0.8),
    "scale_by_rms": dict(decay=0.8, eps_in_sqrt=False),
    "scale_by_stddev": dict(decay=0.8, eps=1e-2),
    "scale_by_rss": {},
    "scale_by_adadelta": dict(rho=0.8, eps=1e-2),
    "scale_by_novograd": dict(b1=0.8, eps_root=1e-2, weight_decay=0.1),
    "scale_by_sm3": dict(b1=0.8, b2=0.9),
    "scale_by_optimistic_gradient": dict(beta=0.5),
    "scale_by_param_block_rms": {},
    "scale_by_trust_ratio": dict(min_norm=0.1, trust_coefficient=0.5, eps=1e-2),
}


@pytest.mark.parametrize("name", sampled(PARTS, 2))
@pytest.mark.usefixtures("x64")
def test_a_part_is_optaxs(name):
    """What aliases are made of, behind a small rate; those with a loss or a key are in these."""
    parts = [getattr(lib, name)(**PARTS[name]) for lib in (ours, optax)]
    mine = lectopt.chain(parts[0], lectopt.scale(-0.05))
    assert_same_paths(name, path(mine), path(optax.chain(parts[1], optax.scale(-0.05))))


@pytest.mark.parametrize("name", UNSCHEDULED)
@pytest.mark.usefixtures("x64")
def test_is_optax_at_a_constant_rate(name):
    assert_same_paths(name, *map(path, UNSCHEDULED[name]))


@pytest.mark.filterwarnings("ignore:`optimistic_adam` is deprecated")
@pytest.mark.usefixtures("x64")
def test_is_optax_with_optimism_of_its_own():
    for settings in (dict(b1=0.8), dict(b1=0.8, optimism=0.02, nesterov=False)):
        mine, theirs = (lib.optimistic_adam(0.05, **settings) for lib in (ours, optax))
        np.testing.assert_allclose(path(mine), path(theirs), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("variant", ["sps", "sps+"])
@pytest.mark.usefixtures("x64")
def test_is_optax_where_the_loss_is_wanted(variant):
    settings = dict(scaling=0.7, f_min=-0.1, variant=variant)
    paths = []
    for lib in (ours, optax):
        tx = lib.polyak_sgd(0.3, **settings)
        params, state = jnp.asarray(THETA), tx.init(jnp.asarray(THETA))
        for t in range(20):
            value = jnp.sum(NOISE[t] * params)
            updates, state = tx.update(jnp.asarray(grad(params, t)), state, params, value=value)
            params = optax.apply_updates(params, updates)
        paths.append(params)
    np.testing.assert_allclose(*paths, rtol=1e-12)


def test_noise_is_optaxs_but_for_the_draw():
    """Of the same variance at every update; the key is 0 if none is given."""
    assert ours.noisy_sgd(0.1) == ours.noisy_sgd(0.1, key=0) == ours.noisy_sgd(0.1, seed=0)
    zero, sizes = jnp.zeros(100_000), []
    for tx in (ours.noisy_sgd(1.0, 0.1, key=1), optax.noisy_sgd(1.0, 0.1, key=1)):
        state = tx.init(zero)
        for _ in range(3):
            updates, state = tx.update(zero, state, zero)
        sizes.append(float(jnp.std(updates)))
    np.testing.assert_allclose(sizes[0], sizes[1], rtol=0.01)


@pytest.mark.skipif(
    tuple(map(int, optax.__version__.split(".")[:3])) < (0, 2, 8),
    reason="the dialect has the arguments of Optax 0.2.8",
)
@pytest.mark.parametrize("name", sorted(set(ours.__all__) - {"contrib"}))
def test_arguments_are_optaxs(name):
    def arguments(function):
        return [
            (p.name, p.default, p.kind) for p in inspect.signature(function).parameters.values()
        ]

    own, theirs = arguments(getattr(ours, name)), arguments(getattr(optax, name))
    if name == "lbfgs":  # a word for the line search, which prints
        assert own.pop()[::2] == theirs.pop()[::2]
    if name == "scale_by_learning_rate":  # which must be given
        assert own.pop(0)[::2] == theirs.pop(0)[::2]
    assert own == theirs


def test_mu_dtype_is_the_mean_s_alone():
    state = ours.adam(0.1, mu_dtype=jnp.bfloat16).init(jnp.ones(2))
    assert optax.tree.get(state, "mu").dtype == jnp.bfloat16
    assert optax.tree.get(state, "nu").dtype == jnp.float32


SLOTS = [("sgd", dict(momentum=0.9), "accumulator_dtype", "trace"), ("adam", {}, "mu_dtype", "mu")]


@pytest.mark.parametrize("name, settings, argument, slot", SLOTS, ids=["sgd", "adam"])
@pytest.mark.parametrize("weights", ["float32", "complex64"])
@pytest.mark.parametrize("asked", ["bfloat16", "float32", "complex64"])
def test_a_slot_has_the_dtype_that_is_asked_for(name, settings, argument, slot, weights, asked):
    """Complex for real weights, and real for complex ones, too."""
    tx = getattr(ours, name)(0.1, **settings, **{argument: asked})
    state = tx.init(jnp.ones(2, weights))
    assert optax.tree.get(state, slot).dtype == asked
    if name == "adam":
        assert optax.tree.get(state, "nu").dtype == "float32"


def test_a_real_slot_of_complex_weights_keeps_the_real_part():
    """As in Optax, `v = 0.9 Re(v) + g`; and not without a warning."""
    tx = ours.sgd(1.0, momentum=0.9, accumulator_dtype="float32")
    first, second = jnp.array([1 + 2j, -3j]), jnp.array([0.5 - 1j, 2 + 1j])
    with pytest.warns(np.exceptions.ComplexWarning, match="imaginary"):
        _, state = tx.update(first, tx.init(first), first)
        update, state = tx.update(second, state, first)
    np.testing.assert_allclose(update, [-(0.9 + 0.5 - 1j), -(2 + 1j)], rtol=1e-6)
    assert state["trace"].dtype == jnp.float32
