"""A run that goes on where its directory says, in the same bits."""

import json
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import lectopt
from lectopt import fit, read_run
from tests.training.resumed import ARGUMENTS, TX, interrupted, train
from tests.training.runs import DATA, N, assert_same, assert_same_run, problem, whole

pytestmark = pytest.mark.usefixtures("fast_compilation", "often")


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
