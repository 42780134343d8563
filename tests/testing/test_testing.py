"""`lectopt.testing`: what is right passes all checks, and every bug is caught by its own."""

import os
import re
import subprocess
import sys
from pathlib import Path

import jax.numpy as jnp
import optax
import pytest

from lectopt import testing
from lectopt.testing import CHECKS, Subject, check_transformation, parametrize_with_checks
from tests.testing.bugs import BUGS
from tests.testing.momentum import momentum, momentum_twin

ROOT = Path(__file__).parents[2]
RATE = dict(learning_rate=0.1)
TWO = dict(learning_rate=0.1, decay=0.8)


def torch_like(learning_rate, decay):
    return optax.sgd(learning_rate, decay)


@parametrize_with_checks(
    [
        Subject(momentum, TWO, twin=momentum_twin, optax=torch_like, slots=1),
        Subject(
            optax.adam,
            RATE,
            skip={
                "zero_gradients_in_half_precision": "its eps of 1e-8 is zero in float16",
                "differentiable_at_zero": "sqrt(0), as its documentation says of eps_root",
            },
        ),
        Subject(optax.polyak_sgd, name="wants-the-loss", skip=[("donation", "shown to be a pair")]),
    ]
)
def test_what_is_right_passes(subject, check):
    check(subject)


EXTRAS = {
    "as_its_twin": dict(twin=lambda g, n, **s: momentum_twin(g, n, decay=0.9, **s)),
    "as_optax": dict(optax=lambda learning_rate: optax.sgd(learning_rate, 0.9)),
    "slots": dict(slots=1),
}


@pytest.mark.parametrize("name", BUGS)
def test_a_bug_is_caught_by_its_check(name):
    inner = dict(inner=optax.sgd(0.1)) if name == "extra_arguments" else {}
    subject = Subject(BUGS[name], RATE | inner, **EXTRAS.get(name, {}))
    with pytest.raises(AssertionError) as caught:
        CHECKS[name](subject)
    said = str(caught.value)
    assert said.startswith(subject.name) and f"The check {name!r} expects: " in said


@pytest.mark.parametrize(
    "name, words",
    [
        ("update_dtypes", r"the update for float16 gradients has float32\[2\] at \['bias'\]"),
        ("state_structure", r"\['last'\]\['dense'\]\['kernel'\].* is new"),
        ("donation", r"state\['last'\]\['dense'\]\['kernel'\] and params.* are one buffer"),
        ("traced_settings", "a traced learning_rate raised TracerBoolConversionError"),
        ("compiled_step", "traced again at call 2"),
        ("uncompiled_calls", "call 4 of update compiled 1 programs"),
        ("extra_arguments", "inner was not given the keyword 'unknown'"),
        ("as_its_twin", r"update 1 at \[2\] is .* in float64, and the twin's"),
        ("slots", "it keeps 2 numbers a weight, not 1"),
    ],
)
def test_a_message_says_what_was_wrong(name, words):
    inner = dict(inner=optax.sgd(0.1)) if name == "extra_arguments" else {}
    subject = Subject(BUGS[name], RATE | inner, **EXTRAS.get(name, {}))
    with pytest.raises(AssertionError, match=words):
        CHECKS[name](subject)


def test_all_failures_are_reported_at_once():
    with pytest.raises(ExceptionGroup, match="of growing_state failed: .*state_structure") as group:
        check_transformation(BUGS["state_structure"], **RATE)
    assert all(isinstance(error, AssertionError) for error in group.value.exceptions)
    with pytest.raises(ExceptionGroup, match=r"^1 of \d+ checks of no_name failed: runs"):
        check_transformation(BUGS["runs"], **RATE)


def test_the_page_lists_every_check():
    page = (ROOT / "docs" / "testing.md").read_text("utf-8").partition("## The checks")[2]
    listed = re.findall(r"`(\w+)`", page.partition("The docstring")[0])
    assert listed == list(CHECKS)


def test_equal_names_are_numbered():
    decorated = parametrize_with_checks([Subject(momentum, RATE), Subject(momentum, TWO)])
    ids = [case.id for case in decorated.args[1]]
    assert {"momentum-donation", "momentum_2-donation"} < set(ids) and len(set(ids)) == len(ids)


def test_a_built_transformation_is_checked_without_its_settings():
    built = Subject(lambda: momentum(0.1))
    assert not any("settings" in run.__name__ for run in testing.running.checks_of(built))
    with pytest.raises(TypeError, match="Settings are for a maker"):
        check_transformation(momentum(0.1), learning_rate=0.1)
    with pytest.raises(TypeError, match=r"Write Subject\("):
        parametrize_with_checks([optax.adam(0.1)])


@pytest.mark.parametrize("skip", [{"donation": ""}, {"donation": None}, ("donation",), ["purity"]])
def test_a_skip_needs_a_reason(skip):
    with pytest.raises(ValueError, match="has no reason"):
        Subject(optax.adam, RATE, skip=skip)


def test_a_skip_names_a_check():
    with pytest.raises(ValueError, match="no check 'donate'; there are runs, "):
        Subject(optax.adam, RATE, skip={"donate": "because"})


def test_a_twin_is_given_what_it_names():
    def asks(g, n, *, learning_rate, decay, params):
        assert (learning_rate, decay, params.shape) == (0.1, 0.9, g[0].shape)
        yield from momentum_twin(g, n, learning_rate=learning_rate, decay=decay)

    CHECKS["as_its_twin"](Subject(momentum, RATE, twin=asks))
    with pytest.raises(AssertionError, match="the twin asks for beta, which the maker does not"):
        CHECKS["as_its_twin"](Subject(momentum, RATE, twin=lambda g, n, *, beta: []))
    with pytest.raises(AssertionError, match=r"shape \(29, 6\)"):
        CHECKS["as_its_twin"](Subject(momentum, RATE, twin=lambda g, n: g[1:]))


def test_what_is_found_out_by_running():
    wants = {
        "polyak_sgd": ("value",),
        "sgd": (),
        "scale_by_backtracking_linesearch": ("value", "grad", "value_fn"),
    }
    for name, needs in wants.items():
        settings = dict(max_backtracking_steps=2) if "search" in name else {}
        settings |= RATE if name == "sgd" else {}
        assert Subject(getattr(optax, name), settings).needs == needs
    assert Subject(optax.adamw, RATE).moves_without_gradient
    assert not Subject(momentum, RATE).moves_without_gradient
    assert Subject(optax.clip_by_global_norm, dict(max_norm=1.0)).reduces
    assert not Subject(momentum, RATE).reduces
    assert list(Subject(optax.adam, RATE | dict(b1=jnp.float32(0.9), eps=0)).floats) == [
        "learning_rate",
        "b1",
    ]


AUTHOR = """
import jax.numpy as jnp, optax
from lectopt import testing

def descent(learning_rate):
    return optax.sgd(learning_rate)

def weight_decay(learning_rate):
    def update(updates, state, params=None):
        if params is not None:
            updates = optax.tree.add_scale(updates, 0.1, params)
        return optax.tree.scale(-learning_rate, updates), state
    return optax.GradientTransformation(optax.init_empty_state, update)

@testing.parametrize_with_checks([
    testing.Subject(descent, dict(learning_rate=0.1), skip={"purity": "said aloud"}),
    testing.Subject(weight_decay, dict(learning_rate=0.1)),
])
def test_contract(subject, check):
    check(subject)
"""


def test_in_somebody_elses_folder(tmp_path):
    (tmp_path / "test_mine.py").write_text(AUTHOR, "utf-8")
    wanted = ("-k", "runs or purity or parameters_left_out or sharded", "-rs", "-v")
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *wanted],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT), "XLA_FLAGS": ""},
        capture_output=True,
        encoding="utf-8",
    )
    for line in (
        "test_mine.py::test_contract[descent-runs] PASSED",
        "test_mine.py::test_contract[descent-purity] SKIPPED",
        "test_mine.py::test_contract[weight_decay-parameters_left_out] FAILED",
        "test_mine.py::test_contract[descent-sharded] SKIPPED",  # one device, which it says
    ):
        assert line in run.stdout, run.stdout
    assert "said aloud" in run.stdout and "there is one device" in run.stdout
    assert "weight_decay: the update without parameters is" in run.stdout
