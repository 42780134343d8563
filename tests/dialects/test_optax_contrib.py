"""What `optax.contrib` has, against it: leaves of all kinds, changing rates, 60 updates."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from optax import contrib as theirs

import lectopt
from lectopt.dialects.optax import contrib as ours
from tests.support.sampling import sampled
from tests.support.witness import TREE, schedule

OPTAX = tuple(map(int, optax.__version__.split(".")[:3]))
LAST = pytest.mark.skipif(OPTAX < (0, 2, 8), reason="the dialect is of Optax 0.2.8")
ROWS = [
    ("ademamix", dict(b1=0.8, b3=0.95, alpha=2.0, eps_root=1e-3, weight_decay=0.1)),
    ("simplified_ademamix", dict(b1=0.8, alpha=0.5, eps_root=1e-3, weight_decay=0.1)),
    ("adopt", dict(b1=0.8, b2=0.95, eps=1e-2, nesterov=True)),
    ("adopt", dict(b2=0.95, eps=1e-2, use_clipping=False)),
    ("cocob", dict(alpha=20.0, weight_decay=0.1)),
    ("dog", dict(init_step=("heuristic", 1e-2), weight_decay=0.1)),
    ("dog", dict(init_step=("learning_rate", 1e-2))),
    ("dowg", dict(weight_decay=0.1)),
    ("dowg", dict(init_estim_sq_dist=1e-2)),
    ("prodigy", dict(betas=(0.8, 0.95), estim_lr0=1e-2, weight_decay=0.1)),
    ("muon", dict(weight_decay=0.1, adam_weight_decay=0.1, adam_eps_root=1e-3)),
    ("muon", dict(ns_coeffs="dion", consistent_rms=0.2, nesterov=False)),
    ("muon", dict(preconditioning="aol", ns_steps=4, adaptive=True, adam_learning_rate=0.01)),
]
WRAPPERS = {
    "schedule_free": lambda lib, sgd: lib.schedule_free(sgd(schedule), schedule, 0.8),
    "schedule_free_sgd": lambda lib, sgd: lib.schedule_free_sgd(0.05, 10, 0.8, 0.1),
    "schedule_free_adamw": lambda lib, sgd: lib.schedule_free_adamw(0.05, 10, 0.8, 0.95, 1e-2, 0.1),
    "mechanize": lambda lib, sgd: lib.mechanize(sgd(schedule), 0.1, num_betas=4),
    "sam": lambda lib, sgd: lib.sam(sgd(schedule), sgd(0.01, 0.5), 3),
}


def path(tx, dtype):
    """The leaves after every update; complex ones have complex noise."""

    @jax.jit
    def run(start, noise):
        def step(carry, now):
            params, state = carry
            grads = jax.tree.map(lambda p, n: 0.7 * p + n, params, now)
            updates, state = tx.update(grads, state, params)
            params = optax.apply_updates(params, updates)
            return (params, state), params

        return jax.lax.scan(step, (start, tx.init(start)), noise)[1]

    turn = (1 + 0.5j) if dtype == "complex" else 1
    start = [jnp.asarray(x * turn) for x in TREE.start[1:3]]
    noise = [
        jnp.asarray(x * turn * np.exp(1j * x) if dtype == "complex" else x) for x in TREE.noise[1:3]
    ]
    return run(start, noise)


def assert_same(mine, other, dtype, slack=1e-9):
    pairs = zip(path(mine, dtype), path(other, dtype), strict=True)
    for a, b in pairs:
        np.testing.assert_allclose(a, b, rtol=slack, atol=1e-2 * slack)


OTHERWISE = {  # of complex weights
    "simplified_ademamix": "Optax squares",
    "cocob": "Optax multiplies without a conjugate",
    "mechanize": "Optax keeps the real part of a sum that it then clips",
    "adopt": "Optax cannot clip them",
    "prodigy": "Optax squares",
}


@LAST
@pytest.mark.parametrize("dtype", ["real", pytest.param("complex", marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "name, settings", sampled((pytest.param(*row, id=f"{row[0]}({row[1]})") for row in ROWS), 2)
)
@pytest.mark.usefixtures("x64")
def test_is_optax(name, settings, dtype):
    """Of complex weights too, where Optax has them right."""
    if dtype == "complex" and name in OTHERWISE:
        pytest.skip(OTHERWISE[name])
    mine, other = (getattr(lib, name)(schedule, **settings) for lib in (ours, theirs))
    assert_same(mine, other, dtype)
    plain = getattr(ours, name)(0.1, **settings)
    assert eval(repr(plain), dict(vars(lectopt))) == plain


@LAST
@pytest.mark.parametrize("name", WRAPPERS)
@pytest.mark.usefixtures("x64")
def test_around_others_it_is_optax(name):
    make = WRAPPERS[name]
    warm = name in ("schedule_free_sgd", "schedule_free_adamw")  # of 10 updates, in float32 there
    slack = 1e-5 if warm else 1e-9
    assert_same(make(ours, lectopt.sgd), make(theirs, optax.sgd), "real", slack)


@LAST
@pytest.mark.parametrize("name", ours.__all__)
def test_arguments_are_optaxs(name):
    def arguments(function):
        return [
            (p.name, p.default, p.kind) for p in inspect.signature(function).parameters.values()
        ]

    assert arguments(getattr(ours, name)) == arguments(getattr(theirs, name))


def test_what_is_not_needed_is_refused():
    descent = lectopt.sgd(0.1)
    for make, words in (
        (lambda: ours.sam(descent, descent, opaque_mode=True), "taken by the loop"),
        (lambda: ours.adopt(0.1, clip_value_fn=lambda t: t), "clip_power"),
        (lambda: ours.muon(0.1, muon_weight_dimension_numbers=1), "two axes"),
    ):
        with pytest.raises(ValueError, match=words):
            make()
