"""Explanations as programs: each does what the transformation does, in each language."""

import functools as ft
import inspect
import subprocess
import sys
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import lectopt
from lectopt.explain import explain
from lectopt.look_ahead import take_gradients_as_given
from tests.explain import programs
from tests.support.algorithms import ALGORITHMS
from tests.support.sampling import sampled

ROWS = {row.id: row for row in ALGORITHMS}
CLOSE = 1e-9
RATE = 0.1
EVERYWHERE = ("numpy", "torch", "javascript")
# What cannot be written, and why.
WITHOUT_FORMULA = {
    "visit_count": "a sum over rows or columns",
    "sgld": "it draws random numbers",
    "noisy_sgd": "it draws random numbers",
    **dict.fromkeys(
        ("muon", "muon/torch", "lbfgs", "lbfgs/torch", "mechanize/sgd"),
        "is a function of whole arrays",
    ),
    **dict.fromkeys(("sm3", "adafactor/torch"), "an array of another shape than its leaf"),
}
WRITTEN = [row for row in ALGORITHMS if row.id not in WITHOUT_FORMULA]
SOME = sampled(WRITTEN, 16, ids=lambda row: row.id)
# JavaScript's plain arrays have no shape, by which this one tells leaves apart: by names it can.
BY_NAMES = {("adafactor", "javascript")}


@ft.lru_cache(maxsize=4)
def explained(name, named=False):
    row = ROWS[name]
    maker = ft.partial(row.make, **row.numbers)
    params = programs.tree() if named else None
    return explain(maker, params=params, learning_rate=RATE)


@ft.lru_cache(maxsize=4)
def path(name, numbers):
    row, params = ROWS[name], programs.tree()
    extra = {k: programs.losses() for k in row.extra}
    numbers = dict(numbers)
    tx = row.build(numbers.pop("learning_rate"), **numbers)
    return programs.original(tx, params, programs.gradients(params), **extra)


def other(row):
    """Settings that are not the defaults of the program."""

    def moved(name, value):
        return 1 - 0.9 * (1 - value) if 0.5 <= value < 1 else 1.1 * value

    return {k: moved(k, v) for k, v in {"learning_rate": RATE, **row.numbers}.items()}


@pytest.mark.parametrize("language", EVERYWHERE)
@pytest.mark.parametrize("row", SOME)
def test_a_program_does_what_its_transformation_does(row, language):
    """To rounding, over 60 float64 steps on a vector and a matrix; in NumPy with other settings."""
    run = programs.runner(language)
    explanation = explained(row.id, (row.id, language) in BY_NAMES)
    numbers = other(row) if language == "numpy" else {"learning_rate": RATE, **row.numbers}
    params = programs.tree()
    extra = {k: programs.losses() for k in row.extra}
    grads = programs.gradients(params)
    found = run(explanation.code(language), params, grads, numbers, **extra)
    assert programs.apart(found, path(row.id, tuple(numbers.items()))) < CLOSE


@pytest.mark.parametrize("name", sampled(WITHOUT_FORMULA, 8))
def test_what_has_no_formula_says_so(name):
    for language in EVERYWHERE:
        with pytest.raises(ValueError, match=f"cannot be written as .*{WITHOUT_FORMULA[name]}"):
            explained(name).code(language)


def test_shapes_cannot_be_asked_for_in_javascript():
    for name, language in BY_NAMES:
        with pytest.raises(ValueError, match="plain arrays of numbers have no rank"):
            explained(name).code(language)


def test_every_open_setting_is_an_argument():
    """Of a maker with its defaults, and one without is wanted."""
    for maker in (optax.adamw, optax.lion, lectopt.adamw, optax.rmsprop):
        program: dict[str, Any] = {}
        exec(explain(maker).code("numpy"), program)
        theirs = inspect.signature(maker).parameters
        taken = dict(inspect.signature(program["init"]).parameters)
        taken |= inspect.signature(program["update"]).parameters
        assert taken["learning_rate"].default is inspect.Parameter.empty
        for name, parameter in taken.items():
            if parameter.kind is parameter.KEYWORD_ONLY and name != "learning_rate":
                assert parameter.default == theirs[name].default


def test_adam_reads_like_a_book():
    lines = [x.strip() for x in explain(optax.adam).code("numpy").splitlines()]
    body = lines[lines.index('t = state["t"] + 1') :]
    assert body == [
        't = state["t"] + 1',
        'mu = b1*state["mu"] + (1 - b1)*gradients',
        'nu = b2*state["nu"] + (1 - b2)*gradients**2',
        "mu_hat = mu/(1 - b1**t)",
        "nu_hat = nu/(1 - b2**t)",
        "updates = -learning_rate*mu_hat/(np.sqrt(nu_hat) + eps)",
        'return updates, {"t": t, "mu": mu, "nu": nu}',
    ]
    for language in EVERYWHERE:
        text = explain(lectopt.adamw).code(language)
        assert "where" not in text and "?" not in text  # no guard that never acts
        assert max(map(len, text.splitlines())) < 100


MASK = {"bias": False, "kernel": True}


def by_rank(params):
    return jax.tree.map(lambda x: x.ndim > 1, params)


# Transformations that are built, of public training code and of Optax; and how far rounding to
# float32 inside of Optax's schedules and counters may take them.
BUILT: dict[str, tuple[Any, float]] = {
    "a chain with a global clip": (
        optax.chain(optax.clip_by_global_norm(0.5), optax.adam(1e-2)),
        CLOSE,
    ),
    "a mask by rank": (optax.adamw(1e-2, weight_decay=0.1, mask=by_rank), CLOSE),
    "a mask by name": (optax.adamw(1e-2, weight_decay=0.1, mask=MASK), CLOSE),
    "labels": (
        optax.partition(
            {
                "a": optax.sgd(0.1),
                "b": optax.chain(optax.clip_by_global_norm(1.0), optax.adam(0.1)),
            },
            {"bias": "a", "kernel": "b"},
        ),
        CLOSE,
    ),
    "a frozen leaf": (optax.chain(optax.adam(1e-2), optax.freeze(MASK)), CLOSE),
    "warm-up and cosine": (
        optax.adamw(optax.warmup_cosine_decay_schedule(0.0, 1e-2, 10, 40), weight_decay=1e-2),
        1e-7,
    ),
    "pieces": (optax.sgd(optax.piecewise_constant_schedule(0.1, {10: 0.5, 30: 0.1})), 1e-7),
    "a schedule of ours": (lectopt.adam(lectopt.inverse_time_decay(0.1, 0.01)), CLOSE),
    "every fourth step": (optax.MultiSteps(optax.adam(0.01), 4).gradient_transformation(), 1e-7),
    "only if finite": (optax.apply_if_finite(optax.sgd(0.1, momentum=0.9), 3), CLOSE),
    "injected": (optax.inject_hyperparams(optax.adam)(learning_rate=1e-2), CLOSE),
    "nothing": (optax.set_to_zero(), CLOSE),
    "lookahead": (lectopt.lookahead(lectopt.adam(0.1), 5, 0.5), CLOSE),
    "averaged": (
        lectopt.chain(lectopt.sgd(0.1), lectopt.average_params(lectopt.averaging.uniform())),
        CLOSE,
    ),
    "lamb": (optax.lamb(0.1, weight_decay=0.01), CLOSE),
    "prodigy": (optax.contrib.prodigy(), CLOSE),
    "rprop": (optax.rprop(0.1), CLOSE),
    "radam": (optax.radam(0.01), CLOSE),
}


@pytest.mark.parametrize("language", EVERYWHERE)
@pytest.mark.parametrize("name", sampled(BUILT, 4))
def test_what_is_built_is_written_with_its_numbers(name, language):
    run = programs.runner(language)
    tx, close = BUILT[name]
    if name == "a mask by rank" and language == "javascript":
        with pytest.raises(ValueError, match="no rank"):
            explain(tx).code(language)
    params = programs.tree()
    named = params if name == "a mask by rank" and language == "javascript" else None
    text = explain(tx, params=named).code(language)
    grads = programs.gradients(params)
    assert (
        programs.apart(run(text, params, grads, {}), programs.original(tx, params, grads)) < close
    )


def test_leaves_of_one_rank_are_told_from_all_leaves():
    """Read on leaves of its own, a program is right on other trees: here a norm of all vectors."""
    kinds = {
        "vector": optax.chain(optax.clip_by_global_norm(0.5), optax.sgd(0.1)),
        "more": optax.chain(lectopt.clip_by_norm(0.5), lectopt.adam(0.01)),
    }
    tx = optax.partition(
        kinds, lambda p: jax.tree.map(lambda x: "vector" if x.ndim == 1 else "more", p)
    )
    text = explain(tx).code("numpy")
    params = programs.tree({"a": (5,), "b": (3,), "c": (4, 3), "d": (2, 2), "e": (2, 1, 3, 2)})
    grads = programs.gradients(params)
    theirs = programs.original(tx, params, grads)
    assert programs.apart(programs.with_numpy(text, params, grads, {}), theirs) < CLOSE


def test_many_leaves_are_listed_once():
    """Names that tell leaves apart are a constant of the program."""
    names = [f"block_{k}" for k in range(20)]
    params = {name: np.ones(3) for name in names}
    mask = {name: k % 2 == 0 for k, name in enumerate(names)}
    tx = optax.chain(optax.masked(optax.clip_by_global_norm(1.0), mask), optax.sgd(0.1))
    grads = programs.gradients(params)
    theirs = programs.original(tx, params, grads)
    for language in ("numpy", "javascript"):
        text = explain(tx, params=params).code(language)
        assert text.count("block_4") == 1 and max(map(len, text.splitlines())) < 100
        if language == "numpy" or programs.NODE:
            found = programs.runner(language)(text, params, grads, {})
            assert programs.apart(found, theirs) < CLOSE


def strange(t, g, params=0.3, new=0.9, function=1e-3, state=2.0, np=0.5):
    """A maker whose settings and statistics are words of the languages and of the programs."""

    def init(weights):
        zeros = jax.tree.map(jnp.zeros_like, weights)
        numbers = {"updates": jnp.zeros(()), "t": jnp.zeros(())}
        return {"lambda": zeros, "class": zeros, "g": zeros, **numbers}

    def update(grads, old, weights=None):
        both = jax.tree.map(lambda x, y: x + function * y, grads, old["g"])
        inner = jax.tree.map(lambda m, x: new * m + np * x, old["lambda"], both)
        other = jax.tree.map(lambda m, x: params * m + function * x * x, old["class"], grads)
        moves = jax.tree.map(lambda a, b: -t * a / (state + g * b), inner, other)
        counted = old["updates"] + t, old["t"] * g + 1.0
        after = {"lambda": inner, "class": other, "g": grads}
        after |= {"updates": counted[0], "t": counted[1]}
        scale = 1.0 + counted[0] + counted[1]
        return jax.tree.map(lambda x: x / scale, moves), after

    return optax.GradientTransformation(init, update)


@pytest.mark.parametrize("language", EVERYWHERE)
def test_names_that_mean_something_else(language):
    run = programs.runner(language)
    given = {"t": 0.2, "g": 0.4}  # also what the programs have by default
    text = explain(strange, **given).code(language)
    params = programs.tree()
    grads = programs.gradients(params)
    tx = strange(**given)
    assert (
        programs.apart(run(text, params, grads, {}), programs.original(tx, params, grads)) < CLOSE
    )


def test_rounding_that_is_left_out_is_said():
    text = explain(optax.adam(1e-2, mu_dtype=jnp.bfloat16)).code("numpy")
    assert "rounds to bfloat16 on the way; this does not" in " ".join(text.split())


def test_a_look_ahead_says_where():
    maker = ft.partial(lectopt.nesterov, form="look_ahead")
    program: dict[str, Any] = {}
    exec(explain(maker, learning_rate=0.1).code("numpy"), program)
    params, gradients = np.ones(3, np.float32), np.float32([1.0, -2.0, 0.5])
    _, state = program["update"](gradients, program["init"](params), params)
    tx = lectopt.nesterov(0.1, form="look_ahead")
    _, theirs = take_gradients_as_given(tx).update(gradients, tx.init(params), params)
    np.testing.assert_allclose(program["point"](state, params), tx.point(params, theirs), 1e-6)
    for language in ("torch", "javascript"):
        assert "point(" in explain(maker).code(language)


def test_wrong_language():
    with pytest.raises(ValueError, match="language must be one of numpy, torch, javascript"):
        explain(optax.sgd).code("fortran")


def test_programs_stand_alone():
    """They import nothing but their array library."""
    text = explain(optax.adamw).code("numpy")
    modules = "sys.modules.keys() & {'jax', 'optax', 'lectopt'}"
    done = subprocess.run(
        [sys.executable, "-c", f"{text}\nimport sys\nprint({modules})"],
        capture_output=True,
        text=True,
        cwd="/",
    )
    assert done.stdout == "set()\n", done.stderr
