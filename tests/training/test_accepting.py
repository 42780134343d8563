"""A directory that holds another run: refused, or gone on with where the call accepts it."""

import json

import jax.numpy as jnp
import optax
import pytest

import lectopt
from lectopt import fit
from lectopt.training import checkpoints, manifest
from tests.training.resumed import ARGUMENTS, TX, Killed, kill_at, train
from tests.training.runs import DATA, assert_same, assert_same_run, problem

pytestmark = pytest.mark.usefixtures("fast_compilation", "often")


def other_problem():
    return problem(loss=lambda *inputs: problem().loss(*inputs)[::2], minimize="accuracy")


REFUSED = [
    (dict(optimizer=lectopt.sgd(0.2)), ["optimizer"], r"learning_rate=0.1\).* here"),
    (dict(optimizer=optax.adam(0.1)), ["optimizer"], "there, .*GradientTransf"),
    (dict(of=other_problem()), ["problem"], "minimize='accuracy'"),
    (dict(of=problem(order="sequential")), ["problem"], "order='sequential'"),
    (
        dict(of=problem(data={**DATA, "train": (DATA["train"][0] + 1, DATA["train"][1])})),
        ["data"],
        r"train \[0\]: float32\[50, 5\], \[1\]: int32\[50\] \(sha256 ",
    ),
    (
        dict(seed=5, on_nonfinite="skip"),
        ["settings"],
        "seed 2 there, 5 here; on_nonfinite stop",
    ),
    (dict(start={"step": 3}), ["start"], "there"),
    (
        dict(seed=5, optimizer=lectopt.sgd(0.2)),
        ["optimizer", "settings"],
        r"accept_changes=\(\"optimizer\", \"settings\"\)",
    ),
]


@pytest.mark.parametrize(
    ("changes", "sections", "told"),
    [pytest.param(*row, marks=[pytest.mark.slow] * (i != 4)) for i, row in enumerate(REFUSED)],
)
def test_another_run_is_refused_section_by_section(changes, sections, told, tmp_path):
    train(tmp_path, steps=6)
    with pytest.raises(ValueError, match=f"(?s)holds another run:.*{told}") as caught:
        train(tmp_path, **changes)
    lines = str(caught.value).splitlines()
    assert [s for s in manifest.SECTIONS if any(x.startswith(f"  {s}:") for x in lines)] == sections
    changes = dict(changes, accept_changes=sections)
    if "optimizer" in sections:
        with pytest.warns(UserWarning, match="starts? afresh|Not used of the old state"):
            run = train(tmp_path, **changes)
    else:
        run = train(tmp_path, **changes)
    assert run.step == 40
    assert_same_run(train(tmp_path, **changes), run)  # accepted once, it is the run that is here
    told = json.loads((tmp_path / "manifest.json").read_text())["changes"]
    assert told == [{"step": 6, "sections": sections}]


def test_what_may_be_accepted(tmp_path):
    train(tmp_path, steps=6)
    with pytest.raises(ValueError, match=r"accept_changes may have any of .*got \['model'\]"):
        train(tmp_path, accept_changes=("model",))
    with pytest.raises(ValueError, match="give directory=, too"):
        fit(problem(), TX, 5, accept_changes=("data",))


def test_slots_of_another_optimizer_are_carried_by_name(tmp_path):
    """From momentum to momentum with a clip before it: the velocity goes on."""
    old = lectopt.momentum(0.1)
    new = lectopt.chain(lectopt.clip_by_global_norm(1e6), lectopt.momentum(0.1))
    train(tmp_path, old, steps=12)
    run = train(tmp_path, new, accept_changes=("optimizer",))
    assert_same(run.params, fit(problem(), old, **ARGUMENTS).params)


@pytest.mark.slow  # two or three runs, each compiled
def test_what_has_nothing_to_take_over_starts_afresh(tmp_path):
    """From an optimizer without state, and to one that keeps other things, both say so."""
    plain, watched = lectopt.sgd(0.1), lectopt.monitor(lectopt.sgd(0.1))
    train(tmp_path, plain, steps=12)
    with pytest.warns(UserWarning, match="starts afresh: .*'metrics"):
        train(tmp_path, watched, steps=24, accept_changes=("optimizer",))
    averaged = lectopt.chain(lectopt.sgd(0.1), lectopt.trace(0.0))
    with pytest.warns(UserWarning, match="the new optimizer starts afresh: .*nothing fits"):
        run = train(tmp_path, averaged, accept_changes=("optimizer",))
    assert_same(run.params, fit(problem(), plain, **ARGUMENTS).params)


@pytest.mark.slow  # two or three runs, each compiled
def test_a_change_that_is_killed_before_it_is_saved_is_made_again(tmp_path, monkeypatch):
    train(tmp_path, lectopt.momentum(0.1), steps=12)
    new = lectopt.chain(lectopt.momentum(0.1), lectopt.average_params(lectopt.averaging.uniform()))
    with monkeypatch.context() as patched, pytest.raises(Killed), pytest.warns(UserWarning):
        kill_at(patched, checkpoints, "save", 1)
        train(tmp_path, new, accept_changes=("optimizer",))
    with pytest.warns(UserWarning, match="carry_over: starts afresh: .*'average'"):
        run = train(tmp_path, new)
    assert_same(run.params, fit(problem(), lectopt.momentum(0.1), **ARGUMENTS).params)


@pytest.mark.slow  # two or three runs, each compiled
def test_a_run_that_was_not_finite_comes_back_so_and_goes_on_with_another_optimizer(tmp_path):
    wild = lectopt.sgd(lectopt.lambda_schedule(0.1, lambda t: jnp.where(t == 9, jnp.inf, 1.0)))
    with pytest.warns(UserWarning, match="the update of b is not finite in step 9"):
        run = train(tmp_path, wild)
    assert_same_run(train(tmp_path, wild), run)
    with pytest.warns(UserWarning, match="Not used of the old state: 'count'"):
        calm = train(tmp_path, lectopt.sgd(0.1), accept_changes=("optimizer",))
    assert_same(calm.params, fit(problem(), lectopt.sgd(0.1), **ARGUMENTS).params)
    assert calm.history.index.tolist() == list(range(40)) and "skipped" not in calm.history
    assert_same_run(train(tmp_path, lectopt.sgd(0.1)), calm)
