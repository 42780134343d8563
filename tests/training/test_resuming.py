"""A run that goes on where its directory says, in the same bits."""

import json
import os
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import lectopt
from lectopt import fit, read_run
from lectopt.training import checkpoints, files, manifest, store
from lectopt.training.loop import Loop
from tests.training.runs import DATA, N, assert_same, assert_same_run, problem, whole

pytestmark = pytest.mark.usefixtures("fast_compilation", "often")
TX = lectopt.chain(
    lectopt.adam(0.1),
    lectopt.reduce_on_plateau(factor=0.5, patience=1),
    lectopt.average_params(lectopt.averaging.exponential(0.9)),
)
ARGUMENTS = dict(steps=40, eval_every=6, seed=2)


@pytest.fixture
def often(monkeypatch):
    """States are saved after every block."""
    monkeypatch.setattr("lectopt.training.store.SAVE_EVERY", 0.0)


def train(directory, optimizer=TX, of=None, **changes):
    return fit(of or problem(), optimizer, directory=directory, **{**ARGUMENTS, **changes})


@pytest.fixture(scope="module")
def straight():
    return fit(problem(), TX, **ARGUMENTS)


class Killed(BaseException):
    """In place of a signal that nobody handles."""


def kill_at(monkeypatch, module, name, count, after=False):
    """Let the process end at a call of a function: before it, or after it. It is the `count`-th, or
    the one that is given a loop that is so far."""
    function, calls = getattr(module, name), []

    def wrapper(*args, **kwargs):
        loop = next((x for x in args if isinstance(x, Loop)), None)
        calls.append(1)
        now = len(calls) == count if loop is None else loop.step >= count
        if now and not after:
            raise Killed
        result = function(*args, **kwargs)
        if now and after:
            raise Killed
        return result

    monkeypatch.setattr(module, name, wrapper)


PLACES = {
    "before the manifest is there": (files.os, "replace", 1, False),
    "after the manifest": (files.os, "replace", 1, True),
    "before the first state": (checkpoints, "save", 1, False),
    "between arrays and done": (checkpoints, "mark", 3, False),
    "in the move of done": (files.os, "replace", 4, False),
    "after done": (checkpoints, "mark", 3, True),
    "before old ones are deleted": (store.shutil, "rmtree", 5, False),
    "in the history": (store, "_line", 20, False),
    "in the evaluations": (store.Store, "save", 12, False),
    "after the last state": (store.Store, "save", 40, True),
}


QUICK = ("between arrays and done",)


def rows(names, quick):
    """All of them; few in a plain run of the tests."""
    slow = {name: [] if name in quick else [pytest.mark.slow] for name in names}
    return [pytest.param(name, marks=marks) for name, marks in slow.items()]


@pytest.mark.parametrize("place", rows(PLACES, QUICK))
def test_killed_anywhere_the_same_call_ends_in_the_same_bits(
    place, monkeypatch, tmp_path, straight
):
    with monkeypatch.context() as patched, pytest.raises(Killed):
        kill_at(patched, *PLACES[place])
        train(tmp_path / "run")
    assert_same_run(train(tmp_path / "run"), straight)
    assert_same_run(train(tmp_path / "run"), straight)  # a finished run comes back
    states = sorted(p.name for p in (tmp_path / "run" / "checkpoints").iterdir())
    assert len(states) <= 2 and "40" in states
    assert not [*tmp_path.rglob("*orbax-checkpoint-tmp*")]


def test_a_finished_run_is_read_and_not_made_again(tmp_path, monkeypatch, straight):
    train(tmp_path)
    monkeypatch.setattr("lectopt.training.loop.Loop._block", None)
    run = train(tmp_path)
    assert_same_run(run, straight)
    assert_same(run.model, straight.model)
    with pytest.raises(ValueError, match=r"holds a run of 40 steps, more than steps=39. steps is"):
        train(tmp_path, steps=39)


def test_more_steps_go_on(tmp_path, straight):
    train(tmp_path, steps=12)
    assert_same_run(train(tmp_path), straight)
    lines = (tmp_path / "history.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == list(range(40))
    assert json.loads(lines[7])["loss"] == straight.history.loss.iloc[7]


@pytest.mark.slow  # two or three runs, each compiled
def test_the_points_of_a_run_stay_what_they_were(tmp_path):
    train(tmp_path, steps=40, eval_every=None)
    longer = train(tmp_path, steps=60, eval_every=None)
    assert longer.evaluations.index.tolist() == list(range(2, 61, 2))


def test_a_run_without_a_directory_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fit(problem(), TX, 3)
    assert [*tmp_path.iterdir()] == []


def interrupted(directory, at=24):
    """A run that has stopped in between, and saved it."""
    run = train(directory, callbacks=[lambda run: run.step == at])
    assert run.stopped.reason == "callback" and run.step == at
    return run


def test_a_stop_is_saved_and_decided_anew(tmp_path, straight):
    stopped = interrupted(tmp_path)
    again = train(tmp_path, callbacks=[lambda run: run.step == 24])
    assert_same_run(again, stopped)
    assert read_run(tmp_path).stopped == ("callback", 24, "")
    assert_same_run(train(tmp_path), straight)  # nobody stops it now
    assert_same_run(read_run(tmp_path), jax.device_get(train(tmp_path)))


@pytest.mark.slow  # two or three runs, each compiled
def test_patience_of_a_run_that_goes_on(tmp_path):
    tx, every = lectopt.sgd(1.0), dict(steps=400, eval_every=2)
    short = train(tmp_path, tx, patience=2, **every)
    assert short.stopped.reason == "patience"
    assert_same_run(train(tmp_path, tx, patience=2, **every), short)
    longer = train(tmp_path, tx, patience=4, **every)
    assert_same_run(longer, fit(problem(), tx, seed=2, patience=4, **every))
    assert longer.step > short.step


# What Orbax leaves behind in threads of its own when it cannot read.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    "what",
    rows(["_METADATA", "manifest.ocdbt", "d", "done", "numbers", "history"], ["d", "history"]),
)
def test_a_torn_state_is_said_once_and_the_one_before_it_is_taken(what, tmp_path, straight):
    interrupted(tmp_path)
    newest = tmp_path / "checkpoints" / "24"
    if what == "numbers":  # those of one array as another one's
        facts = json.loads((newest / "done").read_text())
        facts["leaves"][0]["crc32"] += 1
        (newest / "done").write_text(json.dumps(facts))
    elif what == "history":
        with open(tmp_path / "history.jsonl", "rb+") as file:
            file.truncate(os.path.getsize(tmp_path / "history.jsonl") - 9)
    else:
        for path in newest.rglob("d/*" if what == "d" else what):
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.warns(
        UserWarning, match=r"24 cannot be read .* it is 24.torn now. The run goes on"
    ):
        run = train(tmp_path)
    assert_same_run(run, straight)
    assert (tmp_path / "checkpoints" / "24.torn").exists()
    assert_same_run(train(tmp_path), straight)


def test_nothing_to_read_is_a_beginning(tmp_path, straight):
    interrupted(tmp_path)
    shutil.rmtree(tmp_path / "checkpoints")
    assert_same_run(train(tmp_path), straight)


def test_a_run_is_read_without_its_problem(tmp_path, straight):
    train(tmp_path)
    run = read_run(tmp_path)
    assert_same(run.params, jax.device_get(straight.params))
    assert_same(run.opt_state["plateau"], jax.device_get(straight.opt_state["plateau"]))
    assert (run.step, run.stopped, run.best.step) == (40, straight.stopped, straight.best.step)
    np.testing.assert_array_equal(run.history, straight.history)
    np.testing.assert_array_equal(run.evaluations, straight.evaluations)
    assert repr(run) == repr(straight)
    with pytest.raises(ValueError, match="the model is not known of a run that was read"):
        _ = run.model
    assert_same(whole(fit(problem(), TX, 45, start=run, seed=2, eval_every=6))[:2],
                whole(fit(problem(), TX, 45, seed=2, eval_every=6))[:2])  # fmt: skip
    for nothing in (tmp_path / "checkpoints", tmp_path / "nowhere"):
        with pytest.raises(ValueError, match="no run"):
            read_run(nothing)


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
    [
        pytest.param(*row, marks=[pytest.mark.slow] * (i not in (0, 4, 7)))
        for i, row in enumerate(REFUSED)
    ],
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


def test_a_directory_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("all of it")
    with pytest.raises(ValueError, match="holds thesis.tex and no run"):
        train(tmp_path)
    (tmp_path / "thesis.tex").unlink()
    (tmp_path / "manifest.json").write_text('{"format": 1, "kind": "sweep"}')
    with pytest.raises(ValueError, match="holds a sweep of format 1, and not a run of fit"):
        train(tmp_path)


def test_two_processes_do_not_train_one_run(tmp_path):
    def inside(run):
        with pytest.raises(ValueError, match="another process trains this run at this moment"):
            train(tmp_path)

    train(tmp_path, callbacks=[inside])


@pytest.mark.slow  # two or three runs, each compiled
def test_keys_and_empty_arrays_and_half_precision_are_kept(tmp_path):
    def init(key):
        params, _ = problem().init(key)
        half = {**params, "w": params["w"].astype(jnp.bfloat16), "none": jnp.zeros((0, 3))}
        return half, {"key": key, "layers": {0: jnp.zeros(()), 1: jnp.zeros((), jnp.int8)}}

    def loss(params, state, batch, key):
        logits = batch[0] @ params["w"].astype(jnp.float32) + params["b"]
        each = optax.softmax_cross_entropy_with_integer_labels(logits, batch[1])
        return each, {**state, "key": jax.random.split(state["key"], 1)[0]}

    odd = problem(init=init, loss=loss, evaluate=lambda params, state, split: {}, minimize=None)
    straight = fit(odd, lectopt.adam(0.1), **ARGUMENTS)
    train(tmp_path, lectopt.adam(0.1), of=odd, steps=18)
    assert_same_run(train(tmp_path, lectopt.adam(0.1), of=odd), straight)


class Loader:
    def __iter__(self):
        x, y = DATA["train"]
        return ((x[i : i + 8], y[i : i + 8]) for i in range(0, N, 8))


def test_an_iterable_goes_on_in_the_middle_of_an_epoch(tmp_path):
    streamed, tx = problem(data={**DATA, "train": Loader()}, batch_size=None), lectopt.adam(0.1)
    straight = fit(streamed, tx, **ARGUMENTS)
    stopped = train(tmp_path, tx, of=streamed, callbacks=[lambda run: run.step == 12])
    assert stopped.step == 12
    with pytest.warns(UserWarning, match="the first 5 batches of the epoch .* are skipped"):
        run = train(tmp_path, tx, of=streamed)
    assert_same_run(run, straight)
